/** L7: a cancel wins or loses by its place in the log; what it leaves can be read like every other end. */
import { describe, expect, test } from 'vitest';
import type { ResponseId, SessionId } from '../kernel/ids.ts';
import { decodeEvent } from '../log/codec.ts';
import type { LogEvent } from '../log/events.ts';
import type { Step } from '../log/steps.ts';
import { validateResponse, validateShown } from '../session/open-responses.test-support.ts';
import { DyingStore, type Cut } from './crash.test-support.ts';
import {
  batches,
  type CallScript,
  END,
  failure,
  functionCall,
  message,
  thenFail,
  thenHang,
} from './scripted-provider.test-support.ts';
import { ACME, ask, type Booted, codeOf, gate, LIMITS, read, RIVAL, until, World } from './world.test-support.ts';

const BACKGROUND = { background: true };

async function eventsOf({ stores: [store] }: Booted, id: string): Promise<readonly LogEvent[]> {
  const row = await store?.response(ACME.tenant, id as ResponseId);
  const session = row?.session ?? ('' as SessionId);
  const stored = await store?.events({ tenant: ACME.tenant, session, from: 1, limit: 1000 });
  return (stored ?? []).map(one => decodeEvent({ tenant: ACME.tenant, session }, one));
}

function last(shown: readonly string[]): { readonly type: string; readonly response: { readonly status: string } } {
  return JSON.parse(shown.at(-1) ?? '{}') as ReturnType<typeof last>;
}

/** A background response that has shown `steps` and waits for more. */
async function hanging(steps: readonly Step[], world: World = new World()) {
  world.provider.follow(call => thenHang(steps, call));
  const booted = world.boot();
  const response = await ask(booted.engine, BACKGROUND);
  const shown: string[] = [];
  const end = (async () => {
    for await (const batch of await booted.engine.stream(ACME, response.id, -1))
      shown.push(...batch.map(({ json }) => json));
  })();
  await until(() => shown.length === 2 + steps.length && world.provider.calls.length > 0, 'what is shown');
  return { world, booted, engine: booted.engine, id: response.id, response, shown, end };
}

describe('a background response', () => {
  test('is answered as it stands, and goes on', async () => {
    const world = new World();
    const held = gate();
    world.provider.follow(async function* () {
      await held.opened;
      yield* batches(message('Hi'));
    });
    const { engine } = world.boot();
    const response = await ask(engine, BACKGROUND);
    const begun = await response.now();
    expect(validateResponse(begun)).toEqual([]);
    expect(begun).toMatchObject({ id: response.id, status: 'in_progress', background: true, output: [] });
    expect(await engine.response(ACME, response.id)).toEqual(begun);
    held.open();
    await response.done;
    expect(await engine.response(ACME, response.id)).toMatchObject({ status: 'completed', background: true });
  });

  test('that nobody streamed is journalled all the same: who comes later sees its deltas, and the same bytes afterwards', async () => {
    const { engine, world, id, shown, end } = await hanging(message('Half', ' of it').slice(0, 4));
    expect(shown.filter(json => json.includes('output_text.delta'))).toHaveLength(2);
    expect(world.data.get('local')?.sessions.values().next().value?.journal.length).toBeGreaterThan(0);
    await engine.cancelResponse(ACME, id);
    await end;
    expect(await read(await engine.stream(ACME, id, -1))).toEqual(shown);
    expect(await read(await engine.stream(ACME, id, 3))).toEqual(shown.slice(4));
  });
});

