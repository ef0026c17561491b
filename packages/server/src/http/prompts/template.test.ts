import { type InputItem, LIMITS, type PromptVariable } from '@perdure/protocol';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { makePrompts } from './prompts.ts';
import { fillIn, type Pieces, piecesOf, type PromptTemplate } from './template.ts';

const IMAGE: PromptVariable = { type: 'input_image', image_url: 'https://a/b.png', detail: 'auto' };
const FILE: PromptVariable = { type: 'input_file', file_id: 'file_1' };

function pieces(text: string): Pieces {
  const found = piecesOf(text);
  if (found === null) throw new Error('no template');
  return found;
}

function template(text: string, more: Partial<PromptTemplate> = {}): PromptTemplate {
  return {
    id: 'p',
    version: '1',
    tenant: null,
    isDefault: false,
    model: null,
    instructions: null,
    messages: [{ role: 'user', content: pieces(text) }],
    ...more,
  };
}

const contentOf = (items: readonly InputItem[]): unknown => items.map(item => 'content' in item && item.content);
const filled = (text: string, values: { readonly [name: string]: PromptVariable } | null): unknown =>
  contentOf(fillIn(template(text), values).input);

describe('a text in pieces', () => {
  test.each([
    ['plain', ['plain']],
    ['', []],
    ['{{a}}', [{ name: 'a' }]],
    ['Say {{ a_1 }}, {{b}}!', ['Say ', { name: 'a_1' }, ', ', { name: 'b' }, '!']],
    ['{"a":{"b":1}} { {a} }', ['{"a":{"b":1}} { {a} }']],
    ['\\{{a}} is a {{a}}', ['{{a}} is a ', { name: 'a' }]],
  ])('%j', (text, found) => {
    expect(piecesOf(text)).toEqual(found);
  });

  test.each(['{{', '{{a', '{{1a}}', '{{a b}}', '{{}}', '{{{a}}}'])('%j opens what is no placeholder', text => {
    expect(piecesOf(text)).toBeNull();
  });

  test('names are bounded', () => {
    expect(piecesOf(`{{${'a'.repeat(LIMITS.promptVariableChars)}}}`)).toHaveLength(1);
    expect(piecesOf(`{{${'a'.repeat(LIMITS.promptVariableChars + 1)}}}`)).toBeNull();
  });

  test('T1: values stand where their placeholders stood, and are not looked at again', () => {
    const plain = fc.string({ unit: 'binary', maxLength: 20 }).map(text => text.replaceAll(/[{\\]/g, '('));
    const names = fc.constantFrom('a', 'b', 'c');
    const parts = fc.array(fc.oneof(plain, fc.record({ name: names })), { maxLength: 12 });
    const value = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 20 }),
      fc.constantFrom('{{a}}', '{{b}}', '$&', '\\{{'),
    );
    const values = fc.record({ a: value, b: value, c: value });
    fc.assert(
      fc.property(parts, values, (given, all) => {
        const text = given.map(part => (typeof part === 'string' ? part : `{{${part.name}}}`)).join('');
        const wanted = given.map(part => (typeof part === 'string' ? part : all[part.name as 'a'])).join('');
        const used: string[] = given.flatMap(part => (typeof part === 'string' ? [] : [part.name]));
        const said = Object.fromEntries(Object.entries(all).filter(([name]) => used.includes(name)));
        expect(filled(text, said)).toEqual([[{ type: 'input_text', text: wanted }]]);
      }),
      { numRuns: 300 },
    );
  });
});

