/** Functions whose results the model does not wait for: `async`. */
import { describe, expect, test } from 'vitest';
import { textOf } from '../../log/events.ts';
import { batches, type CallScript, message } from '../scripted-provider.test-support.ts';
import { ACME, type Booted, codeOf, gate, RIVAL, until, World } from '../world.test-support.ts';
import { becomes, desk, type NamedCall, outcomes, session, shown, TestTools } from './agent-world.test-support.ts';
import {
  AGENT,
  answer,
  asks,
  CALL,
  errorOf,
  rejects,
  say,
  says,
  sent as sentOf,
  times,
  turnIds,
  UNKNOWN,
} from './async-world.test-support.ts';
import type { ToolLimits } from './desk.ts';

const slow: NamedCall = ['slow', '{"n":1}'];

interface Here extends Booted {
  readonly world: World;
  readonly id: string;
}

async function begun(
  scripts: readonly CallScript[],
  { limits = {}, ask = false }: { limits?: Partial<ToolLimits>; ask?: boolean } = {},
): Promise<Here> {
  const world = new World();
  world.provider.inTurn(...scripts);
  const booted = world.boot({ tools: desk(new TestTools(), () => (ask ? 'ask' : 'permit'), limits) });
  return { ...booted, world, id: await session(booted.engine, AGENT) };
}

const sent = ({ world }: Here, n: number): string => sentOf(world, n);