describe('a cancelled response', () => {
  test('keeps what was shown, closed as incomplete; its readers are told, and its stream reads back the same', async () => {
    const { engine, world, id, response, shown, end } = await hanging(message('Half', ' of it').slice(0, 4));
    const cancelled = await engine.cancelResponse(ACME, id);
    await end;
    expect(cancelled).toMatchObject({
      status: 'cancelled',
      error: null,
      incomplete_details: null,
      completed_at: null,
      output: [{ type: 'message', status: 'incomplete', content: [{ text: 'Half of it' }] }],
    });
    // It is no commentary: no other call gives the answer.
    expect(cancelled.output[0]).not.toHaveProperty('phase');
    expect(validateResponse(cancelled)).toEqual([]);
    expect(await response.done).toEqual(cancelled);
    expect(await engine.response(ACME, id)).toEqual(cancelled);
    expect(shown.flatMap(validateShown)).toEqual([]);
    expect(last(shown)).toMatchObject({ type: 'response.incomplete', response: { status: 'cancelled' } });
    expect(await read(await engine.stream(ACME, id, -1))).toEqual(shown);
    expect(await read(await world.boot().engine.stream(ACME, id, -1))).toEqual(shown);
    expect(world.provider.calls[0]?.signal.aborted).toBe(true);
  });

  test('is told the same again, and stays what it was', async () => {
    const { engine, id, booted } = await hanging(message('Half').slice(0, 3));
    const [first, twin] = await Promise.all([engine.cancelResponse(ACME, id), engine.cancelResponse(ACME, id)]);
    expect(twin).toEqual(first);
    const events = await eventsOf(booted, id);
    expect(await engine.cancelResponse(ACME, id)).toEqual(first);
    expect(await eventsOf(booted, id)).toEqual(events);
    expect(events.filter(({ type }) => type === 'turn.cancelled')).toMatchObject([{ actor: 'key:key_acme' }]);
  });

  test('S3: gives its positions back: the next turn of its conversation does not see it, and nothing goes on from it', async () => {
    const world = new World();
    const { engine } = world.boot();
    const conversation = await engine.conversations.create(ACME, [], {});
    world.provider.follow(call => thenHang(message('Half').slice(0, 3), call));
    const lost = await ask(engine, { ...BACKGROUND, conversation: conversation.id, input: 'lost' });
    await engine.cancelResponse(ACME, lost.id);
    world.provider.follow(() => batches(message('ok')));
    await (await ask(engine, { conversation: conversation.id, input: 'next' })).done;
    const sent = JSON.stringify(world.provider.calls.at(-1)?.context);
    expect([sent.includes('lost'), sent.includes('Half'), sent.includes('next')]).toEqual([false, false, true]);
    expect(await codeOf(ask(engine, { previous_response_id: lost.id }))).toBe('previous_response_not_found');
    expect(JSON.stringify(await engine.inputItems(ACME, lost.id))).toContain('lost');
  });

  test('whose function call was being shown has it closed, and nobody may answer it', async () => {
    const { engine, id } = await hanging(functionCall('c1').slice(0, 2));
    expect(await engine.cancelResponse(ACME, id)).toMatchObject({
      status: 'cancelled',
      output: [{ type: 'function_call', status: 'incomplete', call_id: 'c1' }],
    });
  });

  test('L5: is charged at its bound once the upstream was asked, and nothing before', async () => {
    const asked = await hanging(message('Half').slice(0, 3));
    await asked.engine.cancelResponse(ACME, asked.id);
    const [placed] = (await eventsOf(asked.booted, asked.id)).flatMap(event =>
      event.type === 'call.placed' ? [event.head.reserved] : [],
    );
    expect(placed?.output).toBeGreaterThan(0);
    expect((await eventsOf(asked.booted, asked.id)).find(({ type }) => type === 'call.cancelled')).toMatchObject({
      head: { metered: 'bound', count: 1, usage: { ...placed, cached: 0, reasoning: 0 } },
    });
    const { placements } = await asked.engine.placements(ACME, { order: 'asc', limit: 5, response: asked.id });
    expect(placements.map(({ call }) => call.status)).toEqual(['failed']);
  });

  test('L5: costs nothing if the upstream was not asked yet', async () => {
    const world = new World();
    const held = gate();
    let late = false;
    const booted = world.boot({
      wrap: store => ({
        ...store,
        append: async one => {
          const result = await store.append(one);
          // The lease has nearly run out when the call is to leave, and its renewal takes its time.
          late = true;
          world.time.monotonic += LIMITS.leaseMs - 1500;
          return result;
        },
        renew: async (...args) => {
          if (late) await held.opened;
          return store.renew(...args);
        },
      }),
    });
    const response = await ask(booted.engine, BACKGROUND);
    const cancelling = booted.engine.cancelResponse(ACME, response.id);
    await new Promise(resolve => setImmediate(resolve));
    held.open();
    expect((await cancelling).status).toBe('cancelled');
    expect(world.provider.calls).toHaveLength(0);
    expect((await eventsOf(booted, response.id)).find(({ type }) => type === 'call.cancelled')).toMatchObject({
      head: { metered: 'exact', usage: { input: 0, output: 0 }, count: 0 },
    });
  });

  test('ends at once, whether or not the provider listens, and whether or not its readers read', async () => {
    const world = new World({ limits: { patienceMs: 60_000, idleMs: 60_000, firstByteMs: 60_000 } });
    const deaf = gate();
    world.provider.follow(async function* () {
      yield message('x'.repeat(1024 * 1024 + 1), 'y').slice(0, 3);
      yield [{ type: 'delta', index: 0, part: 0, text: 'z'.repeat(10) }];
      await deaf.opened;
    });
    const { engine } = world.boot({ limits: { outputChars: 10_000_000 } });
    const response = await ask(engine, BACKGROUND);
    const slow = (await engine.stream(ACME, response.id, -1))[Symbol.asyncIterator]();
    await slow.next();
    expect((await engine.cancelResponse(ACME, response.id)).status).toBe('cancelled');
    deaf.open();
  });

  test('L7: that had ended before is told as it ended', async () => {
    const world = new World();
    const { engine, ...booted } = world.boot();
    const completed = await ask(engine, BACKGROUND);
    const resource = await completed.done;
    expect(await engine.cancelResponse(ACME, completed.id)).toEqual(resource);
    expect(resource.status).toBe('completed');
    world.provider.follow(() => thenFail([], failure('upstream_rejected', { status: 400 })));
    const failed = await ask(engine, BACKGROUND);
    await codeOf(failed.done);
    expect(await engine.cancelResponse(ACME, failed.id)).toMatchObject({
      status: 'failed',
      error: { code: 'upstream_rejected' },
    });
    expect((await eventsOf({ engine, ...booted }, failed.id)).map(({ type }) => type)).not.toContain('turn.cancelled');
  });

  test('is refused if it was not begun in the background, whether it runs or has ended', async () => {
    const world = new World();
    const { engine } = world.boot();
    const ended = await ask(engine);
    await ended.done;
    world.provider.follow(call => thenHang([], call));
    const running = await ask(engine, { stream: true });
    for (const { id } of [ended, running])
      expect(await codeOf(engine.cancelResponse(ACME, id))).toBe('response_not_cancellable');
    expect((await engine.response(ACME, running.id)).status).toBe('in_progress');
    running.done.catch(() => undefined);
  });

  test('L10: is not found by another tenant, running or ended', async () => {
    const { engine, id } = await hanging(message('Half').slice(0, 3));
    expect(await codeOf(engine.cancelResponse(RIVAL, id))).toBe('response_not_found');
    expect(await codeOf(engine.stream(RIVAL, id, -1))).toBe('response_not_found');
    expect((await engine.response(ACME, id)).status).toBe('in_progress');
    await engine.cancelResponse(ACME, id);
    expect(await codeOf(engine.cancelResponse(RIVAL, id))).toBe('response_not_found');
    expect(await codeOf(engine.cancelResponse(ACME, 'resp_nope'))).toBe('response_not_found');
  });

  test('is deleted: a running one is cancelled first', async () => {
    const { engine, world, id, end, shown } = await hanging(message('Half').slice(0, 3));
    await engine.deleteResponse(ACME, id);
    await end;
    expect(last(shown)).toMatchObject({ type: 'response.incomplete', response: { status: 'cancelled' } });
    expect(await codeOf(engine.response(ACME, id))).toBe('response_not_found');
    expect(await codeOf(engine.cancelResponse(ACME, id))).toBe('response_not_found');
    for (const { events, journal } of world.data.get('local')?.sessions.values() ?? [])
      expect(JSON.stringify([events.map(({ payload }) => payload), journal])).not.toContain('Half');
  });
});

