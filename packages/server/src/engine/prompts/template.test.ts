import { describe, expect, test } from 'vitest';
import { readTemplateText, TEMPLATE_PLACES, variablesOf } from './template.ts';

const pieces = (written: string): unknown => {
  const read = readTemplateText(written);
  return read.ok ? read.text : read.problem;
};

test.each([
  ['', []],
  ['plain { text } with }} and { {', ['plain { text } with }} and { {']],
  ['{{a}}', [{ variable: 'a' }]],
  ['x{{a}}y{{b-2_C}}', ['x', { variable: 'a' }, 'y', { variable: 'b-2_C' }]],
  ['{{a}}{{a}}', [{ variable: 'a' }, { variable: 'a' }]],
  ['{{a}}}', [{ variable: 'a' }, '}']],
])('%j is read', (written, expected) => {
  expect(pieces(written)).toEqual(expected);
});

describe('a place that is none is an error, with its line:', () => {
  test.each([
    ['one\n{{a', 'in line 2 of the text is not closed'],
    ['{{}}', 'in line 1 of the text holds no name'],
    ['{{ a }}', 'holds no name'],
    ['{{{a}}}', 'holds no name'],
    ['{{1a}}', 'holds no name'],
    ['{{a b}}', 'holds no name'],
    ['{{a {{b}}', 'holds no name'],
    ['{{__proto__}}', 'holds no name'],
  ])('%j', (written, problem) => {
    expect(pieces(written)).toContain(problem);
  });
});

test('a name may be so long, and a text may have so many places', () => {
  expect(pieces(`{{${'a'.repeat(64)}}}`)).toEqual([{ variable: 'a'.repeat(64) }]);
  expect(pieces(`{{${'a'.repeat(65)}}}`)).toContain('holds no name');
  expect(pieces('{{a}}'.repeat(TEMPLATE_PLACES))).toHaveLength(TEMPLATE_PLACES);
  expect(pieces('{{a}}'.repeat(TEMPLATE_PLACES + 1))).toContain('is one too many');
});

test('the variables of a template are those of its instructions and its messages, once', () => {
  const a = { variable: 'a' };
  const b = { variable: 'b' };
  expect([...variablesOf({ instructions: ['x', a], messages: [{ role: 'user', content: [b, a] }] })]).toEqual([
    'a',
    'b',
  ]);
  expect([...variablesOf({ instructions: null, messages: [] })]).toEqual([]);
});
