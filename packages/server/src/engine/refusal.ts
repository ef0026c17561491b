/**
 * Refused requests leave a record too: a placement that chose nothing, in a log of its own, without a word of content. The evidence that
 * something was refused, and by which clause, is as good as that of what ran.
 */
import { perdureError, type PerdureError } from '@perdure/protocol';
import { homeTag, idBody, placementId, type SessionId } from '../kernel/ids.ts';
import type { EventBody, JsonObject, SessionOrigin } from '../log/events.ts';
import { actorOf, type Caller } from './caller.ts';
import type { EngineContext } from './engine-context.ts';
import type { SessionLog } from './ports.ts';

export interface Refusal {
  readonly record: JsonObject;
  readonly error: PerdureError;
  /** The session that the request would have gone to. */
  readonly subject: SessionId | null;
  readonly origin: SessionOrigin;
  /** Absent: `turn`. */
  readonly purpose?: string;
}

/** Records it and gives the error to throw, which names the placement. */
export async function recordRefusal(
  engine: EngineContext,
  caller: Caller,
  store: SessionLog,
  refusal: Refusal,
): Promise<PerdureError> {
  const { error, record, origin, subject, purpose = 'turn' } = refusal;
  const session = engine.ids.next('sess', homeTag(store.home)) as SessionId;
  const bodies: EventBody[] = [
    { type: 'call.admitted', head: { home: store.home, origin, subject }, payload: null },
    {
      type: 'call.placed',
      head: { call: 1, purpose, chosen: null, placement: record, reserved: { input: 0, output: 0 } },
      payload: null,
    },
  ];
  const live = engine.sessions.beginAlone(caller.tenant, session, store);
  await engine.sessions.commit(live, bodies, { actor: actorOf(caller) });
  engine.sessions.forget(live);
  const placement = placementId(idBody(session, 'sess') ?? '', 1);
  return perdureError(error.code, error.message, {
    param: error.param,
    status: error.status,
    details: { ...error.details, placement },
    ...(error.retryAfterMs !== undefined && { retryAfterMs: error.retryAfterMs }),
  });
}
