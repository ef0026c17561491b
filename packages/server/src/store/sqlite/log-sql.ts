/** Appends, releases, and what is read of the journal: the writer's side of the session log. */
import type { DatabaseSync } from 'node:sqlite';
import type { AppendResult, JournalRow } from '../../engine/ports.ts';
import type { SessionRow } from '../../log/rows.ts';
import { fence } from '../fence.ts';
import { point } from './kill-point.ts';
import {
  type ChangeOps,
  type Handlers,
  HAS_PAYLOAD_DIGEST,
  HAS_SALT,
  type UnpackedAppend,
  unpackAppend,
  type WriterAsides,
} from './messages.ts';
import { makeProjector } from './project-sql.ts';
import { SESSION_KINDS } from './schema.ts';
import type { KnownSession, WriterMemory } from './writer-memory.ts';

export type LogHandlers = Handlers<
  Pick<ChangeOps, 'append' | 'release' | 'reproject' | 'putDocument' | 'renew' | 'outboxTrim'> &
    Pick<WriterAsides, 'journal'>
>;

/** Leases that ended longer ago than this, ms, are swept. */
const LEASE_MEMORY_MS = 86_400_000;

/** Told of what leaves traces in the file. */
export interface Traces {
  erased(): void;
  /** Rows of the journal were deleted. */
  stirred(): void;
}

export function makeLogHandlers(db: DatabaseSync, memory: WriterMemory, traces: Traces): LogHandlers {
  const projector = makeProjector(db);
  const addSession = db.prepare(
    'INSERT INTO sessions (id, t, kind, seq, epoch, open, ended, wake_at, created_at, updated_at, owner, digest, state) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)',
  );
  // Two updates: the first leaves the columns of the partial indexes alone, so that their pages stay clean.
  const moveSession = db.prepare(
    'UPDATE sessions SET seq = ?, epoch = ?, updated_at = ?, owner = ?, digest = ?, state = ? WHERE n = ?',
  );
  const turnSession = db.prepare(
    'UPDATE sessions SET seq = ?, epoch = ?, updated_at = ?, owner = ?, digest = ?, state = ?, open = ?, ended = ?, wake_at = ? WHERE n = ?',
  );
  const addEvent = db.prepare(
    'INSERT INTO events (n, seq, epoch, at, actor, code, version, digest, head) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)',
  );
  const addPayload = db.prepare('INSERT INTO payloads (e, digest, salt, payload) VALUES (?, ?, ?, ?)');
  const addSteps = db.prepare('INSERT INTO journal (n, epoch, call, steps) VALUES (?, ?, ?, ?)');
  const getSteps = db.prepare('SELECT call, steps FROM journal WHERE j = ?');
  const dropSteps = db.prepare('DELETE FROM journal WHERE j = ?');
  const putDocument = db.prepare('INSERT OR IGNORE INTO documents (digest, body) VALUES (?, ?)');
  const renew = db.prepare('INSERT OR REPLACE INTO leases (owner, until, ttl_ms) VALUES (?, ?, ?)');
  const sweepLeases = db.prepare('DELETE FROM leases WHERE until < ?');
  const trim = db.prepare(
    "INSERT INTO meta (key, value) VALUES ('outbox_done', ?1) ON CONFLICT (key) DO UPDATE SET value = max(value, ?1)",
  );

  /** Writes the session's row and says where it stands now. */
  function writeRow(known: KnownSession | null, t: number, row: SessionRow): KnownSession {
    const { seq, epoch, open, ended, wakeAt, updatedAt, owner, digest, state } = row;
    let n = known?.n ?? 0;
    if (known === null) {
      const kind = SESSION_KINDS.indexOf(row.kind);
      n = Number(
        addSession.run(
          row.session,
          t,
          kind,
          seq,
          epoch,
          Number(open),
          Number(ended),
          wakeAt,
          row.createdAt,
          updatedAt,
          owner,
          digest,
          state,
        ).lastInsertRowid,
      );
    } else if (known.open === open && known.ended === ended && known.wakeAt === wakeAt) {
      moveSession.run(seq, epoch, updatedAt, owner, digest, state, n);
    } else {
      turnSession.run(seq, epoch, updatedAt, owner, digest, state, Number(open), Number(ended), wakeAt, n);
    }
    return { n, t, seq, epoch, open, ended, wakeAt };
  }

  /** @returns where the last of them lies */
  function writeEvents(n: number, { events, bytes }: UnpackedAppend): number {
    let last = 0;
    for (const [seq, epoch, at, actor, code, version, head, payload, flags] of events) {
      const digest = bytes.digest();
      const payloadDigest = (flags & HAS_PAYLOAD_DIGEST) === 0 ? null : bytes.digest();
      const salt = (flags & HAS_SALT) === 0 ? null : bytes.salt();
      last = Number(addEvent.run(n, seq, epoch, at, memory.name(actor), code, version, digest, head).lastInsertRowid);
      if (flags !== 0) addPayload.run(last, payloadDigest, salt, payload);
    }
    return last;
  }

  return {
    append(wire): AppendResult {
      const append = unpackAppend(wire);
      const known = memory.session(append.session);
      const t = memory.name(append.tenant);
      const passed = fence(known === null || known.t === t ? known : 'foreign', append);
      if (passed !== 'passed') return { ok: false, reason: passed };
      const after = writeRow(known, t, append.row);
      const last = writeEvents(after.n, append);
      // Row numbers of one transaction have no gaps: each is one more than the highest.
      const first = { seq: append.expectedSeq + 1, e: last - append.events.length + 1 };
      point('writer.after-insert');
      const place = { n: after.n, t, id: append.session };
      for (const change of append.changes) {
        if (!projector.apply(place, change, first)) return { ok: false, reason: 'response_exists' };
        if (change.type === 'payloads_erased') traces.erased();
      }
      if (append.prune) {
        for (const j of memory.steps(after.n)) dropSteps.run(j);
        memory.stepsGone(after.n);
        traces.stirred();
      }
      memory.moved(append.session, after);
      return { ok: true };
    },

    release({ tenant, session, epoch, call, steps }) {
      const known = memory.session(session);
      if (known === null || known.epoch !== epoch || known.t !== memory.knownName(tenant)) return false;
      memory.stepAdded(known.n, Number(addSteps.run(known.n, epoch, call, steps).lastInsertRowid));
      return true;
    },

    reproject({ tenant, session, changes, row }) {
      const known = memory.session(session);
      if (known === null || known.t !== memory.knownName(tenant) || known.seq !== row.seq) return false;
      const place = { n: known.n, t: known.t, id: session };
      projector.drop(place);
      for (const change of changes) if (change.type !== 'payloads_erased') projector.apply(place, change);
      memory.moved(session, writeRow(known, known.t, row));
      return true;
    },

    putDocument({ digest, body }) {
      putDocument.run(digest, body);
      return null;
    },

    renew({ owner, until, ttlMs }) {
      sweepLeases.run(until - ttlMs - LEASE_MEMORY_MS);
      renew.run(owner, until, ttlMs);
      return null;
    },

    outboxTrim(upTo) {
      trim.run(upTo);
      return null;
    },

    journal({ tenant, session }) {
      const known = memory.session(session);
      if (known === null || known.t !== memory.knownName(tenant)) return [];
      const rows: JournalRow[] = [];
      for (const j of memory.steps(known.n)) {
        const row = getSteps.get(j);
        if (row !== undefined) rows.push({ call: Number(row['call']), steps: String(row['steps']) });
      }
      return rows;
    },
  };
}
