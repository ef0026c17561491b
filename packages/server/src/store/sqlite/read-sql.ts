/** Everything that is only read. Every query that a tenant's request can reach names the tenant (L10). */
import type { DatabaseSync } from 'node:sqlite';
import type { PlacementRow } from '../../engine/ports.ts';
import type { ResponseId, SessionId, TenantId } from '../../kernel/ids.ts';
import type { StoredEvent } from '../../log/codec.ts';
import type { ResponseRow, RunRow, SessionRow } from '../../log/rows.ts';
import { groupOutbox } from '../group-outbox.ts';
import type { HeadRow } from '../home-store.ts';
import type { FileReads } from './file-sql.ts';
import type { ResourceReads } from './resource-sql.ts';
import { bytesOrNull, numberOrNull, one, type Row, textOrNull } from './columns.ts';
import type { Handlers, ReaderOps } from './messages.ts';
import type { PlacementReads } from './placement-sql.ts';
import { parseDeleted } from './project-sql.ts';
import { DELETED, RESPONSE_STATUSES, SESSION_KINDS } from './schema.ts';

export type LogReads = Handlers<
  Omit<
    ReaderOps,
    | keyof PlacementReads
    | keyof FileReads
    | keyof ResourceReads
    | 'keys'
    | 'keyByHash'
    | 'records'
    | 'audit'
    | 'auditPosition'
    | 'check'
    | 'close'
  >
>;

/** Events that one read of heads looks at. */
const HEADS_STRETCH = 10_000;
const OF_TENANT = 't = (SELECT k FROM names WHERE name = ?)';
const SESSION = `SELECT s.*, (SELECT name FROM names WHERE k = s.t) AS tenant FROM sessions s`;
const FORKS = `
WITH RECURSIVE
  me AS (SELECT n FROM sessions WHERE id = ? AND ${OF_TENANT}),
  -- A fork that has ended still needs what it shares while something that was forked from it lives.
  reach (root, child) AS (
    SELECT child, child FROM forks WHERE n = (SELECT n FROM me)
    UNION
    SELECT reach.root, forks.child FROM reach
      JOIN sessions ON sessions.id = reach.child AND sessions.ended = 1
      JOIN forks ON forks.n = sessions.n
  )
SELECT child, upto FROM forks WHERE n = (SELECT n FROM me) AND child IN (
  SELECT root FROM reach WHERE NOT EXISTS (SELECT 1 FROM sessions WHERE id = reach.child AND ended = 1)
) ORDER BY child`;

