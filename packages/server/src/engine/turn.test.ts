/** A stored turn from its request to its end: what is durable when, what is shown, what is read back. */
import { describe, expect, test } from 'vitest';
import { validateResponse, validateShown } from '../session/open-responses.test-support.ts';
import { decodeEvent } from '../log/codec.ts';
import type { EventType, LogEvent } from '../log/events.ts';
import type { ResponseId, SessionId } from '../kernel/ids.ts';
import { batches, failure, functionCall, message, thenFail } from './scripted-provider.test-support.ts';
import { ACME, ask, codeOf, read, World, type Booted } from './world.test-support.ts';

async function eventsOf({ stores: [store] }: Booted, id: string): Promise<readonly LogEvent[]> {
  const row = await store?.response(ACME.tenant, id as ResponseId);
  const session = row?.session ?? ('' as SessionId);
  const stored = await store?.events({ tenant: ACME.tenant, session, from: 1, limit: 1000 });
  return (stored ?? []).map(one => decodeEvent({ tenant: ACME.tenant, session }, one));
}

async function typesOf(booted: Booted, id: string): Promise<EventType[]> {
  return (await eventsOf(booted, id)).map(({ type }) => type);
}

const BEGIN: EventType[] = ['session.created', 'state.placed', 'input.accepted', 'turn.started', 'call.placed'];

