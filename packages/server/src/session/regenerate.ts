/** Stored output -> the steps that made it, so that `OutputBuilder` shows again, byte for byte, what a reader was shown (O1). */
import { type Json, type JsonObject, type LoggedItem, type OutputPayload, textOf } from '../log/events.ts';
import type { PartKind, StartedItem, Step } from '../log/steps.ts';
import { type OutputBuilder, type WireEvent } from './output.ts';

/** Feeds a fresh builder with what `payload` holds. Without delta lengths (nobody streamed) each part is one delta. */
export function regenerate(payload: OutputPayload, builder: OutputBuilder, into: WireEvent[]): void {
  payload.items.forEach((item, index) => {
    const lengths = payload.deltas?.[index];
    for (const step of stepsOfItem(item, index, lengths, payload.mixed?.[index])) builder.push(step, into);
    if (item['phase'] === 'commentary' && item['status'] === 'incomplete') builder.cut(into);
    else builder.push(doneStep(item, index), into);
  });
}

function doneStep(item: LoggedItem, index: number): Step {
  const encrypted = item['encrypted_content'];
  return {
    type: 'item_done',
    index,
    ...(typeof encrypted === 'string' && { encryptedContent: encrypted }),
    ...(item['status'] === 'incomplete' && { incomplete: true }),
  };
}

function* stepsOfItem(
  item: LoggedItem,
  index: number,
  lengths: readonly (readonly number[])[] | undefined,
  mixed: readonly boolean[] | undefined,
): Iterable<Step> {
  yield { type: 'item', index, item: startedItem(item) };
  if (item.type === 'function_call') {
    for (const text of cutUp(textOf(item['arguments']), lengths?.[0])) yield { type: 'delta', index, part: 0, text };
    return;
  }
  const [summary, content] = [objects(item['summary']), objects(item['content'])];
  const parts = mixed === undefined ? [...summary, ...content] : mix(summary, content, mixed);
  // A cut item's last part was closed by the cut, not by a `part_done` of the upstream; the events are the same.
  for (const [part, value] of parts.entries()) {
    const kind = value['type'] as PartKind;
    yield { type: 'part', index, part, kind };
    const text = kind === 'refusal' ? value['refusal'] : value['text'];
    for (const piece of cutUp(textOf(text), lengths?.[part])) yield { type: 'delta', index, part, text: piece };
    const annotations = objects(value['annotations']);
    yield { type: 'part_done', index, part, ...(annotations.length > 0 && { annotations }) };
  }
}

/** Parts in the order in which they came. */
function mix(
  summary: readonly JsonObject[],
  content: readonly JsonObject[],
  summaries: readonly boolean[],
): JsonObject[] {
  const left = { summary: [...summary], content: [...content] };
  return summaries.flatMap(isSummary => {
    const part = (isSummary ? left.summary : left.content).shift();
    return part === undefined ? [] : [part];
  });
}

function startedItem(item: LoggedItem): StartedItem {
  switch (item.type) {
    case 'function_call':
      return { type: 'function_call', callId: textOf(item['call_id']), name: textOf(item['name']) };
    case 'reasoning':
      return { type: 'reasoning' };
    default:
      return { type: 'message' };
  }
}

function objects(value: Json | undefined): readonly JsonObject[] {
  return Array.isArray(value) ? (value as readonly JsonObject[]) : [];
}

function* cutUp(text: string, lengths: readonly number[] | undefined): Iterable<string> {
  if (lengths === undefined) {
    if (text !== '') yield text;
    return;
  }
  let at = 0;
  for (const length of lengths) {
    yield text.slice(at, at + length);
    at += length;
  }
}
