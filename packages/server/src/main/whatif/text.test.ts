/** What a what-if says in words: supposed events on top, reasons that are no clause, terms that a side has not. */
import { expect, test } from 'vitest';
import { decide } from '../../placement/decide.ts';
import { call, load, shippedFiles, snapshotOf } from '../../placement/fixture.test-support.ts';
import { toRecord } from '../../placement/record.ts';
import { makeReplay } from '../../placement/replay.ts';
import { emptyTally } from '../../placement/tally.ts';
import { termsOf, termsSource } from '../money/terms.ts';
import { reportOf } from './report.ts';
import { moneyCsv, reportCsv, reportLines, reportText } from './text.ts';
import { reportHtml } from './html.ts';

const february = load(shippedFiles('openai-2026-02'));
const april = load(shippedFiles('openai-2026-04'));
const MAY = Date.UTC(2026, 4, 3);

/** A call of May under the contract of April, replayed under that of 2025, which ended before. */
function report(stays = false) {
  const gone = { ...february, effective: { from: february.effective.from, to: MAY - 1 } };
  const recorded = snapshotOf([april]);
  const made = call({ at: MAY });
  const record = toRecord(decide(recorded, 'infer', made, {}), recorded, made, {});
  const tally = emptyTally();
  const text = JSON.stringify(record);
  const usage = { input: 1_000_000, cached: 0, output: 0 };
  makeReplay(tally).add(
    { id: 'plc_1', at: MAY, text, start: 0, end: text.length, usage, use: null },
    {
      recorded,
      supposed: snapshotOf([gone]),
      readings: 'session',
      cost: () => 5n,
      revenue: () => () => 100n,
      ...(stays && { stays }),
    },
  );
  const terms = { recorded: termsOf([termsSource(april)]), supposed: termsOf([termsSource(february)]) };
  const suppose = { contracts: null, reading: null, events: [{ id: 'ipo-filed', date: '2026-05-01' }] };
  const window = { from: null, to: null, tenant: null };
  return reportOf({ tally, window, readings: { recorded: [], supposed: [] }, terms }, suppose);
}

test('in text', () => {
  const text = reportText(report());
  expect(text.split('\n')[0]).toBe('Supposed, not recorded: ipo-filed on 2026-05-01.');
  expect(text).toMatch(/plc_1 .* no contract in force/);
  expect(text).toMatch(/no contract in force +0 +0 +1 +0 +1/);
  expect(text).toMatch(/openai-2026-04\/msft-share +any +\$0\.000100 +- +\$0\.000020 +- +-\$0\.000020/);
  expect(text).toContain('revenue $0.000100 -> $0.000000');
});

test('what could not be supposed is said everywhere, and is the same on both sides', () => {
  const whole = report(true);
  const said = '1 of them stays as it was recorded: their contracts have no reading';
  expect([whole.placements, whole.as_recorded, whole.changes]).toEqual([
    1,
    1,
    { same: 1, moved: 0, refused: 0, freed: 0, other: 0, breaches: 0 },
  ]);
  expect(whole.money).toMatchObject({ recorded_micro_usd: '5', supposed_micro_usd: '5', difference_micro_usd: '0' });
  expect(whole.money).toMatchObject({ recorded_revenue_micro_usd: '100', supposed_revenue_micro_usd: '100' });
  expect(whole.clouds).toMatchObject([{ recorded: { calls: 1 }, supposed: { calls: 1 } }]);
  expect(reportText(whole)).toContain(said);
  expect(reportHtml(whole)).toContain(said);
  expect(reportHtml(whole)).toContain('data-figure="as_recorded" data-value="1"');
  expect(reportCsv(whole)).toMatch(/supposed_cloud,breach,as_recorded,clauses[\s\S]*,aws,false,true,,1,/);
  expect(reportLines(whole)).toContain('"as_recorded":1');
  expect(reportText(report())).not.toContain('as it was recorded');
  expect(reportHtml(report())).not.toContain('as_recorded');
});

test('breaches beyond those that are named are counted, and said to be in the file of placements', () => {
  const [one] = report().breaches;
  const of = (named: number, count: number) => ({
    ...report(),
    changes: { ...report().changes, breaches: count },
    breaches: Array.from({ length: named }, () => ({ id: 'x', at: '', place: '', clauses: [], ...one })),
  });
  expect(reportText(of(10, 10))).not.toContain('--placements');
  expect(reportText(of(11, 11))).toContain('\n1 more: --placements FILE names all of them\n');
  expect(reportHtml(of(100, 100))).not.toContain('--placements');
  expect(reportHtml(of(100, 101))).toContain('The first 12 of 101; perdure whatif --placements FILE names all of them');
});

test('in HTML', () => {
  const html = reportHtml(report());
  expect(html).toContain('<p class="note" role="note">Supposed, not recorded: ipo-filed on 2026-05-01.</p>');
  expect(html).toContain('no contract in force');
  expect(html).toContain('data-figure="shares.openai-2026-04.msft-share.base.recorded" data-value="100"');
});

test('in exports', () => {
  const whole = report();
  expect(whole.breaches).toMatchObject([{ id: 'plc_1', clauses: ['no-contract-in-force'] }]);
  expect(moneyCsv(whole)).toContain('share,openai-2026-04,msft-share,due,20,,-20\r\n');
  expect(moneyCsv(whole)).toMatch(/cloud,,aws,cost,5,0,-5\r\n/);
  expect(reportCsv(whole)).toContain('no-contract-in-force');
  const lines = reportLines(whole)
    .trimEnd()
    .split('\n')
    .map(line => JSON.parse(line) as { readonly kind: string });
  const kinds = new Set(lines.map(({ kind }) => kind));
  expect([...kinds].toSorted()).toEqual(['breach', 'cell', 'cloud', 'commitment', 'day', 'share', 'whatif']);
});
