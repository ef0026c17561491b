/** What can be wrong with money terms, a row for each: what is found, on which line, with which hint; and a neighbour that is right. */
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Finding } from './finding.ts';
import { findingLine } from './finding.ts';
import { checkContract, loadContract } from './load.ts';
import type { ContractFiles } from './rule.ts';

const HEAD = `id: deal
version: "1"
title: A deal
parties: [openai, microsoft, amazon]
effective: {from: 2026-01-01, to: 2027-01-01}
sources: {s: {title: Nobody}}
clauses:
  base: {source: s, confidence: A, summary: all}
  late: {source: s, confidence: A, summary: once offered}
`;
const CEDAR = `@id("base") permit (principal, action, resource);
@id("late") @cite("page 1") forbid (principal, action == Action::"infer", resource in Cloud::"stackit")
when { context.call.events.contains("milestone-1") && context.call.vendor == Vendor::"mistral" };
`;
/** Line of the key that a row's terms stand under, and of the second term. */
const FIRST = 11;
const SECOND = 12;

const folder = (terms: string, head = HEAD): ContractFiles => ({
  'contract.yaml': `${head}${terms}\n`,
  'clauses.cedar': CEDAR,
});

const under = (kind: string, ...terms: readonly string[]): string =>
  `${kind}:\n${terms.map(term => `  - ${term}`).join('\n')}`;
const commitment = (changed: string): string => {
  const parts: Record<string, string> = {
    payer: 'openai',
    payee: 'amazon',
    amount_usd: '100',
    from: '2026-01-01',
    to: '2026-12-31',
    counts: '{cloud: aws}',
    shortfall: 'owed',
  };
  return term(parts, changed);
};
const capacity = (changed: string): string =>
  term({ provider: 'amazon', accelerator: 'trainium', amount: '2', unit: 'GW', from: '2026-01-01' }, changed);
const prepaid = (changed: string): string =>
  term({ payer: 'microsoft', to: 'openai', amount_usd: '13', form: 'azure-credits' }, changed);
const tranche = (changed: string): string =>
  term({ payer: 'amazon', payee: 'openai', amount_usd: '15', on: '2026-03-31' }, changed);
const waiting = (changed: string): string =>
  term({ payer: 'amazon', payee: 'openai', amount_usd: '15', when: '{any: [ipo-filed]}' }, changed);
const share = (changed: string): string =>
  term(
    { payer: 'openai', payee: 'microsoft', percent: '20', base: '{revenue_of: openai-models, clouds: any}' },
    changed,
  );
const cap = (changed: string): string => term({ amount_usd: '5', per: 'month' }, changed);

/** A term on one line, some of its keys changed (`key: value; key: value`), or left out (`-key`). */
function term(parts: Readonly<Record<string, string>>, changed: string): string {
  const all = new Map(Object.entries({ id: 't', ...parts }));
  for (const change of changed.split('; ').filter(one => one !== '')) {
    if (change.startsWith('-')) all.delete(change.slice(1));
    else all.set(change.slice(0, change.indexOf(': ')), change.slice(change.indexOf(': ') + 2));
  }
  return `{${[...all].map(([key, value]) => `${key}: ${value}`).join(', ')}}`;
}

interface Row {
  readonly what: string;
  readonly wrong: string;
  /** Level, code, line; then the hint. */
  readonly finding: readonly [string, string | null];
  readonly right: string;
}

