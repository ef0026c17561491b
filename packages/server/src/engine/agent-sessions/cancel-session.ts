/** Ending the turn that a session has open, wherever it is: here, left by a process that died, or waiting for people. */
import { actorOf, type Caller } from '../caller.ts';
import { within } from '../deadline.ts';
import type { EngineContext } from '../engine-context.ts';
import { beingTakenUp, runningTurn } from '../follow.ts';
import type { LiveSession } from '../live-session.ts';
import { mustState } from '../plan.ts';

/** Resolves once no turn is open, or the turn's own end came first. @throws response_in_progress if it cannot be ended now */
export async function cancelOpenTurn(engine: EngineContext, caller: Caller, live: LiveSession): Promise<void> {
  const actor = actorOf(caller);
  const response = mustState(live).turn?.response;
  if (response === undefined) return;
  const turn = await runningTurn(engine, caller, response, { cancel: { response, actor } });
  if (turn === null) return;
  turn.cancel(actor);
  const ended = turn.done.then(
    () => undefined,
    () => undefined,
  );
  await within(2 * engine.limits.storeMs, ended, beingTakenUp);
  // It may have come to wait for people at the very moment: then it is ended where it lies.
  if (mustState(live).turn?.response === response && mustState(live).phase === 'waiting')
    await runningTurn(engine, caller, response, { cancel: { response, actor } });
}