describe('a cancel after the death of its process', () => {
  /** A background response whose process died after it had shown half a message. */
  async function orphan(again: CallScript = () => batches(message('Answer'))) {
    const world = new World();
    const dying = new DyingStore(null);
    world.provider.inTurn(call => thenHang(message('Half').slice(0, 3), call), again);
    const booted = world.boot({ wrap: dying.wrap });
    const response = await ask(booted.engine, BACKGROUND);
    const kept = (): number =>
      [...(world.data.get('local')?.sessions.values() ?? [])]
        .flatMap(({ journal }) => journal)
        .reduce((sum, { steps }) => sum + (JSON.parse(steps) as Step[]).length, 0);
    await until(() => kept() === 3, 'a journal');
    dying.dead = true;
    await booted.engine.drain(0);
    world.pass(LIMITS.leaseMs + 1);
    return { world, id: response.id };
  }

  test('ends what recovery has not come to, without another call', async () => {
    const { world, id } = await orphan();
    const booted = world.boot();
    const calls = world.provider.calls.length;
    expect(await booted.engine.cancelResponse(ACME, id)).toMatchObject({
      status: 'cancelled',
      output: [{ status: 'incomplete', content: [{ text: 'Half' }] }],
    });
    expect(world.provider.calls).toHaveLength(calls);
    expect(await booted.engine.recover()).toMatchObject({ turns: 0 });
    expect(booted.engine.busy).toBe(0);
    const events = await eventsOf(booted, id);
    expect(events.slice(-3).map(({ type }) => type)).toEqual(['session.claimed', 'call.cancelled', 'turn.cancelled']);
    expect(events.at(-2)).toMatchObject({ head: { metered: 'bound' } });
  });

  test('F2: its lease is waited out, and no longer than the bound', async () => {
    const { world, id } = await orphan(call => thenHang([], call));
    world.pass(-LIMITS.leaseMs);
    const booted = world.boot({ limits: { resumeMs: 60 } });
    expect(await codeOf(booted.engine.cancelResponse(ACME, id))).toBe('response_in_progress');
    expect(await codeOf(booted.engine.stream(ACME, id, -1))).toBe('response_in_progress');
    const patient = world.boot({ limits: { resumeMs: 10_000 } });
    const cancelling = patient.engine.cancelResponse(ACME, id);
    const reading = patient.engine.stream(ACME, id, -1).then(read);
    await new Promise(resolve => setTimeout(resolve, 20));
    world.pass(LIMITS.leaseMs);
    expect((await cancelling).status).toBe('cancelled');
    const shown = await reading;
    expect(shown).toEqual(await read(await patient.engine.stream(ACME, id, -1)));
  });

  test('stands from its commit on, whatever dies then; before it, the response goes on', async () => {
    const statuses = new Set<string>();
    for (const when of ['before', 'after'] as const) {
      for (let at = 1; at <= 8; at++) statuses.add(await cancelUnder({ at, when }));
    }
    expect(statuses).toEqual(new Set(['never begun', 'cancelled', 'completed']));
  });

  async function cancelUnder(cut: Cut): Promise<string> {
    const world = new World();
    const dying = new DyingStore(cut);
    world.provider.inTurn(
      call => thenHang(message('Half').slice(0, 3), call),
      () => batches(message('Answer')),
    );
    const first = world.boot({ wrap: dying.wrap });
    let told: string | null = null;
    const shown: string[] = [];
    try {
      const response = await ask(first.engine, BACKGROUND);
      void (async () => {
        for await (const batch of response.events()) shown.push(...batch.map(({ json }) => json));
      })().catch(() => undefined);
      await until(() => shown.length === 5 || dying.dead, 'half of it');
      if (!dying.dead) told = (await first.engine.cancelResponse(ACME, response.id)).status;
    } catch {
      // It died: nobody was told anything.
    }
    await first.engine.drain(0);
    world.pass(LIMITS.leaseMs + 1);
    const { engine } = world.boot();
    await engine.recover();
    await until(() => engine.busy === 0, 'the end');
    const [id] = [...(world.data.get('local')?.responses.keys() ?? [])];
    if (id === undefined) return 'never begun';
    const { status } = await engine.response(ACME, id);
    // L2: what was acknowledged holds, and what was shown stays.
    if (told !== null) expect(status).toBe(told);
    expect((await read(await engine.stream(ACME, id, -1))).slice(0, shown.length)).toEqual(shown);
    return status;
  }
});

