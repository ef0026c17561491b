import { describe, expect, test } from 'vitest';
import { decide, decideDistribution } from './decide.ts';
import type { CallFacts, Health, Place } from './facts.ts';
import {
  CHANNELS,
  call,
  home,
  load,
  MARCH,
  PRODUCTS,
  shippedFiles,
  snapshotOf,
  target,
} from './fixture.test-support.ts';
import type { Snapshot, SnapshotParts } from './snapshot.ts';

const february = load(shippedFiles('openai-2026-02'));
const data = load(shippedFiles('data-handling'));
const none = load(shippedFiles('none'));
const frontierByAws = { product: PRODUCTS.frontier, channel: CHANNELS.bedrock };
const up = (expectedLatencyMs: number, inFlight = 0) => ({ state: 'up', inFlight, expectedLatencyMs }) as const;

function free(places: readonly Place[], parts: Partial<SnapshotParts> = {}): Snapshot {
  return snapshotOf([none], { places, ...parts });
}

describe('picking', () => {
  const cheap = target('b-cheap', 'aws', {
    prices: { inputPerMtok: 1_000_000, cachedInputPerMtok: 0, outputPerMtok: 2_000_000 },
  });
  const dear = target('a-dear', 'azure', {
    prices: { inputPerMtok: 3_000_000, cachedInputPerMtok: 0, outputPerMtok: 6_000_000 },
  });
  const chosen = (
    places: readonly Place[],
    health: Health = {},
    options = {},
    weights = { price: 1, latency: 1, affinity: 200 },
  ) => decide(free(places, { weights }), 'infer', call(), health, options).chosen;

  test('the cheaper, at equal latency', () => {
    expect(chosen([dear, cheap])).toBe('b-cheap');
  });

  test('the nearer in time, if a millisecond is worth more than the price', () => {
    expect(chosen([dear, cheap], { 'a-dear': up(100), 'b-cheap': up(6101) })).toBe('a-dear');
    expect(chosen([dear, cheap], { 'a-dear': up(100), 'b-cheap': up(6099) })).toBe('b-cheap');
  });

  test('the place with the warm cache, if distance is worth more than the price', () => {
    expect(chosen([dear, cheap], {}, { previous: 'a-dear' }, { price: 1, latency: 1, affinity: 6001 })).toBe('a-dear');
    expect(chosen([dear, cheap], {}, { previous: 'a-dear' }, { price: 1, latency: 1, affinity: 5999 })).toBe('b-cheap');
  });

  test('among equals the id that sorts first, in whatever order they come', () => {
    const [x, y] = [target('x', 'aws'), target('y', 'aws')];
    expect(chosen([x, y])).toBe('x');
    expect(chosen([y, x])).toBe('x');
  });

  test('a row says cost at the output bound, latency, distance and score', () => {
    const { rows } = decide(
      free([dear, home('h', 'azure')]),
      'infer',
      call(),
      { 'a-dear': up(250) },
      { near: 'h', previous: 'other' },
    );
    expect(rows).toMatchObject([{ cost: 3000 + 6000, latencyMs: 250, distance: 1, score: 9000 + 250 + 200 }]);
  });

  test.each([
    [{ cloud: 'azure', region: 'azure-us-1' }, 0],
    [{ cloud: 'azure', region: 'azure-eu-1' }, 1],
    [{ cloud: 'aws', region: 'azure-us-1' }, 2],
  ])('distance from home of %j', (where, distance) => {
    const snapshot = free([target('t', 'azure', where), home('h', 'azure')]);
    expect(decide(snapshot, 'infer', call(), {}, { near: 'h' }).rows[0]?.distance).toBe(distance);
  });

  test('costs are exact beyond 2^53, and rounded up', () => {
    const prices = { inputPerMtok: 9_007_199_254_740_991, cachedInputPerMtok: 0, outputPerMtok: 1 };
    const costs = (inputTokens: number, outputBound: number) =>
      decide(free([target('t', 'aws', { prices })]), 'infer', call({ inputTokens, outputBound }), {}).rows[0]?.cost;
    expect(costs(0, 1)).toBe(1);
    expect(costs(0, 1_000_000)).toBe(1);
    expect(costs(0, 1_000_001)).toBe(2);
    expect(costs(1000, 0)).toBe(9_007_199_254_741);
    expect(costs(1_000_000, 0)).toBe(9_007_199_254_740_991);
  });
});

