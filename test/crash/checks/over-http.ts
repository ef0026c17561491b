/** What the server says after a restart, held against what its clients had in their hands before (L2, L6). */
import { createHash } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { framesOf } from '../load/frames.ts';
import { type Endpoint, fieldsOf, send } from '../load/http.ts';
import { isFinal, type Json, type Ledger, outputOf, type TurnRecord } from '../load/ledger.ts';
import type { Violations } from '../violations.ts';

/** Turns read back at once. */
const AT_ONCE = 6;

interface Held {
  readonly endpoint: Endpoint;
  readonly violations: Violations;
}

/**
 * Reads back the turns given, and forgets those that are at their end in `ledger.unchecked`. What was read whole before and has not changed
 * since is read for its end only.
 * @param onChecked called for each that was checked to the end
 * @throws ConnectionCut if the server dies meanwhile; what was not checked stays unchecked
 */
export async function readBack(
  held: Held,
  ledger: Ledger,
  turns: readonly TurnRecord[],
  onChecked: () => void,
): Promise<void> {
  const queue = turns.values();
  const worker = async (): Promise<void> => {
    for (const turn of queue) {
      // Its end is still to come: it stays unchecked.
      const whole = ledger.unchecked.has(turn);
      if (turn.id === null || !(await checkTurn(held, turn, turn.id, whole))) continue;
      ledger.unchecked.delete(turn);
      onChecked();
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}

/** False if the turn still runs. */
async function checkTurn(held: Held, turn: TurnRecord, id: string, whole: boolean): Promise<boolean> {
  const { endpoint, violations } = held;
  const where = `${turn.client} ${id}`;
  // Its client may see the end while this asks; what counts is what was known before.
  const known = turn.resource;
  const got = await send(endpoint, { method: 'GET', path: `/v1/responses/${id}` });
  if (got.status !== 200) {
    violations.add('L2', 'an acknowledged response is not there', `${where}: ${got.status} ${got.text.slice(0, 200)}`);
    return true;
  }
  const resource = fieldsOf(got.text);
  if (whole) await checkInput(held, turn, where, id);
  if (!isFinal(resource)) {
    if (known === null) return false;
    violations.add('L2', 'what had ended runs again', where);
    return true;
  }
  if (turn.resource === null) turn.resource = resource;
  else if (!isDeepStrictEqual(resource, turn.resource))
    violations.add(
      'L2',
      'what had ended is another now',
      `${where}: ${difference(JSON.stringify(turn.resource), got.text)}`,
    );
  checkItems(violations, resource, turn, where);
  if (whole || turn.stream) await checkStream(held, turn, where, id, resource);
  return true;
}

async function checkInput({ endpoint, violations }: Held, turn: TurnRecord, where: string, id: string): Promise<void> {
  const answer = await send(endpoint, { method: 'GET', path: `/v1/responses/${id}/input_items?order=asc&limit=100` });
  const items = (fieldsOf(answer.text)['data'] ?? []) as Json[];
  const texts = items.map(item => (item['type'] === 'function_call_output' ? item['output'] : contentText(item)));
  if (!isDeepStrictEqual(texts, turn.input))
    violations.add(
      'L2',
      'an acknowledged input is lost',
      `${where}: sent ${JSON.stringify(turn.input)}, there is ${JSON.stringify(texts)}`,
    );
}

function contentText(item: Json): string {
  const parts = Array.isArray(item['content']) ? (item['content'] as Json[]) : [];
  return parts.map(part => String(part['text'])).join('');
}

function checkItems(violations: Violations, resource: Json, turn: TurnRecord, where: string): void {
  const output = outputOf(resource);
  const ids = output.map(item => String(item['id']));
  if (new Set(ids).size !== ids.length)
    violations.add('L2', 'an output item is there twice', `${where}: ${ids.join(' ')}`);
  const calls = output.filter(item => item['type'] === 'function_call');
  if (calls.length > (turn.asksForCall ? 1 : 0))
    violations.add('L6', 'a function call was made again', `${where}: ${JSON.stringify(calls).slice(0, 300)}`);
}

/** The regenerated stream begins with every byte that was shown, has every number once, and ends as the response does. */
async function checkStream(
  { endpoint, violations }: Held,
  turn: TurnRecord,
  where: string,
  id: string,
  resource: Json,
): Promise<void> {
  const answer = await send(endpoint, { method: 'GET', path: `/v1/responses/${id}?stream=true` });
  const again = answer.text;
  for (const shown of [...turn.earlier, turn.frames.all]) {
    if (!again.startsWith(shown))
      violations.add('L2', 'what a client saw was retracted', `${where}: ${difference(shown, again)}`);
  }
  const frames = framesOf(again);
  frames.forEach(({ data }, index) => {
    if (fieldsOf(data)['sequence_number'] !== index)
      violations.add('L2', 'a stream has a gap or a number twice', `${where}: event ${index} is ${data.slice(0, 120)}`);
  });
  const last = frames.at(-1);
  if (last === undefined || !isDeepStrictEqual(fieldsOf(last.data)['response'], resource))
    violations.add(
      'L2',
      'a stream does not end as its response does',
      `${where}: ${(last?.data ?? '(no event)').slice(0, 200)}`,
    );
  const digest = createHash('sha256').update(again).digest('base64');
  turn.replay ??= digest;
  if (turn.replay !== digest) violations.add('L2', 'a stream is another when read again', where);
  checkCut(violations, turn, where, resource);
}

/** L6: arguments that had been shown when the call was cut are the last word: the turn failed, and the call never runs. */
function checkCut(violations: Violations, turn: TurnRecord, where: string, resource: Json): void {
  const shown = framesOf(turn.frames.whole).find(
    ({ data }) => data.includes('"type":"function_call"') && data.includes('output_item.added'),
  );
  if (shown === undefined || turn.sawEnd) return;
  const item = fieldsOf(shown.data)['item'] as Json | undefined;
  const kept = outputOf(resource).find(one => one['id'] === item?.['id']);
  if (kept === undefined || kept['call_id'] !== item?.['call_id'])
    violations.add(
      'L6',
      'a call that was shown is another now',
      `${where}: ${JSON.stringify(item)} became ${JSON.stringify(kept)}`,
    );
  const error = resource['error'] as Json | null;
  const lawful =
    resource['status'] === 'completed' ? kept?.['status'] === 'completed' : error?.['code'] === 'upstream_interrupted';
  if (!lawful)
    violations.add(
      'L6',
      'a call that was cut did not end its turn',
      `${where}: ${String(resource['status'])} ${JSON.stringify(error)}`,
    );
}

function difference(shown: string, again: string): string {
  let at = 0;
  while (at < shown.length && shown[at] === again[at]) at += 1;
  const from = Math.max(0, at - 60);
  return `at ${at} of ${shown.length}/${again.length}: ${JSON.stringify(shown.slice(from, at + 160))} became ${JSON.stringify(again.slice(from, at + 160))}`;
}
