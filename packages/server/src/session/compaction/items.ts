/** What compaction and truncation have to know of items: whose words they are, which belong together, what they weigh. */
import { IMAGE_TOKENS, textWeight, utf8Bytes, WEIGHT_OF_TOKEN } from '../../kernel/text-tokens.ts';
import { type Json, type JsonObject, type LoggedItem, textOf } from '../../log/events.ts';

/** A comma and what else joins two items, in sixths of a token. */
const JOINT_WEIGHT = 2;

/** Marks the message that stands for what was left out. The mark is ours and is not sent upstream. */
export const DIGEST_ID = 'digest';

export function isDigest(item: LoggedItem): boolean {
  return item.id === DIGEST_ID && item.type === 'message';
}

/** What an operator or a developer ordered: it is never dropped or shortened. */
export function isInstruction(item: LoggedItem): boolean {
  return item.type === 'message' && (item['role'] === 'system' || item['role'] === 'developer');
}

/** What is kept whole whatever is dropped: also what only another provider can read, which stands for all before it. */
export function isLasting(item: LoggedItem): boolean {
  return isInstruction(item) || item.type === 'compaction';
}

export function isUserMessage(item: LoggedItem): boolean {
  return item.type === 'message' && item['role'] === 'user' && !isDigest(item);
}

export function isOutput(item: LoggedItem): boolean {
  return item.type.endsWith('_output') && typeof item['call_id'] === 'string';
}

export function isCall(item: LoggedItem): boolean {
  return !item.type.endsWith('_output') && typeof item['call_id'] === 'string';
}

/** By the index of an item, that of the other half of its pair: the output of a call, the call of an output. */
export function pairs(items: readonly LoggedItem[]): ReadonlyMap<number, number> {
  const open = new Map<string, number>();
  const found = new Map<number, number>();
  for (const [index, item] of items.entries()) {
    const id = textOf(item['call_id']);
    if (isCall(item)) open.set(id, index);
    const call = isOutput(item) ? open.get(id) : undefined;
    if (call === undefined) continue;
    open.delete(id);
    found.set(call, index);
    found.set(index, call);
  }
  return found;
}

/** The calls among the items that none of them answers. */
export function openCallIds(items: readonly LoggedItem[]): readonly string[] {
  const paired = pairs(items);
  return items.flatMap((item, index) => (isCall(item) && !paired.has(index) ? [textOf(item['call_id'])] : []));
}

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function partsOf(item: LoggedItem): readonly JsonObject[] {
  return [item['content'], item['output']].flatMap(list => (Array.isArray(list) ? list.filter(isObject) : []));
}

/** All that an item says in words. */
export function wordsOf(item: LoggedItem): string {
  const said = typeof item['output'] === 'string' ? item['output'] : textOf(item['content']);
  const parts = partsOf(item).map(part => textOf(part['text']) || textOf(part['refusal']));
  return [said, ...parts].filter(text => text !== '').join('\n');
}

/** What an item takes of a context, in sixths of a token. The bytes of an image are not text: it counts as one image. */
export function itemWeight(item: LoggedItem): number {
  const images = partsOf(item).filter(part => part['type'] === 'input_image').length;
  const text = images === 0 ? JSON.stringify(item) : JSON.stringify(item, withoutImageBytes);
  return textWeight(text, utf8Bytes(text)) + images * IMAGE_TOKENS * WEIGHT_OF_TOKEN + JOINT_WEIGHT;
}

function withoutImageBytes(key: string, value: unknown): unknown {
  return key === 'image_url' && typeof value === 'string' && value.startsWith('data:') ? '' : value;
}

export function weightOf(items: readonly LoggedItem[]): number {
  return items.reduce((sum, item) => sum + itemWeight(item), 0);
}

/** Tokens that the items come to. */
export function tokensOfItems(items: readonly LoggedItem[]): number {
  return Math.ceil(weightOf(items) / WEIGHT_OF_TOKEN);
}
