import { LIMITS } from '@perdure/protocol';
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { makePrompts } from '../../engine/prompts/prompts.ts';
import { CONFIG_BOUNDS } from './limits.ts';
import { parseConfig } from './load.ts';
import { problemOf } from './problem.test-support.ts';

const target = { id: 'a', vendor: 'o', model: 'm', cloud: 'c', region: 'r', base_url: 'http://127.0.0.1:1' };
const TARGETS = 'targets: [{id: a, vendor: o, model: gpt, cloud: c, region: r, base_url: "http://127.0.0.1:1"}]\n';

function load(text: string): ReturnType<typeof parseConfig> {
  return parseConfig(text, { file: 'perdure.yaml', env: {}, base: '.' });
}
const read = (prompts: unknown) => load(JSON.stringify({ targets: [target], prompts })).config.prompts;

const problem = (text: string): string | null => problemOf(() => load(text));
const wrong = (prompts: unknown): string | null => problem(JSON.stringify({ targets: [target], prompts }));

test('what is left out has its default', () => {
  expect(read(undefined)).toEqual([]);
  expect(read([{ id: 'a', instructions: 'x{{b}}' }])).toEqual([
    {
      id: 'a',
      version: '1',
      tenant: null,
      preferred: false,
      model: null,
      instructions: ['x', { variable: 'b' }],
      messages: [],
    },
  ]);
  const whole = { id: 'a', version: 2, tenant: 't', default: true, model: 'm', input: [{ role: 'user', content: '' }] };
  expect(read([whole])).toEqual([
    {
      id: 'a',
      version: '2',
      tenant: 't',
      preferred: true,
      model: 'm',
      instructions: null,
      messages: [{ role: 'user', content: [] }],
    },
  ]);
});

describe('errors say their line', () => {
  const one = '{id: a, instructions: x}';
  test.each([
    [
      'a version that is given twice',
      `prompts:\n  - ${one}\n  - ${one}\n`,
      ':4:6',
      'a is given twice with the version 1',
    ],
    [
      'a version that is the same when it is read',
      'prompts:\n  - {id: a, version: 2, instructions: x}\n  - {id: a, version: "2", instructions: x}\n',
      ':4:6',
      'a is given twice with the version 2',
    ],
    [
      'two defaults',
      'prompts:\n  - {id: a, default: true, instructions: x}\n  - id: a\n    version: "2"\n    default: true\n    instructions: x\n',
      ':6:5',
      'a has another default version',
    ],
    [
      'a place that is not closed',
      'prompts:\n  - id: a\n    instructions: |\n      one\n      {{two\n',
      ':4:5',
      'the place for a variable in line 2 of the text is not closed',
    ],
    [
      'a place without a name',
      'prompts:\n  - id: a\n    input:\n      - role: user\n        content: "{{ b }}"\n',
      ':6:9',
      'holds no name',
    ],
    [
      'an empty template',
      'prompts:\n  - id: a\n    model: gpt\n',
      ':3:5',
      'is empty: give instructions, input or both',
    ],
    ['an empty list', 'prompts:\n  - {id: a, input: []}\n', ':3:5', 'is empty'],
    ['an empty text', 'prompts:\n  - {id: a, instructions: ""}\n', ':3:5', 'is empty'],
    ['an id of other letters', 'prompts:\n  - {id: "a b", instructions: x}\n', ':3:6', 'must begin with a letter'],
    ['an unknown word', 'prompts:\n  - {id: a, instructions: x, tools: []}\n', ':3', 'tools'],
    ['a role that is none', 'prompts:\n  - {id: a, input: [{role: tool, content: x}]}\n', ':3', 'role'],
  ])('%s', (_, text, at, message) => {
    const told = problem(TARGETS + text);
    expect(told).toContain(`perdure.yaml${at}`);
    expect(told).toContain(message);
  });
});

test('one id may be of several tenants', () => {
  const of = (tenant: string | null, more: object = {}): object => ({
    id: 'a',
    default: true,
    instructions: 'x',
    tenant,
    ...more,
  });
  expect(wrong([of(null), of('t'), of('u')])).toBeNull();
  expect(wrong([of('t'), of('t', { version: '2' })])).toContain('another default');
});

test('a model that no target serves is a warning', () => {
  const text = (model: string): string => `${TARGETS}prompts:\n  - {id: a, instructions: x, model: ${model}}\n`;
  expect(load(text('gpt')).warnings).toEqual([]);
  expect(load(text('gpr')).warnings).toMatchObject([
    { line: 3, path: 'prompts[0].model', message: 'is served by no target: did you mean gpt?' },
  ]);
});

describe('bounds, from both sides', () => {
  const many = <Of>(count: number, of: (i: number) => Of): Of[] => Array.from({ length: count }, (_, i) => of(i));
  test.each<readonly [string, number, (size: number) => unknown]>([
    ['prompts', CONFIG_BOUNDS.prompts, size => many(size, i => ({ id: `p${i}`, instructions: 'x' }))],
    [
      'versions',
      CONFIG_BOUNDS.promptVersions,
      size => many(size, i => ({ id: 'p', version: `v${i}`, instructions: 'x' })),
    ],
    [
      'messages',
      CONFIG_BOUNDS.promptMessages,
      size => [{ id: 'p', input: many(size, () => ({ role: 'user', content: 'x' })) }],
    ],
    ['characters of a text', CONFIG_BOUNDS.valueChars, size => [{ id: 'p', instructions: 'x'.repeat(size) }]],
    ['characters of an id', CONFIG_BOUNDS.nameChars, size => [{ id: 'x'.repeat(size), instructions: 'x' }]],
    [
      'characters of a version',
      CONFIG_BOUNDS.nameChars,
      size => [{ id: 'x', version: 'x'.repeat(size), instructions: 'x' }],
    ],
    [
      'characters of a tenant',
      CONFIG_BOUNDS.nameChars,
      size => [{ id: 'x', tenant: 'x'.repeat(size), instructions: 'x' }],
    ],
    [
      'characters of a model',
      CONFIG_BOUNDS.modelChars,
      size => [{ id: 'x', model: 'x'.repeat(size), instructions: 'x' }],
    ],
  ])('%s', (_, most, of) => {
    expect(wrong(of(most))).toBeNull();
    expect(wrong(of(most + 1))).not.toBeNull();
  });
});

test('the example of docs/prompts.md is read, and comes to what the page says', () => {
  const page = readFileSync(new URL('../../../../../docs/prompts.md', import.meta.url), 'utf8');
  const [, example = ''] = /```yaml\n([\s\S]*?)```/.exec(page) ?? [];
  const { prompts } = parse(example) as { prompts: unknown };
  const expand = makePrompts(read(prompts), 10_000).for('anyone');
  expect(expand({ id: 'support', variables: { shop: 'Acme', currency: 'euros' } }, [])).toMatchObject({
    model: 'gpt-5.5',
    instructions: 'You answer customers of Acme. Be brief.',
    input: [{ role: 'developer', content: [{ text: 'Prices are in euros.' }] }],
  });
  for (const bound of [
    CONFIG_BOUNDS.prompts,
    CONFIG_BOUNDS.promptVersions,
    CONFIG_BOUNDS.valueChars,
    LIMITS.promptVariables,
  ])
    expect(page).toContain(bound.toLocaleString('en'));
  expect(page).toContain(LIMITS.promptValueChars.toLocaleString('en'));
});
