import { type ExpandedPrompt, LIMITS, type PromptFault, type PromptVariable } from '@perdure/protocol';
import { describe, expect, test } from 'vitest';
import { expandTemplate } from './expand.ts';
import { makePrompts } from './prompts.ts';
import { type PromptTemplate, readTemplateText, type TemplateRole, type TemplateText } from './template.ts';

const MOST = 32 * 1024 * 1024;

function text(written: string): TemplateText {
  const read = readTemplateText(written);
  if (!read.ok) throw new Error(read.problem);
  return read.text;
}
interface Given extends Partial<Omit<PromptTemplate, 'instructions' | 'messages'>> {
  readonly instructions?: string;
  readonly messages?: readonly (readonly [TemplateRole, string])[];
}
const template = ({ instructions, messages = [], ...more }: Given): PromptTemplate => ({
  id: 'p',
  version: '1',
  tenant: null,
  preferred: false,
  model: null,
  ...more,
  instructions: instructions === undefined ? null : text(instructions),
  messages: messages.map(([role, content]) => ({ role, content: text(content) })),
});
type Variables = { readonly [name: string]: PromptVariable };

function expanded(given: Given, variables: Variables): ExpandedPrompt {
  const result = expandTemplate(template(given), variables, MOST);
  if ('fault' in result) throw new Error(`${result.fault} ${result.path.join('.')}`);
  return result;
}
const faultOf = (result: ExpandedPrompt | PromptFault): string =>
  'fault' in result ? `${result.fault} ${result.path.join('.')}` : 'ok';
const fault = (given: Given, variables: Variables, most = MOST): string =>
  faultOf(expandTemplate(template(given), variables, most));
const contents = ({ input }: ExpandedPrompt): readonly unknown[] =>
  input.map(item => (item.type === 'message' ? item.content : null));

const image: PromptVariable = { type: 'input_image', image_url: 'https://a.example/b.png', detail: 'auto' };
const file: PromptVariable = { type: 'input_file', file_id: 'file_1' };
const words = (written: string): object => ({ type: 'input_text', text: written });

test('a template becomes items as a request would write them', () => {
  const given: Given = {
    version: '3',
    model: 'm',
    instructions: 'Speak {{language}}.',
    messages: [
      ['system', 'S {{language}}'],
      ['developer', 'D'],
      ['user', 'U'],
      ['assistant', 'A {{language}}'],
    ],
  };
  const message = { type: 'message', status: 'completed' };
  expect(expanded(given, { language: { type: 'input_text', text: 'Greek' } })).toEqual({
    version: '3',
    model: 'm',
    instructions: 'Speak Greek.',
    input: [
      { ...message, role: 'system', content: [words('S Greek')] },
      { ...message, role: 'developer', content: [words('D')] },
      { ...message, role: 'user', content: [words('U')] },
      { ...message, role: 'assistant', content: [{ type: 'output_text', text: 'A Greek', annotations: [] }] },
    ],
  });
  expect(expanded({ messages: [['user', 'U']] }, {})).not.toHaveProperty('instructions');
});

test('a variable is put in once: what it holds is no template', () => {
  const variables = { a: '{{b}}', b: '{{a}}$&' };
  expect(contents(expanded({ messages: [['user', '{{a}}-{{b}}-{{a}}']] }, variables))).toEqual([
    [words('{{b}}-{{a}}$&-{{b}}')],
  ]);
});

describe('an image or a file', () => {
  test.each<readonly [string, readonly unknown[]]>([
    ['{{i}}', [image]],
    ['see {{i}} well', [words('see '), image, words(' well')]],
    ['{{i}}{{f}}', [image, file]],
    ['{{t}}{{i}}{{t}}{{e}}!', [words('T'), image, words('T!')]],
    ['{{e}}{{i}}{{e}}', [image]],
  ])('in %j splits the message', (content, parts) => {
    const used = Object.entries({ i: image, f: file, t: 'T', e: '' }).filter(([name]) =>
      content.includes(`{{${name}}}`),
    );
    expect(contents(expanded({ messages: [['user', content]] }, Object.fromEntries(used)))).toEqual([parts]);
  });

  test('stands in messages of users only', () => {
    const wrong = 'prompt_variable_not_text variables.i';
    expect(fault({ instructions: '{{i}}' }, { i: image })).toBe(wrong);
    for (const role of ['system', 'developer', 'assistant'] as const)
      expect(fault({ messages: [[role, 'x{{i}}']] }, { i: file })).toBe(wrong);
    expect(fault({ messages: [['user', 'x{{i}}']] }, { i: file })).toBe('ok');
    expect(fault({ instructions: '{{i}}', messages: [['user', '{{i}}']] }, { i: image })).toBe(wrong);
  });
});

