/**
 * Where a reader of a session's events is: the id of an event, and beside it, where the session has sub-agents, how far the others were read. As the
 * `id` of a server-sent event it comes back as `Last-Event-ID`. Pure.
 */
import type { SessionPlace } from '../../engine/agent-sessions/follow-session.ts';
import type { FamilyPlace } from '../../engine/subagents/follow.ts';
import { ID_BODY_CHARS, type ResponseId, type SessionId } from '../../kernel/ids.ts';
import type { Json } from '../../log/events.ts';

/** Time and home of an id: those of a sub-agent are its session's. */
const SHARED_CHARS = 14;
const TURN = new RegExp(`^[0-9a-z]{${ID_BODY_CHARS}}$`);
const TAIL = new RegExp(`^[0-9a-z]{${ID_BODY_CHARS - SHARED_CHARS}}$`);

type Written = readonly [turn: string, at: number];

function written(place: SessionPlace): Written {
  return place.turn === null ? ['', place.seq] : [place.turn.slice('resp_'.length), place.after];
}

/** The id of an event, with the place of its reader after it. */
export function cursorText(event: string, { root, tree, members }: FamilyPlace): string {
  if (tree === 0 && members.size === 0) return event;
  const others = [...members].map(([session, place]) => [
    session.slice('sess_'.length + SHARED_CHARS),
    ...written(place),
  ]);
  return `${event}.${Buffer.from(JSON.stringify([written(root), tree, others])).toString('base64url')}`;
}

export interface Cursor {
  /** The id of the event alone. */
  readonly event: string;
  /** Null: nothing is said of the others. */
  readonly place: FamilyPlace | null;
}

/** What `cursorText` wrote for this session; null if it is nothing of the kind. Its turns may still be anybody's. */
export function readCursor(text: string, session: string): Cursor | null {
  const dot = text.indexOf('.');
  if (dot < 0) return { event: text, place: null };
  const place = placeFrom(text.slice(dot + 1), session);
  return place === null ? null : { event: text.slice(0, dot), place };
}

function placeFrom(text: string, session: string): FamilyPlace | null {
  let value: Json;
  try {
    value = JSON.parse(Buffer.from(text, 'base64url').toString('utf8')) as Json;
  } catch {
    return null;
  }
  if (!Array.isArray(value) || value.length !== 3) return null;
  const [first, tree, others] = value as readonly Json[];
  const root = placeOf(first);
  if (root === null || !isCount(tree) || !Array.isArray(others)) return null;
  const members = new Map<SessionId, SessionPlace>();
  for (const other of others as readonly Json[]) {
    const [tail, ...rest] = Array.isArray(other) ? (other as readonly Json[]) : [];
    const place = placeOf(rest);
    if (typeof tail !== 'string' || !TAIL.test(tail) || place === null) return null;
    members.set(`${session.slice(0, 'sess_'.length + SHARED_CHARS)}${tail}` as SessionId, place);
  }
  return { root, tree, members };
}

function placeOf(value: Json | undefined): SessionPlace | null {
  const [turn, at] = Array.isArray(value) ? (value as readonly Json[]) : [];
  // -1: before the first event.
  if (typeof turn !== 'string' || typeof at !== 'number' || !Number.isSafeInteger(at) || at < -1) return null;
  if (turn === '') return { turn: null, seq: Math.max(0, at) };
  return TURN.test(turn) ? { turn: `resp_${turn}` as ResponseId, after: at } : null;
}

function isCount(value: Json | undefined): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}