export function makeLogReads(db: DatabaseSync): LogReads {
  const session = db.prepare(`${SESSION} WHERE s.id = ? AND s.${OF_TENANT}`);
  const findSession = db.prepare(`SELECT n FROM sessions WHERE id = ? AND ${OF_TENANT}`);
  const events = db.prepare(
    `SELECT seq, epoch, at, name, code, version, e.digest, head, payload, salt, p.digest AS payload_digest
      FROM events e JOIN names ON k = actor LEFT JOIN payloads p ON p.e = e.e
      WHERE n = ? AND seq BETWEEN ? AND ? ORDER BY seq LIMIT ?`,
  );
  const response = db.prepare(
    `SELECT r.*, s.id AS session FROM responses r JOIN sessions s ON s.n = r.n WHERE r.id = ? AND (r.status <> ${DELETED} OR ?) AND s.${OF_TENANT}`,
  );
  // The run at or before `from` may reach into the stretch; those after it are found by their position.
  const runs = (order: string): string => `
    SELECT position, count, seq, deleted FROM runs
    WHERE n = ?1 AND position <= ?3 AND position + count > ?2
      AND position >= ifnull((SELECT max(position) FROM runs WHERE n = ?1 AND position <= ?2), 0)
    ORDER BY position ${order} LIMIT ?4`;
  const runsAsc = db.prepare(runs('ASC'));
  const runsDesc = db.prepare(runs('DESC'));
  const runByBase = db.prepare(
    `SELECT r.position, r.count, r.seq, r.deleted, s.id AS session FROM runs r JOIN sessions s ON s.n = r.n WHERE r.base = ? AND s.${OF_TENANT} ORDER BY s.n, r.position LIMIT 1`,
  );
  const placements = (sign: string, order: string): string => `
    SELECT s.id AS session, e.seq, p.at FROM placements p JOIN events e ON e.e = p.e JOIN sessions s ON s.n = e.n
    WHERE p.t = (SELECT k FROM names WHERE name = ?) AND p.e ${sign} ? ORDER BY p.e ${order} LIMIT ?`;
  const placementsAsc = db.prepare(placements('>', 'ASC'));
  const placementsDesc = db.prepare(placements('<', 'DESC'));
  const placement = db.prepare(`
    SELECT p.e FROM placements p WHERE p.t = (SELECT k FROM names WHERE name = ?1) AND p.e = (
      SELECT e FROM events WHERE seq = ?3 AND n = (SELECT n FROM sessions WHERE id = ?2 AND t = (SELECT k FROM names WHERE name = ?1)))`);
  // From one tenant to the next by the key's own tree: as many steps as tenants.
  const tenants = db.prepare(`
    WITH RECURSIVE own (t) AS (
      SELECT min(t) FROM placements
      UNION ALL SELECT (SELECT min(t) FROM placements WHERE t > own.t) FROM own WHERE own.t IS NOT NULL
    ) SELECT name FROM own JOIN names ON k = own.t ORDER BY name`);
  const responsesOf = (deleted: string): string =>
    `SELECT r.*, ?1 AS session FROM responses r WHERE r.n = ?2 AND r.status ${deleted} ${DELETED} AND r.from_seq > ?3 ORDER BY r.from_seq LIMIT ?4`;
  const livingOf = db.prepare(responsesOf('<>'));
  const deletedOf = db.prepare(responsesOf('='));
  const begunBefore = db.prepare(
    `SELECT r.*, s.id AS session FROM responses r JOIN sessions s ON s.n = r.n
      WHERE r.t = (SELECT k FROM names WHERE name = ?) AND r.status <> ${DELETED} AND r.at < ? AND r.to_seq > 0
      AND s.kind <> ${SESSION_KINDS.indexOf('agent')} ORDER BY r.at LIMIT ?`,
  );
  const unerased = db.prepare(
    `${SESSION} JOIN erasures u ON u.n = s.n WHERE u.n > ifnull((SELECT n FROM sessions WHERE id = ?), 0) ORDER BY u.n LIMIT ?`,
  );
  const kept = db.prepare('SELECT max(position) AS position, max(to_seq) AS seq FROM responses WHERE n = ?');
  const forks = db.prepare(FORKS);
  const open = db.prepare(`${SESSION} WHERE s.open = 1 AND s.id > ? ORDER BY s.id LIMIT ?`);
  const living = db.prepare(
    `${SESSION} WHERE s.id > ? AND s.ended = 0 AND s.kind <> ${SESSION_KINDS.indexOf('stateless')} ORDER BY s.id LIMIT ?`,
  );
  const due = db.prepare(`${SESSION} WHERE s.wake_at <= ? ORDER BY s.wake_at LIMIT ?`);
  const document = db.prepare('SELECT body FROM documents WHERE digest = ?');
  const lease = db.prepare('SELECT until, ttl_ms FROM leases WHERE owner = ?');
  const outbox = db.prepare(`
    SELECT e.e, e.seq, s.id AS session, k.name AS tenant FROM events e JOIN sessions s ON s.n = e.n JOIN names k ON k.k = s.t
    WHERE e.e > max(?, ifnull((SELECT value FROM meta WHERE key = 'outbox_done'), 0)) ORDER BY e.e LIMIT ?`);
  const lastEvent = db.prepare('SELECT ifnull(max(e), 0) AS e FROM events');
  // By the table's own order, a stretch at a time: few events are looked for among many.
  const heads = db.prepare(`
    SELECT e.e, e.seq, e.at, a.name AS actor, e.code, e.version, e.head, s.id AS session, s.kind, t.name AS tenant
    FROM events e JOIN sessions s ON s.n = e.n JOIN names t ON t.k = s.t JOIN names a ON a.k = e.actor
    WHERE e.e > ?1 AND e.e <= ?2 AND e.code IN (SELECT value FROM json_each(?3)) ORDER BY e.e LIMIT ?4`);

  return {
    heads({ codes, after, limit }) {
      const end = Math.min(after + HEADS_STRETCH, Number(lastEvent.get()?.['e']));
      const rows = heads.all(after, end, JSON.stringify(codes), limit).map(headRow);
      const last = rows.at(-1);
      return { rows, to: last !== undefined && rows.length === limit ? last.position : Math.max(after, end) };
    },
    session: ({ tenant, session: id }) => one(session.get(id, tenant), sessionRow),
    events({ tenant, session: id, from, to, limit }) {
      const n = findSession.get(id, tenant)?.['n'];
      if (n === undefined) return [];
      return events.all(n, from, to ?? Number.MAX_SAFE_INTEGER, limit).map(storedEvent);
    },
    response: ({ tenant, id, deleted }) => one(response.get(id, deleted ? 1 : 0, tenant), responseRow),
    runs({ tenant, session: id, from, to, order, limit }) {
      const n = findSession.get(id, tenant)?.['n'];
      if (n === undefined) return [];
      return (order === 'asc' ? runsAsc : runsDesc).all(n, from, to, limit).map(row => runRow({ ...row, session: id }));
    },
    runByBase: ({ tenant, base }) => one(runByBase.get(base, tenant), runRow),
    placements({ tenant, order, limit, after }) {
      let start = order === 'asc' ? 0 : Number.MAX_SAFE_INTEGER;
      if (after !== undefined) {
        const e = placement.get(tenant, after.session, after.seq)?.['e'];
        if (e === undefined) return [];
        start = Number(e);
      }
      return (order === 'asc' ? placementsAsc : placementsDesc).all(tenant, start, limit).map(placementRow);
    },
    tenants: () => tenants.all().map(row => String(row['name']) as TenantId),
    retained({ tenant, session: id }) {
      const n = findSession.get(id, tenant)?.['n'];
      if (n === undefined) return { position: 0, seq: 0, forks: [] };
      const living = forks
        .all(id, tenant)
        .map(row => ({ child: String(row['child']) as SessionId, to: Number(row['upto']) }));
      const needed = kept.get(n);
      const position = living.reduce(
        (most, { to }) => Math.max(most, to),
        Math.max(0, Number(needed?.['position'] ?? 0)),
      );
      return { position, seq: Math.max(0, Number(needed?.['seq'] ?? 0)), forks: living };
    },
    responsesOf({ tenant, session: id, after, limit, deleted }) {
      const n = findSession.get(id, tenant)?.['n'];
      return n === undefined ? [] : (deleted ? deletedOf : livingOf).all(id, n, after, limit).map(responseRow);
    },
    begunBefore: ({ tenant, before, limit }) => begunBefore.all(tenant, before, limit).map(responseRow),
    unerased: ({ after, limit }) => unerased.all(after ?? '', limit).map(sessionRow),
    open: ({ after, limit }) => open.all(after ?? '', limit).map(sessionRow),
    living: ({ after, limit }) => living.all(after ?? '', limit).map(sessionRow),
    due: ({ now, limit }) => due.all(now, limit).map(sessionRow),
    document: digest => one(document.get(digest), row => String(row['body'])),
    lease: owner => one(lease.get(owner), row => ({ until: Number(row['until']), ttlMs: Number(row['ttl_ms']) })),
    outbox: ({ after, limit }) => groupOutbox(outbox.all(after, limit).map(outboxEvent)),
  };
}