test('a foreground response that is read while it runs shows its items whole, without a gap', async () => {
  const world = new World();
  const held = gate();
  world.provider.follow(async function* () {
    await held.opened;
    yield [...message('Hel', 'lo'), ...functionCall('c1', '{"a":1}', 1), END];
  });
  const { engine } = world.boot();
  const response = await ask(engine);
  const reading = read(await engine.stream(ACME, response.id, -1));
  const late = read(await engine.stream(ACME, response.id, 4));
  held.open();
  const shown = await reading;
  await response.done;
  expect(shown.flatMap(validateShown)).toEqual([]);
  expect(shown.map(json => (JSON.parse(json) as { sequence_number: number }).sequence_number)).toEqual(
    shown.map((_, i) => i),
  );
  expect(shown.filter(json => json.includes('output_text.delta'))).toHaveLength(1);
  expect(await late).toEqual(shown.slice(5));
  expect(await read(response.events())).toEqual(shown);
  expect(await read(await engine.stream(ACME, response.id, -1))).toEqual(shown);
});

test('F3: as many read one response as are allowed, and no more; one that leaves makes room at once', async () => {
  const world = new World();
  world.provider.follow(call => thenHang(message('Half').slice(0, 3), call));
  const { engine } = world.boot({ limits: { readers: 3 } });
  const response = await ask(engine, BACKGROUND);
  const leaving = new AbortController();
  // At once, so that none is counted late.
  const streams = await Promise.allSettled(
    [leaving.signal, undefined, undefined, undefined].map(signal => engine.stream(ACME, response.id, -1, signal)),
  );
  expect(streams.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'fulfilled', 'rejected']);
  expect(await codeOf(engine.stream(ACME, response.id, -1))).toBe('rate_limit_exceeded');
  leaving.abort();
  const again = await engine.stream(ACME, response.id, -1);
  expect(await codeOf(engine.stream(ACME, response.id, -1))).toBe('rate_limit_exceeded');
  await engine.cancelResponse(ACME, response.id);
  // What has ended is read by any number: it costs no turn anything.
  for (let i = 0; i < 5; i++) await read(await engine.stream(ACME, response.id, -1));
  expect(world.provider.calls).toHaveLength(1);
  expect(last(await read(again)).response.status).toBe('cancelled');
});
