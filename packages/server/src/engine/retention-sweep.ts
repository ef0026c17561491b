/**
 * The sweep: what has lived its time is hidden and erased, and what was deleted and could not be erased then is erased now.
 *
 * W1  It can end after any commit and begin again anywhere: what is left to do is read from the store, never remembered (E2).
 * W2  It reads pages and commits a session at a time, with a pause after each, so that nobody waits for it for long.
 * W3  What fails is reported and left for the next sweep; it keeps nothing else from being swept.
 */
import { toPerdureError } from '@perdure/protocol';
import type { SessionId, TenantId } from '../kernel/ids.ts';
import type { ResponseRow, SessionRow } from '../log/rows.ts';
import { endSession } from './agent-sessions/end-session.ts';
import type { EngineContext } from './engine-context.ts';
import { reap } from './erase.ts';
import type { LiveSession } from './live-session.ts';
import { mustState } from './plan.ts';
import type { SessionLog } from './ports.ts';
import { endConversation, hide } from './remove.ts';
import { conversationExpired, responseExpired } from './retention.ts';

const PAGE = 200;
/** After each session, ms: what else wants the store goes first. */
const PAUSE_MS = 2;
const ACTOR = 'retention';

export interface SweepReport {
  /** Responses whose lifetime was over. */
  readonly responses: number;
  readonly conversations: number;
  /** Sessions of which something was erased that had been deleted before. */
  readonly erased: number;
  /** Sessions that hold something deleted under a hold. */
  readonly held: number;
  readonly failed: number;
}

type Counts = { -readonly [K in keyof SweepReport]: number };

/** @param stopping once true, it ends after the session that it is at */
export async function sweepRetention(engine: EngineContext, stopping: () => boolean): Promise<SweepReport> {
  const counts: Counts = { responses: 0, conversations: 0, erased: 0, held: 0, failed: 0 };
  for (const store of engine.homes.all) {
    const tenants = await engine.sessions.wait(store.tenants());
    for (const tenant of tenants) await sweepResponses(engine, store, tenant, counts, stopping);
    if (tenants.some(tenant => engine.retention.conversationsMs(tenant) !== null))
      await sweepConversations(engine, store, counts, stopping);
    await sweepUnerased(engine, store, counts, stopping);
  }
  return counts;
}

async function sweepResponses(
  engine: EngineContext,
  store: SessionLog,
  tenant: TenantId,
  counts: Counts,
  stopping: () => boolean,
): Promise<void> {
  const ms = engine.retention.responsesMs(tenant);
  if (ms === null) return;
  while (!stopping()) {
    const before = engine.clock.now() - ms + 1;
    const page = await engine.sessions.wait(store.begunBefore({ tenant, before, limit: PAGE }));
    let done = 0;
    for (const [session, rows] of Map.groupBy(page, row => row.session)) {
      if (stopping()) return;
      const hidden = await atSession(engine, store, { tenant, session }, counts, live => expire(engine, live, rows));
      if (hidden) done += rows.length;
    }
    counts.responses += done;
    if (page.length < PAGE || done === 0) return;
  }
}

async function expire(engine: EngineContext, live: LiveSession, rows: readonly ResponseRow[]): Promise<void> {
  const over = rows.filter(row => responseExpired(engine, live.tenant, row));
  const dead = await hide(engine, live, { rows: over, positions: [] }, ACTOR);
  await reap(engine, live, dead);
}

async function sweepConversations(
  engine: EngineContext,
  store: SessionLog,
  counts: Counts,
  stopping: () => boolean,
): Promise<void> {
  const over = ({ kind, open, tenant, updatedAt }: SessionRow): boolean =>
    (kind === 'conversation' || kind === 'agent') &&
    !open &&
    conversationExpired(engine, { tenant, updatedAt, turn: null });
  for await (const row of pages(after => store.living(after, PAGE), engine, stopping)) {
    if (!over(row)) continue;
    const ended = await atSession(engine, store, row, counts, async live => {
      // Somebody may have come back to it meanwhile.
      const state = mustState(live);
      // A sub-agent lives as long as the session that owns it.
      if (state.subagent !== undefined) return;
      if (state.phase === 'ended' || !conversationExpired(engine, state)) return;
      if (state.kind === 'agent') await endSession(engine, live, ACTOR);
      else await endConversation(engine, live, ACTOR);
    });
    if (ended) counts.conversations += 1;
  }
}

async function sweepUnerased(
  engine: EngineContext,
  store: SessionLog,
  counts: Counts,
  stopping: () => boolean,
): Promise<void> {
  for await (const row of pages(after => store.unerased(after, PAGE), engine, stopping)) {
    if (engine.retention.held(row.tenant, row.session)) {
      counts.held += 1;
      continue;
    }
    await atSession(engine, store, row, counts, async live => {
      if (await reap(engine, live, null)) counts.erased += 1;
    });
  }
}

async function* pages(
  read: (after: SessionId | null) => Promise<readonly SessionRow[]>,
  engine: EngineContext,
  stopping: () => boolean,
): AsyncGenerator<SessionRow> {
  for (let after: SessionId | null = null; !stopping(); ) {
    const rows: readonly SessionRow[] = await engine.sessions.wait(read(after));
    for (const row of rows) {
      if (stopping()) return;
      yield row;
    }
    const last = rows.at(-1);
    if (last === undefined || rows.length < PAGE) return;
    after = last.session;
  }
}

/** @returns whether it went well */
async function atSession(
  engine: EngineContext,
  store: SessionLog,
  { tenant, session }: Pick<SessionRow, 'tenant' | 'session'>,
  counts: Counts,
  work: (live: LiveSession) => Promise<void>,
): Promise<boolean> {
  try {
    const live = await engine.sessions.load(tenant, session, store);
    if (live === null) return false;
    await engine.sessions.exclusive(live, () => work(live));
    return true;
  } catch (error) {
    counts.failed += 1;
    engine.report('retention', toPerdureError(error));
    return false;
  } finally {
    await new Promise(resolve => setTimeout(resolve, PAUSE_MS));
  }
}

export interface Sweeper {
  start(): void;
  /** Ends after the session that is being swept. */
  stop(): Promise<void>;
  /** One sweep now, after the one under way. */
  now(): Promise<SweepReport>;
}

/** Sweeps again and again, each time a while after the last sweep ended. */
export function makeSweeper(engine: EngineContext): Sweeper {
  let timer: NodeJS.Timeout | null = null;
  let stopped = false;
  let sweeping: Promise<unknown> = Promise.resolve();

  function now(): Promise<SweepReport> {
    const report = sweeping.then(() => sweepRetention(engine, () => stopped));
    sweeping = report.catch(() => undefined);
    return report;
  }

  function arm(ms: number): void {
    if (stopped) return;
    timer = setTimeout(() => {
      now()
        .catch(error => {
          if (!stopped) engine.report('retention', toPerdureError(error));
        })
        .finally(() => arm(engine.retention.sweepMs));
    }, ms).unref();
  }

  return {
    start: () => arm(Math.min(1000, engine.retention.sweepMs)),
    async stop() {
      stopped = true;
      if (timer !== null) clearTimeout(timer);
      await sweeping;
    },
    now,
  };
}
