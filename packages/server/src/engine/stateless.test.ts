/** Stateless calls: L5, L9. */
import { describe, expect, test } from 'vitest';
import type { Step } from '../log/steps.ts';
import { storeError } from '../store/store-error.ts';
import { DyingStore } from './crash.test-support.ts';
import type { Engine } from './engine.ts';
import { deliver } from './flow.ts';
import type { StatelessCall } from './stateless.ts';
import { batches, END, failure, message, thenFail, thenHang } from './scripted-provider.test-support.ts';
import { ACME, ask, codeOf, gate, request, until, World } from './world.test-support.ts';

function call(
  engine: Engine,
  fields: { readonly [name: string]: unknown } = {},
  signal = new AbortController().signal,
  idempotency: { key: string; body: string } | null = null,
): Promise<StatelessCall> {
  return engine.stateless({
    caller: ACME,
    request: request({ store: false, ...fields }),
    extra: {},
    labels: [],
    signal,
    idempotency,
  });
}

async function all({ steps }: StatelessCall): Promise<readonly Step[]> {
  const read: Step[] = [];
  for await (const batch of steps) read.push(...batch);
  return read;
}

/** Every other batch leaves no room for a while. */
async function delivered({ steps }: StatelessCall): Promise<readonly Step[]> {
  const read: Step[] = [];
  let turn = 0;
  await deliver(steps, batch => {
    read.push(...batch);
    turn += 1;
    return turn % 2 === 0 ? undefined : new Promise(resolve => setImmediate(resolve));
  });
  return read;
}

async function* watch(steps: StatelessCall['steps'], onBatch: () => void): AsyncGenerator<readonly Step[]> {
  for await (const batch of steps) {
    onBatch();
    yield batch;
  }
}

/** How the answer is taken: as it comes, gathered from a stream, or asked for in one piece. */
const FORMS = [
  ['streamed', {}, all],
  ['flowing', {}, delivered],
  ['gathered', {}, (made: StatelessCall) => made.answer()],
  ['in one piece', { max_output_tokens: 77 }, (made: StatelessCall) => made.answer()],
] as const;

const eventsIn = (world: World): string =>
  JSON.stringify(
    [...(world.data.get('local')?.sessions.values() ?? [])].flatMap(({ events }) =>
      events.map(({ head, payload, code }) => [code, head, payload]),
    ),
  );

async function meterOf(engine: Engine): Promise<unknown[]> {
  await until(() => engine.busy === 0, 'the meter');
  const { placements } = await engine.placements(ACME, { order: 'asc', limit: 50 });
  return placements.map(({ call }) => [call.status, call.usage?.output ?? null]);
}

test.each([
  [1, 16],
  [16, 16],
  [17, 17],
])('L5: of %i tokens asked for, %i are reserved: some targets make no fewer', async (asked, most) => {
  const world = new World();
  const { engine } = world.boot();
  // As a chat asks: a response has no fewer than 16.
  const asking = { ...request({ store: false }), max_output_tokens: asked };
  const signal = new AbortController().signal;
  const made = { caller: ACME, request: asking, extra: {}, labels: [], signal, idempotency: null };
  await (await engine.stateless(made)).answer();
  await until(() => engine.busy === 0, 'the meter');
  expect(eventsIn(world)).toMatch(new RegExp(String.raw`\\"reserved\\":[^}]*\\"output\\":${most}[,}]`));
});

describe.each(FORMS)('L5: a stateless call, %s', (form, asking, read) => {
  test('releases no step before its placement is durable', async () => {
    const world = new World();
    const held = gate();
    const { engine } = world.boot({
      wrap: store => ({ ...store, append: async one => (await held.opened, store.append(one)) }),
    });
    const running = await call(engine, asking);
    let released = false;
    const { steps } = running;
    const watched = { ...running, steps: watch(steps, () => (released = true)) };
    const reading = read(watched).then(all => ((released = true), all));
    await until(() => world.provider.calls.length === 1, 'the upstream to be asked');
    for (let i = 0; i < 20; i++) await new Promise(resolve => setImmediate(resolve));
    expect(released).toBe(false);
    held.open();
    expect((await reading).at(-1)?.type).toBe('end');
    expect(await meterOf(engine)).toEqual([['completed', 5]]);
  });

  test('whose placement cannot be kept releases nothing', async () => {
    const world = new World();
    const { engine } = world.boot({
      wrap: store => ({ ...store, append: () => Promise.reject(storeError('store_full', 'x')) }),
    });
    expect(await codeOf(read(await call(engine, asking)))).toBe('store_full');
  });

  test('keeps none of its content: not the question, not the answer', async () => {
    const world = new World();
    const { engine } = world.boot();
    world.provider.follow(() => batches(message('the secret answer')));
    await read(await call(engine, { ...asking, input: 'the secret question', instructions: 'secret instructions' }));
    await until(() => engine.busy === 0, 'the meter');
    expect(eventsIn(world)).toContain('chosen');
    expect(eventsIn(world)).not.toMatch(/secret/);
  });

  test('that is aborted ends, is charged at its bound, and the upstream is let go', async () => {
    const world = new World();
    const { engine } = world.boot();
    world.provider.follow(one => thenHang(message('a').slice(0, 3), one));
    const left = new AbortController();
    const running = await call(engine, { ...asking, max_output_tokens: 77 }, left.signal);
    const reading = codeOf(read(running));
    await until(() => world.provider.calls.length === 1, 'the call');
    left.abort();
    expect(await reading).not.toBeNull();
    expect(await meterOf(engine)).toEqual([['failed', 77]]);
  });

  test('that fails before its first step is tried elsewhere, under a placement of its own; once one came, no more', async () => {
    const world = new World();
    const { engine } = world.boot();
    world.provider.inTurn(
      () => thenFail([], failure('upstream_error', { retryable: true, status: 500 })),
      () => batches(message('ok')),
    );
    expect((await read(await call(engine, asking))).at(-1)?.type).toBe('end');
    // What the upstream refused cost nothing.
    expect(await meterOf(engine)).toEqual([
      ['failed', 0],
      ['completed', 5],
    ]);
    world.provider.follow(() =>
      thenFail(message('a').slice(0, 3), failure('upstream_interrupted', { retryable: true })),
    );
    const calls = world.provider.calls.length;
    expect(await codeOf(read(await call(engine, asking)))).toBe('upstream_interrupted');
    // Of an answer in one piece nothing is released before its end.
    expect(world.provider.calls.length - calls > 1).toBe(form === 'in one piece');
  });
});

