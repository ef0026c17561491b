import { describe, expect, test } from 'vitest';
import { MAX_CASES, parseCases } from './contract-cases.ts';
import { problemLine } from './config/problem.ts';

const GOOD = `places: {aws: {cloud: aws}}
products: {api: {vendor: openai, kind: api}}
channels: {direct: {kind: direct}}
defaults: {at: 2026-03-20, product: api, channel: direct}
cases:
  - name: one
    expect: {places: {aws: denied}, sale: {outcome: allowed, flagged: []}}
`;

function problems(text: string): readonly string[] {
  const parsed = parseCases(text, 'cases.yaml');
  return 'problems' in parsed ? parsed.problems.map(problemLine) : [];
}

test('short forms are long ones, and cases know their lines', () => {
  const parsed = parseCases(GOOD, 'cases.yaml');
  expect(parsed).toMatchObject({
    lines: [6],
    file: {
      cases: [{ expect: { places: { aws: { outcome: 'denied' } }, sale: { outcome: 'allowed', flagged: [] } } }],
    },
  });
});

describe('every error has its line, and a hint', () => {
  test.each([
    [
      'chanel: direct',
      'channel: direct',
      'cases.yaml:4:42: error: defaults.chanel: is not known here (did you mean channel?)',
    ],
    [
      'placez:',
      'places: {aws: den',
      'cases.yaml:7:14: error: cases[0].expect.placez: is not known here (did you mean places?)',
    ],
    [
      '{aws: allowd}',
      '{aws: denied}',
      'cases.yaml:7:23: error: cases[0].expect.places.aws.outcome: must be one of allowed, denied (did you mean allowed?)',
    ],
    [
      '{awz: denied}',
      '{aws: denied}',
      'cases.yaml:7:23: error: cases[0].expect.places.awz: nothing is called "awz" here (did you mean aws?)',
    ],
    [
      '{aws: {outcome: denied, bye: [x]}}',
      '{aws: denied}',
      'cases.yaml:7:46: error: cases[0].expect.places.aws.bye: is not known here (did you mean by?)',
    ],
    [
      'product: apo',
      'product: api',
      'cases.yaml:4:28: error: defaults.product: nothing is called "apo" here (did you mean api?)',
    ],
    [
      'at: 2026-02-30',
      'at: 2026-03-20',
      'cases.yaml:4:12: error: defaults.at: must be a day as 2026-03-20, or a moment as 2026-03-20T12:00:00Z',
    ],
    [
      'segment: us-gof, at: 2026-03-20',
      'at: 2026-03-20',
      'cases.yaml:4:12: error: defaults.segment: must be one of commercial, us-gov, us-natsec (did you mean us-gov?)',
    ],
    ['facts: {agnt: x}, at: 2026-03-20', 'at: 2026-03-20', 'nothing is called "agnt" here'],
    ['use: {turn: 1}, at: 2026-03-20', 'at: 2026-03-20', 'did you mean turns?'],
    [
      'expect: {}',
      'expect: {places: {aws: denied}, sale: {outcome: allowed, flagged: []}}',
      'cases[0].expect: expects nothing',
    ],
    [
      '{product: api, channel: direct}',
      '{at: 2026-03-20, product: api, channel: direct}',
      'cases[0]: has no at, and neither have the defaults',
    ],
  ])('%s', (wrong, right, expected) => {
    const [from, to] = right === 'places: {aws: den' ? ['{places: {aws', '{placez: {aws'] : [right, wrong];
    expect(GOOD).toContain(from);
    expect(problems(GOOD.replace(from, to)).join('\n')).toContain(expected);
  });

  test('two cases of one name', () => {
    const again = '  - {name: one, expect: {places: {aws: denied}}}\n';
    expect(problems(GOOD + again)).toEqual(['cases.yaml:8:6: error: cases[1].name: another case is called "one"']);
  });
});

test('a file may have so many cases and no more', () => {
  const head = GOOD.slice(0, GOOD.indexOf('  - name'));
  const cases = (count: number): string =>
    head + Array.from({ length: count }, (_, i) => `  - {name: c${i}, expect: {places: {aws: denied}}}\n`).join('');
  expect(problems(cases(MAX_CASES))).toEqual([]);
  expect(problems(cases(MAX_CASES + 1))).toEqual([
    `cases.yaml:5:1: error: cases: must have at most ${MAX_CASES} entries`,
  ]);
});
