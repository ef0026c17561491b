import { describe, expect, test } from 'vitest';
import { checkContractSet, chooseReadings } from './contract-set.ts';
import type { Contract } from './contract.ts';
import { findingLine } from './finding.ts';
import { loadContract } from './load.ts';

function contract(yaml: string, readings: readonly string[] = []): Contract {
  const definitions = readings.map(
    id =>
      [
        `readings/${id}.cedar`,
        `@id("${id}.def") permit (principal, action == Action::"stateless", resource);`,
      ] as const,
  );
  const notes = ['base', ...readings.map(id => `${id}.def`)].map(
    id => `  ${id}: {source: s, confidence: A, summary: x}`,
  );
  const declared = readings.map(id => `  - {id: ${id}, title: x, retrospective: ${id === 'late'}}`);
  const { contract, findings } = loadContract({
    'contract.yaml': `title: x\n${yaml}\nsources: {s: {title: x}}\nclauses:\n${notes.join('\n')}\n${
      readings.length > 0 ? `default_reading: ${readings[0] ?? ''}\nreadings:\n${declared.join('\n')}\n` : ''
    }`,
    'clauses.cedar': '@id("base") permit (principal, action, resource);',
    ...Object.fromEntries(definitions),
  });
  if (contract === null) throw new Error(findings.map(findingLine).join('\n'));
  return contract;
}

const codes = (...contracts: Contract[]) => checkContractSet(contracts).map(({ level, code }) => `${level} ${code}`);

describe('contracts together', () => {
  test('versions of one contract may follow each other, and may not overlap by a day', () => {
    const first = contract('id: a\nversion: "1"\neffective: {to: 2026-02-01}');
    const next = contract('id: a\nversion: "2"\neffective: {from: 2026-02-01}');
    const early = contract('id: a\nversion: "2"\neffective: {from: 2026-01-31}');
    expect(codes(first, next)).toEqual([]);
    expect(codes(first, early)).toEqual(['error effective_overlap']);
  });

  test('superseding what is not there is a warning, each other an error', () => {
    const a = contract('id: a\nversion: "1"\nsupersedes: [b]');
    const b = contract('id: b\nversion: "1"\nsupersedes: [c]');
    const c = contract('id: c\nversion: "1"\nsupersedes: [a]');
    expect(codes(a, b, contract('id: c\nversion: "1"'))).toEqual([]);
    expect(codes(a)).toEqual(['warning supersedes_unknown']);
    expect(checkContractSet([a], ['b'])).toEqual([]);
    expect(codes(a, b, c)).toEqual(['error supersedes_cycle', 'error supersedes_cycle', 'error supersedes_cycle']);
  });
});

describe('money terms', () => {
  const cap = (id: string, usd: number): string => `caps: [{id: ${id}, amount_usd: ${usd}, per: month}]`;
  const a = contract(`id: a\nversion: "1"\neffective: {from: 2026-01-01, to: 2026-02-01}\n${cap('c', 1)}`);
  const b = contract(`id: b\nversion: "1"\neffective: {from: 2026-02-01}\nsupersedes: [a]\n${cap('c', 2)}`);
  const other = contract(`id: other\nversion: "1"\n${cap('c', 3)}`);
  const own = contract(`id: own\nversion: "1"\n${cap('d', 4)}`);
  test('of one id in contracts of which neither supersedes the other are an error', () => {
    expect(codes(a, b)).toEqual([]);
    expect(codes(a, other)).toEqual(['error term_duplicate']);
    expect(codes(own, other)).toEqual([]);
    // One supersedes the other over a third.
    const c = contract(`id: c\nversion: "1"\neffective: {from: 2026-03-01}\nsupersedes: [b]\n${cap('c', 3)}`);
    expect(codes(a, b, c)).toEqual([]);
  });
});

describe('a commitment on top of another', () => {
  const held = (id: string, onTopOf: string | null): string =>
    `{id: ${id}, payer: p, payee: q, amount_usd: 1, from: 2026-01-01, counts: {cloud: aws}, shortfall: owed${onTopOf === null ? '' : `, on_top_of: ${onTopOf}`}}`;
  const holding = (head: string, ...terms: string[]) =>
    contract(`version: "1"\n${head}\ncommitments: [${terms.join(', ')}]`);

  test('names one of its own contract, or of another', () => {
    expect(codes(holding('id: a', held('x', null), held('y', 'x'), held('z', 'y')))).toEqual([]);
    expect(codes(holding('id: a', held('x', null)), holding('id: b', held('y', 'x')))).toEqual([]);
  });

  test('that is not there is an error, but where a contract that may have it is not configured', () => {
    const [finding] = checkContractSet([holding('id: a', held('first', null), held('y', 'fist'))]);
    expect([finding?.code, finding?.hint]).toEqual(['on_top_of_unknown', 'did you mean first?']);
    const later = holding('id: b\nsupersedes: [a]', held('y', 'x'));
    expect(checkContractSet([later], ['a'])).toEqual([]);
    expect(codes(holding('id: a', held('other', null)), later)).toEqual(['error on_top_of_unknown']);
  });

  test('in a circle is an error, of itself too', () => {
    expect(codes(holding('id: a', held('x', 'x')))).toEqual(['error on_top_of_cycle']);
    expect(codes(holding('id: a', held('x', 'y')), holding('id: b', held('y', 'x')))).toEqual([
      'error on_top_of_cycle',
      'error on_top_of_cycle',
    ]);
  });

  test('that carries another already is an error', () => {
    expect(codes(holding('id: a', held('x', null), held('y', 'x'), held('z', 'x')))).toEqual(['error on_top_of_twice']);
  });
});

describe('readings', () => {
  const a = contract('id: a\nversion: "1"', ['plain', 'other', 'late']);
  const b = contract('id: b\nversion: "1"', ['plain']);
  const none = contract('id: none\nversion: "1"');

  test('the wanted one where a contract has it, else its default', () => {
    expect(chooseReadings([a, b, none], 'other')).toEqual({ ok: true, readings: { a: 'other', b: 'plain' } });
    expect(chooseReadings([a, b, none], null)).toEqual({ ok: true, readings: { a: 'plain', b: 'plain' } });
  });

  test('one that no contract has is refused, with what was meant', () => {
    expect(chooseReadings([a, b], 'othr')).toMatchObject({
      ok: false,
      code: 'reading_unknown',
      message: expect.stringContaining('did you mean other?'),
    });
  });

  test('a retrospective one decides the past only', () => {
    expect(chooseReadings([a], 'late')).toMatchObject({ ok: false, code: 'reading_retrospective' });
    expect(chooseReadings([a], 'late', true)).toEqual({ ok: true, readings: { a: 'late' } });
  });
});
