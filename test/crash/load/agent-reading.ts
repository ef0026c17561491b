/** A session read back whole once it rests: its turns and items, and its events against what its follower was shown. */
import { isOfTree, parseEventId } from '../../../packages/server/src/http/agents/session-events.ts';
import { type AgentRecord, sessionText, type ShownEvent, stableText } from './agent-ledger.ts';
import { firstEvent, follow } from './agent-follower.ts';
import { ConnectionCut, type Endpoint, fieldsOf, send } from './http.ts';
import type { Json } from './ledger.ts';
import { type Load, pause } from './turns.ts';

const LOOK_MS = 20;
/** ms until all events have been read. */
const PATIENCE_MS = 30_000;
const ENDED: ReadonlySet<unknown> = new Set(['completed', 'cancelled', 'failed']);

/** What a session and its sub-agents are, and were. */
export interface FamilyRead {
  readonly turns: readonly Json[];
  readonly subagents: readonly Json[];
  /** The turns of each of those. */
  readonly theirs: readonly (readonly Json[])[];
}

/** @throws ConnectionCut, AnswerLate */
export async function readFamily(load: Load, endpoint: Endpoint, of: AgentRecord): Promise<FamilyRead> {
  const path = `/v1/agents/sessions/${of.id}`;
  const turns = await listAll(load, endpoint, `${path}/turns`);
  const subagents = of.family ? await listAll(load, endpoint, `${path}/subagents`) : [];
  const theirs: (readonly Json[])[] = [];
  for (const { id } of subagents) theirs.push(await listAll(load, endpoint, `${path}/subagents/${String(id)}/turns`));
  return { turns, subagents, theirs };
}

/** Whether none of its sub-agents has a turn under way: they work on when the session's own turn is over. */
export function isAtRest({ theirs }: FamilyRead): boolean {
  return theirs.flat().every(turn => ENDED.has(turn['status']));
}

/** @throws ConnectionCut, AnswerLate */
export async function compareAll(load: Load, endpoint: Endpoint, of: AgentRecord, read: FamilyRead): Promise<void> {
  const path = `/v1/agents/sessions/${of.id}`;
  const items = await listAll(load, endpoint, `${path}/items`);
  compareInputs(load, of, items);
  compareItems(load, of.id, items, read.turns);
  for (const [i, { id }] of read.subagents.entries()) {
    const theirs = await listAll(load, endpoint, `${path}/subagents/${String(id)}/items`);
    compareItems(load, `${of.id} ${String(id)}`, theirs, read.theirs[i] ?? []);
  }
  await compareEvents(load, endpoint, of, read);
}

async function listAll(load: Load, endpoint: Endpoint, path: string): Promise<readonly Json[]> {
  const all: Json[] = [];
  for (let after = ''; ; ) {
    const answer = await send(endpoint, { method: 'GET', path: `${path}?order=asc&limit=100${after}` });
    if (answer.status !== 200) {
      load.violations.add('L2', `a list was answered ${answer.status}`, path);
      return all;
    }
    const page = fieldsOf(answer.text);
    all.push(...((page['data'] ?? []) as Json[]));
    if (page['has_more'] !== true) return all;
    after = `&after=${String(page['last_id'])}`;
  }
}

/** Every acknowledged input is there once. */
function compareInputs({ violations }: Load, of: AgentRecord, items: readonly Json[]): void {
  const said = items.filter(item => item['role'] === 'user').map(item => JSON.stringify(item['content']));
  for (const input of of.inputs) {
    const times = said.filter(text => text.includes(input.marker)).length;
    if (times !== 1 && input.acknowledged)
      violations.add(
        'L2',
        'an acknowledged input of a session is not there once',
        `${of.id} ${input.marker}: ${times} times`,
      );
  }
}

/** Every item once, every turn ended, every call with one output where its turn was completed. */
function compareItems({ violations }: Load, where: string, items: readonly Json[], turns: readonly Json[]): void {
  const ids = items.map(item => String(item['id']));
  if (new Set(ids).size !== ids.length) violations.add('L2', 'an item of a session is there twice', where);
  const completed = new Set(turns.filter(turn => turn['status'] === 'completed').map(turn => turn['id']));
  for (const turn of turns) {
    if (ENDED.has(turn['status'])) continue;
    violations.add(
      'liveness',
      `the turn of an idle session is ${String(turn['status'])}`,
      `${where} ${String(turn['id'])}`,
    );
  }
  for (const item of items) {
    if (item['type'] !== 'function_call' || !completed.has(item['turn_id'])) continue;
    const outputs = items.filter(one => one['type'] === 'function_call_output' && one['call_id'] === item['call_id']);
    if (outputs.length !== 1)
      violations.add(
        'L6',
        'a call has more or less than one output',
        `${where} ${String(item['call_id'])}: ${outputs.length}`,
      );
  }
}