describe('a template filled in', () => {
  test('images and files are parts between the texts', () => {
    expect(filled('See {{pic}} and {{doc}}.', { pic: IMAGE, doc: FILE })).toEqual([
      [
        { type: 'input_text', text: 'See ' },
        IMAGE,
        { type: 'input_text', text: ' and ' },
        FILE,
        { type: 'input_text', text: '.' },
      ],
    ]);
    expect(filled('{{pic}}', { pic: IMAGE })).toEqual([[IMAGE]]);
    expect(filled('{{a}}', { a: { type: 'input_text', text: 'x' } })).toEqual([[{ type: 'input_text', text: 'x' }]]);
    expect(filled('{{a}}', { a: '' })).toEqual([[{ type: 'input_text', text: '' }]]);
    const marked: PromptVariable = { type: 'input_text', text: 'x', prompt_cache_breakpoint: { mode: 'explicit' } };
    expect(filled('a{{b}}c', { b: marked })).toEqual([
      [{ type: 'input_text', text: 'a' }, marked, { type: 'input_text', text: 'c' }],
    ]);
  });

  test('each role has its own kind of parts', () => {
    const messages = (['developer', 'system', 'assistant'] as const).map(role => ({ role, content: pieces('{{a}}') }));
    const { instructions, input } = fillIn(template('', { messages, instructions: pieces('Be {{a}}') }), { a: 'kind' });
    expect(instructions).toBe('Be kind');
    const text = { type: 'input_text', text: 'kind' };
    expect(contentOf(input)).toEqual([[text], [text], [{ type: 'output_text', text: 'kind', annotations: [] }]]);
  });

  test.each([
    ['lacks a variable', '{{a}} {{b}}', { a: 'x' }, 'prompt.variables.b'],
    ['has none at all', '{{a}}', null, 'prompt.variables.a'],
    ['is given one that it does not have', '{{a}}', { a: 'x', z: 'x' }, 'prompt.variables.z'],
    ['is given one of its prototype', '{{a}}', { a: 'x', constructor: 'x' }, 'prompt.variables.constructor'],
    ['is given one whose name is content', '{{a}}', { a: 'x', 'my secret': 'x' }, 'prompt.variables'],
  ])('T2: one that %s is refused', (_what, text, values, param) => {
    expect(() => fillIn(template(text), values as { [name: string]: string } | null)).toThrow(
      expect.objectContaining({ code: 'invalid_request', param }),
    );
  });

  test('an image in a text that is no message of the user is refused', () => {
    const messages = [{ role: 'developer' as const, content: pieces('See {{pic}}') }];
    expect(() => fillIn(template('', { messages }), { pic: IMAGE })).toThrow(
      expect.objectContaining({ code: 'invalid_request', param: 'prompt.variables.pic' }),
    );
  });

  test('what it comes to is bounded as a text is', () => {
    const half = 'x'.repeat(LIMITS.textChars / 2);
    expect(filled('{{a}}{{b}}', { a: half, b: half })).toMatchObject([[{ type: 'input_text' }]]);
    expect(() => filled('{{a}}{{b}}', { a: half, b: `${half}x` })).toThrow(
      expect.objectContaining({ code: 'invalid_request', param: 'prompt.variables' }),
    );
  });
});

describe('the templates of a server', () => {
  const prompts = makePrompts([
    template('one', { version: '1' }),
    template('two', { version: '2', isDefault: true }),
    template('three', { version: '3' }),
    template('of acme', { tenant: 'acme', version: '1' }),
    template('of acme alone', { id: 'q', tenant: 'acme', version: '7' }),
    template('of acme alone, newer', { id: 'q', tenant: 'acme', version: '8' }),
  ]);
  const said = (tenant: string, id: string, version: string | null): unknown => {
    const found = prompts(tenant)({ id, version, variables: null });
    return [found.version, ...(contentOf(found.input) as { text: string }[][]).map(([part]) => part?.text)];
  };

  test('the default of the versions, the last one where none is, and the one that is named', () => {
    expect(said('zeta', 'p', null)).toEqual(['2', 'two']);
    expect(said('zeta', 'p', '1')).toEqual(['1', 'one']);
    expect(said('acme', 'q', null)).toEqual(['8', 'of acme alone, newer']);
  });

  test("a tenant has its own, and sees no other tenant's (L10)", () => {
    expect(said('acme', 'p', null)).toEqual(['1', 'of acme']);
    const missing = (tenant: string, id: string, version: string | null, param: string): void =>
      expect(() => said(tenant, id, version)).toThrow(expect.objectContaining({ code: 'not_found', param }));
    missing('zeta', 'q', null, 'prompt.id');
    missing('zeta', 'nothing', null, 'prompt.id');
    missing('zeta', 'p', '9', 'prompt.version');
    missing('acme', 'p', '2', 'prompt.version');
  });
});
