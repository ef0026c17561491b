/**
 * Erasing what nothing needs any more (L13). Runs inside the session's queue, after what was deleted was hidden.
 *
 * E1  A living response, a living fork and a living conversation keep the items that they need. Nothing else keeps anything but a hold.
 * E2  What is hidden and not erased is marked in the commit that hides it (`erasure_due`), so that a process that dies in between, or a hold
 *     that is lifted, leaves nothing behind: the sweep comes back to it.
 * E3  Whether a hold is in the way is asked last, with nothing awaited between the answer and the commit.
 */
import { toPerdureError } from '@perdure/protocol';
import { decodeEvent } from '../log/codec.ts';
import type { DocumentRef, EventBody, LogEvent } from '../log/events.ts';
import type { ResponseRow, RunRow } from '../log/rows.ts';
import type { ResponseId, SessionId, TenantId } from '../kernel/ids.ts';
import type { EngineContext } from './engine-context.ts';
import type { LiveSession } from './live-session.ts';
import { mustState } from './plan.ts';
import type { SessionLog } from './ports.ts';
import { storedEvents } from './turn-events.ts';
import { claim, commitClaimed } from './claim.ts';

const PAGE = 200;

/** What was deleted just now. In its place `null` stands for all that ever was: something older waits to be erased as well. */
export interface Dead {
  readonly rows: readonly ResponseRow[];
  /** Positions of deleted items. */
  readonly positions: readonly number[];
}

/** @returns whether it is done: false if a hold is in the way, or a running turn still needs what is there */
export async function reap(engine: EngineContext, live: LiveSession, dead: Dead | null): Promise<boolean> {
  const { tenant, session, store } = live;
  const state = mustState(live);
  // A hold on a session keeps its sub-agents' too.
  const held = (): boolean => engine.retention.held(tenant, state.subagent?.owner ?? session);
  if (held()) return false;
  const open = state.turn !== null;
  const after = await needed(engine, live);
  const seqs = await deadPayloads(engine, live, after ?? state.seq, dead);
  if (open && seqs.length === 0) return false;
  await engine.sessions.wait(engine.lease.ensure());
  const bodies: EventBody[] = [...(await claim(engine, live)), ...ranges(seqs)];
  const whole = after === 0;
  if (!open) bodies.push({ type: 'session.erased', head: { after: after ?? state.seq, whole }, payload: null });
  if (held()) return false;
  await engine.sessions.commit(live, bodies, { actor: 'engine' });
  if (!open) engine.sessions.grew(live.context.reset());
  const parent = state.lineage.at(-1);
  if (whole && parent !== undefined) await reapParent(engine, tenant, parent.session, store);
  return true;
}

/** The same for who has hidden something and answers now: it is deleted, whatever becomes of the erasing. The sweep tries again (E2). */
export async function reapOrLater(engine: EngineContext, live: LiveSession, dead: Dead | null): Promise<void> {
  try {
    await reap(engine, live, dead);
  } catch (error) {
    engine.report('erasure', toPerdureError(error));
  }
}

/** The seq up to which living responses and forks need the session; null if all of it is needed, by itself or by a turn that runs. */
async function needed(engine: EngineContext, live: LiveSession): Promise<number | null> {
  const state = mustState(live);
  const lives = state.kind !== 'responses' && state.phase !== 'ended';
  if (lives || state.turn !== null) return null;
  const { tenant, session, store } = live;
  const { seq, forks } = await engine.sessions.wait(store.retained(tenant, session));
  const shared = forks.reduce((most, fork) => Math.max(most, fork.to), 0);
  return Math.max(seq, shared === 0 ? 0 : await seqAt(engine, live, shared));
}

/** The seq of the event that holds the item at a position. */
async function seqAt(engine: EngineContext, live: LiveSession, position: number): Promise<number> {
  return (await runAt(engine, live, position))?.seq ?? 0;
}

async function runAt(engine: EngineContext, live: LiveSession, position: number): Promise<RunRow | null> {
  const { tenant, session, store } = live;
  const range = { tenant, session, from: position, to: position, order: 'asc', limit: 1 } as const;
  const [row] = await engine.sessions.wait(store.runs(range));
  return row ?? null;
}