/** What | of which term | changed to what is wrong | and to what is right | found | hint. */
const TABLE = `
// days
a commitment from after its end | commitment | from: 2026-12-31; to: 2026-12-30 | from: 2026-12-30; to: 2026-12-31 | error term_dates | swap from and to
a commitment of no day | commitment | from: 2026-05-01; to: 2026-05-01 | from: 2026-05-01; to: 2026-05-02 | error term_dates | \`to\` is the first day after
capacity from after its end | capacity | from: 2026-06-02; to: 2026-06-01 | from: 2026-06-01; to: 2026-06-02 | error term_dates | swap from and to
credits from after their end | prepaid | from: 2026-06-02; until: 2026-06-01 | from: 2026-06-01; until: 2026-06-02 | error term_dates | swap from and until
credits of no day | prepaid | from: 2026-06-01; until: 2026-06-01 | from: 2026-05-31; until: 2026-06-01 | error term_dates | \`until\` is the first day after
a day due that is not before its bound | tranche | before: 2026-03-31 | (as it is) | error term_dates | a day that is due needs no before
a bound on a day due | tranche | before: 2026-04-01 | (as it is) | warning term_unused | remove it
a notice of a day due | tranche | notice_business_days: 1 | notice_business_days: 0 | warning term_unused | remove it
a commitment that is over when its contract begins | commitment | from: 2025-01-01; to: 2026-01-01 | from: 2025-01-01; to: 2026-01-02 | error term_void | look at to and at effective.from
capacity that is over when its contract begins | capacity | from: 2025-01-01; to: 2026-01-01 | from: 2025-01-01; to: 2026-01-02 | error term_void | look at to and at effective.from
a share that is over when its contract begins | share | to: 2026-01-01 | to: 2026-01-02 | error term_void | look at to and at effective.from
events that can no longer come in time | waiting | before: 2026-01-01 | before: 2026-01-02 | error term_void | look at before and at effective.from
a day that there is not | commitment | to: 2026-02-30 | to: 2026-02-28 | error manifest_invalid | -
// words
a cloud that is nearly one | commitment | counts: {cloud: awss} | counts: {cloud: aws} | warning word_unknown | did you mean aws?
a cloud by the name of who makes it | commitment | counts: {cloud: amazon} | counts: {cloud: some-cloud} | warning word_unknown | did you mean aws?
a cloud that is nearly one of the clauses | commitment | counts: {cloud: stackti} | counts: {cloud: stackit} | warning word_unknown | did you mean stackit?
a cloud of a share | share | base: {revenue_of: openai, clouds: [aws, azur]} | base: {revenue_of: openai, clouds: [aws, azure]} | warning word_unknown | did you mean azure?
a cloud of a cap | cap | scope: {cloud: azzure} | scope: {cloud: azure} | warning word_unknown | did you mean azure?
a cloud of credits | prepaid | form: azur-credits | form: azure-credits | warning word_unknown | did you mean azure?
any cloud in a list | share | base: {revenue_of: openai, clouds: [any]} | base: {revenue_of: openai, clouds: any} | error form_unknown | write clouds: any
clouds that are no list | share | base: {revenue_of: openai, clouds: aws} | base: {revenue_of: openai, clouds: [aws]} | error manifest_invalid | -
a vendor that is nearly one | share | base: {revenue_of: openia-models, clouds: any} | base: {revenue_of: openai-models, clouds: any} | error word_unknown | did you mean openai-models?
a vendor that is nearly one of the clauses | share | base: {revenue_of: mistrall, clouds: any} | base: {revenue_of: mistral, clouds: any} | error word_unknown | did you mean mistral-models?
a vendor that nothing names | share | base: {revenue_of: cohere, clouds: any} | base: {revenue_of: amazon, clouds: any} | warning word_unknown | vendors here: openai, microsoft, amazon, mistral; another is named among the parties or in the scope
revenue of something else than models | share | base: {revenue_of: openai-api, clouds: any} | base: {revenue_of: openai, clouds: any} | error form_unknown | write openai-models
an event that is nearly one | waiting | when: {all: [ipo-fled]} | when: {all: [ipo-filed]} | warning word_unknown | did you mean ipo-filed?
an event that is nearly one of the clauses | waiting | when: {any: [mile-stone-1]} | when: {any: [milestone-1, milestone-2]} | warning word_unknown | did you mean milestone-1?
a payer that is nearly a party | tranche | payer: amazn | payer: somebody | warning word_unknown | did you mean amazon?
a payee that is nearly a party | prepaid | to: opneai | to: openai | warning word_unknown | did you mean openai?
a provider that is nearly a party | capacity | provider: amzon | provider: amazon | warning word_unknown | did you mean amazon?
a form of credits that nothing counts | prepaid | form: azure-credit | form: aws-credits | error form_unknown | did you mean azure-credits?
a form that is none | prepaid | form: shares | form: cash | error form_unknown | one of CLOUD-credits, credits, cash
a unit in other letters | capacity | unit: gw | unit: GW | warning word_unknown | did you mean GW?
a unit that is none | capacity | unit: horses | unit: chips | warning word_unknown | known are kW, MW, GW, chips, instances, nodes, racks, units, PTU
a shortfall that is none | commitment | shortfall: owned | shortfall: forgiven | error manifest_invalid | did you mean owed?
a period that is none | cap | per: moth | per: total | error manifest_invalid | did you mean month?
a key that is none | share | cap_usdd: 5 | cap_usd: 5 | error manifest_invalid | did you mean cap_usd?
a key that is nothing like one | cap | currency: eur | (as it is) | error manifest_invalid | there are: id, amount_usd, per, scope
// amounts
an amount of nothing | commitment | amount_usd: 0 | amount_usd: 0.000001 | error value_out_of_range | -
an amount below nothing | tranche | amount_usd: -1 | amount_usd: 1 | error value_out_of_range | -
an amount above the most | prepaid | amount_usd: 9000000000000.01 | amount_usd: 9000000000000 | error value_out_of_range | -
an amount finer than a micro-unit | cap | amount_usd: 0.0000005 | amount_usd: 0.50 | error value_inexact | -
an amount with a seventh decimal | cap | amount_usd: 1.0000001 | amount_usd: 1.000001 | error value_inexact | -
an amount of 16 digits | commitment | amount_usd: 999999999999.1234 | amount_usd: 999999999999.123000 | error value_inexact | -
an amount that a number would round | cap | amount_usd: 0.30000000000000001 | amount_usd: 0.3 | error value_inexact | -
an amount with a sign | cap | amount_usd: $0.50 | amount_usd: 0.5 | error manifest_invalid | a number, without quotes, signs or commas
a cap of a share below nothing | share | cap_usd: -1 | cap_usd: null | error value_out_of_range | -
a cap of a share of nothing | share | cap_usd: 0 | cap_usd: 0.01 | error value_out_of_range | -
a percentage below nothing | share | percent: -0.5 | percent: 0.5 | error value_out_of_range | -
a percentage above a hundred | share | percent: 100.5 | percent: 100 | error value_out_of_range | -
a percentage of nothing | share | percent: 0 | percent: 0.000001 | error term_void | only a contract that supersedes another may so end its share
a percentage with a seventh decimal | share | percent: 12.5000001 | percent: 12.5 | error value_inexact | -
a percentage in quotes | share | percent: "12.5%" | percent: 12.500 | error manifest_invalid | a number, without quotes, signs or commas
half a gigawatt | capacity | amount: 0.5 | amount: 500; unit: MW | error value_inexact | in a smaller unit: 1500 MW for 1.5 GW
no capacity | capacity | amount: 0 | amount: 1 | error value_out_of_range | -
capacity above the most | capacity | amount: 1000000001 | amount: 1000000000 | error value_out_of_range | -
days of notice below nothing | waiting | notice_business_days: -1 | notice_business_days: 0 | error value_out_of_range | -
days of notice above the most | waiting | notice_business_days: 1001 | notice_business_days: 1000 | error value_out_of_range | -
a part of a day of notice | waiting | notice_business_days: 2.5 | notice_business_days: 2 | error value_inexact | -
// tranches
a tranche that is never due | tranche | -on | (as it is) | error due_invalid | add on: DAY, or when: {any: [EVENT]}
a tranche that is due in two ways | tranche | when: {any: [ipo-filed]} | (as it is) | error due_invalid | remove one
a tranche that waits for nothing | waiting | when: {any: []} | when: {all: [ipo-filed]} | error manifest_invalid | -
a tranche that waits for any and for all | waiting | when: {any: [ipo-filed], all: [injunction]} | when: {any: [ipo-filed]} | error manifest_invalid | -
`;

