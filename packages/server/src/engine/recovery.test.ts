/** A process dies at every write that a turn makes, before it and after it; another takes up what it left. */
import { describe, expect, test } from 'vitest';
import type { SessionId } from '../kernel/ids.ts';
import { decodeEnvelope } from '../log/codec.ts';
import type { Step } from '../log/steps.ts';
import { validateShown } from '../session/open-responses.test-support.ts';
import type { HomeStore } from '../store/home-store.ts';
import { GENESIS, verifyChain } from './chain.ts';
import { DyingStore, type Cut } from './crash.test-support.ts';
import type { StoredResponse } from './engine.ts';
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
import { ACME, ask, type Booted, LIMITS, read, sha256, until, World } from './world.test-support.ts';

interface Scenario {
  readonly name: string;
  readonly stream: boolean;
  readonly first: CallScript;
  /** What the call that replaces a cut one says. */
  readonly again: CallScript;
}

const answer = (): ReturnType<CallScript> => batches(message('An', 'swer'));
const call = (): ReturnType<CallScript> => batches([...message('Look'), ...functionCall('c1', '{"a":1}', 1)]);
async function* atOnce(): AsyncGenerator<readonly Step[]> {
  const steps = message('Hel', 'lo', '!');
  yield steps.slice(0, 3);
  yield [...steps.slice(3), END];
}
const SCENARIOS: readonly Scenario[] = [
  { name: 'streamed text', stream: true, first: () => batches(message('Hel', 'lo', '!')), again: answer },
  { name: 'streamed text whose last steps come with the end', stream: true, first: atOnce, again: answer },
  { name: 'text that nobody streams', stream: false, first: () => batches(message('Hel', 'lo', '!')), again: answer },
  { name: 'a streamed function call', stream: true, first: call, again: call },
  {
    name: 'a call that fails first',
    stream: true,
    first: () => thenFail(message('Half').slice(0, 3), failure('upstream_interrupted')),
    again: answer,
  },
];

/** What the client of a turn saw: its acknowledgement, and every event until the process died. */
interface Seen {
  readonly response: StoredResponse | null;
  readonly events: string[];
}

async function begin(booted: Booted, stream: boolean, input = 'Hello'): Promise<Seen> {
  const events: string[] = [];
  let response: StoredResponse | null = null;
  try {
    response = await ask(booted.engine, { stream, input });
    if (stream) for await (const batch of response.events()) events.push(...batch.map(({ json }) => json));
    await response.done;
  } catch {
    // The process died: what was seen until then is all that counts.
  }
  return { response, events };
}

async function recovered(world: World, cut: Cut | null = null): Promise<{ booted: Booted; store: DyingStore }> {
  world.pass(LIMITS.leaseMs + 1);
  const store = new DyingStore(cut);
  const booted = world.boot({ wrap: store.wrap });
  await booted.engine.recover().catch(() => undefined);
  await until(() => booted.engine.busy === 0 || store.dead, 'the end of what was taken up');
  return { booted, store };
}

async function logs(store: HomeStore, world: World): Promise<void> {
  const tenant = ACME.tenant;
  for (const session of world.data.get('local')?.sessions.keys() ?? []) {
    const events = await store.events({ tenant, session, from: 1, limit: 1000 });
    const row = await store.session(tenant, session);
    expect(verifyChain({ tenant, session }, events, GENESIS, sha256)).toEqual({ ok: true, digest: row?.digest });
    expect(await store.journal(tenant, session)).toEqual([]);
  }
}