describe('L5: a stateless call', () => {
  test('that its reader leaves is charged at its bound, and the upstream is let go', async () => {
    const world = new World();
    const { engine } = world.boot();
    world.provider.follow(one => thenHang(message('a').slice(0, 3), one));
    const running = await call(engine, { max_output_tokens: 77 });
    const iterator = running.steps[Symbol.asyncIterator]();
    await iterator.next();
    await iterator.return?.();
    expect(world.provider.calls[0]?.signal.aborted).toBe(true);
    expect(await meterOf(engine)).toEqual([['failed', 77]]);
  });

  test('that flows, and is not taken any more, is charged at its bound, and the upstream is let go', async () => {
    const world = new World();
    const { engine } = world.boot();
    world.provider.follow(one => thenHang(message('a').slice(0, 3), one));
    const left = new Error('left');
    const { steps } = await call(engine, { max_output_tokens: 77 });
    const refuse = (): never => {
      throw left;
    };
    await expect(deliver(steps, refuse)).rejects.toBe(left);
    expect(world.provider.calls[0]?.signal.aborted).toBe(true);
    expect(await meterOf(engine)).toEqual([['failed', 77]]);
  });

  test('that began while recovery looks is left to whoever makes it', async () => {
    const world = new World();
    const { engine } = world.boot();
    const held = gate();
    world.provider.follow(async function* () {
      yield message('a').slice(0, 3);
      await held.opened;
      yield [...message('a').slice(3), END];
    });
    const running = await call(engine, { max_output_tokens: 77 });
    const iterator = running.steps[Symbol.asyncIterator]();
    await iterator.next();
    expect(await engine.recover()).toEqual({ turns: 0, calls: 0, failed: 0 });
    held.open();
    while ((await iterator.next()).done !== true);
    expect(await meterOf(engine)).toEqual([['completed', 5]]);
  });

  test('whose process dies leaves a reservation, which recovery closes as unknown, at its bound', async () => {
    const world = new World();
    world.provider.follow(one => thenHang(message('a').slice(0, 3), one));
    const dying = new DyingStore(null);
    const first = world.boot({ wrap: dying.wrap });
    const running = await call(first.engine, { max_output_tokens: 77 });
    await running.steps[Symbol.asyncIterator]().next();
    dying.dead = true;
    await first.engine.drain(0);
    const { engine, stores } = world.boot();
    expect(await stores[0]?.open(null, 10)).toHaveLength(1);
    expect(await engine.recover()).toEqual({ turns: 0, calls: 1, failed: 0 });
    expect(await stores[0]?.open(null, 10)).toEqual([]);
    expect(await meterOf(engine)).toEqual([['unknown', 77]]);
    expect(await engine.recover()).toEqual({ turns: 0, calls: 0, failed: 0 });
  });
});

describe('L4: a session that waits', () => {
  test('holds no timer, no lock and no row that recovery would look at', async () => {
    const world = new World();
    const { engine, stores } = world.boot();
    const timers = (): number => process.getActiveResourcesInfo().filter(name => name === 'Timeout').length;
    const before = timers();
    for (let i = 0; i < 30; i++) await (await ask(engine)).done;
    await until(() => engine.busy === 0 && timers() <= before, 'rest');
    expect(await stores[0]?.open(null, 10)).toEqual([]);
    expect(await stores[0]?.due(Number.MAX_SAFE_INTEGER, 10)).toEqual([]);
  });
});
