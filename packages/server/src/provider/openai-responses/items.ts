/** Items as a Responses API takes them back: without our ids and statuses, which it would refuse or look up in vain. */
import type { LoggedItem } from '../../log/events.ts';
import { type Fields, isFields, listIn, stringIn } from '../json.ts';
import { asFunction } from '../local-items.ts';
import { providerError } from '../provider-error.ts';
import type { EncodedItems } from '../run-cache.ts';

/** The fields of each item type that are sent, in their order. */
const SENT: { readonly [type: string]: readonly string[] } = {
  message: ['type', 'role', 'content', 'phase'],
  function_call: ['type', 'call_id', 'namespace', 'name', 'arguments'],
  function_call_output: ['type', 'call_id', 'output'],
  custom_tool_call: ['type', 'call_id', 'namespace', 'name', 'input'],
  custom_tool_call_output: ['type', 'call_id', 'output'],
  compaction: ['type', 'encrypted_content'],
};

const PART: { readonly [type: string]: readonly string[] } = {
  input_text: ['type', 'text', 'prompt_cache_breakpoint'],
  input_image: ['type', 'image_url', 'detail', 'prompt_cache_breakpoint'],
  input_file: ['type', 'filename', 'file_data', 'file_url', 'prompt_cache_breakpoint'],
  output_text: ['type', 'text'],
  refusal: ['type', 'refusal'],
};

/** @param unsealed leave out what only its maker can read: reasoning, which a model can do without */
export function encodeItems(items: readonly LoggedItem[], unsealed: boolean): EncodedItems {
  const json: string[] = [];
  let sealed = false;
  for (const given of items) {
    const item = asFunction(given);
    if (item.type === 'reasoning') {
      const kept = reasoning(item, unsealed);
      if (kept === null) continue;
      sealed ||= 'encrypted_content' in kept;
      json.push(JSON.stringify(kept));
      continue;
    }
    const names = SENT[item.type];
    if (names === undefined) throw unsendable(item.type);
    json.push(JSON.stringify(pick(item, names)));
  }
  return { json, sealed };
}

function pick(item: Fields, names: readonly string[]): Fields {
  const kept: { [key: string]: unknown } = {};
  for (const name of names) {
    const value = item[name];
    if (value === undefined || value === null) continue;
    kept[name] = Array.isArray(value) ? value.map(part) : value;
  }
  return kept;
}

function part(value: unknown): Fields {
  const type = isFields(value) ? (stringIn(value, 'type') ?? '') : '';
  const names = PART[type];
  if (!isFields(value) || names === undefined) throw unsendable(type);
  return pick(value, names);
}

/**
 * Reasoning goes back sealed, or as the open text that servers of open models give. A summary alone is of no use to a model, and an
 * upstream that keeps nothing answers that it cannot find the item.
 */
function reasoning(item: LoggedItem, unsealed: boolean): Fields | null {
  const seal = stringIn(item, 'encrypted_content');
  const summary = listIn(item, 'summary');
  if (seal !== null && !unsealed) return { type: 'reasoning', summary, encrypted_content: seal };
  const content = listIn(item, 'content');
  return content.length === 0 ? null : { type: 'reasoning', summary, content };
}

function unsendable(type: string) {
  return providerError(
    'upstream_invalid_request',
    `The input holds "${type.slice(0, 60)}", which this target cannot be sent.`,
    { param: 'input' },
  );
}
