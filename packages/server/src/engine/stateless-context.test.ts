/** Stateless calls that continue something: what they are sent, under which facts they are placed, and that nothing of it is kept. */
import { describe, expect, test } from 'vitest';
import type { LoggedItem } from '../log/events.ts';
import { OutputBuilder } from '../session/output.ts';
import type { Engine } from './engine.ts';
import { batches, functionCall, message } from './scripted-provider.test-support.ts';
import type { StatelessContext } from './stateless-context.ts';
import { ACME, ask, codeOf, request, RIVAL, until, World } from './world.test-support.ts';

interface More {
  readonly before?: StatelessContext;
  readonly warmUp?: boolean;
  readonly labels?: readonly string[];
}

/** One call to its end: its base, its answer, and what a call continues that comes after it. */
async function call(engine: Engine, fields: { readonly [name: string]: unknown }, { labels = [], ...more }: More = {}) {
  const made = await engine.stateless({
    caller: ACME,
    request: request({ store: false, ...fields }),
    extra: {},
    labels,
    signal: new AbortController().signal,
    ...more,
  });
  const builder = new OutputBuilder({ body: made.body, call: 1, seq: 0, index: 0 });
  for (const step of await made.answer()) if (step.type !== 'end') builder.push(step, null);
  return { base: made.base, placement: made.placement, after: made.after(builder.items) };
}

const sent = (world: World): readonly LoggedItem[] =>
  world.provider.calls.at(-1)?.context.flatMap(({ items }) => items) ?? [];
const texts = (items: readonly LoggedItem[]): string[] =>
  items.map(item => /"text":"([^"]*)"/.exec(JSON.stringify(item))?.[1] ?? item.type);
const stored = (world: World): string =>
  JSON.stringify([...(world.data.get('local')?.sessions.values() ?? [])], (_, value: unknown) =>
    value instanceof Uint8Array ? Buffer.from(value).toString('utf8') : value,
  );

describe('a context that its caller holds', () => {
  test('comes before the input, in order, and none of it is written', async () => {
    const world = new World();
    const { engine } = world.boot();
    const first = await call(engine, { input: 'secret one' });
    const second = await call(engine, { input: 'secret two' }, { before: first.after });
    await call(engine, { input: 'secret three' }, { before: second.after });
    expect(texts(sent(world))).toEqual(['secret one', 'Hi there', 'secret two', 'Hi there', 'secret three']);
    expect(second.base).toMatchObject({ previous: first.base.id, store: false });
    await until(() => engine.busy === 0, 'the meters');
    expect(stored(world)).not.toMatch(/secret|Hi there/);
  });

  test('is not changed by what continues it: it can be continued again', async () => {
    const world = new World();
    const { engine } = world.boot();
    const root = await call(engine, { input: 'root' });
    await call(engine, { input: 'left' }, { before: root.after });
    await call(engine, { input: 'right' }, { before: root.after });
    expect(texts(sent(world))).toEqual(['root', 'Hi there', 'right']);
  });

  test('knows which calls are open, and wants their outputs, once', async () => {
    const world = new World();
    const { engine } = world.boot();
    world.provider.inTurn(
      () => batches([...functionCall('c1'), ...functionCall('c2', '{}', 1)]),
      () => batches(message('Done')),
    );
    const output = (id: string) => ({ type: 'function_call_output', call_id: id, output: 'ok' });
    const { after: before } = await call(engine, { input: 'go' });
    expect(await codeOf(call(engine, { input: 'and?' }, { before }))).toBe('tool_output_missing');
    expect(await codeOf(call(engine, { input: [output('c1')] }, { before }))).toBe('tool_output_missing');
    expect(await codeOf(call(engine, { input: [output('c3')] }, { before }))).toBe('tool_call_not_found');
    const done = await call(engine, { input: [output('c2'), output('c1')] }, { before });
    expect(await codeOf(call(engine, { input: [output('c1')] }, { before: done.after }))).toBe('tool_call_not_found');
  });

  test('L8: carries every label that ever came with it', async () => {
    const { engine } = new World().boot();
    const first = await call(engine, { input: 'a' }, { labels: ['restricted'] });
    const second = await call(engine, { input: 'b' }, { before: first.after, labels: ['us-gov'] });
    const third = await call(engine, { input: 'c' }, { before: second.after });
    expect(third.after.labels).toEqual(['restricted', 'us-gov']);
    const { placements } = await engine.placements(ACME, { order: 'desc', limit: 1 });
    expect(JSON.stringify(placements)).toContain('restricted');
  });

  test('says how far it has grown, for readings that ask', async () => {
    const { engine } = new World().boot();
    const first = await call(engine, { input: 'a' });
    const second = await call(engine, { input: 'b' }, { before: first.after });
    expect([first.after.turns, second.after.turns]).toEqual([1, 2]);
    expect(second.after.startedAt).toBe(first.after.startedAt);
    expect(second.after.origin).toBeNull();
  });
});