describe('a call of an async function', () => {
  test('does not hold the turn up: the model is told that it is pending, and who drives the session which call it is', async () => {
    const here = await begun([asks(slow), says('Meanwhile.')]);
    await becomes(here.engine, here.id, 'idle');
    expect(here.world.provider.calls).toHaveLength(2);
    expect(sent(here, 1)).toContain('The call is pending');
    const [turn] = await turnIds(here);
    const { status, actions } = await here.engine.agentSessions.view(ACME, here.id);
    expect([status, actions]).toEqual([
      'idle',
      [{ kind: 'function_call', turn, call_id: CALL, name: 'slow', arguments: '{"n":1}' }],
    ]);
  });

  test('its result begins a turn, and is taken once', async () => {
    const here = await begun([asks(slow), says('Meanwhile.'), says('It rains.')]);
    await becomes(here.engine, here.id, 'idle');
    await answer(here);
    await until(() => here.world.provider.calls.length === 3, 'the model is told');
    await becomes(here.engine, here.id, 'idle');
    expect(times(sent(here, 2), 'it rains')).toBe(1);
    expect(sent(here, 2)).toContain(`Result of the call ${CALL} of slow`);
    expect(await errorOf(answer(here))).toBe(UNKNOWN);
    expect((await here.engine.agentSessions.view(ACME, here.id)).actions).toEqual([]);
    await say(here, 'And now?');
    await until(() => here.world.provider.calls.length === 4, 'the model is asked');
    expect(times(sent(here, 3), 'it rains')).toBe(1);
  });

  test('its result steers a turn that runs, and ends the call there', async () => {
    const talks = gate();
    const here = await begun([
      asks(slow),
      async function* () {
        yield [];
        await talks.opened;
        yield* batches(message('Hm.'));
      },
      says('It rains.'),
    ]);
    await until(() => here.world.provider.calls.length === 2, 'the model goes on');
    await answer(here);
    talks.open();
    await becomes(here.engine, here.id, 'idle');
    expect(await turnIds(here)).toHaveLength(1);
    expect(times(sent(here, 2), 'it rains')).toBe(1);
    expect(await outcomes(here.engine, here.id)).toEqual([['slow', 'done', 'it rains']]);
  });

  test('one that fails is told of as an error', async () => {
    const here = await begun([asks(slow), says('Meanwhile.'), says('A pity.')]);
    await becomes(here.engine, here.id, 'idle');
    await answer(here, { error: 'no weather' });
    await until(() => here.world.provider.calls.length === 3, 'the model is told');
    expect(sent(here, 2)).toContain(`Error of the call ${CALL} of slow`);
    expect(sent(here, 2)).toContain('no weather');
  });

  test('beside one that is waited for: the turn waits for that one alone, and names both', async () => {
    const here = await begun([asks(slow, ['quick', '{}']), says('Done.')]);
    await becomes(here.engine, here.id, 'requires_action');
    const { actions } = await here.engine.agentSessions.view(ACME, here.id);
    expect(actions.map(({ call_id: callId }) => callId)).toEqual(['call_quick_1', CALL]);
    const facts = (await shown(here.engine, here.id)).filter(({ type }) => type === 'perdure.waiting');
    expect(facts).toHaveLength(1);
    expect(facts[0]?.json).toContain(CALL);
    // The result of the other is kept meanwhile.
    await answer(here, { output: 'it rains' });
    expect((await here.engine.agentSessions.view(ACME, here.id)).status).toBe('requires_action');
    await answer(here, { callId: 'call_quick_1', output: 'quick' });
    await becomes(here.engine, here.id, 'idle');
    expect(here.world.provider.calls).toHaveLength(2);
    expect(times(sent(here, 1), 'it rains')).toBe(1);
  });

  test('that people are asked about is postponed once they said yes', async () => {
    const here = await begun([asks(slow), says('Meanwhile.'), says('It rains.')], { ask: true });
    await becomes(here.engine, here.id, 'requires_action');
    expect(await errorOf(answer(here))).toBe(UNKNOWN);
    const [action] = (await here.engine.agentSessions.view(ACME, here.id)).actions;
    await here.engine.approvals.grant(ACME.tenant, textOf(action?.['approval']), 'key:boss');
    await becomes(here.engine, here.id, 'idle');
    await answer(here);
    await until(() => here.world.provider.calls.length === 3, 'the model is told');
  });

  test('survives its process', async () => {
    const here = await begun([asks(slow), says('Meanwhile.'), says('It rains.')]);
    await becomes(here.engine, here.id, 'idle');
    here.world.pass(60_000);
    const next = here.world.boot({ tools: desk(new TestTools()) });
    await next.engine.recover();
    expect((await next.engine.agentSessions.view(ACME, here.id)).actions).toHaveLength(1);
    await answer({ ...next, id: here.id });
    await until(() => here.world.provider.calls.length === 3, 'the model is told');
    expect(times(sent(here, 2), 'it rains')).toBe(1);
  });

  test('goes with its turn, if that is cancelled', async () => {
    const here = await begun([
      asks(slow),
      async function* () {
        yield [];
        await new Promise(() => undefined);
      },
    ]);
    await until(() => here.world.provider.calls.length === 2, 'the model goes on');
    await here.engine.agentSessions.post(ACME, here.id, [{ type: 'agent.session.input.cancel' }], null);
    await becomes(here.engine, here.id, 'idle');
    expect(await errorOf(answer(here))).toBe(UNKNOWN);
    expect((await here.engine.agentSessions.view(ACME, here.id)).actions).toEqual([]);
    await here.engine.agentSessions.delete(ACME, here.id);
  });

  test('that is pending does not keep its session from being deleted', async () => {
    const here = await begun([asks(slow), says('Meanwhile.')]);
    await becomes(here.engine, here.id, 'idle');
    await here.engine.agentSessions.delete(ACME, here.id);
    expect(await codeOf(answer({ engine: here.engine, id: here.id }))).toBe('session_not_found');
  });

  test('is another tenant’s to nobody', async () => {
    const here = await begun([asks(slow), says('Meanwhile.')]);
    await becomes(here.engine, here.id, 'idle');
    const [turn = ''] = await turnIds(here);
    const event = { type: 'agent.session.input.tool_result', turn_id: turn, call_id: CALL, success: true } as const;
    expect(await codeOf(here.engine.agentSessions.post(RIVAL, here.id, [event], null))).toBe('session_not_found');
  });
});

