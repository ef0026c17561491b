/** What the shipped contract sets decide: case by case, each naming its clause; and no clause without a case. */
import { describe, expect, test } from 'vitest';
import { OCTOBER } from './cases-2025-10.test-support.ts';
import { FEBRUARY } from './cases-2026-02.test-support.ts';
import { APRIL, ERAS } from './cases-2026-04.test-support.ts';
import { DATA_HANDLING, EXAMPLE_ACME } from './cases-own-rules.test-support.ts';
import {
  type CaseOutcome,
  type CaseTable,
  loadSets,
  placeOutcome,
  saleOutcome,
  SET_NAMES,
  type Sets,
} from './cases.test-support.ts';
import { type Files, load, shippedFiles } from './fixture.test-support.ts';

const TABLES: Readonly<Record<string, CaseTable>> = {
  'openai-2025-10': OCTOBER,
  'openai-2026-02': FEBRUARY,
  'openai-2026-04': APRIL,
  'the three eras': ERAS,
  'data-handling': DATA_HANDLING,
  'example-acme': EXAMPLE_ACME,
};
const SETS = loadSets();

interface Asked {
  readonly name: string;
  readonly expected: {
    readonly by: readonly string[];
    readonly flagged?: readonly string[];
    readonly permittedBy?: readonly string[];
    readonly code?: string;
  };
  readonly outcome: (sets: Sets) => CaseOutcome;
}

function asked(table: CaseTable): readonly Asked[] {
  return [
    ...table.places.map(one => ({
      name: `${one.name} [${one.by.join(', ') || 'allowed'}]`,
      expected: one,
      outcome: (sets: Sets) => placeOutcome(one, table, sets),
    })),
    ...table.sales.map(one => ({
      name: `sale: ${one.name} [${one.by.join(', ') || 'allowed'}]`,
      expected: one,
      outcome: (sets: Sets) => saleOutcome(one, table, sets),
    })),
  ];
}

describe.each(Object.entries(TABLES))('%s', (_, table) => {
  test.each(asked(table).map(one => [one.name, one] as const))('%s', (_name, { expected, outcome }) => {
    const found = outcome(SETS);
    expect(found.by).toEqual(expected.by);
    expect(found.verdict).toBe(expected.by.length === 0 ? 'eligible' : 'excluded');
    if (expected.flagged !== undefined) expect(found.flagged).toEqual(expected.flagged);
    if (expected.permittedBy !== undefined) expect(found.permits).toEqual(expected.permittedBy);
    if (expected.code !== undefined) expect(found.code).toBe(expected.code);
  });
});

/** The files without one policy, and without its entry in the manifest. */
function without(files: Files, id: string): Files {
  const escaped = id.replaceAll('.', '\\.');
  return Object.fromEntries(
    Object.entries(files).map(([path, text]) => {
      if (path.endsWith('.yaml')) return [path, text.replace(new RegExp(`^  ${escaped}: \\{.*\\}\\n`, 'm'), '')];
      return [path, text.replace(new RegExp(`@id\\("${escaped}"\\)[^]*?;\n`), '')];
    }),
  );
}

describe('every clause is needed by some case', () => {
  const all = Object.values(TABLES).flatMap(asked);
  const before = all.map(({ outcome }) => JSON.stringify(outcome(SETS)));
  const deletable = SET_NAMES.flatMap(set => SETS[set].clauses.map(({ clause }) => [set, clause] as const));

  test('there are clauses to delete', () => {
    expect(deletable.length).toBe(12 + 12 + 9 + 3 + 4);
  });

  test.each(deletable)('%s without %s', (set, id) => {
    const maimed: Sets = { ...SETS, [set]: load(without(shippedFiles(set), id)) };
    expect(maimed[set].clauses.length).toBe(SETS[set].clauses.length - 1);
    const changed = all.filter(({ outcome }, i) => JSON.stringify(outcome(maimed)) !== before[i]);
    expect(changed.length).toBeGreaterThan(0);
  });
});
