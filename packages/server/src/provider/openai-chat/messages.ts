/**
 * Items -> chat messages. Where several items are one message (an assistant's text and the calls after it), they are joined; so a
 * stretch of items can be encoded alone only if no such message crosses its ends (`opensJoined`, `endsJoinable`).
 */
import { flatName } from '@perdure/protocol';
import type { LoggedItem } from '../../log/events.ts';
import { isCallType } from '../../log/steps.ts';
import { type Fields, isFields, listIn, stringIn } from '../json.ts';
import { asFunction } from '../local-items.ts';
import { providerError } from '../provider-error.ts';

/** What may be joined over the end of a stretch: calls to an assistant's message, and outputs to outputs (what is attached follows the last). */
export type Joint = 'calls' | 'outputs';

/** What the first message that the items make would be joined to, if that came before it. */
export function opensJoined(items: readonly LoggedItem[]): Joint | null {
  const first = items.find(isSent);
  if (first === undefined) return null;
  if (isCall(first)) return 'calls';
  // Outputs of calls before the items come first, wherever they stand.
  return outputsFirst(items).slice(0, 1).some(isOutput) ? 'outputs' : null;
}

/** What after the items would be joined to their last message; undefined if they make none. */
export function endsJoinable(items: readonly LoggedItem[]): Joint | null | undefined {
  const last = items.findLast(isSent);
  if (last === undefined) return undefined;
  if (isOutput(last)) return 'outputs';
  return isCall(last) || (last.type === 'message' && last['role'] === 'assistant') ? 'calls' : null;
}

const isCall = (item: LoggedItem): boolean => isCallType(asFunction(item).type);

const isOutput = (item: LoggedItem): boolean => /^(function|custom_tool)_call_output$/.test(asFunction(item).type);

/** Chat has no word for reasoning of earlier turns: models that reason do without it. */
function isSent(item: LoggedItem): boolean {
  return item.type !== 'reasoning';
}

interface AssistantMessage {
  readonly role: 'assistant';
  readonly content: string | null;
  readonly refusal?: string;
  readonly tool_calls?: readonly Fields[];
}

/** Each message as JSON. @throws ProviderError for what chat cannot say */
export function encodeMessages(items: readonly LoggedItem[]): readonly string[] {
  const json: string[] = [];
  let assistant: AssistantMessage | null = null;
  let attached: Fields[] = [];
  const flush = () => {
    if (assistant !== null) json.push(JSON.stringify(assistant));
    assistant = null;
  };
  const flushAttached = () => {
    if (attached.length > 0) json.push(JSON.stringify({ role: 'user', content: attached }));
    attached = [];
  };
  for (const given of outputsFirst(items)) {
    if (!isSent(given)) continue;
    const item = asFunction(given);
    if (!isOutput(item)) flushAttached();
    if (isCallType(item.type)) {
      assistant = withCall(assistant, item);
      continue;
    }
    flush();
    if (item.type === 'message' && item['role'] === 'assistant') assistant = assistantMessage(item);
    else if (isOutput(item)) json.push(JSON.stringify(toolMessage(item, attached)));
    else json.push(JSON.stringify(otherMessage(item)));
  }
  flush();
  flushAttached();
  return json;
}

/** A tool may only say text: images and files of its output go into a user's message after it. */
function toolMessage(item: LoggedItem, attached: Fields[]): Fields {
  const id = stringIn(item, 'call_id') ?? '';
  const said = (text: string): Fields => ({ role: 'tool', tool_call_id: id, content: text });
  const text = stringIn(item, 'output');
  if (text !== null) return said(text);
  const parts = listIn(item, 'output');
  const isText = (part: unknown): boolean => isFields(part) && part['type'] === 'input_text';
  const others = parts.filter(part => !isText(part)).map(contentPart);
  if (others.length === 0) return { ...said(''), content: content(parts) };
  attached.push({ type: 'text', text: `Attached to the output of the tool call ${id}:` }, ...others);
  const words = parts.filter(isText);
  return words.length === 0 ? said('The output is attached below.') : { ...said(''), content: content(words) };
}

/** In chat the outputs of calls come right after them, so those of calls before the items come before all else. */
function outputsFirst(items: readonly LoggedItem[]): readonly LoggedItem[] {
  const own = new Set(items.flatMap(item => (isCall(item) ? [item['call_id']] : [])));
  const isLate = (item: LoggedItem): boolean => isOutput(item) && !own.has(item['call_id']);
  return items.some(isLate) ? [...items.filter(isLate), ...items.filter(item => !isLate(item))] : items;
}

function withCall(message: AssistantMessage | null, item: LoggedItem): AssistantMessage {
  const id = stringIn(item, 'call_id') ?? '';
  const name = flatName(stringIn(item, 'name') ?? '', stringIn(item, 'namespace') ?? undefined);
  const call =
    item.type === 'custom_tool_call'
      ? { id, type: 'custom', custom: { name, input: stringIn(item, 'input') ?? '' } }
      : { id, type: 'function', function: { name, arguments: stringIn(item, 'arguments') ?? '' } };
  const before = message ?? { role: 'assistant', content: null };
  return { ...before, tool_calls: [...(before.tool_calls ?? []), call] };
}

function assistantMessage(item: LoggedItem): AssistantMessage {
  let text = '';
  let refusal = '';
  for (const part of listIn(item, 'content')) {
    if (!isFields(part)) continue;
    text += stringIn(part, 'text') ?? '';
    refusal += stringIn(part, 'refusal') ?? '';
  }
  if (refusal === '') return { role: 'assistant', content: text };
  return { role: 'assistant', content: text === '' ? null : text, refusal };
}

function otherMessage(item: LoggedItem): Fields {
  switch (item.type) {
    case 'message': {
      // Servers of open models know no developer; OpenAI reads the one as the other.
      const role = item['role'] === 'user' ? 'user' : 'system';
      return { role, content: content(listIn(item, 'content')) };
    }
    default:
      throw unsendable(item.type);
  }
}

/** A plain text where it is one: not every server takes parts. */
function content(parts: readonly unknown[]): string | readonly Fields[] {
  const [only] = parts;
  if (parts.length === 0) return '';
  if (parts.length === 1 && isFields(only) && only['type'] === 'input_text') return stringIn(only, 'text') ?? '';
  return parts.map(contentPart);
}

function contentPart(part: unknown): Fields {
  if (!isFields(part)) throw unsendable('');
  const { type, text, image_url: url, detail, file_data: data, filename } = part;
  if (type === 'input_text') return { type: 'text', text };
  // Chat knows no "original": the next best is the finest that it has.
  const seen = detail === 'original' ? 'high' : detail;
  if (type === 'input_image' && typeof url === 'string') return { type: 'image_url', image_url: { url, detail: seen } };
  if (type === 'input_file' && typeof data === 'string') return { type: 'file', file: { filename, file_data: data } };
  throw unsendable(String(type));
}

function unsendable(what: string) {
  return providerError(
    'upstream_invalid_request',
    `The input holds ${what.slice(0, 80)}, which this target cannot be sent.`,
    {
      param: 'input',
    },
  );
}