describe('what no contract says', () => {
  test('a place at its capacity is full, one below is not', () => {
    const snapshot = free([target('t', 'aws', { capacity: { maxConcurrent: 2 } })]);
    expect(decide(snapshot, 'infer', call(), { t: up(0, 1) }).outcome).toBe('placed');
    expect(decide(snapshot, 'infer', call(), { t: up(0, 2) })).toMatchObject({
      outcome: 'unavailable',
      code: 'no_target_available',
      rows: [{ verdict: 'full' }],
    });
  });

  test('all down or full: unavailable, with the shortest wait that any of them named', () => {
    const snapshot = free([target('a', 'aws'), target('b', 'aws'), target('c', 'aws')]);
    const wait = (state: 'down' | 'full', retryAfterMs?: number) => ({
      state,
      inFlight: 0,
      expectedLatencyMs: 0,
      ...(retryAfterMs !== undefined && { retryAfterMs }),
    });
    const decision = decide(snapshot, 'infer', call(), {
      a: wait('down', 9000),
      b: wait('full', 3000),
      c: wait('down'),
    });
    expect(decision).toMatchObject({
      outcome: 'unavailable',
      code: 'no_target_available',
      retryAfterMs: 3000,
      chosen: null,
      conflict: null,
    });
    expect(decision.rows.map(row => row.verdict)).toEqual(['down', 'full', 'down']);
  });

  test('one allowed place that is down makes it unavailable, not refused', () => {
    const down = { azure: { state: 'down', inFlight: 0, expectedLatencyMs: 0 } } as const;
    const decision = decide(snapshotOf([february]), 'infer', call({ session: { stateHeld: false } }), down);
    expect(decision).toMatchObject({ outcome: 'unavailable', code: 'no_target_available' });
  });

  test('a place that cannot do what the call needs', () => {
    const able = (capabilities: readonly string[] | null, contextTokens: number | null = null) =>
      decide(free([target('t', 'aws', { capabilities, contextTokens })]), 'infer', call({ requires: ['tools'] }), {});
    expect(able(['tools']).outcome).toBe('placed');
    expect(able(null).outcome).toBe('placed');
    expect(able(['json_schema'])).toMatchObject({
      outcome: 'unavailable',
      code: 'no_capable_target',
      rows: [{ verdict: 'unable', lacks: 'tools' }],
    });
    expect(able(null, 2000).outcome).toBe('placed');
    expect(able(null, 1999)).toMatchObject({ code: 'no_capable_target', rows: [{ lacks: 'context of 1999 tokens' }] });
  });

  test('a model that no target serves', () => {
    const decision = decide(snapshotOf([february]), 'infer', call({ model: 'other' }), {});
    expect(decision).toMatchObject({ outcome: 'unavailable', code: 'no_such_target' });
    expect(new Set(decision.rows.map(row => row.verdict))).toEqual(new Set(['wrong-model']));
  });

  test('only the places named are candidates', () => {
    const decision = decide(snapshotOf([february]), 'place_state', call(), {}, { only: ['home-azure'] });
    expect(decision.rows.map(row => row.place)).toEqual(['home-azure']);
    expect(decision.chosen).toBe('home-azure');
    expect(decide(snapshotOf([february]), 'place_state', call(), {}, { only: ['nowhere'] })).toMatchObject({
      code: 'no_such_target',
      rows: [],
    });
  });

  test('every target has its row, in order, whatever its model', () => {
    const { rows } = decide(snapshotOf([february]), 'infer', call({ vendor: 'anthropic', model: 'claude' }), {});
    expect(rows.map(row => [row.place, row.verdict])).toEqual([
      ['azure', 'wrong-model'],
      ['aws', 'wrong-model'],
      ['aws-gov', 'wrong-model'],
      ['claude-aws', 'chosen'],
    ]);
  });
});

describe('modes', () => {
  const stored = call({ session: { channel: CHANNELS.bedrock } });

  test('monitor: nothing is refused, everything is recorded', () => {
    const decision = decide(
      snapshotOf([february, data], { enforce: false }),
      'infer',
      { ...stored, sessionLabels: ['us-gov'] },
      {},
    );
    expect(decision).toMatchObject({ outcome: 'placed', conflict: null });
    expect(decision.rows.every(row => row.exclusions.length === 0)).toBe(true);
    expect(
      decision.flagged.map(flag => [flag.why, 'clause' in flag.exclusion && flag.exclusion.clause, flag.places]),
    ).toEqual([
      ['ambiguous', 'joint.sellers', ['azure', 'aws', 'aws-gov']],
      ['monitor', 'data.us-gov', ['azure', 'aws']],
      ['monitor', 'data.clearance', ['azure', 'aws']],
      ['monitor', 'joint.stateless', ['aws', 'aws-gov']],
    ]);
  });

  test('monitor: not even for want of a contract, nor for a sale', () => {
    const late = decide(snapshotOf([february], { enforce: false }), 'infer', call({ at: Date.UTC(2027, 0, 1) }), {});
    expect(late).toMatchObject({
      outcome: 'placed',
      flagged: [{ why: 'monitor', exclusion: { kind: 'no-contract-in-force' } }],
    });
    const sale = decideDistribution(
      snapshotOf([february], { enforce: false }),
      CHANNELS.vertex,
      PRODUCTS.frontier,
      'commercial',
      MARCH,
    );
    expect(sale).toMatchObject({
      outcome: 'allowed',
      flagged: [{ why: 'monitor', exclusion: { clause: 'amzn.distribution' } }],
    });
  });

  test('ambiguity refused: the flagged clause excludes', () => {
    const decision = decide(snapshotOf([february], { onAmbiguity: 'refuse' }), 'infer', stored, {});
    expect(decision).toMatchObject({ outcome: 'refused', flagged: [] });
    expect(decision.conflict?.between).toMatchObject([{ clause: 'joint.sellers' }]);
  });

  test('an ambiguous permission counts, unless ambiguity is refused', () => {
    const maybe = load({
      'contract.yaml':
        'id: maybe\nversion: "1"\ntitle: x\nsources: {s: {title: x}}\nclauses:\n  base: {source: s, confidence: C, summary: x}\n',
      'clauses.cedar': '@id("base") @ambiguous("is it?") permit (principal, action, resource);',
    });
    expect(decide(snapshotOf([maybe]), 'infer', call(), {}).outcome).toBe('placed');
    expect(decide(snapshotOf([maybe], { onAmbiguity: 'refuse' }), 'infer', call(), {}).conflict?.between).toEqual([
      { kind: 'no-permit', contract: 'maybe' },
    ]);
  });
});

