/** Tools that run in a self-hosted environment wait, as rows, until a worker of it is connected (L4). */
import { type EventBody, textOf } from '../../log/events.ts';
import { MAX_AWAITS } from '../../session/state.ts';
import type { EngineContext } from '../engine-context.ts';
import { disconnectedBefore } from '../environments/changed-event.ts';
import { mustState } from '../plan.ts';
import type { RunningTurn } from '../turn.ts';
import type { Moved } from './decide-tools.ts';

/**
 * Of what was about to start, what must wait. Asked when the commit's time has come: a worker that connects after it finds in the log that it is
 * waited for.
 */
export function parkedNow(engine: EngineContext, turn: RunningTurn, moves: readonly Moved[]): readonly Moved[] {
  const environment = turn.agent?.config.environment;
  if (environment?.type !== 'self_hosted' || engine.workers.connected(textOf(environment['id']))) return moves;
  const often = (mustState(turn.live).turn?.awaited ?? 0) >= MAX_AWAITS;
  return moves.map((moved): Moved => {
    const { state, move } = moved;
    // One that runs again after a crash has been with a worker: the worker knows its key, and is asked when it is there.
    if (move.do !== 'start' || move.tool.definition.inEnvironment !== true || state.status !== 'requested')
      return moved;
    return { state, move: often ? { do: 'fail', ...UNSTEADY } : { do: 'park' } };
  });
}

const UNSTEADY = { code: 'environment_disconnected', message: 'The environment was disconnected again and again.' };

/** What says that the turn waits for a worker: last of all, so that what else it does is known by then. */
export function awaiting(engine: EngineContext, turn: RunningTurn, moves: readonly Moved[]): readonly EventBody[] {
  const callIds = moves.flatMap(({ state, move }) => (move.do === 'park' ? state.callId : []));
  const environment = textOf(turn.agent?.config.environment['id']);
  if (callIds.length === 0) return [];
  const expiresAt = engine.clock.now() + engine.environments.limits.connectionMs;
  return [
    ...disconnectedBefore(mustState(turn.live), environment),
    { type: 'environment.awaited', head: { environment, callIds, expiresAt }, payload: null },
  ];
}

/** A worker may have connected while it was written down that it is waited for. */
export function lookForWorker(engine: EngineContext, turn: RunningTurn): void {
  const awaits = mustState(turn.live).turn?.awaits;
  // What fails here is told when the worker asks again.
  if (awaits !== undefined) engine.workers.tell(turn.live.tenant, awaits.environment).catch(() => undefined);
}
