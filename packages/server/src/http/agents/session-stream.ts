/** The events of a session as a stream. */
import { perdureError } from '@perdure/protocol';
import type { SessionPlace } from '../../engine/agent-sessions/follow-session.ts';
import type { SessionView } from '../../engine/agent-sessions/view.ts';
import type { ResponseId } from '../../kernel/ids.ts';
import { EventStream } from '../sse.ts';
import type { Exchange, HttpDeps } from '../types.ts';
import { type AgentEvent, agentEvents, eventId, parseEventId, showsSession } from './session-events.ts';
import { sessionResource } from './session-resource.ts';

function wire({ id, type, json }: AgentEvent): string {
  return `event: ${type}\nid: ${id}\ndata: ${json}\n\n`;
}

/** The event that begins a session. */
function createdEvent(view: SessionView): AgentEvent {
  const id = eventId(view.id, 0, 0);
  const type = 'agent.session.created';
  return { id, type, json: JSON.stringify({ type, session: sessionResource(view, 'idle', []), event_id: id }) };
}

/** `POST /v1/agents/sessions` with `stream`: the session, then its first turn until it is idle again. */
export async function createdStream(
  deps: HttpDeps,
  exchange: Exchange,
  view: SessionView,
  turn: ResponseId | null,
): Promise<void> {
  const stream = new EventStream(exchange.res, deps.limits, { 'x-request-id': exchange.requestId });
  await stream.write([wire(createdEvent(view))]);
  if (turn === null) return stream.end();
  // What was told of the session before its turn comes first.
  await pipe(deps, exchange, stream, { session: view.id, from: { turn: null, seq: 0 }, only: turn, skip: -1 });
}

/** `GET /v1/agents/sessions/{id}/events`: live, or from after the event that `Last-Event-ID` names. */
export async function eventStream(deps: HttpDeps, exchange: Exchange, session: string): Promise<void> {
  const given = exchange.req.headers['last-event-id'];
  const { agentSessions } = deps.engine;
  const now = await agentSessions.now(exchange.caller, session);
  if (typeof given !== 'string' || given === '') {
    const stream = new EventStream(exchange.res, deps.limits, { 'x-request-id': exchange.requestId });
    return pipe(deps, exchange, stream, { session, from: now, only: null, skip: -1 });
  }
  const place = parseEventId(given);
  if (place === null)
    throw perdureError('invalid_request', 'Last-Event-ID names no event of this session.', { param: 'Last-Event-ID' });
  const first = place.turn.slice('resp_'.length) === session.slice('sess_'.length);
  // Its turn must be one of the session's: what is foreign is not there (L10).
  if (!first) await agentSessions.turn(exchange.caller, session, place.turn.replace(/^resp_/, 'turn_'));
  const stream = new EventStream(exchange.res, deps.limits, { 'x-request-id': exchange.requestId });
  const from: SessionPlace = first
    ? { turn: null, seq: Math.max(0, place.seq - 1) }
    : { turn: place.turn, after: place.seq - 1 };
  return pipe(deps, exchange, stream, { session, from, only: null, skip: place.part, at: place.seq });
}

interface Piped {
  readonly session: string;
  readonly from: SessionPlace;
  /** The stream ends with this turn. */
  readonly only: ResponseId | null;
  /** Of the turn's event `at`, the parts up to this one were shown before. */
  readonly skip: number;
  readonly at?: number;
}

async function pipe(
  deps: HttpDeps,
  exchange: Exchange,
  stream: EventStream,
  { session, from, only, skip, at }: Piped,
): Promise<void> {
  const { caller, signal } = exchange;
  const { agentSessions } = deps.engine;
  try {
    for await (const batch of agentSessions.follow(caller, session, from, signal)) {
      if (!stream.open) return;
      if (only !== null && batch.turn !== null && batch.turn !== only) return stream.end();
      const view = batch.events.some(showsSession) ? await agentSessions.view(caller, session) : null;
      const shown = agentEvents(batch, session, (status, actions) =>
        view === null ? {} : sessionResource(view, status, actions),
      );
      const mine = shown.filter(event => {
        const place = parseEventId(event.id);
        return place === null || batch.turn !== from.turn || place.seq !== at || place.part > skip;
      });
      await stream.write(mine.map(wire));
      if (only !== null && batch.events.some(isEnd)) return stream.end();
    }
    stream.end();
  } catch (error) {
    // What happened is in the log: the client may come back and read on.
    if (!signal.aborted) deps.report('agents.stream', error);
    stream.cut();
  }
}

function isEnd({ type }: { readonly type: string }): boolean {
  return type === 'response.completed' || type === 'response.incomplete' || type === 'response.failed';
}