const MADE: Readonly<Record<string, readonly [string, (changed: string) => string]>> = {
  commitment: ['commitments', commitment],
  capacity: ['capacity', capacity],
  prepaid: ['prepaid', prepaid],
  tranche: ['tranches', tranche],
  waiting: ['tranches', waiting],
  share: ['shares', share],
  cap: ['caps', cap],
};

const rows = TABLE.split('\n')
  .filter(line => line.includes(' | '))
  .map((line): Row => {
    const [what = '', of = '', wrong = '', right = '', found = '', hint = ''] = line.split(' | ');
    const [kind, make] = MADE[of] ?? ['', () => ''];
    const made = (changed: string): string => under(kind, make(changed === '(as it is)' ? '' : changed));
    return { what, wrong: made(wrong), right: made(right), finding: [`${found} ${FIRST}`, hint === '-' ? null : hint] };
  });

const ROWS: readonly Row[] = [
  ...rows,
  {
    what: 'an id twice',
    wrong: under('caps', cap(''), cap('')),
    right: under('caps', cap(''), cap('id: u')),
    finding: [`error term_duplicate ${SECOND}`, 'rename one'],
  },
  {
    what: 'an id in two kinds',
    wrong: `${under('caps', cap(''))}\n${under('tranches', tranche(''))}`,
    right: `${under('caps', cap(''))}\n${under('tranches', tranche('id: u'))}`,
    finding: [`error term_duplicate ${FIRST}`, 'rename one'],
  },
];

