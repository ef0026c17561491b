/**
 * A template with its variables put in: plain items, as if the request had written them. Pure, and in one pass: what a variable holds is
 * never read as a template.
 */
import {
  type ExpandedPrompt,
  type InputItem,
  type InputPart,
  LIMITS,
  type PromptFault,
  type PromptReference,
  type PromptVariable,
} from '@perdure/protocol';
import { type PromptTemplate, type TemplateText, variablesOf } from './template.ts';

type Variables = PromptReference['variables'];

/** @param mostBytes what it may come to, as JSON has it; more is a fault, found before anything is built */
export function expandTemplate(
  template: PromptTemplate,
  given: Variables,
  mostBytes: number,
): ExpandedPrompt | PromptFault {
  const fault = variablesFault(template, given) ?? sizeFault(template, given, mostBytes);
  if (fault !== null) return fault;
  const variables = new Map(Object.entries(given));
  const { version, model, instructions, messages } = template;
  return {
    version,
    ...(model !== null && { model }),
    ...(instructions !== null && { instructions: textWith(instructions, variables) }),
    input: messages.map(({ role, content }): InputItem => {
      const message = { type: 'message', status: 'completed' } as const;
      if (role === 'user') return { ...message, role, content: partsWith(content, variables) };
      const text = textWith(content, variables);
      if (role === 'assistant') return { ...message, role, content: [{ type: 'output_text', text, annotations: [] }] };
      return { ...message, role, content: [{ type: 'input_text', text }] };
    }),
  };
}

/** What is missing, what nobody asked for, and what cannot stand where its place is. */
function variablesFault(template: PromptTemplate, given: Variables): PromptFault | null {
  const wanted = variablesOf(template);
  for (const name of wanted) {
    if (Object.hasOwn(given, name)) continue;
    return variableFault('prompt_variable_missing', `The prompt's variable '${name}' is missing.`, name);
  }
  for (const name of Object.keys(given)) {
    if (wanted.has(name)) continue;
    const known = [...wanted].map(one => `'${one}'`).join(', ');
    const message = `The prompt has no such variable: ${known === '' ? 'it has none' : `its variables are ${known}`}.`;
    return variableFault('prompt_variable_unknown', message, name);
  }
  const texts = [
    template.instructions ?? [],
    ...template.messages.flatMap(m => (m.role === 'user' ? [] : [m.content])),
  ];
  for (const piece of texts.flat()) {
    const value = typeof piece === 'string' ? undefined : given[piece.variable];
    if (typeof piece === 'string' || value === undefined || textOf(value) !== null) continue;
    const message = `The prompt's variable '${piece.variable}' must be a text: it stands outside of a user's message.`;
    return variableFault('prompt_variable_not_text', message, piece.variable);
  }
  return null;
}

function variableFault(fault: PromptFault['fault'], message: string, name: string): PromptFault {
  return { fault, message, path: ['variables', name] };
}

function sizeFault(
  { instructions, messages }: PromptTemplate,
  given: Variables,
  mostBytes: number,
): PromptFault | null {
  const sizes = new Map(Object.entries(given).map(([name, value]) => [name, sizeOf(value)]));
  let bytes = 0;
  for (const text of [instructions ?? [], ...messages.map(({ content }) => content)]) {
    let chars = 0;
    for (const piece of text) {
      const size = typeof piece === 'string' ? sizeOf(piece) : sizes.get(piece.variable);
      bytes += size?.bytes ?? 0;
      chars += size?.chars ?? 0;
    }
    if (chars <= LIMITS.textChars) continue;
    const message = `A text of the prompt is too large with its variables: at most ${LIMITS.textChars} characters.`;
    return { fault: 'invalid_request', message, path: ['variables'] };
  }
  if (bytes <= mostBytes) return null;
  const message = 'The prompt is larger with its variables than this server accepts.';
  return { fault: 'body_too_large', message, path: ['variables'] };
}

/** Bytes as JSON, and characters if it is a text. */
function sizeOf(value: PromptVariable): { readonly bytes: number; readonly chars: number } {
  const text = textOf(value);
  const bytes = Buffer.byteLength(JSON.stringify(text ?? value));
  return text === null ? { bytes, chars: 0 } : { bytes: bytes - 2, chars: text.length };
}

function textOf(value: PromptVariable): string | null {
  if (typeof value === 'string') return value;
  return value.type === 'input_text' ? value.text : null;
}

function textWith(text: TemplateText, variables: ReadonlyMap<string, PromptVariable>): string {
  return text
    .map(piece => (typeof piece === 'string' ? piece : (textOf(variables.get(piece.variable) ?? '') ?? '')))
    .join('');
}

/** Text, image, text: an image or a file becomes a part of its own where its place was. */
function partsWith(text: TemplateText, variables: ReadonlyMap<string, PromptVariable>): readonly InputPart[] {
  const parts: InputPart[] = [];
  let run = '';
  const flush = (): void => {
    if (run !== '') parts.push({ type: 'input_text', text: run });
    run = '';
  };
  for (const piece of text) {
    const value = typeof piece === 'string' ? piece : (variables.get(piece.variable) ?? '');
    const written = textOf(value);
    if (written !== null || typeof value === 'string') {
      run += written ?? '';
      continue;
    }
    flush();
    parts.push(value);
  }
  flush();
  return parts.length === 0 ? [{ type: 'input_text', text: '' }] : parts;
}
