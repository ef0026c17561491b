/** Which caps of contracts hold, and when: those of the set in force, within the contract's own dates, and enforced. */
import { expect, it } from 'vitest';
import { PLACES, shippedFiles } from '../../placement/fixture.test-support.ts';
import { DEFAULT_WEIGHTS } from '../../placement/snapshot.ts';
import type { Activation } from '../govern/activation.ts';
import type { LoadedEra } from '../govern/active-contracts.ts';
import { snapshotOfDocument } from '../snapshots.ts';
import { spendTermsOf } from './spend-terms.ts';

const rules = '@id("all")\n@cite("ours")\npermit (principal, action, resource);\n';
const contract = (id: string, head: string, amount: number) => ({
  'contract.yaml':
    `id: ${id}\nversion: "1"\nkind: house-rules\ntitle: Rules.\n${head}sources:\n  own: {title: Ours}\n` +
    `clauses:\n  all: {source: own, confidence: A, summary: All.}\ncaps:\n  - {id: c, amount_usd: ${amount}, per: month, scope: {cloud: aws, channel: bedrock}}\n`,
  'rules.cedar': rules,
});

function era(from: number, contracts: readonly Record<string, string>[], enforce = true): LoadedEra {
  const loaded = snapshotOfDocument({
    form: 1,
    places: PLACES,
    contracts: [shippedFiles('none'), ...contracts],
    reading: null,
    enforce,
    onAmbiguity: 'flag',
    weights: DEFAULT_WEIGHTS,
  });
  return { from, activation: {} as Activation, loaded };
}

const ids = (terms: ReturnType<typeof spendTermsOf>, at: number): string[] => terms.inForce(at).map(({ id }) => id);
const day = (text: string): number => Date.parse(`${text}T00:00:00Z`);

it('of a set that comes into force later are counted now, and hold then', () => {
  const terms = spendTermsOf([era(0, [contract('a', '', 10)]), era(1000, [contract('b', '', 20)])], null);
  expect(terms.caps).toMatchObject([
    { id: 'a/c', amount: 10_000_000n, period: 'month', cloud: 'aws', channel: 'bedrock', tenant: null, key: null },
    { id: 'b/c', amount: 20_000_000n },
  ]);
  expect([ids(terms, 999), ids(terms, 1000)]).toEqual([['a/c'], ['b/c']]);
  expect(terms.inForce(5)).toBe(terms.inForce(6));
  expect(terms.fact).toBe(false);
});

it('hold within their contract’s dates, as contracts see the time', () => {
  const dated = contract('a', 'effective: {from: 2026-03-01, to: 2026-04-01}\n', 10);
  const live = spendTermsOf([era(0, [dated])], null);
  expect(['2026-02-28', '2026-03-01', '2026-03-31', '2026-04-01'].map(at => ids(live, day(at)).length)).toEqual([
    0, 1, 1, 0,
  ]);
  const rehearsed = spendTermsOf([era(0, [dated])], day('2026-03-10'));
  expect(ids(rehearsed, day('2026-11-01'))).toEqual(['a/c']);
});

it('of what another contract supersedes do not hold', () => {
  const terms = spendTermsOf([era(0, [contract('a', '', 10), contract('b', 'supersedes: [a]\n', 20)])], null);
  expect(ids(terms, 5)).toEqual(['b/c']);
});

it('do not hold in monitor mode', () => {
  expect(ids(spendTermsOf([era(0, [contract('a', '', 10)], false)], null), 5)).toEqual([]);
});

it('are told apart from a clause that asks for spend', () => {
  const yaml = contract('a', '', 10)['contract.yaml'];
  const plain = {
    'contract.yaml': yaml
      .replace(/caps:[^]*/, '')
      .replace('summary: All.}', 'summary: All.}\n  enough: {source: own, confidence: A, summary: Enough.}'),
    'rules.cedar': `${rules}@id("enough")\n@cite("ours")\nforbid (principal, action == Action::"infer", resource) when { context.call.spend.total > 5 };\n`,
  };
  const terms = spendTermsOf([era(0, [plain])], null);
  expect([terms.caps, terms.fact, ids(terms, 5)]).toEqual([[], true, []]);
});
