/** Laws of prompts: a text without places stays as it is; each variable stands where its place was, and nowhere else; one pass. */
import type { InputItem, PromptVariable } from '@perdure/protocol';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { expandTemplate } from './expand.ts';
import { type PromptTemplate, readTemplateText, VARIABLE_NAME } from './template.ts';

const RUNS = Number(process.env['PERDURE_PROPERTY_RUNS'] ?? 500);
const MOST = 1_000_000;

const name = fc.stringMatching(/^[A-Za-z][A-Za-z0-9_-]{0,7}$/);
/** With braces, but no two that open. */
const plain = fc
  .string({ unit: fc.constantFrom('a', 'ä', '}', '{', '$', '\n', ' ') })
  .map(text => text.replace(/\{+/g, '{'));
const anything = fc.string({ unit: fc.constantFrom('a', '{', '}', '{{a}}', '{{b}}', '$&', '') });

function templateOf(written: string): PromptTemplate {
  const read = readTemplateText(written);
  if (!read.ok) throw new Error(read.problem);
  const messages = [{ role: 'user', content: read.text }] as const;
  return { id: 'p', version: '1', tenant: null, preferred: false, model: null, instructions: read.text, messages };
}

function partsOf(item: InputItem | undefined): readonly PromptVariable[] {
  if (item?.type !== 'message' || item.role !== 'user') throw new Error('it is no message of a user');
  return item.content;
}

test('a text without places stays as it is', () => {
  fc.assert(
    fc.property(plain, text => {
      const result = expandTemplate(templateOf(text), {}, MOST);
      if ('fault' in result) throw new Error(result.message);
      expect(result.instructions).toBe(text);
      expect(result.input).toMatchObject([{ content: [{ type: 'input_text', text }] }]);
    }),
    { numRuns: RUNS },
  );
});

test('texts stand where their places were, as they are', () => {
  const piece = fc.oneof(
    plain.map(text => ({ text })),
    name.map(variable => ({ variable })),
  );
  // A brace before a place would open it earlier.
  const pieces = fc
    .array(piece, { maxLength: 20 })
    .map(all => all.map(one => ('text' in one ? { text: one.text.replaceAll('{', '(') } : one)));
  fc.assert(
    fc.property(pieces, fc.infiniteStream(anything), (all, values) => {
      const names = new Set(all.flatMap(one => ('variable' in one ? [one.variable] : [])));
      const variables = Object.fromEntries([...names].map(one => [one, String(values.next().value)]));
      const written = all.map(one => ('text' in one ? one.text : `{{${one.variable}}}`)).join('');
      const wanted = all.map(one => ('text' in one ? one.text : variables[one.variable])).join('');
      const result = expandTemplate(templateOf(written), variables, MOST);
      if ('fault' in result) throw new Error(result.message);
      expect(result.instructions).toBe(wanted);
      expect(partsOf(result.input[0])).toEqual([{ type: 'input_text', text: wanted }]);
    }),
    { numRuns: RUNS },
  );
});

test('images stand between the texts that stood around them', () => {
  const image = (url: string) => ({ type: 'input_image', image_url: url, detail: 'auto' }) as const;
  const pieces = fc.array(fc.oneof(fc.constantFrom('T', 'I', 'J'), fc.constantFrom('x', 'yy')), { maxLength: 20 });
  fc.assert(
    fc.property(pieces, fc.string(), (all, text) => {
      const given = { T: text, I: image('https://a/i'), J: image('https://a/j') };
      const isPlace = (one: string): one is keyof typeof given => Object.hasOwn(given, one);
      const written = all.map(one => (isPlace(one) ? `{{${one}}}` : one)).join('');
      const used = Object.fromEntries(all.filter(isPlace).map(one => [one, given[one]]));
      const { instructions: _both, ...read } = templateOf(written);
      const result = expandTemplate({ ...read, instructions: null }, used, MOST);
      if ('fault' in result) throw new Error(result.message);
      const mark = (part: PromptVariable): string =>
        typeof part !== 'string' && part.type === 'input_image' ? `<${part.image_url}>` : '';
      const parts = partsOf(result.input[0]);
      const shown = parts.map(part =>
        typeof part !== 'string' && part.type === 'input_text' ? part.text : mark(part),
      );
      const wanted = all.map(one => {
        const value = isPlace(one) ? given[one] : one;
        return typeof value === 'string' ? value : mark(value);
      });
      expect(shown.join('')).toBe(wanted.join(''));
      // No two texts beside each other, and no empty one, unless there is nothing else.
      const texts = parts.map(part => typeof part !== 'string' && part.type === 'input_text');
      expect(texts.some((one, i) => one && texts[i + 1] === true)).toBe(false);
      if (parts.length > 1) expect(shown).not.toContain('');
    }),
    { numRuns: RUNS },
  );
});

test('any text is read, or told what is wrong with it; what is read has names only', () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom('{', '}', 'a', '1', '-', ' ', '\n') }), written => {
      const read = readTemplateText(written);
      if (!read.ok) {
        expect(written).toContain('{{');
        return;
      }
      for (const piece of read.text) if (typeof piece !== 'string') expect(piece.variable).toMatch(VARIABLE_NAME);
      const again = read.text.map(piece => (typeof piece === 'string' ? piece : `{{${piece.variable}}}`)).join('');
      expect(again).toBe(written);
    }),
    { numRuns: RUNS },
  );
});
