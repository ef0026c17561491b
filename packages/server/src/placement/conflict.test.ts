import { describe, expect, test } from 'vitest';
import { conflictOf, MAX_EXACT_REASONS, MAX_EXACT_SIZE } from './conflict.ts';
import { decide } from './decide.ts';
import type { Row } from './decision.ts';
import { CHANNELS, call, load, PRODUCTS, shippedFiles, snapshotOf, target } from './fixture.test-support.ts';

const february = load(shippedFiles('openai-2026-02'));
const data = load(shippedFiles('data-handling'));
const frontierByAws = { product: PRODUCTS.frontier, channel: CHANNELS.bedrock };

describe('refusals', () => {
  const onlyAws = [target('aws', 'aws'), target('azure', 'azure', { clearances: [] })];
  const decision = decide(
    snapshotOf([february, data], { places: onlyAws }),
    'infer',
    call({ session: { ...frontierByAws, stateHeld: true }, sessionLabels: ['restricted'] }),
    {},
  );

  test('name every reason against every place', () => {
    expect(decision).toMatchObject({ outcome: 'refused', code: 'placement_refused', chosen: null });
    expect(decision.rows.map(row => row.exclusions.map(e => 'clause' in e && e.clause))).toEqual([
      ['data.clearance'],
      ['amzn.inference', 'data.clearance'],
    ]);
  });

  test('name the smallest conflict and the single changes that free', () => {
    expect(decision.conflict).toMatchObject({
      between: [{ clause: 'data.clearance' }],
      frees: [{ kind: 'clause', contract: 'data-handling', clause: 'data.clearance', frees: ['aws'] }],
    });
  });

  test('a conflict of two, freed by either, or by another reading', () => {
    const places = [target('aws', 'aws'), target('azure', 'azure', { clearances: [] })];
    const session = { product: PRODUCTS.frontier, channel: CHANNELS.bedrock };
    const blocked = decide(
      snapshotOf([february], { places: places.filter(place => place.id === 'azure') }),
      'infer',
      call({ session }),
      {},
    );
    expect(blocked.conflict).toMatchObject({
      between: [{ clause: 'amzn.inference' }],
      frees: [
        { kind: 'clause', clause: 'amzn.inference', frees: ['azure'] },
        { kind: 'reading', contract: 'openai-2026-02', reading: 'microsoft', frees: ['azure'] },
      ],
    });
    const both = decide(
      snapshotOf([february, data], { places: [target('aws', 'aws'), target('azure', 'azure', { clearances: ['x'] })] }),
      'infer',
      call({ session, requestLabels: ['x'] }),
      {},
    );
    expect(both.conflict?.between.map(e => 'clause' in e && e.clause).toSorted()).toEqual([
      'amzn.inference',
      'data.clearance',
    ]);
    expect(both.conflict?.frees.map(f => f.kind === 'clause' && f.clause)).toContain('amzn.inference');
    expect(both.conflict?.frees.map(f => f.kind === 'clause' && f.clause)).toContain('data.clearance');
  });

  test('the smallest conflict, where taking the largest first would find a larger one', () => {
    // Six places; A and B hold three each, C holds four: greedy takes C and then both others.
    const clauses = { A: ['p1', 'p2', 'p3'], B: ['p4', 'p5', 'p6'], C: ['p2', 'p3', 'p4', 'p5'] };
    const places = ['p1', 'p2', 'p3', 'p4', 'p5', 'p6'].map(id => target(id, id));
    const cedar = Object.entries(clauses).map(
      ([id, on]) =>
        `@id("${id.toLowerCase()}") @cite("x") forbid (principal, action, resource) when { ${on.map(p => `resource in Cloud::"${p}"`).join(' || ')} };`,
    );
    const contract = load({
      'contract.yaml': 'id: c\nversion: "1"\ntitle: x\nsources: {s: {title: x}}\nclauses:\n'.concat(
        ...['base', 'a', 'b', 'c'].map(id => `  ${id}: {source: s, confidence: A, summary: x}\n`),
      ),
      'clauses.cedar': ['@id("base") permit (principal, action, resource);', ...cedar]
        .join('\n')
        .replaceAll('action, resource) when', 'action == Action::"infer", resource) when'),
    });
    const refused = decide(snapshotOf([contract], { places }), 'infer', call(), {});
    expect(refused.conflict?.between.map(e => 'clause' in e && e.clause)).toEqual(['a', 'b']);
    expect(refused.conflict?.frees).toEqual([
      { kind: 'clause', contract: 'c', clause: 'a', frees: ['p1'] },
      { kind: 'clause', contract: 'c', clause: 'b', frees: ['p6'] },
    ]);
  });

  test('a clause that cannot be evaluated excludes, where stock Cedar would skip it', () => {
    const broken = load({
      'contract.yaml':
        'id: broken\nversion: "1"\ntitle: x\nsources: {s: {title: x}}\nclauses:\n  base: {source: s, confidence: A, summary: x}\n  sum: {source: s, confidence: A, summary: x}\n',
      'clauses.cedar': `@id("base") permit (principal, action, resource);
@id("sum") @cite("x") forbid (principal, action == Action::"infer", resource in Cloud::"aws") when { 9007199254740991 * 9007199254740991 < 0 };`,
    });
    const failed = decide(snapshotOf([broken]), 'infer', call(), {});
    const by = Object.fromEntries(failed.rows.map(row => [row.place, row.exclusions]));
    expect(by['aws']).toEqual([
      { kind: 'error', contract: 'broken', clause: 'sum', message: 'integer overflow while multiplying' },
    ]);
    expect(by['azure']).toEqual([]);
    expect(failed.chosen).toBe('azure');
  });

  test('a definition that cannot be evaluated excludes every place', () => {
    const broken = load({
      'contract.yaml':
        'id: broken\nversion: "1"\ntitle: x\ndefault_reading: r\nreadings: [{id: r, title: x}]\nsources: {s: {title: x}}\nclauses:\n  base: {source: s, confidence: A, summary: x}\n  r.def: {source: s, confidence: A, summary: x}\n',
      'clauses.cedar': '@id("base") permit (principal, action, resource);',
      'readings/r.cedar':
        '@id("r.def") permit (principal, action == Action::"stateless", resource) when { 9007199254740991 * 9007199254740991 < context.use.turns };',
    });
    const failed = decide(snapshotOf([broken]), 'infer', call(), {});
    expect(failed).toMatchObject({ outcome: 'refused', classes: { broken: null } });
    expect(failed.conflict?.between).toMatchObject([{ kind: 'error', clause: 'r.def' }]);
  });

  test('a contract that permits nothing excludes by that alone', () => {
    const silent = load({
      'contract.yaml':
        'id: silent\nversion: "1"\ntitle: x\nsources: {s: {title: x}}\nclauses:\n  sell: {source: s, confidence: A, summary: x}\n',
      'clauses.cedar': '@id("sell") permit (principal, action == Action::"distribute", resource);',
    });
    const refused = decide(snapshotOf([silent]), 'infer', call(), {});
    expect(refused.conflict?.between).toEqual([{ kind: 'no-permit', contract: 'silent' }]);
  });
});

