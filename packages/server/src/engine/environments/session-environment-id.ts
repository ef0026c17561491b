/** The id of the environment that a new session asks for: made of the session's and of what is asked, so that who asks again is given the same. */
import { base32, ID_BODY_CHARS, type SessionId } from '../../kernel/ids.ts';
import type { EngineContext } from '../engine-context.ts';

/** Characters of an id's body that come before its chance: the time and the home. */
const PLACE_CHARS = 14;
/** Characters of chance that one number makes, of 32 bits. */
const AT_ONCE = 7;

/** The body: without `env_`. It has the time and the home of the session. */
export function environmentBody(engine: Pick<EngineContext, 'sha256'>, session: SessionId, given: object): string {
  const body = session.slice('sess_'.length);
  const digest = Buffer.from(engine.sha256(JSON.stringify([session, given])));
  let chance = '';
  for (let at = 0; chance.length < ID_BODY_CHARS - PLACE_CHARS; at += 4)
    chance += base32(digest.readUInt32BE(at), AT_ONCE);
  return (body.slice(0, PLACE_CHARS) + chance).slice(0, ID_BODY_CHARS);
}
