/**
 * Following a session with all its sub-agents: the turns of each in their own order, merged as they come, and what becomes of the tree.
 *
 * W3  A place names where each of them is: whoever goes on from it is shown each event of each of them once. Their order among each other may be
 *     another one; a sub-agent is told of before its turns.
 */
import { perdureError } from '@perdure/protocol';
import type { ResponseId, SessionId } from '../../kernel/ids.ts';
import type { LogEvent } from '../../log/events.ts';
import { findSession } from '../agent-sessions/find.ts';
import { followSession, placeNow, type SessionPlace, type TurnEvents } from '../agent-sessions/follow-session.ts';
import type { Caller } from '../caller.ts';
import type { EngineContext } from '../engine-context.ts';
import { eventAt } from '../event-at.ts';
import type { LiveSession } from '../live-session.ts';
import { mustState } from '../plan.ts';
import { entriesOf, memberOf } from './family.ts';
import { sessionOfSubagent } from './ids.ts';
import { Merged } from './merge.ts';
import { type SubagentView, viewOfEntry } from './view.ts';

export interface FamilyPlace {
  /** In the session's own turns. */
  readonly root: SessionPlace;
  /** seq of the last event of the tree that was shown. */
  readonly tree: number;
  readonly members: ReadonlyMap<SessionId, SessionPlace>;
}

export interface TreeEvent {
  readonly type: 'created' | 'closed' | 'active';
  /** seq of the event of the log, and which of those that it is about. */
  readonly seq: number;
  readonly part: number;
  readonly subagent: SubagentView;
}

/** What comes next, and where its reader is then. */
export type FamilyEvents =
  | { readonly of: 'turn'; readonly batch: TurnEvents; readonly place: FamilyPlace }
  | { readonly of: 'tree'; readonly events: readonly TreeEvent[]; readonly place: FamilyPlace };

const BEGINNING: SessionPlace = { turn: null, seq: 0 };

/** Whose events are read from before the one that a reader was shown last: a session's of the family, or those of the tree. */
export type ReadAgain = SessionId | 'tree';

/** The place of somebody who comes now and asks for nothing that was. */
export async function familyNow(engine: EngineContext, caller: Caller, id: string): Promise<FamilyPlace> {
  const owner = await findSession(engine, caller, id);
  const members = new Map<SessionId, SessionPlace>();
  for (const { session } of entriesOf(owner)) {
    const member = await memberOf(engine, owner, session);
    if (member !== null) members.set(session, await placeNow(engine, member));
  }
  return { root: await placeNow(engine, owner), tree: mustState(owner).subagents?.last ?? 0, members };
}

/** Whose turn it is: the session's own, or one of its sub-agents'. @throws turn_not_found (L10) */
export async function familyTurn(
  engine: EngineContext,
  caller: Caller,
  id: string,
  turn: ResponseId,
): Promise<SessionId> {
  const owner = await findSession(engine, caller, id);
  const row = await engine.sessions.wait(owner.store.response(owner.tenant, turn));
  const known = row !== null && [owner.session, ...entriesOf(owner).map(one => one.session)].includes(row.session);
  if (!known) throw perdureError('turn_not_found', 'The session has no such turn.');
  return row.session;
}

/**
 * Runs until `signal` aborts, or the session is deleted.
 * @param again comes before all else: a place that is told earlier would lie before what its reader was shown, and who goes on from there would be shown that twice
 * @throws turn_not_found: the place names a turn of another session
 */
export async function* followFamily(
  engine: EngineContext,
  caller: Caller,
  id: string,
  from: FamilyPlace,
  signal: AbortSignal,
  again: ReadAgain | null = null,
): AsyncGenerator<FamilyEvents> {
  const owner = await findSession(engine, caller, id);
  const left = new AbortController();
  const until = AbortSignal.any([signal, left.signal]);
  const merged = new Merged<TurnEvents | readonly TreeEvent[]>();
  const followed = new Set<SessionId>();
  const { promise: passed, resolve: pass } = Promise.withResolvers<void>();
  const first = isFollowed(owner, from, again);
  if (!first) pass();
  const add = <T extends TurnEvents | readonly TreeEvent[]>(of: ReadAgain, stream: AsyncGenerator<T>): void =>
    merged.add(first && of === again ? before(stream, pass) : after(stream, passed));
  let place = from;
  const follow = (session: SessionId): void => {
    if (followed.has(session)) return;
    followed.add(session);
    const at = place.members.get(session) ?? BEGINNING;
    add(session, followMember(engine, caller, owner, session, at, until));
  };
  await mustBeOf(engine, owner, owner.session, from.root);
  for (const { session, seq } of entriesOf(owner)) {
    const at = from.members.get(session);
    if (at !== undefined) await mustBeOf(engine, owner, session, at);
    if (seq <= from.tree) follow(session);
  }
  const ended = (async function* (): AsyncGenerator<TurnEvents> {
    yield* followSession(engine, caller, id, from.root, until);
    // Its end is the end of all.
    left.abort();
  })();
  add(owner.session, ended);
  add('tree', followTree(engine, caller, id, from.tree, until));
  try {
    for await (const one of merged.read()) {
      if ('turn' in one) {
        const last = one.events.at(-1)?.seq ?? -1;
        const at: SessionPlace = one.turn === null ? { turn: null, seq: last } : { turn: one.turn, after: last };
        const { subagent } = one;
        const session = subagent === null ? null : sessionOfSubagent(subagent.id);
        place =
          session === null ? { ...place, root: at } : { ...place, members: new Map(place.members).set(session, at) };
        yield { of: 'turn', batch: one, place };
      } else {
        place = { ...place, tree: one.at(-1)?.seq ?? place.tree };
        yield { of: 'tree', events: one, place };
        for (const { subagent } of one) follow(sessionOfSubagent(subagent.id));
      }
      pass();
    }
  } finally {
    left.abort();
    pass();
  }
}

