/** Ids of sub-agents: made of the call that asked for them, so that whoever makes one again makes the same. */
import { base32, ID_BODY_CHARS, type ResponseId, type SessionId } from '../../kernel/ids.ts';

const SESS = 'sess_';
/** Time and home of an id: those of the session that it belongs to. */
const PLACE_CHARS = 14;

/** @param key the run key of the call: hexadecimal, at least 28 digits */
export function subagentSession(owner: SessionId, key: string): SessionId {
  return derived(SESS, owner, key) as SessionId;
}

/** The turn that a call with this key begins in a session. */
export function toldResponse(session: SessionId, key: string): ResponseId {
  return derived('resp_', session, key) as ResponseId;
}

/** Whether a call has begun that turn; if not, its id was drawn when it began. */
export function isBegunByCall(session: SessionId, turn: ResponseId): boolean {
  return turn.startsWith(`resp_${session.slice(SESS.length, SESS.length + PLACE_CHARS)}`);
}

function derived(prefix: string, session: SessionId, key: string): string {
  let body = session.slice(SESS.length, SESS.length + PLACE_CHARS);
  for (let at = 0; body.length < ID_BODY_CHARS; at += 2)
    body += base32(Number.parseInt(key.slice(at, at + 2), 16) & 31, 1);
  return prefix + body;
}

/** As the wire and models name it. */
export function subagentId(session: SessionId): string {
  return session.replace(SESS, 'subagent_');
}

/** The session of a sub-agent's id; what is no such id names no session. */
export function sessionOfSubagent(id: string): SessionId {
  return id.replace(/^subagent_/, SESS) as SessionId;
}
