/** What cases say was recorded, and what clauses are told of it. */
import { describe, expect, test } from 'vitest';
import { problemLine } from './config/problem.ts';
import { MAX_CASE_RECORDED } from './contract-cases-recorded.ts';
import { runCases } from './contract-cases-run.ts';
import { parseCases } from './contract-cases.ts';
import { sideOfFiles } from './contract-space.ts';

const MANIFEST = `id: own
version: "1"
title: Own.
sources: {me: {title: Me}}
clauses:
  own.base: {source: me, confidence: A, summary: All.}
  own.injunction: {source: me, confidence: A, summary: None after an injunction.}
  own.declined: {source: me, confidence: A, summary: None before the right was declined.}
  own.lapsed: {source: me, confidence: A, summary: None once the right lapsed.}
  own.spend: {source: me, confidence: A, summary: None above 500 dollars.}
  own.agent: {source: me, confidence: A, summary: Not by old clerks.}
  own.key: {source: me, confidence: A, summary: Not by an operator.}
  own.target: {source: me, confidence: A, summary: Not for the small model on trainium.}
  own.busy: {source: me, confidence: A, summary: Not once files were touched.}
`;
const CLAUSES = `@id("own.base") @cite("1") permit (principal, action, resource);
@id("own.injunction") @cite("2") forbid (principal, action == Action::"infer", resource) when { context.call.events.contains("injunction") };
@id("own.declined") @cite("3") forbid (principal, action == Action::"infer", resource) unless { context.call.firstRefusal.declined.contains("first") };
@id("own.lapsed") @cite("4") forbid (principal, action == Action::"infer", resource) when { context.call.firstRefusal.lapsed.contains("second") };
@id("own.spend") @cite("5") forbid (principal, action == Action::"infer", resource) when { context.call.spend.month >= 500000000 };
@id("own.agent") @cite("6") forbid (principal, action == Action::"infer", resource) when { context.call has agent && context.call.agent.id == "clerk" && context.call.agent.version < 3 };
@id("own.key") @cite("7") forbid (principal, action == Action::"infer", resource) when { principal.scopes.contains("operator") && principal.key != "root" };
@id("own.target") @cite("8") forbid (principal, action == Action::"infer", resource) when { resource.id == "aws" && resource.model == "mini" && resource.accelerator == "trainium" };
@id("own.busy") @cite("9") forbid (principal, action == Action::"infer", resource) when { context.use.filesTouched > 1 };
`;
const HEAD = `places: {aws: {cloud: aws, model: gpt, accelerator: trainium}}
products: {api: {vendor: openai, kind: api}, frontier: {vendor: openai, kind: runtime}}
channels: {direct: {kind: direct}}
defaults:
  at: 2026-03-20
  product: api
  channel: direct
  first_refusals: [{id: first, offered: 2026-03-01, deadline: 2026-03-10, declined: 2026-03-05}]
  spend: {month: 0, total: 0}
  key: ours
  scopes: [responses]
cases:
`;

function outcome(facts: string, head = HEAD): string | undefined {
  const parsed = parseCases(
    `${head}  - {name: one, expect: {places: {aws: {outcome: allowed, by: []}}}, ${facts}}\n`,
    'c',
  );
  if ('problems' in parsed) throw new Error(parsed.problems.map(problemLine).join('\n'));
  const files = { 'contract.yaml': MANIFEST, 'clauses.cedar': CLAUSES };
  return runCases(parsed.file, 'own', (_, options) => sideOfFiles(['own'], [files], options))[0]?.got;
}

const SECOND = 'id: second, offered: 2026-03-15, deadline: 2026-03-19';

