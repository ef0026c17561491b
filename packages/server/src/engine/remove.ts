/** Deleting: hidden at once, erased with the last that needs it; `cascade` ends what goes on from it, so that it is erased now (L13). */
import { perdureError } from '@perdure/protocol';
import type { ResponseId } from '../kernel/ids.ts';
import type { EventBody } from '../log/events.ts';
import type { ResponseRow } from '../log/rows.ts';
import { actorOf, type Caller } from './caller.ts';
import { cancelResponse } from './cancel.ts';
import type { EngineContext } from './engine-context.ts';
import { type Dead, reapOrLater, responsesOf, runsOfResponse } from './erase.ts';
import type { LiveSession } from './live-session.ts';
import { findResponse, mustState, short } from './plan.ts';
import { commitClaimed } from './claim.ts';

/** Events of one commit at most, when many are hidden together. */
const HIDDEN_AT_ONCE = 500;

export interface RemoveOptions {
  /** End what was continued or forked from it as well. */
  readonly cascade: boolean;
}

/** @throws response_not_found, response_in_progress */
export async function deleteResponse(
  engine: EngineContext,
  caller: Caller,
  id: string,
  { cascade }: RemoveOptions,
): Promise<void> {
  const begun = await living(engine, caller, id);
  const store = engine.homes.ofBody(id.slice('resp_'.length));
  const live = store === null ? null : await engine.sessions.load(caller.tenant, begun.session, store);
  if (live === null || mustState(live).kind === 'agent') throw notFound(id);
  const open = mustState(live).turn;
  if (open?.response === id && open.background) await cancelResponse(engine, caller, id);
  // A turn that has ended meanwhile has changed it.
  const row = begun.toSeq === 0 ? await living(engine, caller, id) : begun;
  refuseRunning(live, row.id);
  const continued = cascade && row.position > 0 && mustState(live).kind === 'responses';
  if (continued && mustState(live).turn !== null) throw inProgress('A response that continues it');
  if (cascade && row.position > 0) await endForks(engine, caller, live, row.position);
  await engine.sessions.exclusive(live, async () => {
    refuseRunning(live, row.id);
    const rows = continued ? await all(responsesOf(engine, live, row.fromSeq - 1, false)) : [row];
    const running = rows.find(one => one.toSeq === 0);
    if (running !== undefined) throw inProgress('A response that continues it');
    const inConversation = cascade && !continued && mustState(live).phase === 'idle';
    const positions = inConversation ? await positionsOf(engine, live, row) : [];
    await reapOrLater(engine, live, await hide(engine, live, { rows, positions }, actorOf(caller)));
  });
  // From here on none can be made; one may have been while the first were ended.
  if (cascade && row.position > 0) await endForks(engine, caller, live, row.position);
}

async function living(engine: EngineContext, caller: Caller, id: string): Promise<ResponseRow> {
  const row = await findResponse(engine, caller, id);
  if (row === null) throw notFound(id);
  return row;
}

function notFound(id: string): Error {
  return perdureError('response_not_found', `Response with id '${short(id)}' not found.`);
}

/** Commits that responses and items are deleted: from here on no read shows them. @returns what `reap` is to look at */
export async function hide(
  engine: EngineContext,
  live: LiveSession,
  { rows, positions }: Dead,
  actor: string,
): Promise<Dead | null> {
  const older = mustState(live).unerased === true;
  const bodies: EventBody[] = [
    ...rows.map(({ id }): EventBody => ({ type: 'response.deleted', head: { response: id }, payload: null })),
    ...positions.map((position): EventBody => ({ type: 'item.deleted', head: { position }, payload: null })),
  ];
  for (let i = 0; i < bodies.length; i += HIDDEN_AT_ONCE)
    await commitClaimed(engine, live, bodies.slice(i, i + HIDDEN_AT_ONCE), actor);
  return older ? null : { rows, positions };
}

/** Ends every fork that shares the session up to `position` or further, the forks of those first. All or none of them run when it begins. */
export async function endForks(
  engine: EngineContext,
  caller: Caller,
  live: LiveSession,
  position: number,
): Promise<void> {
  const forks = await forksFrom(engine, live, position);
  for (const fork of forks) if (mustState(fork).turn !== null) throw inProgress('A response that was forked from it');
  for (const fork of forks.toReversed()) {
    await engine.sessions.exclusive(fork, async () => {
      if (mustState(fork).turn !== null) throw inProgress('A response that was forked from it');
      const rows = await all(responsesOf(engine, fork, 0, false));
      await reapOrLater(engine, fork, await hide(engine, fork, { rows, positions: [] }, actorOf(caller)));
    });
  }
}

/** Living forks that share `position`, each before those that were forked from it. */
async function forksFrom(engine: EngineContext, live: LiveSession, position: number): Promise<readonly LiveSession[]> {
  const found: LiveSession[] = [];
  const look = async ({ tenant, session, store }: LiveSession, from: number): Promise<void> => {
    const { forks } = await engine.sessions.wait(store.retained(tenant, session));
    for (const { child, to } of forks) {
      const fork = to >= from ? await engine.sessions.load(tenant, child, store) : null;
      if (fork === null) continue;
      found.push(fork);
      await look(fork, 0);
    }
  };
  await look(live, position);
  return found;
}

/** Where the items of a response lie in its conversation, those that were deleted left out. */
async function positionsOf(engine: EngineContext, live: LiveSession, row: ResponseRow): Promise<readonly number[]> {
  return (await runsOfResponse(engine, live, row)).flatMap(run =>
    Array.from({ length: run.count }, (_, i) => i)
      .filter(i => !run.deleted.includes(i))
      .map(i => run.position + i),
  );
}

function refuseRunning(live: LiveSession, id: ResponseId): void {
  if (mustState(live).turn?.response === id)
    throw perdureError(
      'response_in_progress',
      'The response is still in progress, and can only be deleted once it has ended: it was not begun with background, so it cannot be cancelled.',
    );
}

function inProgress(what: string): Error {
  return perdureError(
    'response_in_progress',
    `${what} is still in progress: cancel it if it was begun with background, else wait until it has ended.`,
  );
}

async function all<T>(from: AsyncIterable<T>): Promise<readonly T[]> {
  const found: T[] = [];
  for await (const one of from) found.push(one);
  return found;
}

/** Ends a conversation: it is in no read from here on, and is erased as well, unless a hold is in the way. */
export async function endConversation(engine: EngineContext, live: LiveSession, actor: string): Promise<void> {
  const { seq, unerased } = mustState(live);
  const head = { after: seq, whole: true, deferred: true } as const;
  await commitClaimed(engine, live, [{ type: 'session.erased', head, payload: null }], actor);
  await reapOrLater(engine, live, unerased === true ? null : { rows: [], positions: [] });
  engine.sessions.forget(live);
}

/** Hides every response of a session: what `cascade` on a conversation ends besides its items. */
export async function hideAll(engine: EngineContext, live: LiveSession, actor: string): Promise<void> {
  const rows = await all(responsesOf(engine, live, 0, false));
  await hide(engine, live, { rows, positions: [] }, actor);
}
