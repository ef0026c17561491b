/** Ids of approvals: where they lie, so that no index of them is kept. */
import { base32, fromBase32, ID_BODY_CHARS, type SessionId } from '../../kernel/ids.ts';

const SEQ_CHARS = 7;
const FORM = new RegExp(`^appr_([0-9a-z]{${ID_BODY_CHARS}})([0-9a-z]{${SEQ_CHARS}})$`);

/** The id of the approval that the event `seq` of a session asks for: it says where it lies, so that no index is kept. */
export function approvalId(session: SessionId, seq: number): string {
  return `appr_${session.slice('sess_'.length)}${base32(seq, SEQ_CHARS)}`;
}

/** The session and the seq that an approval's id names; null if it is none of ours. */
export function parseApprovalId(id: string): { readonly session: SessionId; readonly seq: number } | null {
  const [, body = '', rest = ''] = FORM.exec(id) ?? [];
  const seq = body === '' ? -1 : fromBase32(rest);
  return seq < 1 ? null : { session: `sess_${body}` as SessionId, seq };
}
