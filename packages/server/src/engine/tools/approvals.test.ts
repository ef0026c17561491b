/** L4, L6, L7: what waits for people waits as rows, and is answered once. */
import { perdureError } from '@perdure/protocol';
import { describe, expect, test } from 'vitest';
import { type JsonObject, textOf } from '../../log/events.ts';
import type { Engine } from '../engine.ts';
import { batches, type CallScript, message } from '../scripted-provider.test-support.ts';
import { ACME, type Booted, codeOf, NOON, RIVAL, until, World } from '../world.test-support.ts';
import {
  becomes,
  calls,
  desk,
  type NamedCall,
  outcomes,
  session,
  shown,
  TestTools,
} from './agent-world.test-support.ts';
import { TOOL_LIMITS } from './desk.ts';
import { approvalId, parseApprovalId } from './approval-id.ts';

const said =
  (...steps: ReturnType<typeof calls>): CallScript =>
  () =>
    batches(steps);
const answers: CallScript = () => batches(message('Done.'));
const ask = (tools: TestTools) => desk(tools, name => (name === 'once' ? 'ask' : 'permit'));

async function pending(
  engine: Engine,
  id: string,
): Promise<readonly { readonly approval: string; readonly why: string }[]> {
  const { actions } = await engine.agentSessions.view(ACME, id);
  return actions.map(action => ({ approval: textOf(action['approval']), why: textOf(action['why']) }));
}

/** A session whose tool `once` waits for its approval. */
async function asked(...named: readonly NamedCall[]): Promise<{
  readonly made: World;
  readonly tools: TestTools;
  readonly booted: Booted;
  readonly id: string;
  readonly approval: string;
}> {
  const made = new World();
  made.provider.inTurn(said(...calls(...named)), answers);
  const tools = new TestTools();
  const booted = made.boot({ tools: ask(tools) });
  const id = await session(booted.engine);
  await becomes(booted.engine, id, 'requires_action');
  const [first] = await pending(booted.engine, id);
  return { made, tools, booted, id, approval: first?.approval ?? '' };
}

