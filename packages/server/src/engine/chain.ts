/** Bodies -> stored events: places, salts, digests, the chain, the projections, the row. Nothing here waits. */
import { CODEC_VERSION, encodeHead, envelopeText, EVENT_CODES, type StoredEvent } from '../log/codec.ts';
import type { Envelope, EventBody } from '../log/events.ts';
import type { ProjectionChange, SessionRow } from '../log/rows.ts';
import type { SessionId, TenantId } from '../kernel/ids.ts';
import { project, rowOf } from '../session/project.ts';
import { reduce } from '../session/reduce.ts';
import type { SessionState } from '../session/state.ts';
import type { Sha256 } from './ports.ts';

/** What a log begins with instead of a previous digest. */
export const GENESIS: Uint8Array = new Uint8Array(32);

export interface ChainTools {
  readonly sha256: Sha256;
  /** 16 unpredictable bytes. */
  readonly salt: () => Uint8Array;
}

export interface ChainEnd {
  readonly state: SessionState | null;
  readonly digest: Uint8Array;
}

export interface Prepared {
  readonly events: readonly StoredEvent[];
  readonly envelopes: readonly Envelope[];
  readonly changes: readonly ProjectionChange[];
  readonly state: SessionState;
  readonly row: SessionRow;
}

/** Thrown when the engine is about to say what the table of states does not allow: a defect of ours, caught before it is kept. */
export class UnlawfulEvent extends Error {}

/**
 * Lays `bodies` after `end`. `session.claimed` raises the epoch; all that follow work under it.
 * @throws UnlawfulEvent if the reducer refuses one
 */
export function prepare(
  end: ChainEnd,
  place: { readonly tenant: TenantId; readonly session: SessionId; readonly actor: string; readonly at: number },
  bodies: readonly EventBody[],
  tools: ChainTools,
): Prepared {
  const events: StoredEvent[] = [];
  const envelopes: Envelope[] = [];
  const changes: ProjectionChange[] = [];
  let { state, digest } = end;
  for (const body of bodies) {
    const seq = (state?.seq ?? 0) + 1;
    const epoch = (state?.epoch ?? 1) + (body.type === 'session.claimed' ? 1 : 0);
    const envelope = { ...place, seq, epoch, type: body.type, head: body.head } as Envelope;
    const reduced = reduce(state, envelope);
    if (!reduced.ok) throw new UnlawfulEvent(`${reduced.code}: ${reduced.message}`);
    const event = store(envelope, body, digest, tools);
    changes.push(...project(state, envelope));
    events.push(event);
    envelopes.push(envelope);
    state = reduced.state;
    digest = event.digest;
  }
  if (state === null) throw new UnlawfulEvent('nothing to append');
  return { events, envelopes, changes, state, row: rowOf(state, digest) };
}

function store(envelope: Envelope, body: EventBody, previous: Uint8Array, tools: ChainTools): StoredEvent {
  const head = encodeHead(body);
  const code = EVENT_CODES[body.type];
  const payload = body.payload === null ? null : JSON.stringify(body.payload);
  const salt = payload === null ? null : tools.salt();
  const payloadDigest = payload === null || salt === null ? null : tools.sha256(salt, payload);
  const version = CODEC_VERSION;
  const digest = tools.sha256(previous, envelopeText(envelope, { version, code, head }, hex(payloadDigest)));
  const { seq, epoch, at, actor } = envelope;
  return { seq, epoch, at, actor, code, version, head, payload, salt, payloadDigest, digest };
}

function hex(bytes: Uint8Array | null): string {
  return bytes === null ? '' : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex');
}

/**
 * Recomputes the chain over stored events and says where it breaks. Payloads that are there are checked against their digests;
 * erased ones are taken by the digest that they left (L13).
 * @param previous the digest before the first of them
 * @returns the digest after the last, or the first seq at fault
 */
export function verifyChain(
  place: { readonly tenant: TenantId; readonly session: SessionId },
  events: readonly StoredEvent[],
  previous: Uint8Array,
  sha256: Sha256,
):
  | { readonly ok: true; readonly digest: Uint8Array }
  | { readonly ok: false; readonly seq: number; readonly why: string } {
  let digest = previous;
  for (const event of events) {
    const { seq, payload, salt, payloadDigest } = event;
    if (payload !== null && salt !== null && hex(sha256(salt, payload)) !== hex(payloadDigest)) {
      return { ok: false, seq, why: 'the payload does not match its digest' };
    }
    digest = sha256(digest, envelopeText({ ...place, ...event }, event, hex(payloadDigest)));
    if (hex(digest) !== hex(event.digest)) return { ok: false, seq, why: 'the envelope does not match the chain' };
  }
  return { ok: true, digest };
}