const NOTHING: Uint8Array = new Uint8Array(0);

function sessionRow(row: Row): SessionRow {
  return {
    tenant: String(row['tenant']) as TenantId,
    session: String(row['id']) as SessionId,
    kind: SESSION_KINDS[Number(row['kind'])] ?? 'responses',
    seq: Number(row['seq']),
    epoch: Number(row['epoch']),
    owner: textOrNull(row['owner']),
    open: row['open'] === 1,
    ended: row['ended'] === 1,
    wakeAt: numberOrNull(row['wake_at']),
    createdAt: Number(row['created_at']),
    updatedAt: Number(row['updated_at']),
    state: textOrNull(row['state']),
    digest: bytesOrNull(row['digest']) ?? NOTHING,
  };
}

function storedEvent(row: Row): StoredEvent {
  return {
    seq: Number(row['seq']),
    epoch: Number(row['epoch']),
    at: Number(row['at']),
    actor: String(row['name']),
    code: Number(row['code']),
    version: Number(row['version']),
    head: String(row['head']),
    payload: textOrNull(row['payload']),
    salt: bytesOrNull(row['salt']),
    payloadDigest: bytesOrNull(row['payload_digest']),
    digest: bytesOrNull(row['digest']) ?? NOTHING,
  };
}

function responseRow(row: Row): ResponseRow {
  const status = RESPONSE_STATUSES[Number(row['status'])];
  return {
    id: String(row['id']) as ResponseId,
    session: String(row['session']) as SessionId,
    status: status === undefined || status === 'deleted' ? 'failed' : status,
    fromSeq: Number(row['from_seq']),
    toSeq: Math.abs(Number(row['to_seq'])),
    position: Math.abs(Number(row['position'])),
    createdAt: Number(row['at']),
  };
}

function runRow(row: Row): RunRow {
  return {
    session: String(row['session']) as SessionId,
    position: Number(row['position']),
    count: Number(row['count']),
    seq: Number(row['seq']),
    deleted: parseDeleted(row['deleted']),
  };
}

function placementRow(row: Row): PlacementRow {
  return { session: String(row['session']) as SessionId, seq: Number(row['seq']), at: Number(row['at']) };
}

function headRow(row: Row): HeadRow {
  return {
    position: Number(row['e']),
    tenant: String(row['tenant']) as TenantId,
    session: String(row['session']) as SessionId,
    kind: SESSION_KINDS[Number(row['kind'])] ?? 'responses',
    seq: Number(row['seq']),
    at: Number(row['at']),
    actor: String(row['actor']),
    code: Number(row['code']),
    version: Number(row['version']),
    head: String(row['head']),
  };
}

function outboxEvent(row: Row): Parameters<typeof groupOutbox>[0][number] {
  return {
    position: Number(row['e']),
    tenant: String(row['tenant']) as TenantId,
    session: String(row['session']) as SessionId,
    seq: Number(row['seq']),
  };
}
