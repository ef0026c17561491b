/**
 * Items -> chat messages. Where several items are one message (an assistant's text and the calls after it), they are joined; so a
 * stretch of items can be encoded alone only if no such message crosses its ends (`opensJoined`, `endsJoinable`).
 */
import type { LoggedItem } from '../../log/events.ts';
import { isCallType } from '../../log/steps.ts';
import { type Fields, isFields, listIn, stringIn } from '../json.ts';
import { asFunction } from '../local-items.ts';
import { providerError } from '../provider-error.ts';

/** Whether the first message that the items make would be joined to an assistant's message before it. */
export function opensJoined(items: readonly LoggedItem[]): boolean {
  const first = items.find(isSent);
  return first !== undefined && isCall(first);
}

/** Whether calls after the items would be joined to their last message; null if they make none. */
export function endsJoinable(items: readonly LoggedItem[]): boolean | null {
  const last = items.findLast(isSent);
  if (last === undefined) return null;
  return isCall(last) || (last.type === 'message' && last['role'] === 'assistant');
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
  const flush = () => {
    if (assistant !== null) json.push(JSON.stringify(assistant));
    assistant = null;
  };
  for (const given of outputsFirst(items)) {
    if (!isSent(given)) continue;
    const item = asFunction(given);
    if (isCallType(item.type)) {
      assistant = withCall(assistant, item);
      continue;
    }
    flush();
    if (item.type === 'message' && item['role'] === 'assistant') assistant = assistantMessage(item);
    else json.push(JSON.stringify(otherMessage(item)));
  }
  flush();
  return json;
}

/** In chat the outputs of calls come right after them, so those of calls before the items come before all else. */
function outputsFirst(items: readonly LoggedItem[]): readonly LoggedItem[] {
  const own = new Set(items.flatMap(item => (isCall(item) ? [item['call_id']] : [])));
  const isLate = (item: LoggedItem): boolean => isOutput(item) && !own.has(item['call_id']);
  return items.some(isLate) ? [...items.filter(isLate), ...items.filter(item => !isLate(item))] : items;
}

function withCall(message: AssistantMessage | null, item: LoggedItem): AssistantMessage {
  const id = stringIn(item, 'call_id') ?? '';
  const name = stringIn(item, 'name') ?? '';
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
      return { role, content: content(listIn(item, 'content'), role === 'user') };
    }
    case 'function_call_output':
    case 'custom_tool_call_output': {
      const output = stringIn(item, 'output') ?? content(listIn(item, 'output'), false);
      return { role: 'tool', tool_call_id: stringIn(item, 'call_id') ?? '', content: output };
    }
    default:
      throw unsendable(item.type);
  }
}

/** A plain text where it is one: not every server takes parts. */
function content(parts: readonly unknown[], attachments: boolean): string | readonly Fields[] {
  const [only] = parts;
  if (parts.length === 0) return '';
  if (parts.length === 1 && isFields(only) && only['type'] === 'input_text') return stringIn(only, 'text') ?? '';
  return parts.map(part => contentPart(part, attachments));
}

function contentPart(part: unknown, attachments: boolean): Fields {
  if (!isFields(part)) throw unsendable('');
  const { type, text, image_url: url, detail, file_data: data, filename } = part;
  if (type === 'input_text') return { type: 'text', text };
  if (!attachments) throw unsendable(`${String(type)} outside a user message`);
  if (type === 'input_image' && typeof url === 'string') return { type: 'image_url', image_url: { url, detail } };
  if (type === 'input_file' && typeof data === 'string') return { type: 'file', file: { filename, file_data: data } };
  throw unsendable(String(type));
}

function unsendable(what: string) {
  return providerError('upstream_rejected', `The input holds ${what.slice(0, 80)}, which this target cannot be sent.`, {
    param: 'input',
  });
}
