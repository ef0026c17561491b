/** A request's input: references resolved, tool outputs matched with the calls they answer, ids given. */
import { type InputItem, type NewItem, perdureError } from '@perdure/protocol';
import type { JsonObject } from '../log/events.ts';
import { itemId, MAX_PART_ITEMS } from '../kernel/ids.ts';
import type { LoggedItem } from '../log/events.ts';

const ID_KINDS: { readonly [T in NewItem['type']]: string } = {
  message: 'msg',
  function_call: 'fc',
  function_call_output: 'fco',
  custom_tool_call: 'ctc',
  custom_tool_call_output: 'ctco',
  local_shell_call: 'lsh',
  local_shell_call_output: 'lsho',
  shell_call: 'sh',
  shell_call_output: 'sho',
  apply_patch_call: 'apc',
  apply_patch_call_output: 'apco',
  reasoning: 'rs',
  compaction: 'cmp',
};

/** Items with ids from their place (part `part` of the turn or addition `body`); ids that a client sent are not kept. */
export function placeItems(items: readonly NewItem[], body: string, part: number): readonly LoggedItem[] {
  if (items.length > MAX_PART_ITEMS)
    throw perdureError('invalid_request', `At most ${MAX_PART_ITEMS} items fit one request.`, { param: 'input' });
  return items.map((item, index) => {
    const { id: _given, ...rest } = item;
    return { ...rest, id: itemId(ID_KINDS[item.type], body, part, index) };
  });
}

/** Calls, and the kind of item that answers each. */
const OUTPUT_OF: ReadonlyMap<string, string> = new Map(
  ['function_call', 'custom_tool_call', 'local_shell_call', 'shell_call', 'apply_patch_call'].map(call => [
    call,
    `${call}_output`,
  ]),
);
const OUTPUTS: ReadonlySet<string> = new Set(OUTPUT_OF.values());

export function isCallOutput({ type }: Pick<NewItem, 'type'>): boolean {
  return OUTPUTS.has(type);
}

export interface MatchedCalls {
  /** Calls that were open before and are answered here. */
  readonly answers: readonly string[];
  /** Calls that these items make and do not answer. */
  readonly opened: readonly string[];
}

/**
 * Matches tool outputs with calls, by call_id, in any order of parallel calls.
 * @param param the field that holds the items
 * @throws tool_call_not_found for an output whose call is neither open nor before it in these items
 */
export function matchCalls(items: readonly NewItem[], open: readonly string[], param = 'input'): MatchedCalls {
  const before = new Set(open);
  const answers: string[] = [];
  const opened = new Map<string, string>();
  for (const item of items) {
    const output = OUTPUT_OF.get(item.type);
    if (!('call_id' in item)) continue;
    if (output !== undefined) opened.set(item.call_id, output);
    if (!OUTPUTS.has(item.type)) continue;
    // An output is of its call's kind; of a call in an earlier turn only the id is known here, and `requireKinds` looks for the rest.
    if (opened.get(item.call_id) === item.type && opened.delete(item.call_id)) continue;
    if (opened.has(item.call_id) || !before.delete(item.call_id)) {
      throw notFound(item, param);
    }
    answers.push(item.call_id);
  }
  return { answers, opened: [...opened.keys()] };
}

/**
 * An output is of the kind of its call, also of one in an earlier turn.
 * @param history what came before, which holds the calls that `answers` names; read from its end
 * @throws tool_call_not_found
 */
export function requireKinds(
  items: readonly NewItem[],
  { answers }: Pick<MatchedCalls, 'answers'>,
  history: readonly { readonly items: readonly JsonObject[] }[],
  param = 'input',
): void {
  const left = new Set(answers);
  const outputs = new Map<unknown, string>();
  for (let run = history.length - 1; run >= 0 && left.size > 0; run--) {
    for (const { type, call_id: id } of history[run]?.items.toReversed() ?? []) {
      const output = typeof type === 'string' ? OUTPUT_OF.get(type) : undefined;
      if (output !== undefined && typeof id === 'string' && left.delete(id)) outputs.set(id, output);
    }
  }
  for (const item of items) {
    if (!('call_id' in item) || !OUTPUTS.has(item.type)) continue;
    const due = outputs.get(item.call_id);
    if (due !== undefined && due !== item.type) throw notFound(item, param);
    // The id may be given to a call of these items, too.
    outputs.delete(item.call_id);
  }
}

function notFound({ type, call_id: id }: { readonly type: string; readonly call_id: string }, param: string): Error {
  const message = `No tool call found for ${type.replaceAll('_', ' ')} with call_id ${id}.`;
  return perdureError('tool_call_not_found', message, { param });
}

/** A model may be called only when every call has its output. @throws tool_output_missing */
export function requireOutputs(open: readonly string[], matched: MatchedCalls): void {
  const missing = open.find(id => !matched.answers.includes(id)) ?? matched.opened[0];
  if (missing !== undefined)
    throw perdureError('tool_output_missing', `No tool output found for function call ${missing}.`, { param: 'input' });
}

/** Replaces references by what they point at. @throws item_not_found (as 400: it is the request that is wrong) */
export async function resolveReferences(
  items: readonly InputItem[],
  find: (id: string) => Promise<LoggedItem | null>,
): Promise<readonly NewItem[]> {
  const resolved: NewItem[] = [];
  for (const item of items) {
    if (item.type !== 'item_reference') {
      resolved.push(item);
      continue;
    }
    const found = await find(item.id);
    if (found === null)
      throw perdureError('item_not_found', `Item with id '${item.id}' not found.`, { param: 'input', status: 400 });
    resolved.push(found as unknown as NewItem);
  }
  return resolved;
}
