/** Every dependency in turn does not answer: every request ends all the same, with the documented code. */
import { describe, expect, test } from 'vitest';
import type { SessionLog } from './ports.ts';
import type { Engine } from './engine.ts';
import { deliver, type StepSource } from './flow.ts';
import type { Step } from '../log/steps.ts';
import { batches, END, message, thenHang } from './scripted-provider.test-support.ts';
import type { StatelessCall } from './stateless.ts';
import { ACME, ask, type Booted, codeOf, read, request, until, World } from './world.test-support.ts';
import type { HomeStore } from '../store/home-store.ts';

/** Short, so that the test is. Whoever waits longer than these waits for ever, and runs into the time of the test. */
const SHORT = { storeMs: 40, firstByteMs: 60, idleMs: 60, turnMs: 400, patienceMs: 40 };
const never = <T>(): Promise<T> => new Promise(() => undefined);

function statelessly(engine: Engine): Promise<StatelessCall> {
  const { signal } = new AbortController();
  return engine.stateless({ caller: ACME, request: request({ store: false }), extra: {}, labels: [], signal });
}

/** A store of which one method does not answer from the moment that `hangs` is set. */
function hanging(method: keyof HomeStore): { hangs: boolean; wrap: (store: HomeStore) => HomeStore } {
  const control = {
    hangs: false,
    wrap: (store: HomeStore): HomeStore => {
      const work = store[method] as (...args: unknown[]) => Promise<unknown>;
      return { ...store, [method]: (...args: unknown[]) => (control.hangs ? never() : work.apply(store, args)) };
    },
  };
  return control;
}

/** A world with a conversation and a response in it, which a second process looks at with nothing cached. */
async function furnished(method: keyof HomeStore): Promise<{
  booted: Booted;
  control: { hangs: boolean };
  response: string;
  conversation: string;
  item: string;
  placement: string;
}> {
  const world = new World({ limits: SHORT });
  const first = world.boot();
  const conversation = await first.engine.conversations.create(ACME, request({ input: 'An item' }).input, {});
  const [item] = (await first.engine.conversations.listItems(ACME, conversation.id, { order: 'asc', limit: 1 })).items;
  const response = await ask(first.engine, { instructions: 'Be brief.' });
  await response.done;
  world.pass(60_000);
  const control = hanging(method);
  const booted = world.boot({ wrap: control.wrap });
  const placement = response.placement ?? '';
  return { booted, control, response: response.id, conversation: conversation.id, item: item?.id ?? '', placement };
}

type Ids = Omit<Awaited<ReturnType<typeof furnished>>, 'booted' | 'control'>;
const CALLS: { readonly [name: string]: (engine: Engine, ids: Ids) => Promise<unknown> } = {
  respond: engine => ask(engine),
  'respond, continuing': (engine, { response }) => ask(engine, { previous_response_id: response }),
  'respond, in a conversation': (engine, { conversation }) => ask(engine, { conversation }),
  'respond, with a key': engine => ask(engine, {}, { idempotency: { key: 'k', body: 'b' } }),
  response: (engine, { response }) => engine.response(ACME, response),
  stream: async (engine, { response }) => read(await engine.stream(ACME, response, -1)),
  inputItems: (engine, { response }) => engine.inputItems(ACME, response),
  deleteResponse: (engine, { response }) => engine.deleteResponse(ACME, response),
  'conversations.create': engine => engine.conversations.create(ACME, [], {}),
  'conversations.read': (engine, { conversation }) => engine.conversations.read(ACME, conversation),
  'conversations.update': (engine, { conversation }) => engine.conversations.update(ACME, conversation, { a: 'b' }),
  'conversations.delete': (engine, { conversation }) => engine.conversations.delete(ACME, conversation),
  'conversations.addItems': (engine, { conversation }) =>
    engine.conversations.addItems(ACME, conversation, request().input),
  'conversations.listItems': (engine, { conversation }) =>
    engine.conversations.listItems(ACME, conversation, { order: 'asc', limit: 5 }),
  'conversations.readItem': (engine, { conversation, item }) => engine.conversations.readItem(ACME, conversation, item),
  'conversations.deleteItem': (engine, { conversation, item }) =>
    engine.conversations.deleteItem(ACME, conversation, item),
  placement: (engine, { placement }) => engine.placement(ACME, placement),
  placements: engine => engine.placements(ACME, { order: 'desc', limit: 5 }),
  recover: engine => engine.recover(),
};