/** What holds of a turn once everything has come to rest, whatever died when. */
async function check(world: World, { engine, stores: [store] }: Booted, seen: Seen, stream: boolean): Promise<string> {
  if (store === undefined) throw new Error('no store');
  expect(await store.open(null, 100)).toEqual([]);
  await logs(store, world);
  const [id] = [...(world.data.get('local')?.responses.keys() ?? [])];
  // L2: what was acknowledged is there.
  if (seen.response !== null) expect(id).toBe(seen.response.id);
  if (id === undefined) return 'never begun';
  const resource = await engine.response(ACME, id);
  const stream2 = await read(await engine.stream(ACME, id, -1));
  expect(stream2.flatMap(validateShown)).toEqual([]);
  // L2: what was shown is not retracted, not repeated: the stream goes on from it.
  if (stream) expect(stream2.slice(0, seen.events.length)).toEqual(seen.events);
  const ids = resource.output.map(item => item.id);
  expect(new Set(ids).size).toBe(ids.length);
  const calls = resource.output.some(item => item.type === 'function_call');
  // Only a function call that was released, shown or not, ends a turn that is taken up.
  if (resource.status === 'failed') expect([calls, resource.error?.code]).toEqual([true, 'upstream_interrupted']);
  else expect(resource.status).toBe('completed');
  // If nothing was released, the cut leaves no trace.
  if (!stream) expect(resource.output.every(item => item.status === 'completed' && !('phase' in item))).toBe(true);
  // What a cut call had shown whole stays as it is; the last word is that of a call that was not cut.
  if (resource.status === 'completed' && !calls)
    expect(JSON.stringify(resource.output.at(-1))).toMatch(/"status":"completed".*"(Hello!|Answer)"/);
  // The next turn is sent no part of what was cut.
  if (resource.status === 'completed' && !calls) {
    await (await ask(engine, { previous_response_id: id, input: 'Next' })).done;
    expect(JSON.stringify(world.provider.calls.at(-1)?.context)).not.toContain('commentary');
  }
  return resource.status;
}

/** L5: no upstream is called before the store says that the call was placed, under an epoch that is current. */
function watch(world: World, store: () => HomeStore): void {
  world.provider.onCall = async ({ upstream }) => {
    const open = await store().open(null, 100);
    const heads = await Promise.all(
      open.map(async ({ tenant, session, epoch }) => {
        const events = await store().events({ tenant, session, from: 1, limit: 1000 });
        const last = events.at(-1);
        return last === undefined ? null : { epoch, event: decodeEnvelope({ tenant, session }, last) };
      }),
    );
    const placed = heads.filter(head => head?.event.type === 'call.placed' && head.event.epoch === head.epoch);
    expect(placed.map(head => head?.event.type === 'call.placed' && head.event.head.chosen)).toContain(upstream.target);
  };
}

describe.each(SCENARIOS)('L2, L5: $name', scenario => {
  async function run(cut: Cut | null, then: readonly Cut[] = []): Promise<{ writes: number; status: string }> {
    const world = new World();
    const plain = world.boot().stores[0] as HomeStore;
    watch(world, () => plain);
    world.provider.inTurn(scenario.first, scenario.again);
    const dying = new DyingStore(cut);
    const first = world.boot({ wrap: dying.wrap });
    const seen = await begin(first, scenario.stream);
    await first.engine.drain(0);
    for (const next of then) {
      const again = await recovered(world, next);
      await again.booted.engine.drain(0);
    }
    const { booted } = await recovered(world);
    const status = await check(world, booted, seen, scenario.stream);
    return { writes: dying.writes, status };
  }

  test('survives a death at every write, before and after it', async () => {
    const { writes, status } = await run(null);
    expect(status).toBe('completed');
    expect(writes).toBeGreaterThan(scenario.stream ? 2 : 1);
    const statuses: string[] = [];
    for (let at = 1; at <= writes; at++) {
      for (const when of ['before', 'after'] as const) statuses.push((await run({ at, when })).status);
    }
    expect(statuses[0]).toBe('never begun');
    expect(statuses.at(-1)).toBe('completed');
  });

  test('survives deaths of those that take it up, too', async () => {
    const { writes } = await run(null);
    for (const when of ['before', 'after'] as const) {
      for (let at = 1; at <= 4; at++)
        await run({ at: Math.ceil(writes / 2), when: 'after' }, [
          { at, when },
          { at, when },
        ]);
    }
  });
});

