/** What a run of a tool goes by. */
import type { ResponseId, SessionId } from '../../kernel/ids.ts';
import type { Sha256 } from '../ports.ts';

/** The same for every run of this call, and for no other (L6): hexadecimal. */
export function runKey(sha256: Sha256, session: SessionId, response: ResponseId, callId: string): string {
  return Buffer.from(sha256(JSON.stringify([session, response, callId]))).toString('hex');
}
