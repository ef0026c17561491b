/** What must hold of a family at rest, read off the logs of its sessions and nowhere else. */
import { expect } from 'vitest';
import type { SessionId } from '../../kernel/ids.ts';
import { decodeEvent } from '../../log/codec.ts';
import { type JsonObject, type LogEvent, type LoggedItem, sumUsage, textOf, type Usage } from '../../log/events.ts';
import { goesOn, type SessionState } from '../../session/state.ts';
import { SUBAGENT_DEPTH } from '../../tool/subagents.ts';
import { ACME } from '../world.test-support.ts';
import { textIn } from './family.test-support.ts';
import { type FamilyPlay, OPEN_AT_ONCE } from './family-play.test-support.ts';
import { sessionOfSubagent } from './ids.ts';

/** What came up over all runs. */
export const met: Map<string, number> = new Map<string, number>();
const note = (what: string): void => void met.set(what, (met.get(what) ?? 0) + 1);

interface Family {
  readonly id: SessionId;
  readonly states: ReadonlyMap<SessionId, SessionState>;
  /** Of all its sessions, in the order of their commits. */
  readonly events: readonly LogEvent[];
}

export async function checkFamily(play: FamilyPlay): Promise<void> {
  const family: Family = {
    id: play.id as SessionId,
    states: new Map(play.states().map(state => [state.session, state])),
    events: eventsOf(play),
  };
  expect(play.reported).toEqual([]);
  nothingWaits(family);
  treeEqualsSessions(family);
  eachCallMadeOne(family);
  eachMessageOnce(family, play.taken);
  closedIsSilent(family);
  const { usage } = await play.engine.agentSessions.view(ACME, play.id);
  expect(usage).toEqual(metered(family));
  for (const { type } of family.events) if (type in NOTED) note(NOTED[type] ?? '');
}

const NOTED: { readonly [type: string]: string } = {
  'subagent.created': 'made',
  'subagent.closed': 'closed',
  'subagent.reopened': 'reopened',
  'tool.yielded': 'waited',
  'input.steered': 'steered',
  'turn.cancelled': 'cancelled',
  'turn.failed': 'failed',
  'session.claimed': 'taken over',
};

function eventsOf({ world }: FamilyPlay): readonly LogEvent[] {
  const all = [...world.data.values()].flatMap(({ sessions }) =>
    [...sessions.values()].flatMap(({ row: { tenant, session }, events, orders }) =>
      events.map((stored, i) => ({ order: orders[i] ?? 0, event: decodeEvent({ tenant, session }, stored) })),
    ),
  );
  return all.toSorted((a, b) => a.order - b.order || a.event.seq - b.event.seq).map(({ event }) => event);
}

/** Z1 */
function nothingWaits({ states }: Family): void {
  for (const state of states.values()) expect([state.session, goesOn(state)]).toEqual([state.session, false]);
}

/** T1, T2, T3, M2 */
function treeEqualsSessions({ id, states, events }: Family): void {
  const all = states.get(id)?.subagents?.all ?? [];
  const entries = new Map(all.map(one => [one.session, one]));
  const members = [...states.values()].filter(({ subagent }) => subagent !== undefined);
  for (const { session, subagent } of members) {
    const { parent, depth } = entries.get(session) ?? {};
    expect(subagent).toEqual({ owner: id, parent, depth });
  }
  const completed = new Set(createdBy(events).values());
  for (const { session, parent, depth, closedAt } of all) {
    // One of which the process died that made it, and whose call ended otherwise, may never have begun.
    if (completed.has(session)) expect([session, states.has(session)]).toEqual([session, true]);
    const above = parent === null ? null : entries.get(parent);
    expect(depth).toBe((above?.depth ?? 0) + 1);
    if (above != null) note('below another');
    expect(depth).toBeLessThanOrEqual(SUBAGENT_DEPTH);
    if (closedAt === null) expect(above?.closedAt ?? null).toBeNull();
  }
  expect(all.filter(({ closedAt }) => closedAt === null).length).toBeLessThanOrEqual(OPEN_AT_ONCE);
}

/** Calls that made one, and which they were told that they made. */
function createdBy(events: readonly LogEvent[]): ReadonlyMap<string, SessionId> {
  return new Map(
    done(events, 'create_subagent').map(({ callId, output }) => [
      callId,
      sessionOfSubagent(textOf((JSON.parse(output) as JsonObject)['agent_id'])),
    ]),
  );
}

