/** The end of a turn that failed: in the log first, then to its readers (L2). */
import type { PerdureError } from '@perdure/protocol';
import type { EventBody } from '../log/events.ts';
import type { EngineContext } from './engine-context.ts';
import { failurePayload } from './failure-record.ts';
import { errorEvent } from './read.ts';
import type { RunningTurn } from './turn.ts';

type Shown = Parameters<RunningTurn['broadcast']['publish']>[0];

/** Ends the turn as failed: in the log first, then to its readers. */
export async function fail(
  engine: EngineContext,
  turn: RunningTurn,
  error: PerdureError,
  before: readonly EventBody[],
  unshown: Shown = [],
): Promise<void> {
  const failed: EventBody = {
    type: 'turn.failed',
    head: { response: turn.base.id, code: error.code },
    payload: failurePayload(error),
  };
  const from = turn.live.state?.turn?.from ?? 0;
  await engine.sessions.commit(turn.live, [...before, failed], { actor: 'engine', prune: true });
  engine.sessions.grew(turn.live.context.dropAfter(from));
  turn.broadcast.publish(unshown);
  showFailure(turn, error);
}

/** Shows the end of a failed turn: OpenAI's `error` event, then `response.failed`. */
function showFailure(turn: RunningTurn, error: PerdureError): void {
  const resource = turn.resource('failed', { error });
  turn.broadcast.publish(() => [errorEvent(error, turn.seq++), turn.event('response.failed', resource)]);
  turn.broadcast.end();
  turn.finish.reject(error);
}