/** Whether these are followed from the beginning on. */
function isFollowed(owner: LiveSession, { tree }: FamilyPlace, one: ReadAgain | null): boolean {
  if (one === 'tree' || one === owner.session) return true;
  return entriesOf(owner).some(({ session, seq }) => session === one && seq <= tree);
}

/** Its end lets the others go on, too. */
async function* before<T>(stream: AsyncGenerator<T>, pass: () => void): AsyncGenerator<T> {
  try {
    yield* stream;
  } finally {
    pass();
  }
}

async function* after<T>(stream: AsyncGenerator<T>, passed: Promise<void>): AsyncGenerator<T> {
  await passed;
  yield* stream;
}

async function mustBeOf(
  engine: EngineContext,
  { tenant, store }: LiveSession,
  session: SessionId,
  { turn }: SessionPlace,
): Promise<void> {
  if (turn === null) return;
  const row = await engine.sessions.wait(store.response(tenant, turn));
  if (row?.session !== session) throw perdureError('turn_not_found', 'The session has no such turn.');
}

async function* followMember(
  engine: EngineContext,
  caller: Caller,
  owner: LiveSession,
  session: SessionId,
  from: SessionPlace,
  signal: AbortSignal,
): AsyncGenerator<TurnEvents> {
  const version = engine.hub.version(session);
  const wait = engine.hub.follow(session);
  try {
    // It is told of before its session begins.
    while (!signal.aborted && (await memberOf(engine, owner, session)) === null) {
      const over = AbortSignal.any([signal, AbortSignal.timeout(BEGUN_MS)]);
      await engine.hub.changed(session, version, over);
    }
  } finally {
    wait();
  }
  if (signal.aborted) return;
  yield* followSession(engine, caller, session, from, signal, async () => {
    const member = await memberOf(engine, owner, session);
    if (member === null) throw perdureError('session_not_found');
    return member;
  });
}

/** How long a sub-agent that is not begun is not looked at, ms: nobody says of it that it never will be. */
const BEGUN_MS = 1_000;

async function* followTree(
  engine: EngineContext,
  caller: Caller,
  id: string,
  from: number,
  signal: AbortSignal,
): AsyncGenerator<readonly TreeEvent[]> {
  const { session } = await findSession(engine, caller, id);
  const leave = engine.hub.follow(session, true);
  try {
    for (let after = from; !signal.aborted; ) {
      const version = engine.hub.version(session);
      const owner = await findSession(engine, caller, id);
      const last = mustState(owner).subagents?.last ?? 0;
      if (last > after) {
        for (const event of await treeEvents(engine, owner, after)) yield event;
        after = last;
      } else await engine.hub.changed(session, version, signal);
    }
  } catch (error) {
    if ((error as { readonly code?: string }).code !== 'session_not_found') throw error;
  } finally {
    leave();
  }
}

/** What was told of the tree after an event, oldest first: each event names the one before it. */
async function treeEvents(
  engine: EngineContext,
  owner: LiveSession,
  after: number,
): Promise<readonly (readonly TreeEvent[])[]> {
  const found: (readonly TreeEvent[])[] = [];
  for (let seq = mustState(owner).subagents?.last ?? 0; seq > after; ) {
    const event = await eventAt(engine, owner, seq, 'subagent.created', 'subagent.closed', 'subagent.reopened');
    if (event === null) break;
    found.push(await shownAs(engine, owner, event));
    seq = event.head.previous;
  }
  return found.toReversed();
}

async function shownAs(
  engine: EngineContext,
  owner: LiveSession,
  event: Extract<LogEvent, { type: `subagent.${string}` }>,
): Promise<readonly TreeEvent[]> {
  const { seq, at } = event;
  const type = event.type === 'subagent.closed' ? 'closed' : event.type === 'subagent.created' ? 'created' : 'active';
  const sessions = event.type === 'subagent.closed' ? event.head.sessions : [event.head.session];
  const events: TreeEvent[] = [];
  for (const [part, session] of sessions.entries()) {
    const entry = entriesOf(owner).find(one => one.session === session);
    if (entry === undefined) continue;
    const view = await viewOfEntry(engine, owner, entry);
    // As it was then: it may have been closed or opened again since.
    events.push({ type, seq, part, subagent: { ...view, closedAt: type === 'closed' ? at : null } });
  }
  return events;
}