describe('what is in force', () => {
  const april = load(shippedFiles('openai-2026-04'));
  const inForce = (at: number, ...contracts: (typeof april)[]) =>
    snapshotOf(contracts)
      .inForce(at)
      .map(({ id }) => id);

  test('dates are UTC days, the last exclusive', () => {
    expect(inForce(Date.UTC(2026, 1, 27) - 1, february)).toEqual([]);
    expect(inForce(Date.UTC(2026, 1, 27), february)).toEqual(['openai-2026-02']);
    expect(inForce(Date.UTC(2026, 3, 27) - 1, february)).toEqual(['openai-2026-02']);
    expect(inForce(Date.UTC(2026, 3, 27), february)).toEqual([]);
  });

  test('a superseding contract puts the other out of force, even one without an end', () => {
    const open = load({
      ...shippedFiles('openai-2026-02'),
      'contract.yaml': (shippedFiles('openai-2026-02')['contract.yaml'] ?? '').replace('to: 2026-04-27', 'to: null'),
    });
    expect(inForce(Date.UTC(2026, 3, 26), open, april)).toEqual(['openai-2026-02']);
    expect(inForce(Date.UTC(2026, 3, 27), open, april)).toEqual(['openai-2026-04']);
  });

  test('contracts/none is a contract in force over everything', () => {
    expect(decide(snapshotOf([february, none]), 'infer', call({ at: Date.UTC(2027, 0, 1) }), {}).outcome).toBe(
      'placed',
    );
    expect(decide(snapshotOf([february, data]), 'infer', call({ at: Date.UTC(2027, 0, 1) }), {}).code).toBe(
      'no_contract_in_force',
    );
  });

  test('no contract at all binds nothing', () => {
    expect(decide(snapshotOf([]), 'infer', call(), {})).toMatchObject({ outcome: 'placed', inForce: [] });
  });

  test('the session keeps the reading it started under', () => {
    const session = { channel: CHANNELS.bedrock, reading: { 'openai-2026-02': 'amazon-openai' } };
    const decision = decide(
      snapshotOf([february], { readings: { 'openai-2026-02': 'microsoft' } }),
      'infer',
      call({ session }),
      {},
    );
    expect(decision.inForce).toEqual([{ contract: 'openai-2026-02', version: '2026-02-27', reading: 'amazon-openai' }]);
    expect(decision.classes).toEqual({ 'openai-2026-02': 'stateful' });
  });

  test('a retrospective reading sees what the session did', () => {
    const use = { turns: 1, itemsRead: 0, memoryReads: 0, toolsRun: 0, filesTouched: 0 };
    const classOf = (more: object) =>
      decide(
        snapshotOf([february], { readings: { 'openai-2026-02': 'substance' } }),
        'infer',
        call({ session: { ...frontierByAws, use: { ...use, ...more } } }),
        {},
      ).classes;
    expect(classOf({})).toEqual({ 'openai-2026-02': 'stateless' });
    expect(classOf({ toolsRun: 1 })).toEqual({ 'openai-2026-02': 'stateful' });
  });
});

test('decisions of unlike calls are not mixed up, though what clauses said is kept', () => {
  const snapshot = snapshotOf([february, data]);
  const calls = [
    call(),
    call({ session: { channel: CHANNELS.bedrock } }),
    call({ session: frontierByAws }),
    call({ session: { ...frontierByAws, stateHeld: false } }),
    call({ session: { segment: 'us-natsec' } }),
    call({ sessionLabels: ['restricted'] }),
    call({ requestLabels: ['restricted'] }),
    call({ sessionLabels: ['restricted', 'us-gov'] }),
    call({ vendor: 'anthropic', model: 'claude' }),
    call({ at: Date.UTC(2026, 3, 27) }),
  ];
  const actions = ['infer', 'place_state', 'execute', 'egress'] as const;
  const decideAll = (seen: Snapshot, facts: CallFacts) => actions.map(action => decide(seen, action, facts, {}));
  for (const facts of calls) decideAll(snapshot, facts);
  for (const facts of calls) {
    const fresh = snapshotOf([load(shippedFiles('openai-2026-02')), load(shippedFiles('data-handling'))]);
    expect(decideAll(snapshot, facts)).toEqual(decideAll(fresh, facts));
  }
}, 30_000);
