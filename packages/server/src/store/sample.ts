/** Appends to try a store with. Their digests are not a true chain: a store does not look into them. */
import { createHash, randomBytes } from 'node:crypto';
import type { AuditEntry } from '../engine/control-records.ts';
import type { Append } from '../engine/ports.ts';
import type { ResponseId, SessionId, TenantId } from '../kernel/ids.ts';
import type { StoredEvent } from '../log/codec.ts';
import type { ProjectionChange, SessionRow } from '../log/rows.ts';

export const ACME: TenantId = 'acme' as TenantId;
export const RIVAL: TenantId = 'rival' as TenantId;
/** 20 March 2026, noon. */
export const NOON = 1_774_008_000_000;

export function sessionNamed(name: string): SessionId {
  return `sess_${name}` as SessionId;
}

export function responseNamed(name: string): ResponseId {
  return `resp_${name}` as ResponseId;
}

/** An event whose payload is `content`; without any if null. */
function sampleEvent(seq: number, epoch: number, content: string | null = `event ${seq}`): StoredEvent {
  const payload = content === null ? null : JSON.stringify({ content });
  const salt = payload === null ? null : new Uint8Array(randomBytes(16));
  return {
    seq,
    epoch,
    at: NOON + seq,
    actor: seq % 2 === 0 ? 'engine' : 'key:test',
    code: 6,
    version: 1,
    head: JSON.stringify({ seq, umlaut: 'ä€\u{1f600}' }),
    payload,
    salt,
    payloadDigest:
      payload === null || salt === null
        ? null
        : new Uint8Array(createHash('sha256').update(salt).update(payload).digest()),
    digest: new Uint8Array(createHash('sha256').update(`${seq} ${epoch} ${content}`).digest()),
  };
}

/** A session as a writer sees it: where it believes the log to end. */
export interface SampleSession {
  readonly tenant: TenantId;
  readonly session: SessionId;
  seq: number;
  epoch: number;
}

export function sampleSession(name: string, tenant: TenantId = ACME): SampleSession {
  return { tenant, session: sessionNamed(name), seq: 0, epoch: 0 };
}

/** The next append, of an event for each content. The session moves on when `took` is called. */
export function nextAppend(
  at: SampleSession,
  contents: readonly (string | null)[],
  changes: readonly ProjectionChange[] = [],
  row: Partial<SessionRow> = {},
): Append {
  const { tenant, session, seq, epoch: expectedEpoch } = at;
  const epoch = row.epoch ?? Math.max(expectedEpoch, 1);
  const events = contents.map((content, i) => sampleEvent(seq + 1 + i, epoch, content));
  const base: SessionRow = {
    tenant,
    session,
    kind: 'responses',
    seq: seq + events.length,
    epoch,
    owner: 'proc_1',
    open: false,
    ended: false,
    wakeAt: null,
    createdAt: NOON,
    updatedAt: NOON + seq,
    state: JSON.stringify({ seq: seq + events.length }),
    digest: events.at(-1)?.digest ?? new Uint8Array(32),
  };
  return { tenant, session, expectedSeq: seq, expectedEpoch, events, changes, row: { ...base, ...row }, prune: false };
}

/** Says that the append won. */
export function took(session: SampleSession, append: Append): void {
  session.seq = append.row.seq;
  session.epoch = append.row.epoch;
}

/** An audit entry of something; its digest is not a true one. */
export function entryOf(subject: string, action = 'sample.changed'): AuditEntry {
  return { at: NOON, actor: 'key:test', action, subject, tenant: null, body: '{"umlaut":"ä"}', digest: 'd'.repeat(64) };
}
