/**
 * Tells the log of a session where its environment stands.
 *
 * C1  What is said is what is so when it is said: a change that was undone meanwhile is not told.
 * C2  While a model's call is in flight nothing is told: what it shows is not interrupted. It is told after it.
 * C3  The log does not grow without a bound: changes in quick succession are told ever more rarely (`spacing`), and at most
 *     `MAX_ENVIRONMENT_CHANGES` between two beginnings or ends of turns. What a turn waits for is told at once.
 * C4  A worker that has connected ends the wait for it, and the turn goes on.
 */
import { idBody, type SessionId, type TenantId } from '../../kernel/ids.ts';
import type { EnvironmentNow, EventBody, JsonObject } from '../../log/events.ts';
import { MAX_ENVIRONMENT_CHANGES, type SessionState } from '../../session/state.ts';
import type { EngineContext } from '../engine-context.ts';
import type { LiveSession } from '../live-session.ts';
import { mustState } from '../plan.ts';
import { commitClaimed } from '../claim.ts';
import { goOn } from '../tools/approvals.ts';
import { type Changed, changedEvent } from './changed-event.ts';

/** Changes that are told as they come. */
const PROMPT = 4;
const LEAST_MS = 1_000;
const MOST_MS = 600_000;

/** How long after the last change that was told the next one is. @param changes that were told since a turn began or ended */
export function spacing(changes: number): number {
  return changes < PROMPT ? 0 : Math.min(MOST_MS, LEAST_MS * 2 ** (changes - PROMPT));
}

export interface Standing {
  readonly now: EnvironmentNow;
  readonly error: JsonObject | null;
  /** That were given with it, and are copied into it while it is made. */
  readonly files: number;
}

/** `later`: a call of the model is in flight, or nobody may know how the turn stands. `full`: no more until a turn begins or ends. */
export type Telling = 'told' | 'same' | 'later' | 'full' | 'gone' | { readonly waitMs: number };

interface Subject {
  readonly tenant: TenantId;
  readonly session: SessionId;
  /** How it stands at the moment of the asking. */
  readonly standing: () => Standing;
}

class Untold extends Error {
  readonly why: Telling;
  constructor(why: Telling) {
    super('not told');
    this.why = why;
  }
}

/** @throws if the store does not answer */
export async function tellSession(engine: EngineContext, subject: Subject): Promise<Telling> {
  const { tenant, session } = subject;
  const store = engine.homes.ofBody(idBody(session, 'sess') ?? '');
  const live = store === null ? null : await engine.sessions.load(tenant, session, store);
  if (live === null) return 'gone';
  const told = await tellOne(engine, live, subject);
  // Its sub-agents work in the same: one that waits for the worker goes on, too.
  for (const { session: member } of live.state?.subagents?.all ?? []) {
    const other = await engine.sessions.load(tenant, member, live.store);
    if (other?.state?.turn?.awaits !== undefined) await tellOne(engine, other, { ...subject, session: member });
  }
  return told;
}

async function tellOne(engine: EngineContext, live: LiveSession, subject: Subject): Promise<Telling> {
  const told = await engine.sessions.exclusive(live, () => tell(engine, live, subject));
  if (told !== 'resumed') return told;
  await goOn(engine, live);
  return 'told';
}

async function tell(engine: EngineContext, live: LiveSession, subject: Subject): Promise<Telling | 'resumed'> {
  if (live.stale) return 'later';
  // Before anything is claimed: a session that has nothing to be told stays whose it is.
  const first = whatToTell(engine, live, subject);
  if (first instanceof Untold) return first.why;
  const said = { resumed: false };
  const bodies = (): readonly EventBody[] => {
    const now = whatToTell(engine, live, subject);
    if (now instanceof Untold) throw now;
    said.resumed = mustState(live).turn?.awaits !== undefined && now.head.status === 'connected';
    return [now];
  };
  try {
    await commitClaimed(engine, live, bodies, 'engine');
  } catch (error) {
    if (error instanceof Untold) return error.why;
    throw error;
  }
  return said.resumed ? 'resumed' : 'told';
}

function whatToTell(engine: EngineContext, live: LiveSession, subject: Subject): Changed | Untold {
  const state = mustState(live);
  if (state.kind !== 'agent' || state.phase === 'ended' || state.phase === 'sealed') return new Untold('gone');
  const { now, error, files } = subject.standing();
  const before = state.environment;
  const ends = state.turn?.awaits !== undefined && now.status === 'connected';
  const known = before ?? firstOf(now);
  if (!ends && known.status === now.status && (known.resets ?? 0) === (now.resets ?? 0)) return new Untold('same');
  if (!mayTell(engine, state)) return new Untold('later');
  const changes = before?.changes ?? 0;
  if (!ends && changes >= MAX_ENVIRONMENT_CHANGES) return new Untold('full');
  const waitMs = (before?.at ?? 0) + spacing(changes) - engine.clock.now();
  if (!ends && waitMs > 0) return new Untold({ waitMs });
  const reset = (now.resets ?? 0) > (before?.resets ?? 0);
  // Nothing is copied when one that was suspended is used again.
  const made = now.status === 'ready' && (before === undefined || before.status === 'pending' || reset);
  return changedEvent(now, error, { reset, files: made ? files : 0 });
}

/** What nobody needs to be told: a self-hosted one begins without a worker. */
function firstOf({ kind }: EnvironmentNow): { readonly status: string; readonly resets?: number } {
  return { status: kind === 'self_hosted' ? 'disconnected' : '' };
}

/** Between two turns; in one, while its tools wait or run here. */
function mayTell(engine: EngineContext, { turn, phase }: SessionState): boolean {
  if (turn === null || phase === 'waiting') return true;
  return phase === 'called' && turn.tools.length > 0 && engine.running.has(turn.response);
}
