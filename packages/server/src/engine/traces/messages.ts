/**
 * Content in the form of the GenAI conventions (`gen_ai.input.messages`, `gen_ai.output.messages`): only where the operator asks for it.
 * What was erased is not there any more, and so leaves no message.
 */
import { flatName } from '@perdure/protocol';
import { type Json, type LoggedItem, textOf } from '../../log/events.ts';

type Part = { readonly type: string; readonly [field: string]: Json };

/** JSON; null if there is nothing to tell. */
export function messagesOf(items: readonly LoggedItem[], finishReason: string | null): string | null {
  const messages = items.flatMap(item => {
    const parts = partsOf(item);
    if (parts.length === 0) return [];
    return [{ role: roleOf(item), parts, ...(finishReason !== null && { finish_reason: finishReason }) }];
  });
  return messages.length === 0 ? null : JSON.stringify(messages);
}

/** What a tool gave back, as text; null if it was erased or is none. */
export function toolResult(items: readonly LoggedItem[]): string | null {
  const output = items.find(({ type }) => type.endsWith('_output'))?.['output'];
  if (output === undefined) return null;
  return typeof output === 'string' ? output : JSON.stringify(output);
}

function roleOf(item: LoggedItem): string {
  if (item.type === 'message') return textOf(item['role']) || 'user';
  return item.type.endsWith('_output') ? 'tool' : 'assistant';
}

function partsOf(item: LoggedItem): readonly Part[] {
  switch (item.type) {
    case 'message':
      return contentParts(item['content']);
    case 'reasoning':
      return contentParts(item['summary']).map(part => ({ ...part, type: 'reasoning' }));
    case 'function_call':
      return [toolCall(item, item['arguments'])];
    case 'custom_tool_call':
      return [toolCall(item, item['input'])];
    default: {
      const result = toolResult([item]);
      return result === null ? [] : [{ type: 'tool_call_response', id: textOf(item['call_id']), response: result }];
    }
  }
}

function toolCall(item: LoggedItem, given: Json | undefined): Part {
  const name = flatName(textOf(item['name']), typeof item['namespace'] === 'string' ? item['namespace'] : undefined);
  return { type: 'tool_call', id: textOf(item['call_id']), name, arguments: textOf(given) };
}

/** Text as it is; of images and files that there was one, never its bytes. */
function contentParts(content: Json | undefined): readonly Part[] {
  if (typeof content === 'string') return [{ type: 'text', content }];
  if (!Array.isArray(content)) return [];
  return content.flatMap((part): readonly Part[] => {
    if (typeof part !== 'object' || part === null || Array.isArray(part)) return [];
    const { type, text, refusal } = part as { readonly [field: string]: Json };
    if (typeof text === 'string') return [{ type: 'text', content: text }];
    if (typeof refusal === 'string') return [{ type: 'text', content: refusal }];
    return typeof type === 'string' ? [{ type }] : [];
  });
}