describe('an approval', () => {
  test('is asked for once what needs none has run, and its tool runs when it is given', async () => {
    const { tools, booted, id, approval } = await asked(['safe', '{}'], ['once', '{"a":1}']);
    const { engine } = booted;
    expect(tools.ran.map(({ name }) => name)).toEqual(['safe']);
    expect(engine.busy).toBe(0);
    expect(await pending(engine, id)).toEqual([{ approval, why: 'policy' }]);
    await engine.approvals.grant(ACME.tenant, approval, 'key:boss');
    await becomes(engine, id, 'idle');
    expect(await outcomes(engine, id)).toEqual([
      ['safe', 'done', 'did {}'],
      ['once', 'done', 'did {"a":1}'],
    ]);
    expect(await codeOf(engine.approvals.grant(ACME.tenant, approval, 'key:boss'))).toBe('approval_not_open');
  });

  test('survives the process, and of many who answer at once one is heard', async () => {
    const { made, tools, id, approval } = await asked(['once', '{}']);
    const { engine } = made.boot({ tools: ask(tools) });
    made.pass(31_000);
    const codes = await Promise.all([
      codeOf(engine.approvals.grant(ACME.tenant, approval, 'key:a')),
      codeOf(engine.approvals.deny(ACME.tenant, approval, 'key:b', 'no')),
      codeOf(engine.approvals.grant(ACME.tenant, approval, 'key:c')),
    ]);
    expect(codes.filter(code => code === null)).toHaveLength(1);
    expect(codes.filter(code => code === 'approval_not_open')).toHaveLength(2);
    await becomes(engine, id, 'idle');
    expect(tools.ran).toHaveLength(1);
  });

  test('that is denied is told to the model with its reason', async () => {
    const { tools, booted, id, approval } = await asked(['once', '{}']);
    await booted.engine.approvals.deny(ACME.tenant, approval, 'key:boss', 'too dear');
    await becomes(booted.engine, id, 'idle');
    expect(tools.ran).toEqual([]);
    expect(await outcomes(booted.engine, id)).toEqual([
      ['once', 'approval_denied', 'The call was not approved: too dear'],
    ]);
  });

  test.each([
    [TOOL_LIMITS.approvalMs - 1, null],
    [TOOL_LIMITS.approvalMs, 'approval_not_open'],
  ])('is answered until it expires: after %i ms', async (ms, code) => {
    const { made, booted, approval } = await asked(['once', '{}']);
    made.pass(ms);
    expect(await codeOf(booted.engine.approvals.grant(ACME.tenant, approval, 'key:boss'))).toBe(code);
  });

  test('L10: of another tenant is not there; nor is one that never was', async () => {
    const { booted, approval, id } = await asked(['once', '{}']);
    const { approvals } = booted.engine;
    expect(await codeOf(approvals.grant(RIVAL.tenant, approval, 'key:rival'))).toBe('approval_not_found');
    expect(await codeOf(approvals.grant(ACME.tenant, approvalId(id as never, 1), 'key:boss'))).toBe(
      'approval_not_found',
    );
    expect(await codeOf(approvals.grant(ACME.tenant, 'appr_x', 'key:boss'))).toBe('approval_not_found');
    expect(parseApprovalId(approvalId(id as never, 9))).toEqual({ session: id, seq: 9 });
    const { asked: event, open } = await approvals.read(ACME.tenant, approval);
    expect(event.head).toMatchObject({ policy: 'v7', agentVersion: 1, expiresAt: NOON + TOOL_LIMITS.approvalMs });
    expect(open).not.toBeNull();
  });

  test('of a tool that asks itself brings it the answer', async () => {
    const made = new World();
    made.provider.inTurn(said(...calls(['once', '{}'])), answers);
    const tools = new TestTools();
    tools.act = async ({ answer }) =>
      answer === null
        ? { ok: 'asks', about: { message: 'Which?' }, resume: 'r1' }
        : { ok: true, output: JSON.stringify(answer) };
    const { engine } = made.boot({ tools: desk(tools) });
    const id = await session(engine);
    await becomes(engine, id, 'requires_action');
    const [action] = await pending(engine, id);
    expect(action?.why).toBe('tool_asks');
    await engine.approvals.grant(ACME.tenant, action?.approval ?? '', 'key:boss', { choice: 2 });
    await becomes(engine, id, 'idle');
    expect(await outcomes(engine, id)).toEqual([
      ['once', 'done', JSON.stringify({ granted: true, value: { choice: 2 }, resume: 'r1' })],
    ]);
    expect(new Set(tools.ran.map(({ key }) => key)).size).toBe(1);
  });
});

test('L7: hosts are opened by a person for the call that named them; nobody else is asked in a reviewed session', async () => {
  const asks: TestTools['act'] = async ({ answer }) =>
    answer === null
      ? { ok: 'asks', why: 'network', about: { type: 'network', hosts: ['a.test'] }, resume: null }
      : { ok: true, output: 'reached' };
  for (const review of ['none', 'auto_review'] as const) {
    const made = new World();
    made.provider.inTurn(said(...calls(['once', '{}'])), answers);
    const tools = new TestTools();
    tools.act = asks;
    const model = { model: 'gpt', instructions: null, maxOutputTokens: 50, timeoutMs: 1000 };
    const { engine } = made.boot({ tools: { ...desk(tools), review: model } });
    const id = await session(engine, { review });
    await becomes(engine, id, 'idle', 'requires_action');
    if (review === 'auto_review') {
      expect(await outcomes(engine, id)).toMatchObject([['once', 'permission_denied', expect.anything()]]);
      continue;
    }
    const [action] = await pending(engine, id);
    expect(action?.why).toBe('network');
    await engine.approvals.grant(ACME.tenant, action?.approval ?? '', 'key:boss');
    await becomes(engine, id, 'idle');
    expect(await outcomes(engine, id)).toEqual([['once', 'done', 'reached']]);
  }
});

