/**
 * Calls that are made again on targets that have failed, where no other is left: after a pause, so that what passes may pass.
 *
 * A1  What failed is in the log before the pause, and the next try is a call of its own, placed anew: a process that dies in between loses nothing.
 * A2  For one failure no more is waited than `retryWaitMs`, and never past the end of the turn. Whoever asks for a longer wait is not asked again.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { PerdureError } from '@perdure/protocol';
import type { EventBody } from '../log/events.ts';
import type { WireEvent } from '../session/output.ts';
import type { EngineContext } from './engine-context.ts';
import type { ProviderError } from './ports.ts';
import type { RunningTurn } from './turn.ts';

/** The pause before the first try again, ms; each further one is twice as long. Half of it is left to chance. */
export const FIRST_PAUSE_MS = 200;
/** The longest that a stateless call, whose client may well try again itself, is held back for a second try, ms. */
export const STATELESS_PAUSE_MS = 1000;

const HOPELESS: ReadonlySet<ProviderError['providerError']> = new Set([
  'upstream_credentials',
  'upstream_rejected',
  'upstream_invalid_request',
]);

export interface PauseFacts {
  /** Calls in a row that failed. */
  readonly failures: number;
  /** What the target asks for, ms; null if it does not say. */
  readonly asked: number | null;
  /** The most that may be waited, ms. */
  readonly most: number;
  /** From 0 to 1. */
  readonly chance: number;
}

/** How long to wait, ms; null: longer than may be waited. */
export function pauseOf({ failures, asked, most, chance }: PauseFacts): number | null {
  const whole = FIRST_PAUSE_MS * 2 ** (Math.max(1, failures) - 1);
  const wait = Math.max(Math.ceil((whole * (1 + chance)) / 2), asked ?? 0);
  return wait > most ? null : wait;
}

/** What would be refused again by the same target: its credential, its address or its model is wrong, or it cannot do what is asked. */
function isHopeless({ providerError }: ProviderError): boolean {
  return HOPELESS.has(providerError);
}

/** Another target is asked next, if there is one. */
export function noteFailure(turn: RunningTurn, target: string, error: ProviderError, cause: PerdureError): void {
  if (!turn.avoid.includes(target)) turn.avoid.push(target);
  turn.failedAt.add(target);
  if (isHopeless(error)) turn.hopeless.add(target);
  // Where one that failed before may be asked again, that holds.
  if (!isHopeless(error) || turn.failed !== null) turn.failed = { cause, waited: 0 };
}

/** How long the turn waits before targets that failed are asked again, ms; null: it does not. @param refused why nothing could be placed */
export function pauseBefore(
  engine: EngineContext,
  turn: RunningTurn,
  refused: PerdureError,
  before: readonly EventBody[],
): number | null {
  const { failed, live } = turn;
  if (failed === null) return null;
  const wait = pauseOf({
    failures: (live.state?.turn?.failures ?? 0) + before.filter(body => body.type === 'call.failed').length,
    // What was placed nowhere after a pause says itself when a target is back.
    asked: (failed.waited === 0 ? failed.cause : refused).retryAfterMs ?? null,
    most: engine.limits.retryWaitMs - failed.waited,
    chance: chanceOf(engine),
  });
  return wait === null || performance.now() + wait >= turn.until ? null : wait;
}

/** Lays what failed on the log and waits (A1). The turn loop then goes on as a process that took the turn over would. */
export async function pauseAfter(
  engine: EngineContext,
  turn: RunningTurn,
  at: { readonly before: readonly EventBody[]; readonly unshown: readonly WireEvent[]; readonly wait: number },
): Promise<void> {
  if (at.before.length > 0) await engine.sessions.commit(turn.live, at.before, { actor: 'engine', prune: true });
  turn.broadcast.publish(at.unshown);
  if (turn.failed !== null) turn.failed.waited += at.wait;
  turn.avoid.splice(0, turn.avoid.length, ...turn.hopeless);
  await pause(at.wait, turn.abort.signal);
}

/**
 * How long a stateless call waits before it is made once more on the target that failed, ms; null: it is not. Only where the target was never
 * reached, or says itself that it will be back at once.
 */
export function statelessPause(engine: EngineContext, error: ProviderError): number | null {
  const { status, retryAfterMs: asked, providerError } = error;
  const unreached = status === null && providerError === 'upstream_error';
  const backSoon = (status === 429 || status === 503) && asked !== null;
  if (!unreached && !backSoon) return null;
  const most = Math.min(STATELESS_PAUSE_MS, engine.limits.retryWaitMs);
  return pauseOf({ failures: 1, asked, most, chance: chanceOf(engine) });
}

/** Ends early if the signal aborts. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await delay(ms, undefined, { signal }).catch(() => undefined);
}

function chanceOf(engine: EngineContext): number {
  return (engine.salt()[0] ?? 0) / 255;
}