describe('a stored response', () => {
  test('is continued without a trace, also where it is not the last', async () => {
    const world = new World();
    const { engine } = world.boot();
    const first = await (await ask(engine, { input: 'one' })).done;
    const second = await (await ask(engine, { input: 'two', previous_response_id: first.id })).done;
    const before = stored(world);
    const apart = await call(engine, { input: 'aside', previous_response_id: first.id });
    expect(texts(sent(world))).toEqual(['one', 'Hi there', 'aside']);
    expect(apart.base.previous).toBe(first.id);
    await call(engine, { input: 'further', previous_response_id: second.id });
    expect(texts(sent(world))).toEqual(['one', 'Hi there', 'two', 'Hi there', 'further']);
    await until(() => engine.busy === 0, 'the meters');
    expect(stored(world)).not.toMatch(/aside|further/);
    expect(before).toContain('two');
    // The session went nowhere: its last response is still its last.
    const third = await (await ask(engine, { input: 'three', previous_response_id: second.id })).done;
    expect(texts(sent(world)).slice(0, 5)).toEqual(['one', 'Hi there', 'two', 'Hi there', 'three']);
    expect(third.previous_response_id).toBe(second.id);
  });

  test('gives its session’s class and labels to what continues it', async () => {
    const { engine } = new World().boot();
    const first = await (await ask(engine, { input: 'one' }, { labels: ['restricted'] })).done;
    const { after } = await call(engine, { input: 'two', previous_response_id: first.id });
    expect(after).toMatchObject({ labels: ['restricted'], turns: 2, origin: { stateHeld: true, product: 'api' } });
  });

  test('L10: of another tenant, or none, or one that is held, is not found', async () => {
    const { engine } = new World().boot();
    const theirs = await (await ask(engine, {}, { caller: RIVAL })).done;
    const { base } = await call(engine, { input: 'x' });
    for (const id of [theirs.id, 'resp_nothing', base.id])
      expect(await codeOf(call(engine, { input: 'x', previous_response_id: id }))).toBe('previous_response_not_found');
  });
});

describe('a warm-up', () => {
  test('asks nobody, places nothing, writes nothing, and is continued', async () => {
    const world = new World();
    const { engine } = world.boot();
    const warm = await call(engine, { input: 'first' }, { warmUp: true });
    expect([world.provider.calls.length, warm.placement, world.data.get('local')?.sessions.size]).toEqual([0, null, 0]);
    expect(engine.busy).toBe(0);
    await call(engine, { input: 'then' }, { before: warm.after });
    expect(texts(sent(world))).toEqual(['first', 'then']);
  });

  test('may leave outputs to what continues it', async () => {
    const world = new World();
    const { engine } = world.boot();
    world.provider.inTurn(
      () => batches(functionCall('c1')),
      () => batches(message('Done')),
    );
    const { after } = await call(engine, { input: 'go' });
    const warm = await call(engine, { input: 'by the way' }, { before: after, warmUp: true });
    expect(warm.after.openCalls).toEqual(['c1']);
    expect(await codeOf(call(engine, { input: 'x' }, { before: warm.after }))).toBe('tool_output_missing');
  });

  test('of a model that nobody serves is refused', async () => {
    const { engine } = new World().boot();
    expect(await codeOf(call(engine, { input: 'x', model: 'nobody' }, { warmUp: true }))).toBe('model_not_found');
  });
});
