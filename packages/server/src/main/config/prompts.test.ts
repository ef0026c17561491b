import { expect, test } from 'vitest';
import { parseConfig } from './load.ts';
import { ConfigError } from './problem.ts';
import { PROMPT_BOUNDS } from './prompts.ts';

const TARGET = `targets:
  - {id: a, vendor: o, model: m, cloud: c, region: r, base_url: "http://a"}
`;

const parse = (text: string) =>
  parseConfig(`${TARGET}${text}`, { file: 'perdure.yaml', env: {}, base: '.' }).config.prompts;
const read = (prompts: unknown) => parse(`prompts: ${JSON.stringify(prompts)}`);

function problem(ask: () => unknown): string | null {
  try {
    ask();
    return null;
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
}

test('defaults are filled in, texts are taken apart', () => {
  expect(parse('')).toEqual([]);
  const text = `prompts:
  - id: greeting
    instructions: Be {{mood}}.
    input:
      - { role: user, content: "I am {{name}}." }
  - { id: greeting, version: "2", tenant: acme, default: true, model: m, instructions: Hi. }
`;
  expect(parse(text)).toEqual([
    {
      id: 'greeting',
      version: '1',
      tenant: null,
      isDefault: false,
      model: null,
      instructions: ['Be ', { name: 'mood' }, '.'],
      messages: [{ role: 'user', content: ['I am ', { name: 'name' }, '.'] }],
    },
    { id: 'greeting', version: '2', tenant: 'acme', isDefault: true, model: 'm', instructions: ['Hi.'], messages: [] },
  ]);
});

const said = { id: 'p', instructions: 'x' };
const message = { role: 'user', content: 'x' };
test.each([
  ['nothing in it', [{ id: 'p' }], 'says nothing'],
  ['no messages', [{ id: 'p', input: [] }], 'says nothing'],
  ['no placeholder', [{ id: 'p', instructions: 'a {{b c}}' }], 'prompts[0].instructions'],
  [
    'no placeholder in a message',
    [{ id: 'p', input: [message, { role: 'user', content: '{{' }] }],
    'prompts[0].input[1].content',
  ],
  ['an id of other letters', [{ ...said, id: 'a b' }], 'prompts[0].id'],
  ['a version twice', [said, { ...said, version: '1' }], 'prompts[1].id'],
  [
    'two defaults',
    [
      { ...said, default: true },
      { ...said, version: '2', default: true },
    ],
    'prompts[1].default',
  ],
  ['another role', [{ id: 'p', input: [{ role: 'tool', content: 'x' }] }], 'prompts[0].input[0].role'],
  ['an unknown key', [{ ...said, temperature: 1 }], 'temperature'],
])('%s is refused where it stands', (_what, prompts, where) => {
  expect(problem(() => read(prompts))).toContain(where);
});

test('the line of a mistake is told', () => {
  const text = 'prompts:\n  - id: p\n    instructions: "{{oh no}}"\n';
  expect(problem(() => parse(text))).toContain('perdure.yaml:5:');
});

test('another tenant may use the same id and version', () => {
  expect(
    read([said, { ...said, tenant: 'acme' }, { ...said, tenant: 'acme', version: '2', default: true }]),
  ).toHaveLength(3);
});

const many = (count: number, of: (i: number) => unknown): unknown[] => Array.from({ length: count }, (_, i) => of(i));
test.each([
  ['templates', PROMPT_BOUNDS.prompts, (size: number) => many(size, i => ({ ...said, id: `p${i}` }))],
  ['messages', PROMPT_BOUNDS.messages, (size: number) => [{ id: 'p', input: many(size, () => message) }]],
  ['characters', PROMPT_BOUNDS.chars, (size: number) => [{ id: 'p', instructions: 'x'.repeat(size) }]],
  [
    'variables',
    PROMPT_BOUNDS.variables,
    (size: number) => [{ id: 'p', instructions: many(size, i => `{{v${i}}}`).join('') }],
  ],
])('%s are bounded', (_what, most, of) => {
  expect(problem(() => read(of(most)))).toBeNull();
  expect(problem(() => read(of(most + 1)))).toMatch(/prompts|65536/);
});