describe('L6: a tool that was running when the process died', () => {
  async function died(
    name: 'safe' | 'once',
  ): Promise<{ readonly engine: Engine; readonly tools: TestTools; readonly id: string }> {
    const made = new World();
    made.provider.inTurn(said(...calls([name, '{}'])), answers);
    const tools = new TestTools();
    tools.act = () => new Promise(() => undefined);
    // What the first process still does reaches no store: it is dead.
    let dead = false;
    const first = made.boot({
      tools: desk(tools),
      wrap: store => ({ ...store, append: append => (dead ? new Promise(() => undefined) : store.append(append)) }),
    });
    const id = await session(first.engine);
    await until(() => tools.ran.length === 1, 'the tool runs');
    dead = true;
    made.pass(60_000);
    tools.act = async () => ({ ok: true, output: 'again' });
    const { engine } = made.boot({ tools: desk(tools) });
    await engine.recover();
    return { engine, tools, id };
  }

  test('runs again under the same key if it may', async () => {
    const { engine, tools, id } = await died('safe');
    await becomes(engine, id, 'idle');
    expect(tools.ran).toHaveLength(2);
    expect(new Set(tools.ran.map(({ key }) => key)).size).toBe(1);
    expect(await outcomes(engine, id)).toEqual([['safe', 'done', 'again']]);
  });

  test.each([
    ['run again', 'grant', 2, ['once', 'done', 'again']],
    ['given up', 'deny', 1, ['once', 'outcome_unknown', expect.stringContaining('It is not known')]],
  ] as const)('else stops, and is %s as people say', async (_, answer, runs, outcome) => {
    const { engine, tools, id } = await died('once');
    await becomes(engine, id, 'requires_action');
    expect(tools.ran).toHaveLength(1);
    const [action] = await pending(engine, id);
    expect(action?.why).toBe('outcome_unknown');
    if (answer === 'grant') await engine.approvals.grant(ACME.tenant, action?.approval ?? '', 'key:boss');
    else await engine.approvals.deny(ACME.tenant, action?.approval ?? '', 'key:boss', '');
    await becomes(engine, id, 'idle');
    expect(tools.ran).toHaveLength(runs);
    expect(await outcomes(engine, id)).toEqual([outcome]);
  });
});

describe('L6: a tool whose worker has gone', () => {
  const GONE = [
    ['died while it ran', { worker_code: 'outcome_unknown' }],
    ['had it, and never said what became of it', { delivered: true }],
  ] as const;

  /** Its first run ends like that. */
  async function gone(name: 'safe' | 'once', details: JsonObject) {
    const made = new World();
    made.provider.inTurn(said(...calls([name, '{}'])), answers);
    const tools = new TestTools();
    const again: (string | undefined)[] = [];
    tools.act = async run => {
      again.push(run.again);
      if (tools.ran.length === 1) throw perdureError('environment_disconnected', 'The worker ended.', { details });
      return { ok: true, output: 'again' };
    };
    const { engine } = made.boot({ tools: desk(tools) });
    return { engine, tools, again, id: await session(engine) };
  }

  test.each(GONE)('%s: people are asked, and their answer lets it run again', async (_, details) => {
    const { engine, tools, again, id } = await gone('once', details);
    await becomes(engine, id, 'requires_action');
    const [action] = await pending(engine, id);
    expect(action?.why).toBe('outcome_unknown');
    expect(tools.ran).toHaveLength(1);
    await engine.approvals.grant(ACME.tenant, action?.approval ?? '', 'key:boss');
    await becomes(engine, id, 'idle');
    expect(await outcomes(engine, id)).toEqual([['once', 'done', 'again']]);
    // The run that they allowed is told so: under the first one's key alone a worker would not run it.
    expect(again).toEqual([undefined, action?.approval]);
    expect(new Set(tools.ran.map(({ key }) => key)).size).toBe(1);
  });

  test('or ends it', async () => {
    const { engine, tools, id } = await gone('once', GONE[0][1]);
    await becomes(engine, id, 'requires_action');
    await engine.approvals.deny(ACME.tenant, (await pending(engine, id))[0]?.approval ?? '', 'key:boss', '');
    await becomes(engine, id, 'idle');
    expect(tools.ran).toHaveLength(1);
    expect(await outcomes(engine, id)).toEqual([['once', 'outcome_unknown', expect.stringContaining('not known')]]);
  });

  test.each([
    ['it may run twice', 'safe', { delivered: true }],
    ['no worker had it', 'once', { delivered: false }],
  ] as const)('nobody is asked where %s: the model is told', async (_, name, details) => {
    const { engine, id } = await gone(name, details);
    await becomes(engine, id, 'idle');
    expect(await outcomes(engine, id)).toEqual([[name, 'environment_disconnected', 'The worker ended.']]);
  });
});

