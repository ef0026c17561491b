/** Money terms of contracts together, and beside a configuration. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { findingLine } from '../contract/finding.ts';
import type { ContractFiles } from '../contract/rule.ts';
import { perdure } from './cli/captured-io.test-support.ts';
import { checkTermsTogether, type TermPlaces } from './contracts-terms-check.ts';

const CEDAR = '@id("base") permit (principal, action, resource);\n';

function made(id: string, terms: string, head = '', cedar = ''): ContractFiles {
  const more = cedar === '' ? '' : '  more: {source: me, confidence: A, summary: x}\n';
  return {
    'contract.yaml': `id: ${id}\nversion: "1"\ntitle: ${id}\n${head}sources: {me: {title: Me}}\nclauses:\n  base: {source: me, confidence: A, summary: x}\n${more}${terms}`,
    'clauses.cedar': CEDAR + cedar,
  };
}

const found = (files: readonly ContractFiles[], config: TermPlaces | null = null): readonly string[] =>
  checkTermsTogether(files, config).map(findingLine);

const commitment = (cloud: string): string =>
  `commitments:\n  - {id: c, payer: us, payee: them, amount_usd: 1, from: 2026-01-01, counts: {cloud: ${cloud}}, shortfall: owed}\n`;
const share = (base: string): string =>
  `shares:\n  - {id: s, payer: us, payee: them, percent: 1, base: {revenue_of: ${base}, clouds: any}}\n`;
const tranche = (event: string): string =>
  `tranches:\n  - {id: t, payer: us, payee: them, amount_usd: 1, when: {any: [${event}]}}\n`;

/** As much of a configuration as terms are compared with. */
function configured(clouds: readonly string[], vendors: readonly string[], events: readonly string[] = []): TermPlaces {
  const targets = clouds.map((cloud, i) => ({ cloud, vendor: vendors[i] ?? 'openai' }));
  return {
    targets,
    products: [{ id: 'api', vendor: 'openai' }],
    channels: [{ id: 'direct' }],
    events: events.map(id => ({ id, date: '2026-01-01', source: 'x' })),
  } as unknown as TermPlaces;
}

describe('the words of another contract of the set', () => {
  const other = made(
    'other',
    '',
    'parties: [mistral]\n',
    '@id("more") @cite("x") forbid (principal, action == Action::"infer", resource in Cloud::"stackit") when { context.call.events.contains("merger-closed") };\n',
  );

  test.each([
    [
      'a cloud',
      commitment('stackti'),
      commitment('stackit'),
      '8: warning word_unknown: commitment c: no cloud is called stackti (did you mean stackit?)',
    ],
    [
      'an event',
      tranche('merger-close'),
      tranche('merger-closed'),
      '8: warning word_unknown: tranche t: no event is called merger-close (did you mean merger-closed?)',
    ],
    [
      'a vendor',
      share('mistrall-models'),
      share('mistral-models'),
      '8: error word_unknown: share s: no vendor is called mistrall (did you mean mistral-models?)',
    ],
  ])('%s', (_, wrong, right, finding) => {
    expect(found([made('mine', wrong), other])).toEqual([`mine/contract.yaml:${finding}`]);
    expect(found([made('mine', wrong)])).toEqual([]);
    expect(found([made('mine', right), other])).toEqual([]);
  });

  test('what is found of a contract by itself is not found again', () => {
    expect(found([made('mine', commitment('awss')), other])).toEqual([]);
  });
});

