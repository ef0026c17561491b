/** L5, of tools: where they run and where data goes is decided before they start, recorded, and refused with the clause; nothing of it without such clauses. */
import { describe, expect, test } from 'vitest';
import type { SessionId } from '../../kernel/ids.ts';
import { decodeEvent } from '../../log/codec.ts';
import type { LogEvent } from '../../log/events.ts';
import { load, snapshotOf } from '../../placement/fixture.test-support.ts';
import { type PlacementRecord, recompute } from '../../placement/record.ts';
import { batches, message } from '../scripted-provider.test-support.ts';
import { ACME, type Booted, World } from '../world.test-support.ts';
import { becomes, calls, desk, outcomes, session, TestTools } from './agent-world.test-support.ts';

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
const EXECUTE = 'forbid (principal, action == Action::"execute", resource)';

function world(clause: string | null): { made: World; tools: TestTools } {
  const made = new World({ contracts: clause === null ? ['none'] : ['none', rules(clause)] });
  made.provider.inTurn(
    () => batches(calls(['once', '{}'])),
    () => batches(message('Done.')),
  );
  return { made, tools: new TestTools() };
}

async function logOf({ stores: [store] }: Booted, id: string): Promise<readonly LogEvent[]> {
  const key = { tenant: ACME.tenant, session: id as SessionId };
  const stored = (await store?.events({ ...key, from: 1, limit: 1000 })) ?? [];
  return stored.map(one => decodeEvent(key, one));
}

async function runs(clause: string | null, verdict: 'permit' | 'ask' = 'permit') {
  const { made, tools } = world(clause);
  const booted = made.boot({ tools: desk(tools, () => verdict) });
  const id = await session(booted.engine);
  await becomes(booted.engine, id, 'idle', 'requires_action');
  const log = await logOf(booted, id);
  const placed = log.flatMap(event => (event.type === 'tool.placed' ? [event] : []));
  return { booted, id, tools, placed, log };
}

describe('where a tool runs', () => {
  test('a clause that forbids it: the model is told which, and the whole is on record', async () => {
    const { booted, id, tools, placed } = await runs(`${EXECUTE} when { context.tool.name == "once" }`);
    expect(await outcomes(booted.engine, id)).toEqual([
      ['once', 'placement_refused', 'The contracts in force do not let this tool run here (it).'],
    ]);
    expect(tools.ran).toEqual([]);
    expect(placed.map(({ head }) => [head.action, head.chosen])).toEqual([['execute', null]]);
    const { placements } = await booted.engine.placements(ACME, { order: 'desc', limit: 10, session: id });
    const found = placements.find(({ action }) => action === 'execute');
    expect(found).toMatchObject({ chosen: null, session: id, purpose: 'turn', call: { usage: null } });
    expect(found?.response).toMatch(/^resp_/);
    // By its id, and for its own tenant alone (L10).
    expect(await booted.engine.placement(ACME, found?.id ?? '')).toEqual(found);
    await expect(booted.engine.placement({ ...ACME, tenant: 'rival' as never }, found?.id ?? '')).rejects.toMatchObject(
      {
        code: 'placement_not_found',
      },
    );
  });

  test('a clause that lets it: the placement is in the log before the start, and explains itself', async () => {
    const clause = `${EXECUTE} unless { resource in Cloud::"local" && context.tool.origin == "builtin" }`;
    const { tools, placed, log } = await runs(clause);
    expect(tools.ran).toHaveLength(1);
    const types = log.map(({ type }) => type);
    expect(types.indexOf('tool.placed')).toBe(types.indexOf('tool.started') - 1);
    expect(placed.map(({ head }) => head.chosen)).toEqual(['local']);
    // Decided again from the record, under another set: what would have been.
    const record = placed[0]?.head.placement as unknown as PlacementRecord;
    expect(record).toMatchObject({ a: 'execute', T: ['once', 'builtin'], j: ['local'] });
    const stricter = snapshotOf([load(rules(`${EXECUTE} when { context.tool.name == "once" }`))]);
    const homes = [{ ...(stricter.homes[0] as (typeof stricter.homes)[0]), id: 'local', cloud: 'local' }];
    expect(recompute(record, { ...stricter, homes }).outcome).toBe('refused');
  });

  test.each([
    ['nothing', null],
    [
      'model calls',
      'forbid (principal, action == Action::"infer", resource) when { context.call.segment == "us-gov" }',
    ],
    ['what leaves', 'forbid (principal, action == Action::"egress", resource)'],
  ])('a set that speaks of %s alone refuses no tool, and costs no record', async (_, clause) => {
    const { tools, placed } = await runs(clause);
    expect(tools.ran).toHaveLength(1);
    expect(placed).toEqual([]);
  });

  test('people are not asked about what contracts refuse anyway', async () => {
    const { booted, id, log } = await runs(EXECUTE, 'ask');
    expect(log.map(({ type }) => type)).not.toContain('approval.requested');
    expect(await outcomes(booted.engine, id)).toMatchObject([['once', 'placement_refused', expect.anything()]]);
  });

  test('a clause that fails denies', async () => {
    // An overflow: stock Cedar would skip the clause.
    const clause = `${EXECUTE} when { 9007199254740991 * 9007199254740991 > context.call.spend.month }`;
    const { tools, placed } = await runs(clause);
    expect(tools.ran).toEqual([]);
    expect(placed.map(({ head }) => head.chosen)).toEqual([null]);
  });
});