/** The fork is gone: its parent may hold what only the fork needed. */
async function reapParent(
  engine: EngineContext,
  tenant: TenantId,
  session: SessionId,
  store: SessionLog,
): Promise<void> {
  const parent = await engine.sessions.load(tenant, session, store);
  if (parent === null) return;
  await engine.sessions.exclusive(parent, async () => {
    if (parent.stale || (await needed(engine, parent)) === null) return;
    if (await reap(engine, parent, mustState(parent).unerased === true ? null : { rows: [], positions: [] })) return;
    // A hold is in the way, and nothing of the parent itself was deleted just now: it is to be looked at again all the same (E2).
    const head = { after: mustState(parent).seq, whole: false, deferred: true } as const;
    await commitClaimed(engine, parent, [{ type: 'session.erased', head, payload: null }], 'engine');
  });
}

/** Stretches of seqs as events that erase them. */
function ranges(seqs: readonly number[]): EventBody[] {
  const bodies: EventBody[] = [];
  const sorted = [...new Set(seqs)].sort((a, b) => a - b);
  for (let i = 0; i < sorted.length; i++) {
    const from = sorted[i] ?? 0;
    while (sorted[i + 1] === (sorted[i] ?? 0) + 1) i++;
    const head = { after: from - 1, whole: false, before: (sorted[i] ?? 0) + 1 };
    bodies.push({ type: 'session.erased', head, payload: null });
  }
  return bodies;
}

/** The seqs up to `upTo` whose payloads nothing needs, though what surrounds them is needed. */
async function deadPayloads(
  engine: EngineContext,
  live: LiveSession,
  upTo: number,
  dead: Dead | null,
): Promise<readonly number[]> {
  const state = mustState(live);
  const seqs: number[] = [];
  const texts = new Set<number>();
  const rows = dead === null ? deletedRows(engine, live) : pageOf(dead.rows);
  for await (const row of rows) {
    if (row.fromSeq > upTo || row.toSeq === 0) continue;
    for await (const event of eventsOf(engine, live, row.fromSeq, row.toSeq)) {
      if (event.type === 'turn.started') {
        for (const ref of [event.head.tools, event.head.instructions]) if (isOwn(live, ref)) texts.add(ref.seq);
        texts.add(event.seq);
      } else if (event.payload !== null && (row.position === 0 || event.type === 'call.failed')) seqs.push(event.seq);
    }
  }
  for (const seq of texts) if (seq <= upTo && (await textsAreDead(engine, live, seq))) seqs.push(seq);
  let first = Number.POSITIVE_INFINITY;
  for await (const run of dead === null ? deletedRuns(engine, live) : runsOf(engine, live, dead)) {
    if (run.seq <= upTo && (await itemsAreDead(engine, live, run))) seqs.push(run.seq);
    for (const index of run.deleted) first = Math.min(first, run.position + index);
  }
  // A compaction holds extracts of what it stands for, and stands for nothing once an item of that is gone.
  for (const { seq, to } of state.compactions ?? []) if (seq <= upTo && first <= to) seqs.push(seq);
  if (state.phase === 'ended' && state.metadataSeq > 0 && state.metadataSeq <= upTo) seqs.push(state.metadataSeq);
  return seqs;
}

function isOwn(live: LiveSession, ref: DocumentRef | null): ref is DocumentRef {
  return ref !== null && ref.session === live.session;
}

async function* pageOf<T>(all: readonly T[]): AsyncGenerator<T> {
  yield* all;
}

async function* deletedRows(engine: EngineContext, live: LiveSession): AsyncGenerator<ResponseRow> {
  yield* responsesOf(engine, live, 0, true);
}