describe('a result', () => {
  test('that a turn took which failed is taken by the next', async () => {
    const here = await begun([asks(slow), says('Meanwhile.'), rejects, says('It rains.')]);
    await becomes(here.engine, here.id, 'idle');
    await answer(here);
    await until(() => here.world.provider.calls.length === 3, 'the turn that fails');
    await becomes(here.engine, here.id, 'idle');
    await say(here, 'Again?');
    await until(() => here.world.provider.calls.length === 4, 'the next turn');
    await becomes(here.engine, here.id, 'idle');
    expect(times(sent(here, 3), 'it rains')).toBe(1);
    expect(sent(here, 3)).toContain('Again?');
    await say(here, 'And now?');
    await until(() => here.world.provider.calls.length === 5, 'the one after it');
    expect(times(sent(here, 4), 'it rains')).toBe(1);
  });

  test('that is sent again while it waits is taken as one; another in its place is refused', async () => {
    const here = await begun([asks(slow, ['quick', '{}']), says('Done.')]);
    await becomes(here.engine, here.id, 'requires_action');
    await answer(here);
    await answer(here);
    expect(await errorOf(answer(here, { output: 'it snows' }))).toBe(UNKNOWN);
    await answer(here, { callId: 'call_quick_1' });
    await becomes(here.engine, here.id, 'idle');
    expect(times(sent(here, 1), 'it rains')).toBe(2);
  });

  test('of a turn that did not make the call is refused', async () => {
    const here = await begun([asks(slow), says('Meanwhile.'), says('Yes?')]);
    await becomes(here.engine, here.id, 'idle');
    await say(here, 'Hello');
    await becomes(here.engine, here.id, 'idle');
    expect(await errorOf(answer(here, { turn: 1 }))).toBe(UNKNOWN);
    await answer(here);
  });
});

describe('a bound', () => {
  test.each([
    [2, [], 2],
    [
      1,
      [
        [
          'slow',
          'too_many_pending_calls',
          'Too many calls are pending: at most 1. Wait for their results, or do without.',
        ],
      ],
      1,
    ],
  ])('of %i calls that are pending', async (asyncCalls, ended, open) => {
    const here = await begun([asks(slow, slow), says('Meanwhile.')], { limits: { asyncCalls } });
    await becomes(here.engine, here.id, 'idle');
    expect(await outcomes(here.engine, here.id)).toEqual(ended);
    expect((await here.engine.agentSessions.view(ACME, here.id)).actions).toHaveLength(open);
  });

  test.each([
    [999, true],
    [1000, false],
  ])('of their lifetime: %i ms of 1000', async (passed, taken) => {
    const here = await begun([asks(slow), says('Meanwhile.'), says('Well.')], { limits: { asyncMs: 1000 } });
    await becomes(here.engine, here.id, 'idle');
    here.world.pass(passed);
    expect((await here.engine.agentSessions.view(ACME, here.id)).actions).toHaveLength(taken ? 1 : 0);
    if (taken) return answer(here);
    expect(await errorOf(answer(here))).toBe(UNKNOWN);
    // The model is told when it is asked next, once.
    await say(here, 'Hello?');
    await until(() => here.world.provider.calls.length === 3, 'the model is asked');
    await becomes(here.engine, here.id, 'idle');
    expect(times(sent(here, 2), 'No result came in time')).toBe(1);
    await say(here, 'Hello?');
    await until(() => here.world.provider.calls.length === 4, 'the model is asked');
    expect(times(sent(here, 3), 'No result came in time')).toBe(1);
  });

  test('of its characters', async () => {
    const here = await begun([asks(slow), says('Meanwhile.'), says('Well.')], { limits: { outputChars: 100 } });
    await becomes(here.engine, here.id, 'idle');
    await answer(here, { output: 'x'.repeat(101) });
    await until(() => here.world.provider.calls.length === 3, 'the model is told');
    expect(sent(here, 2)).toContain('1 characters left out');
  });
});