test.each([
  ['tenant: acme', 'allowed'],
  ['events: {injunction: 2026-03-20}', 'denied by own.injunction'],
  ['events: {injunction: 2026-03-21}', 'allowed'],
  ['events: {injunction: 2026-03-20T00:00:00.001Z}', 'allowed'],
  ['first_refusals: []', 'denied by own.declined'],
  [
    'first_refusals: [{id: first, product: api, offered: 2026-03-01, deadline: 2026-03-10, declined: 2026-03-05}]',
    'allowed',
  ],
  [
    'first_refusals: [{id: first, product: frontier, offered: 2026-03-01, deadline: 2026-03-10, declined: 2026-03-05}]',
    'denied by own.declined',
  ],
  [`first_refusals: [{${SECOND}}]`, 'denied by own.declined, own.lapsed'],
  [`first_refusals: [{${SECOND}}], at: 2026-03-19T23:59:59Z`, 'denied by own.declined'],
  [`first_refusals: [{${SECOND}, accepted: 2026-03-19}]`, 'denied by own.declined'],
  ['spend: {month: 499999999, total: 900000000}', 'allowed'],
  ['spend: {month: 500000000, total: 900000000}', 'denied by own.spend'],
  ['agent: {id: clerk}', 'denied by own.agent'],
  ['agent: {id: clerk, version: 2}', 'denied by own.agent'],
  ['agent: {id: clerk, version: 3}', 'allowed'],
  ['agent: {id: other}', 'allowed'],
  ['scopes: [operator]', 'denied by own.key'],
  ['scopes: [operator], key: root', 'allowed'],
  ['use: {filesTouched: 1}', 'allowed'],
  ['use: {filesTouched: 2}', 'denied by own.busy'],
])('%s: %s', (facts, expected) => {
  expect(outcome(facts)).toBe(expected);
});

test('the model and the accelerator of a place', () => {
  expect(outcome('tenant: acme', HEAD.replace('model: gpt', 'model: mini'))).toBe('denied by own.target');
  const unknown = HEAD.replace('model: gpt, accelerator: trainium', 'model: mini');
  expect(outcome('tenant: acme', unknown)).toBe('denied by own.target');
});

test('who asks, where a case does not say it, is not known', () => {
  expect(outcome('tenant: acme', HEAD.replace('  key: ours\n  scopes: [responses]\n', ''))).toBe('denied by own.key');
});

describe('what cannot be has its line', () => {
  const problems = (facts: string): readonly string[] => {
    const parsed = parseCases(`${HEAD}  - {name: one, expect: {places: {aws: denied}}, ${facts}}\n`, 'c');
    return 'problems' in parsed ? parsed.problems.map(problemLine) : [];
  };
  test.each([
    ['events: {injunction: 2026-02-30}', 'c:13:59: error: cases[0].events.injunction: must be a day as 2026-03-20'],
    ['events: {Injunction: 2026-03-20}', 'c:13:59: error: cases[0].events.Injunction: an id is at most 64'],
    [
      `first_refusals: [{${SECOND}, declined: 2026-03-20}]`,
      'cases[0].first_refusals[0]: second is answered after its deadline',
    ],
    [
      `first_refusals: [{${SECOND}, declined: 2026-03-16, accepted: 2026-03-16}]`,
      'cases[0].first_refusals[0].declined: is accepted too: it has one answer',
    ],
    [`first_refusals: [{${SECOND}}, {${SECOND}}]`, 'cases[0].first_refusals[1]: second is offered again while'],
    [`first_refusals: [{${SECOND}, product: apo}]`, 'nothing is called "apo" here (did you mean api?)'],
    [`first_refusals: [{${SECOND}, lapsed: 2026-03-20}]`, 'cases[0].first_refusals[0].lapsed: is not known here'],
    ['first_refusals: [{id: second, offered: 2026-03-15}]', 'cases[0].first_refusals[0].deadline'],
    ['spend: {month: 1}', 'cases[0].spend.total'],
    ['spend: {month: 2, total: 1}', 'cases[0].spend.total: is less than that of the month'],
    ['spend: {month: 1.5, total: 2}', 'cases[0].spend.month'],
    ['spend: {month: -1, total: 2}', 'cases[0].spend.month'],
  ])('%s', (facts, expected) => {
    expect(problems(facts).join('\n')).toContain(expected);
  });

  test('a case may have so many events and offers and no more', () => {
    const events = (count: number): string =>
      `events: {${Array.from({ length: count }, (_, i) => `e${i}: 2026-03-01`).join(', ')}}`;
    const offers = (count: number): string =>
      `first_refusals: [${Array.from({ length: count }, (_, i) => `{id: r${i}, offered: 2026-03-01, deadline: 2026-03-02}`).join(', ')}]`;
    for (const made of [events, offers]) {
      expect(problems(made(MAX_CASE_RECORDED))).toEqual([]);
      expect(problems(made(MAX_CASE_RECORDED + 1)).join('')).toContain(String(MAX_CASE_RECORDED));
    }
  });
});