test('the table is read as a whole', () => {
  for (const line of TABLE.split('\n').filter(one => one !== '' && !one.startsWith('//'))) {
    const columns = line.split(' | ');
    expect(columns, line).toHaveLength(6);
    expect(MADE).toHaveProperty(columns[1] ?? '');
  }
});

const brief = ({ level, code, line }: Finding): string => `${level} ${code} ${line ?? '-'}`;

describe('found at load:', () => {
  test.each(ROWS.map(one => ({ name: one.what, ...one })))('$name', ({ wrong, finding, right }) => {
    const findings = checkContract(folder(wrong));
    expect(
      findings.map(one => [brief(one), one.hint]),
      findings.map(findingLine).join('\n'),
    ).toEqual([finding]);
    expect(findings[0]?.file).toBe('contract.yaml');
    expect(checkContract(folder(right)).map(findingLine)).toEqual([]);
  });

  test('the line is that of the value', () => {
    const terms =
      'commitments:\n  - id: t\n    payer: openai\n    payee: amazon\n    amount_usd: 5\n    from: 2026-02-01\n    to: 2026-01-15\n    counts:\n      cloud: awss\n    shortfall: owed';
    expect(checkContract(folder(terms)).map(brief)).toEqual(['error term_dates 16', 'warning word_unknown 18']);
  });
});

describe('a contract that supersedes another', () => {
  const later = HEAD.replace('parties:', 'supersedes: [before]\nparties:');
  test.each([
    ['a commitment', under('commitments', commitment('from: 2025-01-01; to: 2026-01-01'))],
    ['capacity', under('capacity', capacity('from: 2025-01-01; to: 2025-06-01'))],
    ['a share', under('shares', share('to: 2026-01-01'))],
    ['a share, by nothing percent', under('shares', share('percent: 0'))],
    ['a tranche', under('tranches', waiting('before: 2026-01-01'))],
  ])('may end %s of the one before', (_, terms) => {
    expect(checkContract(folder(terms, later)).map(findingLine)).toEqual([]);
    expect(checkContract(folder(terms)).map(({ code }) => code)).toEqual(['term_void']);
  });
});

describe('a contract that names nobody', () => {
  const bare = HEAD.replace('parties: [openai, microsoft, amazon]\n', '');
  test('may share the revenue of any vendor', () => {
    const files = { ...folder(under('shares', share('base: {revenue_of: cohere, clouds: any}')), bare) };
    const quiet = { ...files, 'clauses.cedar': CEDAR.replace(' && context.call.vendor == Vendor::"mistral"', '') };
    expect(checkContract(quiet).map(findingLine)).toEqual([]);
    expect(checkContract(files).map(({ code }) => code)).toEqual(['word_unknown']);
  });
});

test('every amount of whole micro-units and at most 15 digits is read as it is written', () => {
  const micros = fc.bigInt({ min: 1n, max: 10n ** 15n - 1n });
  fc.assert(
    fc.property(micros, micro => {
      const text = `${micro / 1_000_000n}.${String(micro % 1_000_000n).padStart(6, '0')}`;
      const { contract } = loadContract(folder(under('caps', cap(`amount_usd: ${text}`))));
      const read = contract?.manifest.caps[0]?.amount_usd ?? Number.NaN;
      expect(read.toFixed(6)).toBe(text);
    }),
    { numRuns: 20 },
  );
});