/** What each method of the store keeps waiting; all else does not notice. */
const WAITS: { readonly [M in keyof SessionLog | 'reserve']?: readonly string[] } = {
  append: [
    'respond',
    'respond, continuing',
    'respond, in a conversation',
    'respond, with a key',
    'deleteResponse',
    'conversations.create',
    'conversations.update',
    'conversations.delete',
    'conversations.addItems',
    'conversations.deleteItem',
  ],
  session: [
    'respond, continuing',
    'respond, in a conversation',
    'deleteResponse',
    'response',
    'stream',
    'inputItems',
    'conversations.read',
    'conversations.update',
    'conversations.delete',
    'conversations.addItems',
    'conversations.listItems',
    'conversations.readItem',
    'conversations.deleteItem',
  ],
  events: ['response', 'stream', 'inputItems', 'conversations.read', 'conversations.readItem'],
  response: ['respond, continuing', 'response', 'stream', 'inputItems', 'deleteResponse', 'placement'],
  runs: ['respond, continuing', 'respond, in a conversation', 'conversations.listItems', 'conversations.readItem'],
  runByBase: ['conversations.readItem', 'conversations.deleteItem'],
  placed: ['placement'],
  placementLog: ['placements'],
  open: ['recover'],
  renew: ['respond', 'respond, in a conversation', 'deleteResponse', 'conversations.update', 'recover'],
  ownerRemaining: ['respond, continuing', 'deleteResponse', 'conversations.update'],
  reserve: ['respond, with a key'],
};

describe.each(Object.entries(WAITS))('a store whose %s does not answer', (method, calls) => {
  test.each(calls)('ends %s with store_unavailable', async name => {
    const { booted, control, ...ids } = await furnished(method as keyof HomeStore);
    control.hangs = true;
    const call = CALLS[name];
    if (call === undefined) throw new Error(`no call ${name}`);
    expect(await codeOf(call(booted.engine, ids))).toBe('store_unavailable');
    // Once the store is well again, so is the engine.
    control.hangs = false;
    await booted.engine.drain(0);
  });
});

test.each(['deleteResponse', 'conversations.delete'])(
  'E2: %s is done once it is hidden, though the store does not say what can be erased; the sweep comes back to that',
  async name => {
    const { booted, control, ...ids } = await furnished('retained');
    control.hangs = true;
    await CALLS[name]?.(booted.engine, ids);
    expect(booted.reported.map(({ what }) => what)).toEqual(['erasure']);
    control.hangs = false;
    expect(await booted.stores[0]?.unerased(null, 10)).toHaveLength(1);
    await booted.engine.sweep();
    expect(await booted.stores[0]?.unerased(null, 10)).toEqual([]);
    await booted.engine.drain(0);
  },
);

test('every call that the table names is tried, and every read and write of the store hangs once', () => {
  const tried = new Set(Object.values(WAITS).flat());
  expect(Object.keys(CALLS).filter(name => !tried.has(name))).toEqual([]);
});

describe('a store that stops answering while a turn runs', () => {
  test.each(['release', 'append'] as const)(
    'T3, F1: its %s: whoever waits for the end is told, the turn is left to recovery, and its readers go on with it',
    async method => {
      const world = new World({ limits: { ...SHORT, resumeMs: 10_000 } });
      const control = hanging(method);
      const { engine, reported } = world.boot({ wrap: control.wrap });
      world.provider.follow(() => batches(message('Hello', ' there')));
      world.provider.onCall = async () => void (control.hangs = world.provider.calls.length === 1);
      const response = await ask(engine, { stream: true });
      const reading = read(response.events());
      expect(await codeOf(response.done)).toBe('store_unavailable');
      expect(reported.map(({ what }) => what)).toContain('turn.abandoned');
      control.hangs = false;
      const shown = await reading;
      expect(shown).toEqual(await read(await engine.stream(ACME, response.id, -1)));
      expect(JSON.parse(shown.at(-1) ?? '')).toMatchObject({ type: 'response.completed' });
      await expect
        .poll(async () => (await engine.response(ACME, response.id)).status, { timeout: 8000, interval: 50 })
        .toBe('completed');
    },
    15_000,
  );

  test('T3: a beginning of which nobody knows whether it was kept is taken up if it was', async () => {
    const world = new World({ limits: SHORT });
    let lose = true;
    const { engine, stores } = world.boot({
      wrap: store => ({
        ...store,
        append: async one => {
          const result = await store.append(one);
          if (lose && one.expectedSeq === 0) return never();
          return result;
        },
      }),
    });
    expect(await codeOf(ask(engine))).toBe('store_unavailable');
    lose = false;
    expect(await stores[0]?.open(null, 10)).toHaveLength(1);
    await expect.poll(() => stores[0]?.open(null, 10), { timeout: 8000, interval: 50 }).toEqual([]);
  }, 15_000);
});