/** Calls of a tool that ended well. */
function done(
  events: readonly LogEvent[],
  tool: string,
): readonly { readonly callId: string; readonly arguments: JsonObject; readonly output: string }[] {
  const asked = new Map<string, JsonObject>();
  for (const event of events)
    if (event.type === 'call.completed')
      for (const item of event.payload?.items ?? [])
        if (item['name'] === tool)
          asked.set(textOf(item['call_id']), JSON.parse(textOf(item['arguments'])) as JsonObject);
  return events.flatMap(event => {
    const args = event.type === 'tool.completed' ? asked.get(event.head.callId) : undefined;
    if (event.type !== 'tool.completed' || args === undefined) return [];
    const output = textOf(event.payload?.items[0]?.['output']);
    return [{ callId: event.head.callId, arguments: args, output }];
  });
}

/** M1 */
function eachCallMadeOne({ events }: Family): void {
  const made = events.flatMap(event =>
    event.type === 'subagent.created' ? [[event.payload?.instructions ?? '', event.head.session] as const] : [],
  );
  const byTask = new Map(made);
  expect(byTask.size).toBe(made.length);
  const told = createdBy(events);
  for (const { callId, arguments: args } of done(events, 'create_subagent'))
    expect([callId, byTask.get(textOf(args['task']))]).toEqual([callId, told.get(callId)]);
}

/** N4, M1: by whom ever it was told. @param taken what whoever drives the session was told that it was taken */
function eachMessageOnce({ events, states }: Family, taken: readonly string[]): void {
  const heard = new Map<string, number>();
  const waits = new Set<string>();
  const texts = (items: readonly LoggedItem[] | undefined): readonly string[] =>
    (items ?? []).filter(({ type }) => type === 'message').map(textIn);
  for (const event of events) {
    if (event.type === 'input.accepted' || event.type === 'input.steered')
      for (const text of texts(event.payload?.items)) heard.set(text, (heard.get(text) ?? 0) + 1);
    const unheard = states.get(event.session)?.unheard?.inputs ?? [];
    if (event.type === 'input.queued' && unheard.some(({ seq }) => seq === event.seq))
      for (const text of texts(event.payload?.items)) waits.add(text);
  }
  const told = done(events, 'send_subagent_input').map(one => textOf(one.arguments['input']));
  const tasks = done(events, 'create_subagent').map(one => textOf(one.arguments['task']));
  for (const text of [...taken, ...told, ...tasks])
    expect([text, (heard.get(text) ?? 0) + (waits.has(text) ? 1 : 0)]).toEqual([text, 1]);
  for (const [text, times] of heard) expect([text, times]).toEqual([text, 1]);
  // Only what was cancelled leaves a message to wait.
  for (const { unheard, subagent } of states.values()) if (subagent === undefined) expect(unheard).toBeUndefined();
  if (told.length > 0) note('told');
}

/** Y2: from when whoever closed it is told that it is closed. A call that was being placed while it was closed is ended by the closing. */
function closedIsSilent({ events }: Family): void {
  const closes = new Map(
    done(events, 'close_subagent').map(one => [one.callId, sessionOfSubagent(textOf(one.arguments['agent_id']))]),
  );
  const parents = new Map<SessionId, SessionId | null>();
  const closed = new Set<SessionId>();
  const silent = new Set<SessionId>();
  const isBelow = (session: SessionId | null, above: SessionId): boolean =>
    session !== null && (session === above || isBelow(parents.get(session) ?? null, above));
  for (const event of events) {
    if (event.type === 'subagent.created') parents.set(event.head.session, event.head.parent);
    if (event.type === 'subagent.closed') for (const session of event.head.sessions) closed.add(session);
    if (event.type === 'subagent.reopened') for (const set of [closed, silent]) set.delete(event.head.session);
    const told = event.type === 'tool.completed' ? closes.get(event.head.callId) : undefined;
    if (told !== undefined) for (const session of closed) if (isBelow(session, told)) silent.add(session);
    if (event.type === 'call.placed')
      expect([event.session, silent.has(event.session)]).toEqual([event.session, false]);
  }
}

/** Y1 */
function metered({ events }: Family): Usage | null {
  return events.reduce<Usage | null>(
    (sum, event) =>
      event.type === 'call.completed' || event.type === 'call.failed' || event.type === 'call.cancelled'
        ? sumUsage(sum, event.head.usage)
        : sum,
    null,
  );
}
