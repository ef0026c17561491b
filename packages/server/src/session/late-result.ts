/** The message that tells a model of a late result, as it is shown: the output of its call. */
import { type Json, type JsonObject, type LoggedItem, textOf } from '../log/events.ts';

export interface ShownResult {
  readonly callId: string;
  /** The id of the item that asked. */
  readonly item: string;
  readonly code: string | null;
  /** What the tool gave, without the words that introduce it to the model. */
  readonly output: Json;
}

/** Null for every other item. */
export function lateResult(item: LoggedItem | JsonObject): ShownResult | null {
  const of = item['result_of'];
  if (typeof of !== 'object' || of === null || Array.isArray(of)) return null;
  const { call_id: callId, item_id: asked, code, head } = of as JsonObject;
  const [first, ...rest] = Array.isArray(item['content']) ? (item['content'] as readonly JsonObject[]) : [];
  const text = textOf(first?.['text']).slice(Number(head));
  const output = rest.length === 0 ? text : [...(text === '' ? [] : [{ type: 'input_text', text }]), ...rest];
  return {
    callId: textOf(callId),
    item: textOf(asked),
    code: typeof code === 'string' ? code : null,
    output,
  };
}

/** The id of the output of the call that an item asks for. */
export function outputIdOf(item: string): string {
  return item.replace(/^[a-z]+_/, 'fco_');
}