describe('the search for the smallest conflict is bounded', () => {
  /** Rows that are each excluded by the reasons whose list holds them. */
  function rowsOf(reasons: readonly (readonly number[])[]): Row[] {
    const places = [...new Set(reasons.flat())].toSorted((a, b) => a - b);
    const [row] = decide(snapshotOf([]), 'infer', call(), {}).rows;
    if (row === undefined) throw new Error('no row');
    return places.map(place => ({
      ...row,
      place: `p${place}`,
      verdict: 'excluded',
      exclusions: reasons.flatMap((on, i) => {
        const clause = { kind: 'clause', contract: 'c', clause: `r${i}`, cite: '', ambiguous: null } as const;
        return on.includes(place) ? [clause] : [];
      }),
    }));
  }
  const sizeOf = (reasons: readonly (readonly number[])[]) => conflictOf(rowsOf(reasons), () => []).between.length;
  // Two reasons cover all six places; the one that holds four misleads whoever takes the largest first.
  const misleading = [
    [1, 2, 3],
    [4, 5, 6],
    [2, 3, 4, 5],
  ];
  const filled = (count: number) => [...misleading, ...Array.from({ length: count - misleading.length }, () => [1])];

  test('up to so many reasons it is exact, beyond it takes the largest first', () => {
    expect(sizeOf(filled(MAX_EXACT_REASONS))).toBe(2);
    expect(sizeOf(filled(MAX_EXACT_REASONS + 1))).toBe(3);
  });

  test('up to such a size it is exact, beyond it takes the largest first', () => {
    // Places of their own make the smallest conflict larger, one by one.
    const larger = (size: number) => [...misleading, ...Array.from({ length: size - 2 }, (_, i) => [100 + i])];
    expect(sizeOf(larger(MAX_EXACT_SIZE))).toBe(MAX_EXACT_SIZE);
    expect(sizeOf(larger(MAX_EXACT_SIZE + 1))).toBe(MAX_EXACT_SIZE + 2);
  });
});
