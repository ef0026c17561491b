/** The next call of a turn: placed, and committed before it leaves (L5). */
import type { EventBody } from '../log/events.ts';
import type { WireEvent } from '../session/output.ts';
import type { SessionState } from '../session/state.ts';
import { callsUsedUp } from './agent-sessions/bounds.ts';
import { COMPACTION } from './compaction/summary.ts';
import { layDue, placeDue, takeCompaction } from './compaction/turn-compaction.ts';
import type { EngineContext } from './engine-context.ts';
import { fail } from './fail-turn.ts';
import { purposeOf } from './infer-request.ts';
import type { PlacedCall } from './placing.ts';
import { spendCall } from './spend-call.ts';
import { pauseAfter, pauseBefore } from './try-again.ts';
import type { RunningTurn } from './turn.ts';

/**
 * Places the next call and commits it, after `before`. If every target has failed they are asked again after a pause; if none is left that may be,
 * the turn fails, for the reason the last one gave.
 */
export async function commitNext(
  engine: EngineContext,
  turn: RunningTurn,
  state: SessionState,
  before: readonly EventBody[],
  unshown: readonly WireEvent[] = [],
): Promise<void> {
  const over = callsUsedUp(state);
  if (over !== null) return fail(engine, turn, over, before, unshown);
  if (state.turn?.compaction === 'due') return commitDue(engine, turn, state, before, unshown);
  const placed = engine.placing.infer(engine.inferRequest(state, turn));
  const call = (state.turn?.calls ?? 0) + 1;
  if (!placed.ok) {
    const none = placed.error.code === 'no_target_available';
    const wait = none ? pauseBefore(engine, turn, placed.error, before) : null;
    if (wait !== null) return pauseAfter(engine, turn, { before, unshown, wait });
    const reserved = { input: 0, output: 0 };
    const event: EventBody = {
      type: 'call.placed',
      head: { call, purpose: purposeOf(state), chosen: null, placement: placed.record, reserved },
      payload: null,
    };
    return fail(engine, turn, none ? (turn.failed?.cause ?? placed.error) : placed.error, [...before, event], unshown);
  }
  return commitPlaced(engine, turn, state, { before, unshown, placed, purpose: purposeOf(state) });
}

async function commitPlaced(
  engine: EngineContext,
  turn: RunningTurn,
  state: SessionState,
  { before, unshown, placed, purpose }: PlacedNext,
): Promise<void> {
  const { record, reserved, target } = placed;
  const { session } = state;
  const call = (state.turn?.calls ?? 0) + 1;
  const capped = engine.spend.hold(spendCall(state, turn.principal, call, placed), before);
  if (capped !== null) return fail(engine, turn, capped, before, unshown);
  const event: EventBody = {
    type: 'call.placed',
    head: { call, purpose, chosen: target.id, placement: record, reserved },
    payload: null,
  };
  try {
    await engine.sessions.commit(turn.live, [...before, event], { actor: 'engine', prune: before.length > 0 });
  } catch (error) {
    engine.spend.doubt(session, call);
    throw error;
  }
  turn.target = target;
  turn.asked = false;
  turn.broadcast.publish(unshown);
}

interface PlacedNext {
  readonly before: readonly EventBody[];
  readonly unshown: readonly WireEvent[];
  readonly placed: PlacedCall;
  readonly purpose: string;
}

/** Places the call that a compaction is due for, or does it without one. */
async function commitDue(
  engine: EngineContext,
  turn: RunningTurn,
  state: SessionState,
  before: readonly EventBody[],
  unshown: readonly WireEvent[],
): Promise<void> {
  const placed = placeDue(engine, turn, state, before);
  if (placed !== null) return commitPlaced(engine, turn, state, { before, unshown, placed, purpose: COMPACTION });
  const laid = await layDue(engine, turn);
  const prepared = await engine.sessions.commit(turn.live, [...before, laid.event], { actor: 'engine' });
  turn.broadcast.publish(unshown);
  turn.broadcast.publish(takeCompaction(engine, turn, laid, prepared));
}
