/** Cancelling a background response: the request's side. How the turn ends is in `cancel-turn.ts`. */
import { perdureError, type ResponseResource } from '@perdure/protocol';
import type { ResponseId } from '../kernel/ids.ts';
import { actorOf, type Caller } from './caller.ts';
import { within } from './deadline.ts';
import type { EngineContext } from './engine-context.ts';
import { beingTakenUp, runningTurn } from './follow.ts';
import { readResponse, resourceOfRecord } from './read.ts';

/**
 * Resolves with the response once its end is in the log: cancelled, or as it ended before the cancel came (L7). So a second cancel, or one that
 * comes too late, is told how it ended.
 * @throws response_not_found; response_not_cancellable if it was not begun in the background; response_in_progress if it cannot be ended now
 */
export async function cancelResponse(engine: EngineContext, caller: Caller, id: string): Promise<ResponseResource> {
  const { base, row } = await readResponse(engine, caller, id);
  if (!base.background) throw perdureError('response_not_cancellable');
  if (row.toSeq === 0) await end(engine, caller, base.id);
  const record = await readResponse(engine, caller, id);
  if (record.row.toSeq === 0) throw beingTakenUp();
  return resourceOfRecord(record);
}

/** Ends the turn, wherever it is: here, or left by a process that died. */
async function end(engine: EngineContext, caller: Caller, response: ResponseId): Promise<void> {
  const actor = actorOf(caller);
  const turn = await runningTurn(engine, caller, response, { cancel: { response, actor } });
  if (turn === null) return;
  turn.cancel(actor);
  // If the store fails meanwhile it is not ended, and whoever cancelled is told so. It waits for what is on its way, and then for the end.
  const ended = turn.done.then(
    () => undefined,
    () => undefined,
  );
  await within(2 * engine.limits.storeMs, ended, beingTakenUp);
}
