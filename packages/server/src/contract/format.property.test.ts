/** Formatting keeps meaning and comments, and formats only once. */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { CEDAR_HERE } from './cedar-here.ts';
import { parseCedarFile } from './cedar-source.ts';
import { cedarComments, formatCedar, formatContract, LINE_WIDTH } from './format.ts';
import { manifestComments, manifestValue } from './format-manifest.ts';
import { arbitraryPolicySet } from './random-policy.test-support.ts';

const RUNS = Number(process.env['PERDURE_PROPERTY_RUNS'] ?? 100);
const word = fc.stringMatching(/^[a-z ."#:;{}-]{0,40}$/);
const space = fc.constantFrom(' ', '\n', '\n\n', '\n  ');
const comment = fc.oneof({ weight: 3, arbitrary: space }, { weight: 1, arbitrary: word.map(text => `\n// ${text}\n`) });

/** Policies, with comments and blanks strewn between their tokens where those are sure to be tokens. */
const cedarText = fc.tuple(arbitraryPolicySet(), fc.infiniteStream(comment)).map(([policies, strewn]) =>
  policies
    .map(({ id, text }) => {
      const parts = text.replace(/^@id\("[^"]*"\)/, '').split(/(?=\bwhen\b|\bunless\b)/);
      return `${next(strewn)}@id("${id}")${next(strewn)}${parts.map(part => `${next(strewn)}${part}`).join('')}`;
    })
    .join('\n'),
);

function next(stream: Iterable<string>): string {
  for (const one of stream) return one;
  return '';
}

function ests(text: string): unknown {
  return parseCedarFile(CEDAR_HERE, '', text, ({ message }) => {
    throw new Error(message);
  }).map(({ est }) => est);
}

let formatted = 0;

test('clauses: meaning and comments stay, and a second time changes nothing', () => {
  fc.assert(
    fc.property(cedarText, text => {
      const once = formatCedar(text);
      // What the formatter would spoil is refused.
      if (!once.ok) return;
      formatted += 1;
      expect(ests(once.text)).toEqual(ests(text));
      expect(cedarComments(once.text)).toEqual(cedarComments(text));
      expect(formatCedar(once.text)).toEqual(once);
    }),
    { numRuns: RUNS },
  );
  expect(formatted).toBeGreaterThan(RUNS / 2);
});

const scalar = fc.oneof(
  fc.constantFrom('plain', '2026-02-27', '"quoted: text"', "'single # quote'", 'null', '38', 'true'),
  fc.constant(`>-\n      ${'a long text that is folded '.repeat(12)}\n      and goes on`),
  fc.constant('|\n      kept as # it is\n      written'),
);
const KEYS = ['title', 'id', 'version', 'scope', 'effective', 'sources', 'zzz', 'parties', 'kind'] as const;
const yamlText = fc
  .tuple(
    fc.uniqueArray(fc.constantFrom(...KEYS), { minLength: 1 }),
    fc.array(scalar, { minLength: 9, maxLength: 9 }),
    fc.array(fc.option(word), { minLength: 18, maxLength: 18 }),
    fc.array(fc.boolean(), { minLength: 9, maxLength: 9 }),
  )
  .map(([keys, values, comments, blanks]) =>
    keys
      .map((key, i) => {
        const above = comments[i] == null ? '' : `# ${comments[i]}\n`;
        const value = values[i] ?? 'x';
        const beside = comments[i + 9] == null || value.includes('\n') ? '' : ` # ${comments[i + 9] ?? ''}`;
        const nested =
          key === 'sources' ? `\n  one: {title: a,   date: 2026-01-01}\n  two:\n    ref: b\n    title: c` : ` ${value}`;
        return `${blanks[i] ? '\n' : ''}${above}${key}:${nested}${key === 'sources' ? '' : beside}\n`;
      })
      .join(''),
  );

test('contract.yaml: meaning and comments stay, and a second time changes nothing', () => {
  let done = 0;
  fc.assert(
    fc.property(yamlText, text => {
      const once = formatContract({ 'contract.yaml': text })['contract.yaml'];
      if (once?.ok !== true) return;
      done += 1;
      expect(manifestValue(once.text)).toBe(manifestValue(text));
      expect(manifestComments(once.text).toSorted()).toEqual(manifestComments(text).toSorted());
      expect(formatContract({ 'contract.yaml': once.text })['contract.yaml']).toEqual(once);
    }),
    { numRuns: RUNS },
  );
  expect(done).toBeGreaterThan(RUNS / 2);
});

test('texts that are written folded are folded at the width', () => {
  const text = `id: a\ntitle: >-\n  ${'word '.repeat(60)}end\n`;
  const once = formatContract({ 'contract.yaml': text })['contract.yaml'];
  const lines = once?.ok === true ? once.text.split('\n') : [];
  expect(lines.length).toBe(6);
  for (const line of lines) expect(line.length).toBeLessThanOrEqual(LINE_WIDTH);
});
