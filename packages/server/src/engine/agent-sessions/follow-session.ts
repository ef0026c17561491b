/**
 * Following a session over all its turns: what runs is read from the process that runs it, all else from the log.
 *
 * W1  Each event of a turn is shown once and in order, whoever runs the turn and however often it waits for people.
 * W3  What happens between two turns is shown where it lies in the log, numbered by its event there.
 * W2  Between turns, and while a turn waits, nothing is held but the reader's own place (L4).
 */
import { perdureError, toPerdureError } from '@perdure/protocol';
import type { ResponseId } from '../../kernel/ids.ts';
import { decodeEvent } from '../../log/codec.ts';
import type { LoggedItem } from '../../log/events.ts';
import type { ResponseRow } from '../../log/rows.ts';
import type { WireEvent } from '../../session/output.ts';
import { environmentFact, factEvent } from '../../session/tool-fold.ts';
import type { Caller } from '../caller.ts';
import type { EngineContext } from '../engine-context.ts';
import type { LiveSession } from '../live-session.ts';
import { mustState } from '../plan.ts';
import { readRecord, readTurn, streamOfRecord } from '../read.ts';
import { findSession } from './find.ts';
import { type TurnOfSubagent, turnOfSubagent } from './turns.ts';

/** Events of one turn, or between two, in order. */
export interface TurnEvents {
  /** Null: of the session, between two turns; their numbers are those of the log. */
  readonly turn: ResponseId | null;
  readonly agent: string;
  /** If it is a sub-agent's turn. */
  readonly subagent: TurnOfSubagent | null;
  /** The items of its request. */
  readonly input: readonly LoggedItem[];
  readonly events: readonly WireEvent[];
  /** ms since 1970: when the turn ended; null if it has not. */
  readonly endedAt: number | null;
}

/** Where a reader goes on: after event `after` of a turn. Null turn: after everything that was committed up to `seq`. */
export type SessionPlace =
  | { readonly turn: ResponseId; readonly after: number }
  | { readonly turn: null; readonly seq: number };

/** How long a reader waits before it looks again at a turn that broke off, ms. */
const LOOK_MS = 50;

/** The place of somebody who comes now and asks for nothing that was. */
export async function placeNow(engine: EngineContext, live: LiveSession): Promise<SessionPlace> {
  const state = mustState(live);
  if (state.turn === null) return { turn: null, seq: state.seq };
  const { response } = state.turn;
  const running = engine.running.get(response);
  if (running !== undefined) return { turn: response, after: running.broadcast.last };
  const { events } = await recorded(engine, live, response);
  return { turn: response, after: events.at(-1)?.seq ?? -1 };
}

/** Runs until `signal` aborts, or the session is deleted. */
export async function* followSession(
  engine: EngineContext,
  caller: Caller,
  id: string,
  from: SessionPlace,
  signal: AbortSignal,
  find: typeof findSession = findSession,
): AsyncGenerator<TurnEvents> {
  const { session } = await find(engine, caller, id);
  if (engine.hub.followers(session) >= engine.limits.readers)
    throw perdureError('rate_limit_exceeded', 'The session is being read by as many as this server allows.', {
      retryAfterMs: 1000,
    });
  const leave = engine.hub.follow(session);
  let place = from;
  try {
    while (!signal.aborted) {
      const version = engine.hub.version(session);
      const live = await find(engine, caller, id);
      if (place.turn === null) {
        const turn = await turnAfter(engine, live, place.seq);
        const to = turn === null ? mustState(live).seq : turn.fromSeq - 1;
        const events = await betweenTurns(engine, live, place.seq, to);
        if (events.length > 0) {
          place = { turn: null, seq: events.at(-1)?.seq ?? place.seq };
          const agent = live.state?.agent?.id ?? '';
          yield { turn: null, agent, subagent: turnOfSubagent(live), input: [], events, endedAt: null };
        }
        if (turn !== null) place = { turn: turn.id, after: -1 };
        else if (events.length === 0) await engine.hub.changed(session, version, signal);
        continue;
      }
      const { turn } = place;
      const running = engine.running.get(turn);
      if (running?.live.session === session && running.broadcast.error === null) {
        const agent = running.agent?.config.agent.id ?? '';
        try {
          for await (const events of running.broadcast.read(place.after, signal)) {
            place = { turn, after: events.at(-1)?.seq ?? place.after };
            yield {
              turn,
              agent,
              subagent: turnOfSubagent(live),
              input: running.input,
              events,
              endedAt: endOf(live, turn),
            };
          }
        } catch (error) {
          if (error !== running.broadcast.error) throw error;
        }
        if (engine.running.get(turn) === running) await pause();
        continue;
      }
      const read = await recorded(engine, live, turn);
      const { after } = place;
      const events = read.events.filter(event => event.seq > after);
      if (events.length > 0) {
        place = { turn, after: events.at(-1)?.seq ?? after };
        yield { ...read, events };
      }
      if (read.toSeq > 0) place = { turn: null, seq: read.toSeq };
      else if (events.length === 0) await engine.hub.changed(session, version, signal);
    }
  } catch (error) {
    // Deleted while it was read: that is its end.
    if (toPerdureError(error).code !== 'session_not_found') throw error;
  } finally {
    leave();
  }
}

/** Real time: what is waited for is the end of work in this process. */
function pause(): Promise<void> {
  return new Promise(resolve => void setTimeout(resolve, LOOK_MS));
}

/** Of a turn that runs here: known once its end is committed, which is before it is shown. */
function endOf(live: LiveSession, turn: ResponseId): number | null {
  const state = mustState(live);
  return state.turn?.response === turn ? null : state.updatedAt;
}

async function turnAfter(engine: EngineContext, live: LiveSession, seq: number): Promise<ResponseRow | null> {
  const { tenant, session, store } = live;
  const query = { tenant, session, after: seq, limit: 1, deleted: false };
  const [row] = await engine.sessions.wait(store.responsesOf(query));
  return row ?? null;
}

/** What is told of the session itself after `seq`, up to `to`. Read only if there may be something. */
async function betweenTurns(
  engine: EngineContext,
  live: LiveSession,
  seq: number,
  to: number,
): Promise<readonly WireEvent[]> {
  if ((live.state?.environment?.seq ?? 0) <= seq || to <= seq) return [];
  const { tenant, session, store } = live;
  const stored = await readTurn(engine, store, { tenant, session, from: seq + 1, to });
  return stored.flatMap(one => {
    const event = decodeEvent({ tenant, session }, one);
    return event.type === 'environment.changed' ? [factEvent(environmentFact(event), event.seq)] : [];
  });
}

async function recorded(
  engine: EngineContext,
  live: LiveSession,
  turn: ResponseId,
): Promise<TurnEvents & { readonly toSeq: number }> {
  const row = await engine.sessions.wait(live.store.response(live.tenant, turn));
  if (row === null) throw perdureError('session_not_found');
  const record = await readRecord(engine, { tenant: live.tenant }, row, live.store);
  return {
    turn,
    agent: live.state?.agent?.id ?? '',
    subagent: turnOfSubagent(live),
    input: record.input,
    events: streamOfRecord(record),
    endedAt: row.toSeq > 0 ? (record.events.at(-1)?.at ?? null) : null,
    toSeq: row.toSeq,
  };
}