describe('a configuration', () => {
  test.each([
    [
      'a cloud',
      commitment('ovh'),
      'commitment c: no configured target is on ovh: nothing counts (there are: aws, local-2)',
    ],
    ['a cloud, nearly', commitment('locol-2'), 'commitment c: no cloud is called locol-2 (did you mean local-2?)'],
    [
      'the cloud of credits',
      'prepaid:\n  - {id: p, payer: us, to: them, amount_usd: 1, form: ovh-credits}\n',
      'prepaid p: no configured target is on ovh: nothing counts (there are: aws, local-2)',
    ],
    [
      'a vendor',
      share('cohere'),
      'share s: no configured target has a model of cohere: nothing counts (there are: mistral, openai)',
      'parties: [cohere]\n',
    ],
    [
      'a product of a cap',
      'caps:\n  - {id: k, amount_usd: 1, per: day, scope: {product: apy}}\n',
      'cap k: no configured product is apy: nothing counts (did you mean api?)',
    ],
    [
      'a channel of a cap',
      'caps:\n  - {id: k, amount_usd: 1, per: day, scope: {channel: bedrock}}\n',
      'cap k: no configured channel is bedrock: nothing counts (there are: direct)',
    ],
  ])('%s that it has nowhere', (_, terms, message, head = '') => {
    const told = found([made('mine', terms, head)], configured(['aws', 'local-2'], ['openai', 'mistral']));
    expect(
      told.map(line => line.replace(/^mine\/contract\.yaml:\d+: warning (term_unmatched|word_unknown): /, '')),
    ).toEqual([message]);
  });

  test('that has what is counted is no finding, be it called as it will', () => {
    const terms = commitment('awss') + share('opennai') + tranche('ipo-fled');
    const head = 'parties: [openai]\n';
    expect(found([made('mine', terms, head)], configured(['awss'], ['opennai'], ['ipo-fled']))).toEqual([]);
  });

  test('an event that is nearly one that it has recorded', () => {
    const told = found([made('mine', tranche('merger-close'))], configured([], [], ['merger-closed']));
    expect(told).toEqual([
      'mine/contract.yaml:8: warning word_unknown: tranche t: no event is called merger-close (did you mean merger-closed?)',
    ]);
  });

  test('a slip is told once, also where no target is', () => {
    expect(found([made('mine', commitment('awss'))], configured(['azure'], ['openai']))).toEqual([]);
  });
});

describe('perdure contracts check', () => {
  let cwd = '';
  beforeEach(() => {
    cwd = mkdtempSync(join(tmpdir(), 'perdure-terms-'));
    mkdirSync(join(cwd, 'mine'));
  });
  afterEach(() => rmSync(cwd, { recursive: true, force: true }));
  const write = (files: ContractFiles): void => {
    for (const [path, text] of Object.entries(files)) writeFileSync(join(cwd, 'mine', path), text);
  };

  test('refuses terms that are worth nothing, each with its line and what was meant', async () => {
    const terms = `commitments:
  - {id: a, payer: openai, payee: them, amount_usd: 1, from: 2027-01-01, to: 2026-01-01, counts: {cloud: awss}, shortfall: owed}
shares:
  - {id: b, payer: openai, payee: them, percent: 20, base: {revenue_of: openia-models, clouds: [azur]}}
tranches:
  - {id: c, payer: them, payee: openai, amount_usd: 1, when: {any: [ipo-fled]}}
  - {id: d, payer: them, payee: openai, amount_usd: 1, on: 2026-03-31, before: 2026-03-30}
`;
    write(made('mine', terms, 'parties: [openai, them]\n'));
    const { code, out } = await perdure(['contracts', 'check', 'mine'], { cwd });
    expect(code).toBe(3);
    expect(out.split('\n')).toEqual([
      'mine/contract.yaml:9: error term_dates: commitment a: from 2027-01-01 until 2026-01-01 (exclusive) is no time at all (swap from and to)',
      'mine/contract.yaml:9: warning word_unknown: commitment a: no cloud is called awss (did you mean aws?)',
      'mine/contract.yaml:11: warning word_unknown: share b: no cloud is called azur (did you mean azure?)',
      'mine/contract.yaml:11: error word_unknown: share b: no vendor is called openia (did you mean openai-models?)',
      'mine/contract.yaml:13: warning word_unknown: tranche c: no event is called ipo-fled (did you mean ipo-filed?)',
      'mine/contract.yaml:14: error term_dates: tranche d: due on 2026-03-31, and only before 2026-03-30: never (a day that is due needs no before)',
      'mine: cannot be used',
      'not ok',
      '',
    ]);
  });

  test('warns of a cloud that no configured target is on, and is ok: a contract may come before its targets', async () => {
    write(made('mine', commitment('ovh')));
    const target =
      '{id: aw, vendor: openai, model: m, cloud: aws, region: us-east-1, jurisdiction: us, base_url: "https://aws.example/v1"}';
    writeFileSync(join(cwd, 'perdure.yaml'), `targets:\n  - ${target}\ncontracts: [./mine]\n`);
    const { code, out } = await perdure(['contracts', 'check'], { cwd });
    expect({ code, out: out.split('\n').slice(1) }).toEqual({
      code: 0,
      out: [
        'together: mine/contract.yaml:8: warning term_unmatched: commitment c: no configured target is on ovh: nothing counts (there are: aws)',
        'ok',
        '',
      ],
    });
  });
});
