/**
 * Prompt templates: texts with placeholders, `{{name}}`, and what stands for these.
 *
 * T1  A value is put in as it is: what looks like a placeholder in it is none.
 * T2  A template without its variables is filled in by itself; one that lacks a variable, or is given one that it does not have, is refused.
 */
import { type InputItem, type InputPart, LIMITS, perdureError, type PromptVariable } from '@perdure/protocol';

/** A text in pieces: what stands between the placeholders, and their names. */
export type Pieces = readonly (string | { readonly name: string })[];

export interface TemplateMessage {
  readonly role: 'user' | 'assistant' | 'developer' | 'system';
  readonly content: Pieces;
}

export interface PromptTemplate {
  readonly id: string;
  readonly version: string;
  /** Null: every tenant's. */
  readonly tenant: string | null;
  /** Whether it is used where a request names no version. */
  readonly isDefault: boolean;
  readonly model: string | null;
  readonly instructions: Pieces | null;
  readonly messages: readonly TemplateMessage[];
}

type Values = { readonly [name: string]: PromptVariable };

const MARK = /\\\{\{|\{\{\s*([A-Za-z_][A-Za-z0-9_]*)\s*\}\}|\{\{/g;

/** Takes a template's text apart; `\{{` stands for the two braces themselves. Null if braces open what is no placeholder. */
export function piecesOf(text: string): Pieces | null {
  const pieces: (string | { readonly name: string })[] = [];
  let plain = '';
  let from = 0;
  for (const mark of text.matchAll(MARK)) {
    const [whole, name] = mark;
    plain += text.slice(from, mark.index);
    from = mark.index + whole.length;
    if (whole === '{{' || (name !== undefined && name.length > LIMITS.promptVariableChars)) return null;
    if (name === undefined) plain += '{{';
    else {
      if (plain !== '') pieces.push(plain);
      plain = '';
      pieces.push({ name });
    }
  }
  plain += text.slice(from);
  if (plain !== '') pieces.push(plain);
  return pieces;
}

/** The variables that a template has, each once. */
export function variablesOf({ instructions, messages }: PromptTemplate): readonly string[] {
  const all = [instructions ?? [], ...messages.map(({ content }) => content)].flat();
  return [...new Set(all.flatMap(piece => (typeof piece === 'string' ? [] : [piece.name])))];
}

export interface Filled {
  readonly instructions: string | null;
  readonly input: readonly InputItem[];
}

/** @throws PerdureError invalid_request, with `param` below `prompt.variables` */
export function fillIn(template: PromptTemplate, given: Values | null): Filled {
  const values = given ?? {};
  const wanted = variablesOf(template);
  const lacking = wanted.find(name => !Object.hasOwn(values, name));
  if (lacking !== undefined) throw refuse(lacking, `The prompt template has a variable '${lacking}' without a value.`);
  const unknown = Object.keys(values).find(name => !wanted.includes(name));
  if (unknown !== undefined) {
    const known = wanted.length === 0 ? 'none' : wanted.map(name => `'${name}'`).join(', ');
    throw refuse(unknown, `The prompt template has no such variable; it has ${known}.`);
  }
  const { instructions, messages } = template;
  return {
    instructions: instructions === null ? null : textOf(instructions, values),
    input: messages.map(message => itemOf(message, values)),
  };
}

function refuse(name: string, message: string): Error {
  // A name that is no plain word is content.
  const param = /^[\w-]{1,64}$/.test(name) ? `prompt.variables.${name}` : 'prompt.variables';
  return perdureError('invalid_request', message, { param });
}

function itemOf({ role, content }: TemplateMessage, values: Values): InputItem {
  const item = { type: 'message', status: 'completed' } as const;
  switch (role) {
    case 'user':
      return { ...item, role, content: partsOf(content, values) };
    case 'assistant':
      return { ...item, role, content: [{ type: 'output_text', text: textOf(content, values), annotations: [] }] };
    default:
      return { ...item, role, content: [{ type: 'input_text', text: textOf(content, values) }] };
  }
}

/** Text around an image or a file is a part of its own. */
function partsOf(pieces: Pieces, values: Values): InputPart[] {
  const parts: InputPart[] = [];
  let text = '';
  const cut = (): void => {
    if (text !== '') parts.push({ type: 'input_text', text: bounded(text) });
    text = '';
  };
  for (const piece of pieces) {
    const value = typeof piece === 'string' ? piece : (values[piece.name] ?? '');
    if (typeof value === 'string') text += value;
    else if (value.type === 'input_text' && value.prompt_cache_breakpoint === undefined) text += value.text;
    else {
      cut();
      parts.push(value);
    }
  }
  cut();
  return parts.length === 0 ? [{ type: 'input_text', text: '' }] : parts;
}

function textOf(pieces: Pieces, values: Values): string {
  const texts = pieces.map(piece => {
    if (typeof piece === 'string') return piece;
    const value = values[piece.name] ?? '';
    if (typeof value === 'string') return value;
    if (value.type === 'input_text') return value.text;
    throw refuse(piece.name, `The variable '${piece.name}' stands in a text: it takes no image and no file.`);
  });
  return bounded(texts.join(''));
}

/** Text that the template and its variables come to is bounded as text that is sent. */
function bounded(text: string): string {
  if (text.length <= LIMITS.textChars) return text;
  throw perdureError('invalid_request', `The prompt comes to a text of more than ${LIMITS.textChars} characters.`, {
    param: 'prompt.variables',
  });
}