describe('a turn', () => {
  test('is a log of its own: begun in one commit, ended in another', async () => {
    const booted = new World().boot();
    const response = await ask(booted.engine);
    const resource = await response.done;
    expect(validateResponse(resource)).toEqual([]);
    expect(resource).toMatchObject({ status: 'completed', usage: { input_tokens: 10, output_tokens: 5 } });
    expect(await typesOf(booted, response.id)).toEqual([...BEGIN, 'call.completed', 'turn.completed']);
  });

  test('O1: is read back as it was shown, byte for byte, and every byte is Open Responses', async () => {
    const world = new World();
    const { engine } = world.boot();
    world.provider.follow(() => batches([...message('Hel', 'lo', ''), ...functionCall('c1', '{"a":1}', 1)]));
    const response = await ask(engine, { stream: true });
    const live = await read(response.events());
    await response.done;
    expect(live.flatMap(validateShown)).toEqual([]);
    expect(await read(await engine.stream(ACME, response.id, -1))).toEqual(live);
    expect(await read(await engine.stream(ACME, response.id, 4))).toEqual(live.slice(5));
    expect(live.map(json => (JSON.parse(json) as { sequence_number: number }).sequence_number)).toEqual(
      live.map((_, i) => i),
    );
    expect(await engine.response(ACME, response.id)).toEqual(await response.done);
    // Another process reads the same bytes out of the log.
    expect(await read(await world.boot().engine.stream(ACME, response.id, -1))).toEqual(live);
  });

  test.each([
    ['upstream_rejected', failure('upstream_rejected', { status: 400, param: 'temperature' })],
    ['upstream_rate_limited', failure('upstream_rate_limited', { status: 429 })],
    ['context_length_exceeded', failure('context_length_exceeded', { status: 400 })],
  ] as const)('O1: that failed with %s is read back as it was shown', async (code, error) => {
    const world = new World();
    const { engine } = world.boot();
    world.provider.follow(() => thenFail([], error));
    const response = await ask(engine, { stream: true });
    const live = await read(response.events());
    expect(await codeOf(response.done)).toBe(code);
    expect(live.flatMap(validateShown)).toEqual([]);
    expect(await read(await engine.stream(ACME, response.id, -1))).toEqual(live);
  });

  test('O1, O2: that was cut and tried again shows commentary, then the answer, without a gap, and reads back the same', async () => {
    const world = new World();
    const booted = world.boot();
    world.provider.inTurn(
      () => thenFail(message('Half of').slice(0, 3), failure('upstream_interrupted')),
      () => batches(message('The whole')),
    );
    const response = await ask(booted.engine, { stream: true });
    const live = await read(response.events());
    const resource = await response.done;
    expect(resource.output).toMatchObject([
      { status: 'incomplete', phase: 'commentary', content: [{ text: 'Half of' }] },
      { status: 'completed', phase: 'final_answer', content: [{ text: 'The whole' }] },
    ]);
    expect(live.map(json => (JSON.parse(json) as { sequence_number: number }).sequence_number)).toEqual(
      live.map((_, i) => i),
    );
    expect(await read(await booted.engine.stream(ACME, response.id, -1))).toEqual(live);
    // The next call is sent the answer, not what was cut.
    await (await ask(booted.engine, { previous_response_id: response.id })).done;
    const sent = JSON.stringify(world.provider.calls.at(-1)?.context);
    expect(sent).toContain('The whole');
    expect(sent).not.toContain('Half of');
  });

  test('whose function call was cut after it had been shown ends, and that call never runs', async () => {
    const world = new World();
    const { engine } = world.boot();
    world.provider.follow(() =>
      thenFail(functionCall('c1').slice(0, 2), failure('upstream_interrupted', { retryable: true })),
    );
    const response = await ask(engine, { stream: true });
    const live = await read(response.events());
    expect(await codeOf(response.done)).toBe('upstream_interrupted');
    expect(world.provider.calls).toHaveLength(1);
    expect(JSON.parse(live.at(-1) ?? '')).toMatchObject({ type: 'response.failed' });
    expect(await read(await engine.stream(ACME, response.id, -1))).toEqual(live);
  });

  test('the same, when nobody streamed: nothing was shown, so it is asked again, and the cut leaves no trace', async () => {
    const world = new World();
    const booted = world.boot();
    world.provider.inTurn(
      () => thenFail(functionCall('c1').slice(0, 2), failure('upstream_interrupted')),
      () => batches(functionCall('c2')),
    );
    const response = await ask(booted.engine);
    expect((await response.done).output).toMatchObject([{ type: 'function_call', call_id: 'c2' }]);
    expect(await typesOf(booted, response.id)).toEqual([
      ...BEGIN,
      'call.failed',
      'call.placed',
      'call.completed',
      'turn.completed',
    ]);
  });

  test('tries as many calls as it is allowed, another target each, and then fails', async () => {
    const world = new World();
    const { engine } = world.boot();
    world.provider.follow(() => thenFail([], failure('upstream_error', { retryable: true, status: 500 })));
    const response = await ask(engine);
    expect(await codeOf(response.done)).toBe('upstream_error');
    expect(world.provider.calls.map(({ upstream }) => upstream.target).toSorted()).toEqual(['up-1', 'up-2', 'up-3']);
    const one = world.boot({ limits: { turnAttempts: 1 } });
    const calls = world.provider.calls.length;
    await codeOf((await ask(one.engine)).done);
    expect(world.provider.calls.length).toBe(calls + 1);
  });

  test('S3: a failed turn leaves nothing for the next one but itself', async () => {
    const world = new World();
    const { engine } = world.boot();
    const conversation = await engine.conversations.create(ACME, [], {});
    await (await ask(engine, { conversation: conversation.id, input: 'first' })).done;
    world.provider.follow(() => thenFail([], failure('upstream_rejected', { status: 400 })));
    const failed = await ask(engine, { conversation: conversation.id, input: 'lost' });
    await codeOf(failed.done);
    world.provider.follow(() => batches(message('ok')));
    await (await ask(engine, { conversation: conversation.id, input: 'third' })).done;
    const sent = JSON.stringify(world.provider.calls.at(-1)?.context);
    expect([sent.includes('first'), sent.includes('lost'), sent.includes('third')]).toEqual([true, false, true]);
    // What failed can still be read.
    expect(JSON.stringify(await engine.inputItems(ACME, failed.id))).toContain('lost');
  });

  test.each([
    ['ends without an end', () => batches(message('shown'), null)],
    [
      'breaks the rules of steps',
      () => batches([...message('shown'), { type: 'delta', index: 1, part: 0, text: 'x' } as const]),
    ],
    ['throws something of its own', () => thenFail(message('shown').slice(0, 3), new TypeError('bug'))],
  ])(
    'T3, O2: a provider that %s fails the turn; what was shown stays, and no number is given twice',
    async (_, script) => {
      const world = new World({ limits: { turnAttempts: 1 } });
      const { engine } = world.boot();
      world.provider.follow(script);
      const response = await ask(engine, { stream: true });
      const live = await read(response.events());
      expect(await codeOf(response.done)).not.toBeNull();
      expect(live.map(json => (JSON.parse(json) as { sequence_number: number }).sequence_number)).toEqual(
        live.map((_, i) => i),
      );
      const resource = await engine.response(ACME, response.id);
      expect(resource.status).toBe('failed');
      expect(JSON.stringify(resource.output)).toContain('shown');
      expect(await read(await engine.stream(ACME, response.id, -1))).toEqual(live);
    },
  );

  test('is admitted up to the bound, and not beyond', async () => {
    const world = new World();
    const { engine } = world.boot({ limits: { concurrent: 2 } });
    world.provider.follow((_, n) => batches(message(`${n}`)));
    world.provider.onCall = () => new Promise(resolve => setTimeout(resolve, 20));
    const first = await ask(engine);
    const second = await ask(engine);
    expect(await codeOf(ask(engine))).toBe('rate_limit_exceeded');
    await Promise.all([first.done, second.done]);
    await (await ask(engine)).done;
  });

  test('is admitted up to the bound also when many come at once', async () => {
    const world = new World();
    const { engine } = world.boot({ limits: { concurrent: 2 } });
    const burst = await Promise.all([1, 2, 3, 4].map(() => codeOf(ask(engine))));
    expect(burst).toEqual([null, null, 'rate_limit_exceeded', 'rate_limit_exceeded']);
  });

  test('is not begun while the server drains, and what runs is waited for', async () => {
    const world = new World();
    const { engine } = world.boot();
    const response = await ask(engine);
    await engine.drain(2000);
    expect(engine.busy).toBe(0);
    expect((await response.done).status).toBe('completed');
    expect(await codeOf(ask(engine))).toBe('server_draining');
  });
});