/** Events that must come before all have: each turn's end, each sub-agent's beginning, each that is closed. */
function expected({ turns, subagents, theirs }: FamilyRead): { readonly [type: string]: number } {
  return {
    'agent.session.idle': turns.length,
    'agent.session.turn.end': turns.length + theirs.flat().length,
    'agent.session.subagent.created': subagents.length,
    'agent.session.subagent.closed': subagents.filter(one => one['status'] === 'closed').length,
  };
}

const TURN_END = /^agent\.session\.turn\.(?:completed|failed|cancelled)$/;

async function compareEvents(load: Load, endpoint: Endpoint, of: AgentRecord, read: FamilyRead): Promise<void> {
  const { violations } = load;
  const all: ShownEvent[] = [];
  const own = new Set(read.turns.map(turn => String(turn['id']).slice('turn_'.length)));
  const left = new Map(Object.entries(expected(read)));
  const allCame = (): boolean => [...left.values()].every(count => count <= 0);
  const until = Date.now() + PATIENCE_MS;
  const status = await follow(endpoint, of.id, {
    lastEvent: firstEvent(of.id),
    over: () => allCame() || Date.now() > until,
    onEvent(event) {
      all.push(event);
      const type = TURN_END.test(event.type) ? 'agent.session.turn.end' : event.type;
      if (type !== 'agent.session.idle' || own.has(turnOf(event))) left.set(type, (left.get(type) ?? 0) - 1);
    },
  });
  if (!allCame())
    violations.add(
      'L2',
      'the events of a session do not come to their end',
      `${of.id}: ${status}, missing ${JSON.stringify([...left].filter(([, count]) => count > 0))}`,
    );
  while (of.shown.length < all.length && Date.now() < until) {
    // It is cut like everybody else: then it comes back with the next life.
    if (load.stage.now !== endpoint) throw new ConnectionCut('the server that was read from is gone');
    await pause(LOOK_MS);
  }
  const [told, again] = [streams(of, of.shown), streams(of, all)];
  for (const name of new Set([...told.keys(), ...again.keys()]))
    compareStream(load, of, told.get(name) ?? [], again.get(name) ?? [], event => own.has(turnOf(event)));
}

/** The turn that an event is of, without its prefix; of no turn, the session. */
function turnOf({ id }: ShownEvent): string {
  return parseEventId(id)?.turn.slice('resp_'.length) ?? '';
}

/** The events of several agents come in another order when they are read again; those of one turn, and of the tree, do not. */
function streams({ family }: AgentRecord, events: readonly ShownEvent[]): ReadonlyMap<string, readonly ShownEvent[]> {
  const found = new Map<string, ShownEvent[]>();
  for (const event of events) {
    const place = family ? parseEventId(event.id) : null;
    const name = place === null ? '' : `${place.turn} ${isOfTree(place)}`;
    found.set(name, [...(found.get(name) ?? []), event]);
  }
  return found;
}

function compareStream(
  { violations }: Load,
  of: AgentRecord,
  told: readonly ShownEvent[],
  again: readonly ShownEvent[],
  isOwn: (event: ShownEvent) => boolean,
): void {
  // How the session stands while a sub-agent goes on is told as it is when it is read.
  const text = (event: ShownEvent): string => (isOwn(event) ? stableText(event) : sessionText(event));
  for (let at = 0; at < Math.max(told.length, again.length); at++) {
    const [one, other] = [told[at], again[at]];
    const same = one !== undefined && other !== undefined && one.id === other.id && text(one) === text(other);
    if (same) continue;
    const detail = `${of.id}: event ${at} of ${told.length}/${again.length}: ${JSON.stringify(one)?.slice(0, 300)} is ${JSON.stringify(other)?.slice(0, 300)}`;
    violations.add('L2', 'the events of a session are others when read again', detail);
    return;
  }
}