/** Responses of a session that live or were deleted, in their order, after a seq. */
export async function* responsesOf(
  engine: EngineContext,
  { tenant, session, store }: Pick<LiveSession, 'tenant' | 'session' | 'store'>,
  after: number,
  deleted: boolean,
): AsyncGenerator<ResponseRow> {
  for (let from = after; ; ) {
    const rows = await engine.sessions.wait(store.responsesOf({ tenant, session, after: from, limit: PAGE, deleted }));
    yield* rows;
    const last = rows.at(-1);
    if (last === undefined || rows.length < PAGE) return;
    from = last.fromSeq;
  }
}

async function* eventsOf(
  engine: EngineContext,
  { tenant, session, store }: LiveSession,
  from: number,
  to: number,
): AsyncGenerator<LogEvent> {
  for await (const stored of storedEvents(engine, { tenant, session, store, from, to }))
    yield decodeEvent({ tenant, session }, stored);
}

async function oneEvent(engine: EngineContext, live: LiveSession, seq: number): Promise<LogEvent | undefined> {
  for await (const event of eventsOf(engine, live, seq, seq)) return event;
  return undefined;
}

/** Whether the settings and texts that a turn wrote are needed by nobody: its response is deleted, and no living one points at its texts. */
async function textsAreDead(engine: EngineContext, live: LiveSession, seq: number): Promise<boolean> {
  const event = await oneEvent(engine, live, seq);
  if (event?.type !== 'turn.started' || event.payload === null) return false;
  if (await responseLives(engine, live, event.head.response)) return false;
  if (event.payload.documents.length === 0) return true;
  for await (const row of responsesOf(engine, live, seq, false)) {
    // A turn starts right after its input.
    const started = await oneEvent(engine, live, row.fromSeq + 1);
    if (started?.type !== 'turn.started') continue;
    const refs = [started.head.tools, started.head.instructions];
    if (refs.some(ref => isOwn(live, ref) && ref.seq === seq)) return false;
  }
  return true;
}

async function responseLives(engine: EngineContext, { tenant, store }: LiveSession, id: ResponseId): Promise<boolean> {
  return (await engine.sessions.wait(store.response(tenant, id))) !== null;
}

/** Whether all items of an event were deleted, and no living response shows them. */
async function itemsAreDead(engine: EngineContext, live: LiveSession, run: RunRow): Promise<boolean> {
  if (run.deleted.length < run.count) return false;
  const event = await oneEvent(engine, live, run.seq);
  if (event === undefined || event.payload === null) return false;
  if (event.type === 'items.added') return true;
  for await (const row of responsesOf(engine, live, 0, false)) {
    if (row.fromSeq > run.seq) return true;
    if (row.toSeq === 0 || row.toSeq >= run.seq) return false;
  }
  return true;
}

/** Runs that hold deleted items, and those of deleted responses: their items may have been deleted before. */
async function* runsOf(engine: EngineContext, live: LiveSession, dead: Dead): AsyncGenerator<RunRow> {
  for (const position of dead.positions) {
    const run = await runAt(engine, live, position);
    if (run !== null) yield run;
  }
  if (mustState(live).kind === 'responses') return;
  for (const row of dead.rows) if (row.position > 0) yield* await runsOfResponse(engine, live, row);
}

/** The runs of a finished response that gave no position back. */
export async function runsOfResponse(
  engine: EngineContext,
  { tenant, session, store }: LiveSession,
  { fromSeq, toSeq, position }: ResponseRow,
): Promise<readonly RunRow[]> {
  const range = { tenant, session, from: 1, to: position, order: 'desc', limit: toSeq - fromSeq + 1 } as const;
  return (await engine.sessions.wait(store.runs(range))).filter(run => run.seq >= fromSeq);
}

/** Runs of which items were deleted. */
async function* deletedRuns(engine: EngineContext, live: LiveSession): AsyncGenerator<RunRow> {
  const { tenant, session, store } = live;
  const { position } = mustState(live);
  for (let from = 1; from <= position; ) {
    const range = { tenant, session, from, to: position, order: 'asc', limit: PAGE } as const;
    const rows = await engine.sessions.wait(store.runs(range));
    for (const row of rows) if (row.deleted.length > 0) yield row;
    const last = rows.at(-1);
    if (last === undefined || rows.length < PAGE) return;
    from = last.position + last.count;
  }
}
