import { tmpdir } from 'node:os';
import { expect, test } from 'vitest';
import { FACTS_VERSION as OF_CLAUSES } from '../contract/schema.ts';
import { decideDistribution } from '../placement/decide.ts';
import { FACTS_VERSION } from '../placement/facts.ts';
import { parseConfig } from './config/load.ts';
import { ContractsError, parseDocument, snapshotOfConfig, snapshotOfDocument } from './snapshots.ts';

const CONFIG = `
targets: [{id: a, vendor: openai, model: gpt, cloud: azure, region: eastus2, base_url: "https://a.example/v1"}]
contracts: [openai-2025-10, openai-2026-02, openai-2026-04]
`;
const AGI = 'events: [{id: agi-verified, date: 2026-03-20, source: a panel}]\n';
const load = (text: string) =>
  snapshotOfConfig(parseConfig(text, { file: 'perdure.yaml', env: {}, base: tmpdir() }).config);

test('placements record the version of the facts that contracts are written against', () => {
  expect(FACTS_VERSION).toBe(OF_CLAUSES);
});

test('what is recorded is part of the snapshot, and of its version', () => {
  const plain = load(CONFIG);
  const told = load(CONFIG + AGI);
  expect(plain.warnings).toEqual([]);
  expect(plain.document).not.toContain('"events"');
  expect(told.snapshot.version).not.toBe(plain.snapshot.version);
  expect(told.snapshot.recorded.events).toEqual([{ id: 'agi-verified', date: '2026-03-20', source: 'a panel' }]);
  expect(told.snapshot.recorded.firstRefusals).toEqual([]);
});

test('a snapshot is the same again from its document', () => {
  const offers = 'first_refusals: [{id: azure-first, offered: 2026-05-01, deadline: 2026-05-10, source: a letter}]\n';
  const { document, snapshot } = load(CONFIG + AGI + offers);
  const again = snapshotOfDocument(parseDocument(document)).snapshot;
  expect(again.version).toBe(snapshot.version);
  expect(again.recorded).toEqual(snapshot.recorded);
});

test.each([
  [
    { events: [{ id: 'agi-verified', date: 'soon', source: 'x' }] },
    'agi-verified is dated "soon", which is no day or moment',
  ],
  [
    {
      firstRefusals: [
        { id: 'a', product: null, offered: '2026-05-02', deadline: '2026-05-01', answer: null, source: 'x' },
      ],
    },
    'a has a deadline before its offer',
  ],
])('a record that cannot be keeps a snapshot from being made: %j', (recorded, message) => {
  const document = parseDocument(load(CONFIG).document);
  expect(() => snapshotOfDocument({ ...document, ...recorded })).toThrow(new ContractsError(message));
});

test('a key is sold under the contract of its day', () => {
  const { snapshot } = load(CONFIG);
  const product = { id: 'frontier', vendor: 'openai', kind: 'runtime' } as const;
  const channel = { id: 'vertex', seller: 'google', kind: 'third-party' } as const;
  const outcome = (...day: [number, number, number]) =>
    decideDistribution(snapshot, channel, product, 'commercial', Date.UTC(...day)).outcome;
  expect([outcome(2026, 1, 26), outcome(2026, 1, 27), outcome(2026, 3, 27)]).toEqual(['allowed', 'refused', 'refused']);
});

test.each([
  ['id: mine\nversion: "1"\nnonsense: 1\n', /^mine\/contract\.yaml:\d+: error /],
  ['[', /^contract 1\/contract\.yaml:\d+: error /],
])('what is found of a contract names it, also where it cannot be used: %j', (manifest, message) => {
  const document = parseDocument(load(CONFIG).document);
  const contracts = [{ 'contract.yaml': manifest, 'clauses.cedar': '' }];
  expect(() => snapshotOfDocument({ ...document, contracts })).toThrow(message);
});
