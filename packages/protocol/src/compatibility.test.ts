/**
 * docs/compatibility.md says what the schemas do. `UPDATE_COMPATIBILITY=1` writes its tables anew; without it they are compared. Each row is
 * tried, and what OpenAI's client can send has a row.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { parseChatRequest } from './chat/request-schema.ts';
import type { Parsed } from './parse.ts';
import { parseCreateResponse } from './responses/request-schema.ts';
import { skippedTools } from './responses/tool-schema.ts';
import { CHAT_FIELDS, ITEM_KINDS, RESPONSE_FIELDS, type Row, TOOL_KINDS } from './test-support/compatibility.ts';

const DOCUMENT = new URL('../../../docs/compatibility.md', import.meta.url);
const CLIENT = new URL('../../../node_modules/openai/resources/', import.meta.url);

const TABLES: readonly (readonly [string, readonly Row[]])[] = [
  ['responses', RESPONSE_FIELDS],
  ['chat', CHAT_FIELDS],
  ['tools', TOOL_KINDS],
  ['items', ITEM_KINDS],
];

function tableOf(rows: readonly Row[]): string {
  const lines = rows.map(({ name, effect, code, note }) => {
    const what = code === undefined ? effect : `${effect}: \`${code}\``;
    return `| \`${name}\` | ${what} | ${note} |`;
  });
  return ['| | what becomes of it | |', '|---|---|---|', ...lines].join('\n');
}

function withTable(text: string, name: string, table: string): string {
  const [open, close] = [`<!-- table:${name} -->\n`, `<!-- /table:${name} -->`];
  const [from, to] = [text.indexOf(open), text.indexOf(close)];
  if (from < 0 || to < from) throw new Error(`the document has no place for the table ${name}`);
  return `${text.slice(0, from + open.length)}${table}\n${text.slice(to)}`;
}

test.each(TABLES)('docs/compatibility.md holds the table of %s', (name, rows) => {
  const text = readFileSync(DOCUMENT, 'utf8');
  const wanted = withTable(text, name, tableOf(rows));
  if (process.env['UPDATE_COMPATIBILITY'] !== undefined) writeFileSync(DOCUMENT, wanted);
  else expect(text).toBe(wanted);
});

const responses = (more: object): Parsed<object> =>
  parseCreateResponse({ model: 'm', input: 'x', ...more }, { prompts: () => ({ version: '1', input: [] }) });
const chat = (more: object): Parsed<object> =>
  parseChatRequest({ model: 'm', messages: [{ role: 'user', content: 'x' }], ...more });
/** Null is absent, and these may not be. */
const REQUIRED: ReadonlySet<string> = new Set(['model', 'messages', 'input']);
/** What makes an example valid by itself. */
const BESIDE: { readonly [field: string]: object } = { top_logprobs: { logprobs: true } };

describe.each([
  ['responses', RESPONSE_FIELDS, responses],
  ['chat', CHAT_FIELDS, chat],
] as const)('each field of %s does what its row says', (dialect, rows, parse) => {
  test.each(rows.map(row => [row.name, row] as const))('%s', (name, { effect, example, code }) => {
    const beside = dialect === 'chat' ? BESIDE[name] : {};
    const without = parse({ ...beside });
    const parsed = parse({ ...beside, [name]: example });
    if (effect === 'refused') {
      if (parsed.ok) throw new Error('it was taken');
      expect(parsed.error).toMatchObject({ code, param: name });
      return;
    }
    if (!parsed.ok || !without.ok) throw new Error('it was refused');
    // `user` of a chat is read and goes no further.
    if (effect !== 'no effect' || name === 'user') expect(parsed.value).not.toEqual(without.value);
    else expect(parsed.value).toEqual(without.value);
    expect(parse({ ...beside, [name]: null }).ok).toBe(!REQUIRED.has(name));
  });
});

test.each(TOOL_KINDS.map(row => [row.name, row] as const))('a tool: %s', (name, { effect, example }) => {
  const parsed = parseCreateResponse({ model: 'm', input: 'x', tools: [example] });
  if (!parsed.ok) throw parsed.error;
  expect(skippedTools(parsed.value.tools)).toEqual(effect === 'skipped' ? [name] : []);
});

test.each(ITEM_KINDS.map(row => [row.name, row] as const))('an item: %s', (_name, { effect, code, example }) => {
  const before = effect === 'taken' ? [{ role: 'user', content: 'x' }] : [];
  const parsed = parseCreateResponse({ model: 'm', input: [...before, example] });
  if (effect === 'taken') expect(parsed.ok).toBe(true);
  else expect(parsed).toMatchObject({ ok: false, error: { code, param: 'input[0].type' } });
});

/** The text of a declaration in the client's types, from its first line to the brace that closes it. */
function declaration(file: string, opening: string): string {
  const text = readFileSync(new URL(file, CLIENT), 'utf8');
  const from = text.indexOf(opening);
  if (from < 0) throw new Error(`the client has no ${opening}`);
  return text.slice(from, text.indexOf('\n}', from));
}
const fieldsOf = (text: string): string[] => [...text.matchAll(/^ {4}(\w+)\??:/gm)].map(([, name = '']) => name);
const kindsOf = (text: string): string[] => [...text.matchAll(/^ {8}type\??: '(\w+)'/gm)].map(([, name = '']) => name);

test('every field and kind of item that the client can send has a row', () => {
  const names = (rows: readonly Row[]): string[] => rows.map(({ name }) => name).toSorted();
  const response = fieldsOf(declaration('responses/responses.d.ts', 'export interface ResponseCreateParamsBase {'));
  expect(names(RESPONSE_FIELDS)).toEqual(response.toSorted());
  const completion = 'export interface ChatCompletionCreateParamsBase {';
  const asked = fieldsOf(declaration('chat/completions/completions.d.ts', completion));
  expect(names(CHAT_FIELDS)).toEqual(asked.toSorted());
  const kinds = kindsOf(declaration('responses/responses.d.ts', 'export declare namespace ResponseInputItem {'));
  expect(kinds.length).toBeGreaterThan(15);
  expect(kinds.filter(kind => !names(ITEM_KINDS).includes(kind))).toEqual([]);
});
