/**
 * How events are stored. The type is a small number, the head and the payload are JSON texts that are kept as they were
 * written: digests are over the stored text, so nothing depends on how a later version would serialise it.
 *
 * Numbers here are for ever. A new shape of an event is a new version: `decodeHead` brings older ones up to date.
 */
import type { Envelope, EventBody, EventPlace, EventType, HeadOf, LogEvent } from './events.ts';

/** The version that is written. Readers accept every version up to it. */
export const CODEC_VERSION = 1;

/** Event type -> stored number. Append only. */
export const EVENT_CODES: { readonly [T in EventType]: number } = {
  'session.created': 1,
  'call.admitted': 2,
  'session.claimed': 3,
  'session.updated': 4,
  'state.placed': 5,
  'input.accepted': 6,
  'turn.started': 7,
  'call.placed': 8,
  'call.completed': 9,
  'call.failed': 10,
  'call.cancelled': 11,
  'tool.requested': 12,
  'tool.started': 13,
  'tool.completed': 14,
  'tool.failed': 15,
  'tool.outcome_unknown': 16,
  'approval.requested': 17,
  'approval.granted': 18,
  'approval.denied': 19,
  'approval.expired': 20,
  'turn.completed': 21,
  'turn.failed': 22,
  'turn.cancelled': 23,
  'items.added': 24,
  'item.deleted': 25,
  'response.deleted': 26,
  'session.labelled': 27,
  'context.compacted': 28,
  'session.forked': 29,
  'session.sealed': 30,
  'session.moved': 31,
  'session.exported': 32,
  'session.imported': 33,
  'session.erased': 34,
  'agent.configured': 35,
  'input.queued': 36,
  'input.steered': 37,
  'tool.postponed': 38,
  'tool.answered': 39,
  'tool.suspended': 40,
  'environment.changed': 41,
  'environment.awaited': 42,
  'tool.output': 43,
  'tool.placed': 44,
  'tool.yielded': 45,
  'tool.resumed': 46,
  'subagent.created': 47,
  'subagent.closed': 48,
  'subagent.reopened': 49,
};

const TYPES = new Map<number, EventType>(
  (Object.entries(EVENT_CODES) as [EventType, number][]).map(([type, code]) => [code, type]),
);

/** An event as it lies in a store. Texts are JSON; digests are 32 bytes. */
export interface StoredEvent {
  readonly seq: number;
  readonly epoch: number;
  readonly at: number;
  readonly actor: string;
  readonly code: number;
  readonly version: number;
  readonly head: string;
  /** Null where the event has none, or where it was erased. */
  readonly payload: string | null;
  /** 16 random bytes; dies with the payload (L13). */
  readonly salt: Uint8Array | null;
  /** SHA-256(salt, payload): stays when the payload goes. */
  readonly payloadDigest: Uint8Array | null;
  /** SHA-256(previous digest, envelope): chains the log. */
  readonly digest: Uint8Array;
}

export class LogCodecError extends Error {
  readonly code = 'log_unreadable';
}

/** The bytes that the chain digests: everything of the envelope, and the payload's digest in its place. */
export function envelopeText(
  place: EventPlace,
  stored: Pick<StoredEvent, 'version' | 'code' | 'head'>,
  payloadDigestHex: string,
): string {
  const { tenant, session, seq, epoch, at, actor } = place;
  return (
    JSON.stringify([stored.version, tenant, session, seq, epoch, at, actor, stored.code, payloadDigestHex]) +
    stored.head
  );
}

type Defaults = { readonly [T in EventType]?: Partial<HeadOf<T>> };

/**
 * What the head of an event usually says, and so need not: left out when it is written, put back when it is read (L11 counts bytes). Like the
 * numbers above, for ever: another default is another version.
 */
const DEFAULTS: Defaults = {
  'session.created': { lineage: [], labels: [], openCalls: [], continues: null },
  'call.admitted': { subject: null },
  'input.accepted': { previous: null, count: 1, answers: [] },
  'turn.started': { background: false, streamed: false, tools: null, instructions: null },
  'call.placed': { call: 1, purpose: 'turn' },
  'call.completed': { call: 1, outcome: 'completed', reason: null, count: 1, calls: [] },
  'call.failed': { call: 1, count: 0 },
  'call.cancelled': { metered: 'exact', count: 0 },
  'turn.completed': { status: 'completed', reason: null },
  'items.added': { calls: [], answers: [] },
  'context.compacted': { count: 1, previous: null, final: false },
  'input.queued': { count: 1 },
  'input.steered': { entries: 1, count: 1 },
  'tool.postponed': { count: 1 },
  'tool.answered': { code: null },
  'subagent.created': { parent: null, previous: 0 },
};

/** The stored head: JSON, in the order of its fields, what is usual left out. */
export function encodeHead(event: EventBody): string {
  const defaults: { readonly [field: string]: unknown } = DEFAULTS[event.type] ?? NOTHING;
  const head: { readonly [field: string]: unknown } = { ...event.head };
  let text = '';
  for (const field in head) {
    const value = head[field];
    if (value === undefined || isUsual(value, defaults[field])) continue;
    text += `${text === '' ? '{' : ','}"${field}":${jsonOf(value)}`;
  }
  return text === '' ? '{}' : `${text}}`;
}

const NOTHING = {};

/** The number of the call that a stored head tells of: usually it is the first. */
export function callOfHead(head: string): number {
  return (JSON.parse(head) as { readonly call?: number }).call ?? 1;
}

/** Most fields are small: written here they cost no call of the serialiser. */
function jsonOf(value: unknown): string {
  return typeof value === 'boolean' || Number.isSafeInteger(value) ? `${value as number}` : JSON.stringify(value);
}

/** Defaults are plain values and empty lists. */
function isUsual(value: unknown, usual: unknown): boolean {
  if (usual === undefined) return false;
  return value === usual || (Array.isArray(usual) && Array.isArray(value) && value.length === 0);
}

/** The event's envelope, with its place. @throws LogCodecError on an unknown type or a newer version */
export function decodeEnvelope(place: Pick<EventPlace, 'tenant' | 'session'>, stored: StoredEvent): Envelope {
  const type = TYPES.get(stored.code);
  if (type === undefined) throw new LogCodecError(`event ${stored.seq} has the unknown type ${stored.code}`);
  if (stored.version > CODEC_VERSION) {
    throw new LogCodecError(
      `event ${stored.seq} was written by a newer version (${stored.version} > ${CODEC_VERSION})`,
    );
  }
  const { seq, epoch, at, actor } = stored;
  // One cast, here: the text was written by `encodeHead` from a typed event, and its digest is checked by `doctor`.
  const head: object = { ...DEFAULTS[type], ...(JSON.parse(stored.head) as object) };
  return { ...place, seq, epoch, at, actor, type, head } as Envelope;
}

/** The whole event. `payload` is null where there is none or it was erased. @throws LogCodecError as `decodeEnvelope` */
export function decodeEvent(place: Pick<EventPlace, 'tenant' | 'session'>, stored: StoredEvent): LogEvent {
  const payload: unknown = stored.payload === null ? null : JSON.parse(stored.payload);
  return { ...decodeEnvelope(place, stored), payload } as LogEvent;
}