describe('a function that the client runs', () => {
  const CLIENT = {
    agent: {
      model: 'gpt',
      tools: [{ type: 'function', name: 'look', description: 'd', parameters: { type: 'object' } }],
    },
  };
  async function looked(
    verdict: 'ask' | 'deny',
  ): Promise<{ readonly engine: Engine; readonly id: string; readonly made: World }> {
    const made = new World();
    made.provider.inTurn(said(...calls(['look', '{"a":1}'])), answers);
    const { engine } = made.boot({ tools: desk(new TestTools(), () => verdict) });
    return { engine, id: await session(engine, CLIENT), made };
  }
  const told = async (engine: Engine, id: string): Promise<readonly string[]> =>
    (await shown(engine, id)).map(({ type }) => type).filter(type => type.startsWith('perdure.'));

  test('is not told of before its approval was given, and then waits for its result', async () => {
    const { engine, id } = await looked('ask');
    await becomes(engine, id, 'requires_action');
    expect(await told(engine, id)).toEqual(['perdure.waiting']);
    const [action] = await pending(engine, id);
    await engine.approvals.grant(ACME.tenant, action?.approval ?? '', 'key:boss');
    const { actions, turn } = await engine.agentSessions.view(ACME, id);
    expect(actions).toMatchObject([{ kind: 'function_call', name: 'look' }]);
    expect(await told(engine, id)).toEqual(['perdure.waiting', 'perdure.tool', 'perdure.waiting']);
    const result = { type: 'agent.session.input.tool_result', call_id: 'call_look_0', success: true } as const;
    const wrong = { ...result, turn_id: 'turn_x' };
    expect(await codeOf(engine.agentSessions.post(ACME, id, [wrong], null))).toBe('invalid_request_error');
    await engine.agentSessions.post(ACME, id, [{ ...result, turn_id: turn ?? '', output: 'a hill' }], null);
    await becomes(engine, id, 'idle');
    expect(await outcomes(engine, id)).toEqual([['look', 'done', 'a hill']]);
  });

  test('that is denied is never told of', async () => {
    const { engine, id } = await looked('deny');
    await becomes(engine, id, 'idle');
    expect(await told(engine, id)).toEqual(['perdure.tool_done']);
    expect(await outcomes(engine, id)).toEqual([['look', 'permission_denied', 'Permission denied by policy (rule).']]);
  });
});

test('an approval that nobody gives expires by itself, and the turn goes on', async () => {
  const { made, booted, tools, id } = await asked(['once', '{}']);
  const [store] = booted.stores;
  made.pass(TOOL_LIMITS.approvalMs - 1);
  expect(await store?.due(made.clock.now(), 10)).toEqual([]);
  made.pass(1);
  const [row] = (await store?.due(made.clock.now(), 10)) ?? [];
  if (row === undefined) throw new Error('nothing is due');
  await booted.wake(row);
  await becomes(booted.engine, id, 'idle');
  expect(tools.ran).toEqual([]);
  expect(await outcomes(booted.engine, id)).toMatchObject([['once', 'approval_expired', null]]);
});
