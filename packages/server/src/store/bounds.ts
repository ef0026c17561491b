/**
 * The bounds of the port, alike for every store. They are checked before a store sees the request, so that no store can be brought to
 * keep what another could not read.
 */
import { MAX_RESOURCE_CHANGES, MAX_RESOURCE_CHARS, RESOURCE_KINDS, type ResourceChange } from '../engine/resources.ts';
import { type AuditEntry, CONTROL_KINDS, type ControlRecord } from '../engine/control-records.ts';
import { type Append, type EventRange, MAX_EVENTS_READ, type Release, type RunRange } from '../engine/ports.ts';
import type { StoredEvent } from '../log/codec.ts';
import { StoreMisuse } from './store-error.ts';

/** Events of one append. */
export const MAX_APPEND_EVENTS = 256;
/** Characters of heads and payloads in one append: 32 Mi. The wire's own bounds are far below. */
export const MAX_APPEND_CHARS: number = 32 * 1024 * 1024;
/** Characters of one release's steps: 4 Mi. */
export const MAX_RELEASE_CHARS: number = 4 * 1024 * 1024;
/** The highest seq and epoch: 31 bits, which every store's plain integer holds. */
export const MAX_SEQ: number = 2 ** 31 - 1;
/** Rows that one read may ask for. */
export const MAX_ROWS_READ: number = MAX_EVENTS_READ;
/** A lease's longest life, ms: an hour. */
export const MAX_LEASE_MS = 3_600_000;

/** Characters of a record, and of an audit entry: 256 Ki. What is larger is a document, and named by its digest. */
export const MAX_RECORD_CHARS: number = 256 * 1024;

const DIGEST_BYTES = 32;
const SALT_BYTES = 16;

/** @throws StoreMisuse if the append contradicts itself or a bound */
export function checkAppend(append: Append): void {
  const { events, row, expectedSeq, expectedEpoch } = append;
  requireInteger('expectedSeq', expectedSeq, 0, MAX_SEQ);
  requireInteger('expectedEpoch', expectedEpoch, 0, MAX_SEQ);
  if (events.length < 1 || events.length > MAX_APPEND_EVENTS) {
    throw new StoreMisuse(`an append holds 1 to ${MAX_APPEND_EVENTS} events, not ${events.length}`);
  }
  let chars = row.state?.length ?? 0;
  let epoch = expectedEpoch;
  for (const [i, event] of events.entries()) {
    if (event.seq !== expectedSeq + 1 + i)
      throw new StoreMisuse(`event ${event.seq} is out of order after ${expectedSeq + i}`);
    requireInteger('epoch', event.epoch, Math.max(epoch, 1), MAX_SEQ);
    epoch = event.epoch;
    checkBytes(event);
    chars += event.head.length + (event.payload?.length ?? 0);
  }
  requireInteger('seq', expectedSeq + events.length, 1, MAX_SEQ);
  if (chars > MAX_APPEND_CHARS)
    throw new StoreMisuse(`an append holds at most ${MAX_APPEND_CHARS} characters, not ${chars}`);
  if (row.tenant !== append.tenant || row.session !== append.session)
    throw new StoreMisuse('the row is of another session');
  if (row.seq !== expectedSeq + events.length || row.epoch !== epoch)
    throw new StoreMisuse('the row does not stand at the last event');
  if (row.digest.length !== DIGEST_BYTES) throw new StoreMisuse('the digest of a row has 32 bytes');
}

function checkBytes(event: StoredEvent): void {
  const { digest, payloadDigest, salt, payload } = event;
  if (digest.length !== DIGEST_BYTES || (payloadDigest !== null && payloadDigest.length !== DIGEST_BYTES)) {
    throw new StoreMisuse('a digest has 32 bytes');
  }
  if (salt !== null && salt.length !== SALT_BYTES) throw new StoreMisuse('a salt has 16 bytes');
  if ((payload === null) !== (salt === null)) throw new StoreMisuse('a payload and its salt live and die together');
}

/** @throws StoreMisuse */
export function checkRelease(release: Release): void {
  if (release.steps.length > MAX_RELEASE_CHARS) {
    throw new StoreMisuse(`a release holds at most ${MAX_RELEASE_CHARS} characters, not ${release.steps.length}`);
  }
}

/** @throws StoreMisuse */
export function checkRecord(record: ControlRecord, entry: AuditEntry): void {
  if (!CONTROL_KINDS.includes(record.kind)) throw new StoreMisuse(`there is no kind of record ${record.kind}`);
  requireInteger('version', record.version, 1, MAX_SEQ);
  for (const { body } of [record, entry]) {
    if (body.length > MAX_RECORD_CHARS)
      throw new StoreMisuse(`a record holds at most ${MAX_RECORD_CHARS} characters, not ${body.length}`);
  }
  if (entry.subject !== record.id) throw new StoreMisuse('the audit entry is of another record');
}

/** @throws StoreMisuse */
export function checkChanges(changes: readonly ResourceChange[], entry: AuditEntry | null): void {
  requireInteger('changes', changes.length, 1, MAX_RESOURCE_CHANGES);
  if (new Set(changes.map(one => (one.op === 'put' ? one.row.id : one.id))).size < changes.length)
    throw new StoreMisuse('one resource is changed twice');
  for (const one of changes) {
    const { kind, version } = one.op === 'put' ? one.row : one;
    if (!RESOURCE_KINDS.includes(kind)) throw new StoreMisuse(`there is no kind of resource ${kind}`);
    requireInteger('version', version, 1, MAX_SEQ);
    if (one.op === 'put' && one.row.body.length > MAX_RESOURCE_CHARS)
      throw new StoreMisuse(`a resource holds at most ${MAX_RESOURCE_CHARS} characters, not ${one.row.body.length}`);
  }
  if (entry !== null && entry.body.length > MAX_RECORD_CHARS)
    throw new StoreMisuse(`an audit entry holds at most ${MAX_RECORD_CHARS} characters, not ${entry.body.length}`);
}

/** @throws StoreMisuse */
export function checkRange(range: Pick<EventRange | RunRange, 'from' | 'to' | 'limit'>): void {
  requireInteger('from', range.from, 0, Number.MAX_SAFE_INTEGER);
  if (range.to !== undefined) requireInteger('to', range.to, 0, Number.MAX_SAFE_INTEGER);
  checkLimit(range.limit);
}

/** @throws StoreMisuse */
export function checkLimit(limit: number): void {
  requireInteger('limit', limit, 1, MAX_ROWS_READ);
}

/** @throws StoreMisuse */
export function checkLease(ttlMs: number): void {
  requireInteger('ttlMs', ttlMs, 0, MAX_LEASE_MS);
}

function requireInteger(name: string, value: number, min: number, max: number): void {
  if (!Number.isInteger(value) || value < min || value > max)
    throw new StoreMisuse(`${name} is ${value}, not within ${min} to ${max}`);
}
