/** Contracts of several eras that together tell more apart than can be looked at, and each by itself does not. */
import { expect, test } from 'vitest';
import type { ContractFiles } from '../contract/rule.ts';
import { sideOfFiles } from './contract-space.ts';
import { checkTogether } from './contracts-deep-check.ts';

const OPTIONS = { reading: null, onAmbiguity: 'flag' } as const;

function made(id: string, head: string, clauses: readonly string[]): ContractFiles {
  const entries = clauses.map((_, i) => `  ${id}.${i}: {source: me, confidence: A, summary: x}\n`).join('');
  return {
    'contract.yaml': `id: ${id}\nversion: "1"\ntitle: ${id}\n${head}sources: {me: {title: Me}}\nclauses:\n${entries}`,
    'clauses.cedar': clauses.map((clause, i) => `@id("${id}.${i}") @cite("x") ${clause};`).join('\n'),
  };
}

const BASE = 'permit (principal, action, resource)';
const only = (cloud: string, labels: readonly string[]): string =>
  `forbid (principal, action == Action::"infer", resource) when { ${labels
    .map(label => `principal.labels.contains("${label}")`)
    .join(' || ')} } unless { resource in Cloud::"${cloud}" }`;
const FIRST = ['a1', 'a2', 'a3', 'a4'];
const SECOND = ['b1', 'b2', 'b3', 'b4'];

const first = made('first', 'effective: {from: 2026-01-01, to: 2026-02-01}\n', [BASE, only('azure', FIRST)]);
const second = made('second', 'effective: {from: 2026-02-01}\n', [BASE, only('aws', SECOND)]);
const rules = (cloud: string): ContractFiles =>
  made('rules', 'kind: house-rules\n', [
    BASE,
    `forbid (principal, action == Action::"infer", resource in Cloud::"${cloud}")`,
  ]);

const together = (files: readonly ContractFiles[]) =>
  checkTogether(
    sideOfFiles(
      files.map((_, i) => `f${i}`),
      files,
      OPTIONS,
    ),
    { config: null, file: null },
  );

test.each([
  ['azure', 'first.1', 'a4, from 2026-01-01 until 2026-02-01'],
  ['aws', 'second.1', 'b4, from 2026-02-01'],
])('what leaves no place on %s is found in the era of %s, and said of it alone', (cloud, clause, era) => {
  // All labels at once would be too many.
  const findings = together([first, second, rules(cloud)]);
  expect(findings.map(({ code }) => code)).toEqual(['clauses_contradict']);
  expect(findings[0]?.message).toContain(clause);
  expect(findings[0]?.message).toContain(`session with ${era};`);
});

test('what no rule excludes is no finding', () => {
  expect(together([first, second, rules('gcp')])).toEqual([]);
});

test('what is too much within one era is told, with what would help', () => {
  const wide = made('second', 'effective: {from: 2026-02-01}\n', [BASE, only('aws', [...FIRST, ...SECOND])]);
  expect(together([first, wide, rules('aws')])).toMatchObject([
    {
      level: 'warning',
      code: 'fact_space_too_wide',
      file: 'contract.yaml',
      message: expect.not.stringContaining('--only'),
      hint: expect.stringContaining('fewer contracts together'),
    },
  ]);
});
