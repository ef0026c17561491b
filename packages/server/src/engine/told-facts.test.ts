/** What clauses are told of live calls: who asks, which agent, which target, and what the session had done before. */
import { describe, expect, test } from 'vitest';
import type { SessionId } from '../kernel/ids.ts';
import { home, target } from '../placement/fixture.test-support.ts';
import type { PlacementRecord } from '../placement/record.ts';
import { batches, message } from './scripted-provider.test-support.ts';
import { becomes, calls, desk, session, TestTools } from './tools/agent-world.test-support.ts';
import { ACME, ask, type Booted, codeOf, World } from './world.test-support.ts';

/** A set that allows everything but what `clause` forbids. */
function rules(clause: string): { readonly [path: string]: string } {
  return {
    'contract.yaml': `
id: house
version: "1"
title: House rules
kind: house-rules
sources: {s: {title: Nobody}}
clauses:
  base: {source: s, confidence: A, summary: all}
  it: {source: s, confidence: A, summary: it}
`,
    'clauses.cedar': `@id("base") permit (principal, action, resource);\n@id("it") @cite("rule 7") ${clause};`,
  };
}
const INFER = 'forbid (principal, action == Action::"infer", resource)';

async function recordsOf({ engine }: Booted, id?: string): Promise<readonly (PlacementRecord & { action: string })[]> {
  const query = { order: 'asc', limit: 50, ...(id !== undefined && { session: id as SessionId }) } as const;
  const { placements } = await engine.placements(ACME, query);
  return placements.map(one => ({ ...(one.record as unknown as PlacementRecord), action: one.action }));
}

describe('a stored response', () => {
  test('is recorded with its key, and with what its session had done before each call', async () => {
    const world = new World();
    const booted = world.boot();
    const first = await ask(booted.engine);
    await first.done;
    const second = await ask(booted.engine, { previous_response_id: first.id });
    await second.done;
    const records = await recordsOf(booted);
    expect(records.map(({ action, y, K, A, F }) => [action, y, K, A, F])).toEqual([
      ['place_state', [0, 0, 0, 0, 0], ['key_acme'], undefined, 4],
      ['infer', [0, 0, 0, 0, 0], ['key_acme'], undefined, 4],
      ['infer', [1, 0, 0, 0, 0], ['key_acme'], undefined, 4],
    ]);
  });

  test('is refused once its session has done what a clause names, however often it was decided before', async () => {
    const booted = new World({ contracts: ['none', rules(`${INFER} when { context.use.turns > 1 }`)] }).boot();
    let previous: string | null = null;
    for (let turn = 0; turn < 2; turn++) {
      const made = await ask(booted.engine, previous === null ? {} : { previous_response_id: previous });
      await made.done;
      previous = made.id;
    }
    expect(await codeOf(ask(booted.engine, { previous_response_id: previous }))).toBe('placement_refused');
    // Another session begins at nothing.
    expect(await codeOf(ask(booted.engine))).toBeNull();
  });

  test('is decided for its own key, though one before it was decided alike but for that', async () => {
    const booted = new World({ contracts: ['none', rules(`${INFER} when { principal.key == "key_other" }`)] }).boot();
    expect(await codeOf(ask(booted.engine))).toBeNull();
    const other = { caller: { ...ACME, principal: 'key_other' } };
    expect(await codeOf(ask(booted.engine, {}, other))).toBe('placement_refused');
    expect(await codeOf(ask(booted.engine))).toBeNull();
  });

  test('is refused where a clause asks for scopes that nobody knows', async () => {
    const booted = new World({
      contracts: ['none', rules(`${INFER} when { principal.scopes.contains("operator") }`)],
    }).boot();
    expect(await codeOf(ask(booted.engine))).toBe('placement_refused');
  });

  test('goes to the target that clauses leave, by its id, its model and its accelerator', async () => {
    const places = [
      target('up-1', 'local', { accelerator: 'gpu' }),
      target('up-2', 'local', { accelerator: 'trainium' }),
    ];
    const goes = async (clause: string): Promise<string | undefined> => {
      const contracts = ['none', rules(`${INFER} when { ${clause} }`)];
      const booted = new World({ contracts, places: [...places, home('local', 'local')] }).boot();
      await (await ask(booted.engine)).done;
      return (await recordsOf(booted)).find(({ action }) => action === 'infer')?.c;
    };
    expect(await goes('resource.id == "up-1"')).toBe('up-2');
    expect(await goes('resource.accelerator == "trainium"')).toBe('up-1');
    expect(await goes('resource.id == "up-1" && resource.model == "gpt"')).toBe('up-2');
  });
});

describe('a session of an agent', () => {
  const CLAUSE =
    'forbid (principal, action in [Action::"infer", Action::"execute"], resource) when { context.call has agent && context.use.toolsRun > 0 }';

  async function twice(clause: string | null) {
    const world = new World({ contracts: clause === null ? ['none'] : ['none', rules(clause)] });
    const tools = new TestTools();
    world.provider.inTurn(
      () => batches(calls(['safe', '{}'])),
      () => batches(message('Done.')),
    );
    const booted = world.boot({ tools: desk(tools) });
    const id = await session(booted.engine);
    await becomes(booted.engine, id, 'idle', 'failed');
    return { booted, id, tools };
  }

  test('tells its agent, and counts what it did within a turn too', async () => {
    const { booted, id } = await twice(null);
    const records = await recordsOf(booted, id);
    expect(records.map(({ action, y, A }) => [action, y?.[0], y?.[3], A?.[1]])).toEqual([
      ['place_state', 0, 0, 1],
      ['infer', 0, 0, 1],
      ['infer', 1, 1, 1],
    ]);
    expect(records.slice(1).map(({ A }) => A?.[0])).toEqual([
      id.replace('sess_', 'agent_'),
      id.replace('sess_', 'agent_'),
    ]);
    expect(records.every(({ K }) => K?.[0] === 'key_acme')).toBe(true);
  });

  test('is stopped by a clause that asks for both, and not before its tool has run', async () => {
    const { booted, id, tools } = await twice(CLAUSE);
    expect(tools.ran).toHaveLength(1);
    const records = await recordsOf(booted, id);
    expect(records.map(({ action, c, x }) => [action, c === undefined ? x : 'placed'])).toEqual([
      ['place_state', 'placed'],
      ['infer', 'placed'],
      ['execute', 'placed'],
      ['infer', 'placement_refused'],
    ]);
  });
});