describe('taking up', () => {
  async function left(steps: readonly Step[], stream = true): Promise<{ world: World; id: string }> {
    const world = new World();
    world.provider.inTurn(
      (one, n) => (n === 1 ? thenHang(steps, one) : batches(message('x'))),
      () => batches(message('Answer')),
    );
    const dying = new DyingStore(null);
    const booted = world.boot({ wrap: dying.wrap });
    const response = await ask(booted.engine, { stream });
    const events = response.events();
    // Everything that was said is released before the process dies.
    let shown = 0;
    const reading = (async () => {
      for await (const batch of events) shown += batch.length;
    })();
    await until(() => !stream || shown >= 2 + steps.length, 'the release');
    dying.dead = true;
    await booted.engine.drain(0);
    reading.catch(() => undefined);
    response.done.catch(() => undefined);
    return { world, id: response.id };
  }

  test('a text that was shown closes as incomplete commentary, and another call gives the answer', async () => {
    const { world, id } = await left(message('Half of').slice(0, 3));
    const { booted } = await recovered(world);
    const { output, status } = await booted.engine.response(ACME, id);
    expect(status).toBe('completed');
    expect(output).toMatchObject([
      { status: 'incomplete', phase: 'commentary', content: [{ text: 'Half of' }] },
      { status: 'completed', phase: 'final_answer', content: [{ text: 'Answer' }] },
    ]);
  });

  test('a function call that was shown ends the turn: it never runs', async () => {
    const { world, id } = await left(functionCall('c1').slice(0, 2));
    const { booted } = await recovered(world);
    const calls = world.provider.calls.length;
    expect(await booted.engine.response(ACME, id)).toMatchObject({
      status: 'failed',
      error: { code: 'upstream_interrupted' },
      output: [{ type: 'function_call', status: 'incomplete' }],
    });
    expect(world.provider.calls.length).toBe(calls);
  });

  test('the lost call is charged at its bound, and placed again under a new placement', async () => {
    const { world, id } = await left(message('Half').slice(0, 3));
    const { booted } = await recovered(world);
    const { placements } = await booted.engine.placements(ACME, { order: 'asc', limit: 10, response: id });
    expect(placements.map(({ call }) => call.status)).toEqual(['failed', 'completed']);
    const [lost] = placements;
    expect(lost?.call.usage).toMatchObject({ cached: 0, reasoning: 0 });
    expect((lost?.call.usage?.output ?? 0) > 0).toBe(true);
    expect(new Set(placements.map(placement => placement.id)).size).toBe(2);
  });

  test('L3: waits the lease of the dead out; then the epoch is a new one, and who comes back is fenced', async () => {
    const world = new World();
    world.provider.inTurn(
      one => thenHang(message('Half').slice(0, 3), one),
      () => batches(message('Answer')),
    );
    const old = world.boot();
    const response = await ask(old.engine, { stream: true });
    const reading = read(response.events()).catch(error => String(error));
    await until(
      () => (world.data.get('local')?.sessions.values().next().value?.journal.length ?? 0) > 0,
      'the journal',
    );
    const other = world.boot();
    expect(await other.engine.recover()).toMatchObject({ turns: 0, failed: 1 });
    expect(world.provider.calls).toHaveLength(1);
    world.pass(LIMITS.leaseMs - 1);
    expect(await other.engine.recover()).toMatchObject({ turns: 0, failed: 1 });
    world.pass(1);
    expect(await other.engine.recover()).toMatchObject({ turns: 1, failed: 0 });
    await until(() => other.engine.busy === 0, 'the end');
    expect((await other.engine.response(ACME, response.id)).status).toBe('completed');
    // The old one is told at its next write, and changes nothing.
    const row = (await other.stores[0]?.response(ACME.tenant, response.id))?.session as SessionId;
    const before = await other.stores[0]?.events({ tenant: ACME.tenant, session: row, from: 1, limit: 100 });
    await old.engine.drain(0);
    expect(before?.map(({ epoch }) => epoch)).toContain(2);
    expect(await other.stores[0]?.events({ tenant: ACME.tenant, session: row, from: 1, limit: 100 })).toEqual(before);
    void reading;
  });

  test('a turn that cannot be taken up now is tried again, not forgotten', async () => {
    const { world, id } = await left(message('Half').slice(0, 3));
    let fails = 1;
    world.pass(LIMITS.leaseMs + 1);
    const booted = world.boot({
      wrap: store => ({
        ...store,
        append: one =>
          fails-- > 0
            ? Promise.reject(Object.assign(new Error('x'), { storeError: 'store_unavailable' }))
            : store.append(one),
      }),
    });
    expect(await booted.engine.recover()).toMatchObject({ turns: 0, failed: 1 });
    expect(booted.engine.busy).toBe(0);
    await expect
      .poll(async () => (await booted.engine.response(ACME, id)).status, { timeout: 8000, interval: 100 })
      .toBe('completed');
  }, 15_000);
});