describe('an upstream that', () => {
  async function* drip(): AsyncGenerator<readonly Step[]> {
    for (const step of message('').slice(0, 2)) yield [step];
    for (;;) {
      await new Promise(resolve => setTimeout(resolve, 10));
      yield [{ type: 'delta', index: 0, part: 0, text: '.' }];
    }
  }

  test('does not answer: upstream_timeout, after as many targets as may be tried', async () => {
    const world = new World({ limits: SHORT });
    const { engine } = world.boot();
    world.provider.onCall = () => never();
    const response = await ask(engine, { stream: true });
    expect(await codeOf(response.done)).toBe('upstream_timeout');
    expect(world.provider.calls).toHaveLength(3);
    expect(world.provider.calls.every(({ signal }) => signal.aborted)).toBe(true);
    expect(JSON.parse((await read(response.events())).at(-1) ?? '')).toMatchObject({ type: 'response.failed' });
  });

  test('stops in the middle: upstream_interrupted, and the upstream is let go', async () => {
    const world = new World({ limits: { ...SHORT, turnAttempts: 1 } });
    const { engine } = world.boot();
    world.provider.follow(call => thenHang(message('Hello').slice(0, 3), call));
    const response = await ask(engine, { stream: true });
    expect(await codeOf(response.done)).toBe('upstream_interrupted');
    expect(world.provider.calls[0]?.signal.aborted).toBe(true);
  });

  test('stops in the middle and does not listen, either', async () => {
    const world = new World({ limits: { ...SHORT, turnAttempts: 1 } });
    const { engine } = world.boot();
    world.provider.follow(async function* () {
      yield message('Hello').slice(0, 3);
      await never();
    });
    expect(await codeOf((await ask(engine, { stream: true })).done)).toBe('upstream_interrupted');
  });

  test('drips for ever: deadline_exceeded, with what was shown kept; and it need not listen', async () => {
    const world = new World({ limits: SHORT });
    const { engine } = world.boot();
    world.provider.follow(drip);
    const response = await ask(engine, { stream: true });
    const live = await read(response.events());
    expect(await codeOf(response.done)).toBe('deadline_exceeded');
    expect(live.map(json => (JSON.parse(json) as { sequence_number: number }).sequence_number)).toEqual(
      live.map((_, i) => i),
    );
    expect(await read(await engine.stream(ACME, response.id, -1))).toEqual(live);
  });

  const pull = async ({ steps }: StatelessCall): Promise<void> => {
    for await (const _ of steps);
  };
  const flow = ({ steps }: StatelessCall): Promise<void> => deliver(steps, () => undefined);

  test.each([
    ['pulled', pull],
    ['flowing', flow],
  ])('drips for ever, statelessly, %s: deadline_exceeded', async (_, reading) => {
    const world = new World({ limits: SHORT });
    const { engine } = world.boot();
    world.provider.follow(drip);
    const call = await statelessly(engine);
    expect(await codeOf(reading(call))).toBe('deadline_exceeded');
    await until(() => engine.busy === 0, 'the meter');
  });

  test('stops in the middle of what flows: upstream_interrupted; while a reader has no room it is not waited for', async () => {
    const world = new World({ limits: { ...SHORT, turnMs: 60_000 } });
    const { engine } = world.boot();
    world.provider.follow(one => thenHang(message('Hello', ' you').slice(0, 4), one));
    expect(await codeOf(flow(await statelessly(engine)))).toBe('upstream_interrupted');
    const began = performance.now();
    let waited = 0;
    const slow = deliver((await statelessly(engine)).steps, () => {
      waited += 1;
      return waited > 2 ? undefined : new Promise(resolve => setTimeout(resolve, 2 * SHORT.idleMs));
    });
    expect(await codeOf(slow)).toBe('upstream_interrupted');
    expect(performance.now() - began).toBeGreaterThan(4 * SHORT.idleMs - 20);
    await until(() => engine.busy === 0, 'the meter');
  });

  test('has all of its answer ready: a reader without room may take longer than the upstream may', async () => {
    const world = new World({ limits: { ...SHORT, turnMs: 60_000 } });
    const { engine } = world.boot();
    const all = [...message('Hello', ' you'), END];
    world.provider.follow(() => {
      const source: StepSource = {
        next: async () => ({ done: false, value: all.slice(0, 2) }),
        async flow(take) {
          for (const step of all.slice(2)) await take([step]);
        },
      };
      return { [Symbol.asyncIterator]: () => source };
    });
    const call = await statelessly(engine);
    const seen: Step[] = [];
    await deliver(call.steps, batch => {
      seen.push(...batch);
      return seen.length === 3 ? new Promise(resolve => setTimeout(resolve, 3 * SHORT.idleMs)) : undefined;
    });
    expect(seen).toEqual(all);
    await until(() => engine.busy === 0, 'the meter');
  });

  test('says too much: upstream_interrupted at the bound, not before', async () => {
    const say = async (chars: number): Promise<string | null> => {
      const world = new World({ limits: { ...SHORT, outputChars: 100, turnAttempts: 1 } });
      const { engine } = world.boot();
      world.provider.follow(() => batches(message('x'.repeat(60), 'y'.repeat(chars - 60)), END));
      return codeOf((await ask(engine)).done);
    };
    expect(await say(100)).toBeNull();
    expect(await say(101)).toBe('upstream_interrupted');
  });
});

test('B2: a reader that never reads is cut, and the turn ends as if it had', async () => {
  const world = new World({ limits: { ...SHORT, turnMs: 5000, outputChars: 10_000_000 } });
  const { engine } = world.boot();
  const big = 'x'.repeat(400_000);
  world.provider.follow(() => batches(message(...Array.from({ length: 8 }, () => big))));
  const response = await ask(engine, { stream: true }, {});
  const reader = response.events()[Symbol.asyncIterator]();
  await reader.next();
  const { output } = await response.done;
  expect(JSON.stringify(output).length).toBeGreaterThan(8 * big.length);
  expect(await codeOf((async () => void (await reader.next()))())).toBe('deadline_exceeded');
});
