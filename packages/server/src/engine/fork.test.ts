/** L11: a fork shares its prefix and copies nothing; L8: it inherits the labels, and its home is decided again. */
import { describe, expect, test } from 'vitest';
import { home, target } from '../placement/fixture.test-support.ts';
import type { MemorySession } from '../store/memory/memory-data.ts';
import { MAX_FORK_DEPTH } from './plan.ts';
import { batches, functionCall, message } from './scripted-provider.test-support.ts';
import { ACME, ask, type Booted, codeOf, World } from './world.test-support.ts';

const texts = (world: World): string => JSON.stringify(world.provider.calls.at(-1)?.context);

async function turn(
  { engine }: Booted,
  input: unknown,
  previous?: string,
  labels: readonly string[] = [],
): Promise<string> {
  const fields = { input, ...(previous !== undefined && { previous_response_id: previous }) };
  const response = await ask(engine, fields, { labels });
  await response.done;
  return response.id;
}

function sessionIn(world: World, id: string): MemorySession {
  const data = world.data.get('local') ?? [...world.data.values()].find(one => one.responses.has(id));
  const session = data?.sessions.get(data.responses.get(id)?.row.session ?? ('' as never));
  if (session === undefined) throw new Error(`no session of ${id}`);
  return session;
}

describe('a fork', () => {
  test('continues an older response with what came before it, and nothing of what came after', async () => {
    const world = new World();
    const booted = world.boot();
    world.provider.follow((_, n) => batches(message(`answer-${n}`)));
    const one = await turn(booted, 'first');
    await turn(booted, 'second', one);
    const fork = await turn(booted, 'other', one);
    for (const text of ['first', 'answer-1', 'other']) expect(texts(world)).toContain(text);
    expect(texts(world)).not.toMatch(/second|answer-2/);
    // It goes on from there, in another process as well.
    const again = world.boot();
    world.pass(60_000);
    await turn(again, 'more', fork);
    for (const text of ['first', 'answer-1', 'other', 'answer-3', 'more']) expect(texts(world)).toContain(text);
    expect(texts(world)).not.toMatch(/second|answer-2/);
  });

  test('L11: copies nothing: its log holds what is new, whatever the length of its prefix', async () => {
    const world = new World();
    const booted = world.boot();
    let last = await turn(booted, `begin ${'x'.repeat(20_000)}`);
    const long = last;
    for (let i = 0; i < 5; i++) last = await turn(booted, `more ${'y'.repeat(20_000)}`, last);
    const bytes = async (from: string): Promise<number> => {
      const fork = await turn(booted, 'fork here', from);
      return sessionIn(world, fork).events.reduce(
        (sum, { head, payload }) => sum + head.length + (payload?.length ?? 0),
        0,
      );
    };
    // A continuation that is not a fork, so that both forked responses are old.
    await turn(booted, 'on', last);
    const [fromStart, fromEnd] = [await bytes(long), await bytes(last)];
    expect(Math.abs(fromEnd - fromStart)).toBeLessThan(200);
    expect(fromEnd).toBeLessThan(4000);
  });

  test('may have so many ancestors, and not one more', async () => {
    const world = new World();
    const booted = world.boot();
    let old = await turn(booted, 'root');
    await turn(booted, 'on', old);
    for (let depth = 1; depth <= MAX_FORK_DEPTH; depth++) {
      const fork = await turn(booted, `fork ${depth}`, old);
      await turn(booted, 'on', fork);
      old = fork;
    }
    const row = sessionIn(world, old).row;
    expect((JSON.parse(row.state ?? '{}') as { lineage: unknown[] }).lineage).toHaveLength(MAX_FORK_DEPTH);
    expect(await codeOf(turn(booted, 'one too many', old))).toBe('fork_depth_exceeded');
    expect(texts(world)).toContain('root');
  });

  test('inherits the calls that its response left open, and wants their outputs', async () => {
    const world = new World();
    const booted = world.boot();
    world.provider.inTurn(
      () => batches(functionCall('c1')),
      () => batches(message('done')),
    );
    const asked = await turn(booted, 'use the tool');
    const output = [{ type: 'function_call_output', call_id: 'c1', output: '42' }];
    await turn(booted, output, asked);
    // From the older response again: now as a fork.
    expect(await codeOf(turn(booted, 'no output', asked))).toBe('tool_output_missing');
    const fork = await turn(booted, output, asked);
    expect((await booted.engine.response(ACME, fork)).previous_response_id).toBe(asked);
  });

  test('of what failed, runs, or never was, is refused', async () => {
    const world = new World();
    const booted = world.boot();
    const id = await turn(booted, 'x');
    expect(await codeOf(turn(booted, 'y', `${id.slice(0, -1)}${id.endsWith('0') ? '1' : '0'}`))).toBe(
      'previous_response_not_found',
    );
    expect(await codeOf(turn(booted, 'y', 'resp_nonsense'))).toBe('previous_response_not_found');
    world.provider.onCall = () => new Promise(resolve => setTimeout(resolve, 30));
    const running = await ask(booted.engine);
    expect(await codeOf(turn(booted, 'y', running.id))).toBe('response_in_progress');
    await running.done;
  });

  test('is what two become who continue the same response at once: both have its context, neither the other’s', async () => {
    const world = new World();
    const booted = world.boot();
    world.provider.follow((_, n) => batches(message(`answer-${n}`)));
    const one = await turn(booted, 'first');
    const both = await Promise.all(['left', 'right', 'middle'].map(input => turn(booted, input, one)));
    expect(new Set(both.map(id => sessionIn(world, id).row.session)).size).toBe(3);
    for (const { context } of world.provider.calls.slice(-3)) {
      const text = JSON.stringify(context);
      expect(text).toContain('first');
      expect(['left', 'right', 'middle'].filter(word => text.includes(word))).toHaveLength(1);
    }
  });

  test('keeps product and channel: another key may not continue it', async () => {
    const world = new World();
    const { engine } = world.boot();
    const response = await ask(engine);
    await response.done;
    const other = { ...ACME, channel: 'bedrock' };
    expect(await codeOf(ask(engine, { previous_response_id: response.id }, { caller: other }))).toBe(
      'session_product_mismatch',
    );
    expect(
      await codeOf(ask(engine, { previous_response_id: response.id }, { caller: { ...ACME, product: 'frontier' } })),
    ).toBe('session_product_mismatch');
  });
});

