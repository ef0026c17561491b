/** Stored output -> the steps that made it, so that `OutputBuilder` shows again, byte for byte, what a reader was shown (O1). */
import { type Json, type JsonObject, type LoggedItem, type OutputPayload, textOf } from '../log/events.ts';
import { isCallType, type PartKind, type StartedItem, type Step } from '../log/steps.ts';
import { type OutputBuilder, type WireEvent } from './output.ts';

/** Feeds a fresh builder with what `payload` holds. Without delta lengths (nobody streamed) each part is one delta. */
export function regenerate(payload: OutputPayload, builder: OutputBuilder, into: WireEvent[]): void {
  payload.items.forEach((item, index) => {
    const lengths = payload.deltas?.[index];
    const shape = { lengths, mixed: payload.mixed?.[index], counts: payload.logprobs?.[index] };
    for (const step of stepsOfItem(item, index, shape)) builder.push(step, into);
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

/** How an item came: the lengths of its deltas, the order of its parts, and how many log probabilities each delta had. */
interface ItemShape {
  readonly lengths: readonly (readonly number[])[] | undefined;
  readonly mixed: readonly boolean[] | undefined;
  readonly counts: readonly (readonly number[])[] | undefined;
}

function* stepsOfItem(item: LoggedItem, index: number, { lengths, mixed, counts }: ItemShape): Iterable<Step> {
  yield { type: 'item', index, item: startedItem(item) };
  if (isCallType(item.type)) {
    const said = textOf(item[item.type === 'function_call' ? 'arguments' : 'input']);
    for (const text of cutUp(said, lengths?.[0])) yield { type: 'delta', index, part: 0, text };
    return;
  }
  const [summary, content] = [objects(item['summary']), objects(item['content'])];
  const parts = mixed === undefined ? [...summary, ...content] : mix(summary, content, mixed);
  // A cut item's last part was closed by the cut, not by a `part_done` of the upstream; the events are the same.
  for (const [part, value] of parts.entries()) {
    const kind = value['type'] as PartKind;
    yield { type: 'part', index, part, kind };
    const text = kind === 'refusal' ? value['refusal'] : value['text'];
    const logprobs = [...objects(value['logprobs'])];
    const told = counts?.[part] ?? [];
    let delta = 0;
    for (const piece of cutUp(textOf(text), lengths?.[part])) {
      const own = logprobs.splice(0, lengths === undefined ? logprobs.length : (told[delta++] ?? 0));
      yield { type: 'delta', index, part, text: piece, ...(own.length > 0 && { logprobs: own }) };
    }
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
    case 'custom_tool_call':
      return {
        type: item.type,
        callId: textOf(item['call_id']),
        name: textOf(item['name']),
        ...(typeof item['namespace'] === 'string' && { namespace: item['namespace'] }),
      };
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
