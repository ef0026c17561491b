/** What a contract keeps of earlier calls never shows: it says what it would say if it had kept nothing. */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Contract } from './contract.ts';
import type { RuleFacts } from './facts.ts';
import { findingLine } from './finding.ts';
import { loadContract } from './load.ts';
import type { Recorded } from './recorded.ts';

const RUNS = 60;
const CALLS = 12;
const DAY = Date.UTC(2026, 4, 10);

/** Each reads something else of what differs between calls; together they meet every comparison with a date. */
const CONDITIONS = [
  ...['<', '<=', '>', '>=', '==', '!='].map(op => `context.call.at ${op} datetime("2026-05-10")`),
  'datetime("2026-05-11") > context.call.at',
  'context.call.at.toDate() == datetime("2026-05-10")',
  'context.call.events.contains("injunction")',
  'context.call.events.isEmpty()',
  'context.call.firstRefusal.offered.contains("first")',
  'context.call.firstRefusal.lapsed.contains("first")',
  'context.call.firstRefusal.offered == ["first"]',
  'context.call.spend.month > 5',
  'context.call.spend.total < 5',
  'context.call.purpose == "eval"',
  'context.call.labels.contains("x")',
  'principal.labels.contains("x")',
  'principal.key == "k1"',
  'principal.scopes.contains("agents")',
  'context.call has agent',
  'context.call has agent && context.call.agent.id == "a"',
  'context.call has agent && context.call.agent.version > 1',
  'context.use.turns > 1',
  'context.use.filesTouched > 0 && context.call.purpose == "turn"',
  'resource.id == "aws"',
  'resource.model == "gpt"',
  'resource.accelerator == "trainium"',
];

const offer = { id: 'first', offered: '2026-05-09', deadline: '2026-05-10', answer: null, source: 'x' };
const RECORDED: readonly Recorded[] = [
  { events: [], firstRefusals: [] },
  { events: [{ id: 'injunction', date: '2026-05-10', source: 'x' }], firstRefusals: [{ ...offer, product: null }] },
  { events: [{ id: 'ipo-filed', date: '2026-05-01', source: 'x' }], firstRefusals: [{ ...offer, product: 'api' }] },
];
const PLACES = ['aws', 'azure'].map(cloud => ({
  id: cloud,
  model: 'gpt',
  accelerator: cloud === 'aws' ? 'trainium' : null,
  cloud,
  region: `${cloud}-1`,
  jurisdiction: 'us',
  sovereignty: 'commercial',
  clearances: [],
}));

const INFER = 'action == Action::"infer"';

function contractOf(conditions: readonly string[]): Contract {
  const ids = conditions.map((_, i) => `c${i}`);
  const { contract, findings } = loadContract({
    'contract.yaml': `id: test\nversion: "1"\ntitle: x\nsources: {s: {title: x}}\nclauses:\n${['base', ...ids]
      .map(id => `  ${id}: {source: s, confidence: A, summary: x}\n`)
      .join('')}`,
    'clauses.cedar': `@id("base") permit (principal, action, resource);\n${conditions
      .map((condition, i) => `@id("c${i}") @cite("x") forbid (principal, ${INFER}, resource) when { ${condition} };\n`)
      .join('')}`,
  });
  if (contract === null) throw new Error(findings.map(findingLine).join('\n'));
  return contract;
}

const calls: fc.Arbitrary<RuleFacts> = fc
  .record({
    at: fc.constantFrom(DAY - 1, DAY, DAY + 1, DAY + 86_400_000 - 1, DAY + 86_400_000),
    product: fc.constantFrom('api', 'frontier'),
    purpose: fc.constantFrom('turn', 'eval'),
    labels: fc.subarray(['x']),
    requestLabels: fc.subarray(['x']),
    spend: fc.option(fc.record({ month: fc.constantFrom(5, 6), total: fc.constantFrom(4, 5) }), { freq: 3 }),
    recorded: fc.constantFrom(...RECORDED),
    asker: fc.constantFrom<Partial<RuleFacts>>(
      {},
      { principal: { key: 'k1' } },
      { principal: { key: 'k1', scopes: ['agents'] } },
      { principal: { key: 'k2', scopes: ['responses'] }, agent: { id: 'a', version: 1 } },
      { principal: { key: 'k2', scopes: ['agents'] }, agent: { id: 'b', version: 2 } },
      { agent: { id: 'a', version: 2 } },
    ),
    soFar: fc.option(fc.record({ turns: fc.constantFrom(1, 2), files: fc.constantFrom(0, 1) }), { freq: 3 }),
  })
  .map(({ at, product, purpose, labels, requestLabels, spend, recorded, asker, soFar }) => ({
    session: {
      tenant: 'acme',
      product: { id: product, vendor: 'openai', kind: 'api' },
      channel: { id: 'direct', seller: 'openai', kind: 'direct' },
      segment: 'commercial',
      stateHeld: true,
    },
    vendor: 'openai',
    purpose,
    sessionLabels: labels,
    requestLabels,
    at,
    recorded,
    ...(spend !== null && { spend }),
    ...asker,
    ...(soFar !== null && {
      soFar: { turns: soFar.turns, itemsRead: 0, memoryReads: 0, toolsRun: 0, filesTouched: soFar.files },
    }),
  }));

test('a contract that has judged other calls says what a new one says', () => {
  const said = { forbids: 0, errors: 0, silent: 0 };
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.constantFrom(...CONDITIONS), { minLength: 1, maxLength: 2 }),
      fc.array(calls, { minLength: CALLS, maxLength: CALLS }),
      (conditions, sequence) => {
        const used = contractOf(conditions);
        for (const facts of sequence) {
          const [judgement] = used.judge('infer', facts, 'stateful', PLACES);
          // What is kept is kept for a list of places, and for what was recorded: others are judged anew.
          const again = { ...facts, recorded: { ...facts.recorded } };
          const fresh = used.judge('infer', again, 'stateful', [...PLACES]);
          expect(used.judge('infer', facts, 'stateful', PLACES)).toEqual(fresh);
          if ((judgement?.errors.length ?? 0) > 0) said.errors += 1;
          else if ((judgement?.forbids.length ?? 0) > 0) said.forbids += 1;
          else said.silent += 1;
        }
      },
    ),
    { numRuns: RUNS },
  );
  for (const [what, count] of Object.entries(said)) expect(count, what).toBeGreaterThan((RUNS * CALLS) / 50);
}, 120_000);
