import { expect, test } from 'vitest';
import { decide, decideDistribution } from './decide.ts';
import { explainTable } from './explain.ts';
import {
  CHANNELS,
  call,
  type CallParts,
  load,
  MARCH,
  PRODUCTS,
  shippedFiles,
  snapshotOf,
} from './fixture.test-support.ts';
import type { SnapshotParts } from './snapshot.ts';
import type { Waiver } from './waive.ts';

const FEBRUARY = load(shippedFiles('openai-2026-02'));
const WAIVER: Waiver = {
  id: 'wvr_1',
  contract: 'openai-2026-02',
  clause: 'joint.stateless',
  tenant: 'acme',
  product: null,
  target: null,
  from: MARCH,
  until: MARCH + 1000,
};
/** A stored API response through Bedrock: on AWS one clause forbids it. */
const sold = (parts: CallParts = {}) => call({ ...parts, session: { channel: CHANNELS.bedrock } });
const AWS = { only: ['aws'] };

const at = (waivers: readonly Waiver[], parts: Partial<SnapshotParts> = {}) =>
  snapshotOf([FEBRUARY], { waivers, ...parts });
const on = (waiver: Partial<Waiver>, time = MARCH) =>
  decide(at([{ ...WAIVER, ...waiver }]), 'infer', sold({ at: time }), {}, AWS);

test('W1: within its scope and time a waiver lets a call be where the clause forbids it', () => {
  expect(decide(at([]), 'infer', sold(), {}, AWS).outcome).toBe('refused');
  const decision = on({});
  expect(decision).toMatchObject({ outcome: 'placed', chosen: 'aws', monitored: null });
  // W2
  expect(decision.flagged.filter(flag => flag.why === 'waived')).toMatchObject([
    { why: 'waived', waiver: 'wvr_1', exclusion: { clause: 'joint.stateless' }, places: ['aws'] },
  ]);
  expect(explainTable(decision)).toMatch(/joint\.stateless .* - waived by wvr_1 \[aws\]/);
});

test('W1: its time begins with `from` and ends before `until`', () => {
  expect(on({}, MARCH - 1).outcome).toBe('refused');
  expect(on({}, MARCH).outcome).toBe('placed');
  expect(on({}, MARCH + 999).outcome).toBe('placed');
  expect(on({}, MARCH + 1000).outcome).toBe('refused');
});

test.each<[Partial<Waiver>, string]>([
  [{ tenant: 'other' }, 'refused'],
  [{ tenant: null, product: 'api' }, 'placed'],
  [{ tenant: null, product: 'frontier' }, 'refused'],
  [{ tenant: null, target: 'aws' }, 'placed'],
  [{ tenant: null, target: 'azure' }, 'refused'],
  [{ product: 'frontier' }, 'refused'],
  [{ clause: 'joint.first-party' }, 'refused'],
  [{ contract: 'other' }, 'refused'],
])('W1: everything that a scope names must fit: %j is %s', (waiver, outcome) => {
  expect(on(waiver).outcome).toBe(outcome);
});

test('W1: a waiver takes away what a clause forbids, not a lapse', () => {
  const early = Date.UTC(2020, 0, 1);
  const decision = on({ from: 0, until: early + 1 }, early);
  expect(decision).toMatchObject({ outcome: 'refused', code: 'no_contract_in_force', flagged: [] });
});

test('W3: where nothing permits, a waiver permits nothing', () => {
  const strict = load({
    'contract.yaml':
      'id: strict\nversion: "1"\ntitle: x\nparties: []\nsources: {s: {title: x, date: 2026-01-01, ref: x}}\nclauses:\n  no: {source: s, confidence: A, summary: x}\n  sale: {source: s, confidence: A, summary: x}\n',
    'clauses.cedar':
      '@id("no") @cite("nothing") forbid (principal, action == Action::"infer", resource);\n@id("sale") @cite("x") permit (principal, action == Action::"distribute", resource);',
  });
  const waiver = { ...WAIVER, contract: strict.id, clause: 'no' };
  const decision = decide(snapshotOf([strict], { waivers: [waiver] }), 'infer', sold(), {}, AWS);
  expect(decision.outcome).toBe('refused');
  expect(decision.rows.find(row => row.place === 'aws')?.exclusions).toEqual([
    { kind: 'no-permit', contract: strict.id },
  ]);
});

test('a sale is waived by tenant or product, not by target', () => {
  const sale = (waiver: Partial<Waiver>, tenant: string | null = 'acme') =>
    decideDistribution(
      at([{ ...WAIVER, clause: 'amzn.distribution', ...waiver }]),
      CHANNELS.vertex,
      PRODUCTS.frontier,
      'commercial',
      MARCH,
      tenant,
    ).outcome;
  expect(sale({ clause: 'other' })).toBe('refused');
  expect(sale({})).toBe('allowed');
  expect(sale({}, null)).toBe('refused');
  expect(sale({ tenant: null, product: 'frontier' }, null)).toBe('allowed');
  expect(sale({ tenant: null, target: 'aws' })).toBe('refused');
});

test('monitor mode: the decision says what enforcing would have done', () => {
  const monitor = (only: readonly string[]) => decide(at([], { enforce: false }), 'infer', sold(), {}, { only });
  expect(monitor(['aws'])).toMatchObject({ outcome: 'placed', monitored: 'refused' });
  expect(monitor(['azure'])).toMatchObject({ outcome: 'placed', monitored: 'nothing' });
  const cheap = decide(
    at([], { enforce: false }),
    'infer',
    sold(),
    { azure: { state: 'down', inFlight: 0, expectedLatencyMs: 0 } },
    { only: ['aws', 'azure'] },
  );
  expect(cheap).toMatchObject({ chosen: 'aws', monitored: 'moved' });
  expect(explainTable(cheap)).toContain('monitor mode, not enforced: it would have gone elsewhere');
});