test('a message that comes to nothing is an empty text', () => {
  expect(contents(expanded({ messages: [['user', '{{a}}']] }, { a: '' }))).toEqual([[words('')]]);
});

test('every variable must be given, and no other', () => {
  const given: Given = { instructions: '{{a}}', messages: [['user', '{{b}}']] };
  expect(fault(given, { a: '', b: '' })).toBe('ok');
  expect(fault(given, { a: '' })).toBe('prompt_variable_missing variables.b');
  expect(fault(given, { b: '' })).toBe('prompt_variable_missing variables.a');
  expect(fault(given, { a: '', b: '', c: '' })).toBe('prompt_variable_unknown variables.c');
  // Not what every object has.
  expect(fault({ instructions: '{{toString}}' }, {})).toBe('prompt_variable_missing variables.toString');
});

describe('sizes', () => {
  test('what it comes to has a bound, whatever the request has', () => {
    const given: Given = { instructions: 'i{{a}}', messages: [['user', 'xx{{a}}{{a}}']] };
    // Three times five bytes, and three of the template.
    expect(fault(given, { a: 'ä\n1' }, 18)).toBe('ok');
    expect(fault(given, { a: 'ä\n1' }, 17)).toBe('body_too_large variables');
    const size = JSON.stringify(image).length;
    expect(fault({ messages: [['user', '{{i}}{{i}}']] }, { i: image }, 2 * size)).toBe('ok');
    expect(fault({ messages: [['user', '{{i}}{{i}}']] }, { i: image }, 2 * size - 1)).toBe('body_too_large variables');
  });

  test('a text is no longer than a request may write it', () => {
    const a = 'x'.repeat(LIMITS.textChars / 10);
    const ten = '{{a}}'.repeat(10);
    expect(fault({ messages: [['user', ten]] }, { a })).toBe('ok');
    expect(fault({ messages: [['user', `${ten}x`]] }, { a })).toBe('invalid_request variables');
  });
});

describe('the templates of a deployment', () => {
  const at = (id: string, version: string, more: Given = {}): PromptTemplate =>
    template({ id, version, instructions: `${more.tenant ?? 'all'} ${id} ${version}`, ...more });
  const prompts = makePrompts(
    [
      at('a', '1'),
      at('a', '2'),
      at('b', '1', { preferred: true }),
      at('b', '2'),
      at('c', '1', { tenant: 'acme' }),
      at('a', '9', { tenant: 'acme' }),
    ],
    1_000,
  );
  const ask = (tenant: string, id: string, version?: string): string => {
    const result = prompts.for(tenant)({ id, variables: {}, ...(version !== undefined && { version }) }, []);
    return 'fault' in result ? faultOf(result) : (result.instructions ?? '');
  };

  test('the version that was named, else the preferred one, else the last', () => {
    expect(ask('other', 'a', '1')).toBe('all a 1');
    expect(ask('other', 'a')).toBe('all a 2');
    expect(ask('other', 'b')).toBe('all b 1');
    expect(ask('other', 'b', '2')).toBe('all b 2');
    expect(ask('other', 'b', '3')).toBe('prompt_not_found version');
    expect(ask('other', 'toString')).toBe('prompt_not_found id');
  });

  test('L10: what is foreign looks like what does not exist', () => {
    expect(ask('acme', 'c')).toBe('acme c 1');
    const why = (id: string, version?: string): unknown => {
      const reference = { id, variables: {}, ...(version !== undefined && { version }) };
      return JSON.stringify(prompts.for('other')(reference, [])).replaceAll(id, 'ID');
    };
    expect(why('c')).toBe(why('nowhere'));
    expect(why('c', '1')).toBe(why('nowhere', '1'));
  });

  test("a tenant's own hides everybody's of the same id", () => {
    expect(ask('acme', 'a')).toBe('acme a 9');
    expect(ask('acme', 'a', '1')).toBe('prompt_not_found version');
  });

  test('the items of the request count too', () => {
    const long = at('l', '1', { instructions: 'x'.repeat(100) });
    const of = (own: unknown[], most: number): string =>
      faultOf(makePrompts([long], most).for('t')({ id: 'l', variables: {} }, own));
    const own = [{ text: 'ä' }];
    const bytes = Buffer.byteLength(JSON.stringify(own));
    expect(of(own, 100 + bytes)).toBe('ok');
    expect(of(own, 99 + bytes)).toBe('body_too_large variables');
  });
});