describe('L8: labels', () => {
  const places = [
    target('up-cleared', 'azure', { clearances: ['restricted'] }),
    target('up-plain', 'aws'),
    home('cleared', 'azure', { clearances: ['restricted'] }),
    home('plain', 'aws'),
  ];
  const restricted = (): World =>
    new World({ homes: ['cleared', 'plain'], places, contracts: ['none', 'data-handling'] });
  const onlyPlain = (): World =>
    new World({
      homes: ['plain'],
      places: places.filter(place => place.id !== 'cleared'),
      contracts: ['none', 'data-handling'],
    });
  const labelsOf = (world: World, id: string): string[] => {
    const data = [...world.data.values()].find(one => one.responses.has(id));
    const row = data?.sessions.get(data.responses.get(id)?.row.session ?? ('' as never))?.row;
    return (JSON.parse(row?.state ?? '{}') as { labels: string[] }).labels;
  };
  const kept = (world: World): number =>
    [...world.data.values()].reduce(
      (sum, { sessions }) =>
        sum +
        [...sessions.values()].filter(one => one.row.kind !== 'stateless').reduce((n, one) => n + one.events.length, 0),
      0,
    );

  test('put a session where they may lie, and its calls where they may go; they stay with it', async () => {
    const world = restricted();
    const booted = world.boot();
    const id = await turn(booted, 'secret', undefined, ['restricted']);
    expect(labelsOf(world, id)).toEqual(['restricted']);
    expect(world.data.get('cleared')?.responses.has(id)).toBe(true);
    const next = await turn(booted, 'harmless', id);
    expect(labelsOf(world, next)).toEqual(['restricted']);
    expect(world.provider.calls.map(({ upstream }) => upstream.target)).toEqual(['up-cleared', 'up-cleared']);
  });

  test('go over to a fork, and decide its calls', async () => {
    const world = restricted();
    const booted = world.boot();
    const one = await turn(booted, 'secret', undefined, ['restricted']);
    await turn(booted, 'on', one);
    const fork = await turn(booted, 'harmless', one);
    expect(labelsOf(world, fork)).toEqual(['restricted']);
    expect(world.provider.calls.at(-1)?.upstream.target).toBe('up-cleared');
  });

  test('that the home may not hold are refused before anything is written; what was there stays readable', async () => {
    const world = onlyPlain();
    const booted = world.boot();
    const id = await turn(booted, 'public');
    const before = kept(world);
    expect(await codeOf(turn(booted, 'secret', id, ['restricted']))).toBe('label_not_allowed_here');
    expect(kept(world)).toBe(before);
    expect(labelsOf(world, id)).toEqual([]);
    expect((await booted.engine.response(ACME, id)).status).toBe('completed');
    await turn(booted, 'public again', id);
  });

  test('for which no home is cleared refuse the session, and the refusal is on record without its content', async () => {
    const only = onlyPlain();
    const { engine } = only.boot();
    expect(await codeOf(ask(engine, { input: 'top secret' }, { labels: ['restricted'] }))).toBe('placement_refused');
    const { placements } = await engine.placements(ACME, { order: 'desc', limit: 5 });
    expect(placements.map(({ chosen }) => chosen)).toEqual([null]);
    expect(JSON.stringify([...(only.data.get('plain')?.sessions.values() ?? [])])).not.toContain('top secret');
    expect(only.provider.calls).toHaveLength(0);
  });

  test('home_not_permitted once the home itself is no longer allowed: reads work, turns do not', async () => {
    const world = restricted();
    const booted = world.boot();
    const id = await turn(booted, 'secret', undefined, ['restricted']);
    // The next process finds the home without its clearance.
    const after = new World({
      homes: ['cleared', 'plain'],
      places: places.map(place => (place.id === 'cleared' ? { ...place, clearances: [] } : place)),
      contracts: ['none', 'data-handling'],
    });
    world.pass(60_000);
    const moved = after.bootOn(booted.stores);
    expect((await moved.engine.response(ACME, id)).status).toBe('completed');
    expect(await codeOf(turn(moved, 'more', id))).toBe('home_not_permitted');
  });
});
