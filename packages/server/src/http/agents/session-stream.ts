/** The events of a session as a stream. */
import { perdureError } from '@perdure/protocol';
import type { FamilyPlace, ReadAgain } from '../../engine/subagents/follow.ts';
import type { SessionView } from '../../engine/agent-sessions/view.ts';
import type { ResponseId, SessionId } from '../../kernel/ids.ts';
import { EventStream } from '../sse.ts';
import type { Exchange, HttpDeps } from '../types.ts';
import { cursorText, readCursor } from './session-cursor.ts';
import {
  type AgentEvent,
  agentEvents,
  eventId,
  isOfTree,
  parseEventId,
  showsSession,
  treeEvents,
} from './session-events.ts';
import { sessionResource } from './session-resource.ts';

function wire({ id, type, json }: AgentEvent, place: FamilyPlace): string {
  return `event: ${type}\nid: ${cursorText(id, place)}\ndata: ${json}\n\n`;
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
  await stream.write([wire(createdEvent(view), BEGINNING)]);
  if (turn === null) return stream.end();
  // What was told of the session before its turn comes first.
  await pipe(deps, exchange, stream, { session: view.id, from: BEGINNING, only: turn, shown: null, again: null });
}

const BEGINNING: FamilyPlace = { root: { turn: null, seq: 0 }, tree: 0, members: new Map() };

/** As a `Last-Event-ID`: all that ever happened in the session. */
const FROM_BEGINNING = '0';

/** `GET /v1/agents/sessions/{id}/events`: live, or from after the event that `Last-Event-ID` names. */
export async function eventStream(deps: HttpDeps, exchange: Exchange, session: string): Promise<void> {
  const given = exchange.req.headers['last-event-id'];
  const now = await deps.engine.subagents.now(exchange.caller, session);
  const live = typeof given !== 'string' || given === '';
  const place = live ? { from: now, shown: null, again: null } : await placeAfter(deps, exchange, session, given);
  const stream = new EventStream(exchange.res, deps.limits, { 'x-request-id': exchange.requestId });
  return pipe(deps, exchange, stream, { session, ...place, only: null });
}

/** Where whoever was last shown that event goes on. @throws invalid_request; turn_not_found: it is another session's (L10) */
async function placeAfter(
  { engine: { subagents } }: HttpDeps,
  { caller }: Exchange,
  session: string,
  given: string,
): Promise<Pick<Piped, 'from' | 'shown' | 'again'>> {
  const cursor = readCursor(given, session);
  const shown = cursor === null ? null : parseEventId(cursor.event);
  if (given === FROM_BEGINNING) return { from: BEGINNING, shown: null, again: null };
  if (cursor === null || shown === null)
    throw perdureError('invalid_request', 'Last-Event-ID names no event of this session.', { param: 'Last-Event-ID' });
  const { turn, seq } = shown;
  // Where nothing is said of the others, they are shown from their beginning: better twice, under the same ids, than not at all.
  const from = cursor.place ?? BEGINNING;
  if (turn.slice('resp_'.length) === session.slice('sess_'.length)) {
    // Of the session, not of a turn: it began, its sub-agents changed, or its environment did, between two turns.
    const before = Math.max(0, seq - 1);
    if (isOfTree(shown)) return { from: { ...from, tree: before }, shown, again: 'tree' };
    const root = { turn: null, seq: before };
    // That the session began is told by no log.
    return { from: { ...from, root }, shown, again: seq === 0 ? null : (session as SessionId) };
  }
  const whose = await subagents.whose(caller, session, turn);
  const at = { turn, after: seq - 1 };
  if (whose === session) return { from: { ...from, root: at }, shown, again: whose };
  if (cursor.place === null)
    throw perdureError('invalid_request', 'This event is of a sub-agent: send the id of the server-sent event.', {
      param: 'Last-Event-ID',
    });
  return { from: { ...from, members: new Map(from.members).set(whose, at) }, shown, again: whose };
}

interface Piped {
  readonly session: string;
  readonly from: FamilyPlace;
  /** The stream ends with this turn. */
  readonly only: ResponseId | null;
  /** What its reader was shown last: of what the same event of a log became, the parts up to it are not shown again. */
  readonly shown: ReturnType<typeof parseEventId>;
  /** Whose event that is: it is read again, before all else. */
  readonly again: ReadAgain | null;
}

async function pipe(
  deps: HttpDeps,
  exchange: Exchange,
  stream: EventStream,
  { session, from, only, shown, again }: Piped,
): Promise<void> {
  const { caller, signal } = exchange;
  const { agentSessions, subagents } = deps.engine;
  const isNew = ({ id }: AgentEvent): boolean => {
    const place = parseEventId(id);
    return place?.turn !== shown?.turn || place?.seq !== shown?.seq || (place?.part ?? 0) > (shown?.part ?? -1);
  };
  try {
    for await (const next of subagents.follow(caller, session, from, signal, again)) {
      if (!stream.open) return;
      if (next.of === 'tree') {
        const told = treeEvents(session, next.events).filter(isNew);
        await stream.write(told.map(event => wire(event, next.place)));
        continue;
      }
      const { batch, place } = next;
      const own = batch.subagent === null;
      if (only !== null && own && batch.turn !== null && batch.turn !== only) return stream.end();
      const view = batch.events.some(showsSession) ? await agentSessions.view(caller, session) : null;
      const all = agentEvents(batch, session, (status, actions) =>
        view === null ? {} : sessionResource(view, status, actions),
      );
      await stream.write(all.filter(isNew).map(event => wire(event, place)));
      if (only !== null && own && batch.events.some(isEnd)) return stream.end();
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
