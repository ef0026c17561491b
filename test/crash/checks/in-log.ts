/** The log itself, read from the stopped server's file: fences, placements, reservations, the chain of digests (L2, L3, L5, L6). */
import { DatabaseSync } from 'node:sqlite';
import { verifyChain, GENESIS } from '../../../packages/server/src/engine/chain.ts';
import type { SessionId, TenantId } from '../../../packages/server/src/kernel/ids.ts';
import { decodeEvent, type StoredEvent } from '../../../packages/server/src/log/codec.ts';
import type { LogEvent } from '../../../packages/server/src/log/events.ts';
import { sha256 } from '../../../packages/server/src/main/digest.ts';
import type { Ledger } from '../load/ledger.ts';
import type { Violations } from '../violations.ts';
import { checkFamilies } from './family-laws.ts';
import { checkAgents, type Logged } from './in-agent-log.ts';
import { checkPrograms } from './program-laws.ts';
import { checkReviews } from './review-laws.ts';
import { checkCalls, checkFences, LogCounts } from './session-laws.ts';
import { checkTools, readEffects, type ToolCounts } from './tool-laws.ts';

interface Row {
  readonly n: number;
  readonly id: string;
  readonly tenant: string;
  readonly open: number;
  readonly seq: number;
  readonly epoch: number;
}

export interface LogReport {
  readonly sessions: number;
  readonly events: number;
  /** Calls with a target, of stored turns and of stateless ones. */
  readonly placed: number;
  readonly placedStateless: number;
  /** Turns that a recovery took up: when it claimed, and when the turn's call was placed again (or its turn was failed), ms since 1970. */
  readonly resumed: readonly number[];
  readonly tools: ToolCounts;
}

export interface LogClaims {
  readonly ledger: Ledger;
  /** Requests that the upstream saw for stored turns. */
  readonly upstreamRequests: number;
  /** What the tools of the server did, a line each. */
  readonly effects: string;
}

/** Reads the whole file. The server must have stopped, with nothing left open. */
export function checkLog(
  file: string,
  { ledger, upstreamRequests, effects }: LogClaims,
  violations: Violations,
): LogReport {
  const db = new DatabaseSync(file, { readOnly: true });
  const counts = new LogCounts();
  const markers = new Map<string, number>(ledger.turns.map(turn => [turn.marker, 0]));
  const accepted = new Set<string>();
  const placedSessions = new Set<string>();
  const done = readEffects(effects);
  const agents = new Map<string, Logged>();
  const stateless = new Map<string, readonly LogEvent[]>();
  try {
    for (const problem of db.prepare('PRAGMA integrity_check').all())
      if (problem['integrity_check'] !== 'ok')
        violations.add('L2', 'the file is damaged', String(problem['integrity_check']));
    const sessions = db.prepare(
      'SELECT s.n, s.id, k.name AS tenant, s.open, s.seq, s.epoch FROM sessions s JOIN names k ON k.k = s.t ORDER BY s.n',
    );
    const eventsOf = db.prepare(
      `SELECT seq, epoch, at, k.name AS actor, code, version, head, payload, salt, p.digest AS payloadDigest, e.digest
         FROM events e JOIN names k ON k.k = actor LEFT JOIN payloads p ON p.e = e.e WHERE n = ? ORDER BY seq, e.e`,
    );
    for (const row of sessions.all() as unknown as Row[]) {
      const place = { tenant: row.tenant as TenantId, session: row.id as SessionId };
      const stored = eventsOf.all(row.n) as unknown as StoredEvent[];
      checkFences(violations, row, stored);
      const chain = verifyChain(place, stored, GENESIS, sha256);
      if (!chain.ok) violations.add('L2', 'the chain of digests is broken', `${row.id} at ${chain.seq}: ${chain.why}`);
      const events = stored.map(event => decodeEvent(place, event));
      const tools = checkTools(violations, row.id, events, done.get(row.id) ?? [], counts.tools);
      checkPrograms(violations, row.id, events, counts.tools);
      checkCalls(violations, row.id, events, counts, tools.waits);
      if (events[0]?.type === 'call.admitted') stateless.set(row.id, events);
      if (events.some(event => event.type === 'agent.configured')) agents.set(row.id, { events, tools });
      if (events.some(event => event.type === 'call.placed')) placedSessions.add(row.id);
      for (const event of events) countInput(event, markers, accepted);
      if (row.open === 1) violations.add('L5', 'something is left open', `${row.id} at ${row.seq}`);
    }
    const orphans = db
      .prepare('SELECT count(*) AS n FROM journal j JOIN sessions s ON s.n = j.n WHERE s.open = 0')
      .get();
    if (Number(orphans?.['n']) > 0) violations.add('L2', 'released steps outlive their turn', String(orphans?.['n']));
  } finally {
    db.close();
  }
  checkInputs(ledger, markers, accepted, violations);
  checkAgents(ledger.agents, agents, new Set(done.keys()), violations);
  checkFamilies(agents, violations, counts.tools);
  checkReviews(agents, stateless, violations, counts.tools);
  for (const call of ledger.stateless) {
    const session = call.placement === null ? null : `sess_${call.placement.slice(4, -2)}`;
    if (call.bytes > 0 && (session === null || !placedSessions.has(session)))
      violations.add(
        'L5',
        'bytes of an answer without a placement in the log',
        `${call.client} ${call.placement ?? 'no placement named'}`,
      );
  }
  if (upstreamRequests > counts.placed)
    violations.add('L5', 'the upstream saw more calls than were placed', `${upstreamRequests} > ${counts.placed}`);
  return counts.report();
}

function countInput(event: LogEvent, markers: Map<string, number>, accepted: Set<string>): void {
  if (event.type !== 'input.accepted') return;
  accepted.add(event.head.response);
  for (const [word] of JSON.stringify(event.payload).matchAll(/\b[a-z2-9]{12}\b/g)) {
    const seen = markers.get(word);
    if (seen !== undefined) markers.set(word, seen + 1);
  }
}

function checkInputs(
  ledger: Ledger,
  markers: ReadonlyMap<string, number>,
  accepted: ReadonlySet<string>,
  violations: Violations,
): void {
  for (const turn of ledger.turns) {
    if (turn.id !== null && !accepted.has(turn.id))
      violations.add('L2', 'an acknowledged input is not in the log', `${turn.client} ${turn.id}`);
    // An answer to a call names the ticket of the request before it, which has a record of its own.
    if (turn.input.some(text => text.startsWith('filed under') || text.includes('file_note'))) continue;
    const times = markers.get(turn.marker) ?? 0;
    if (times > 1 || (turn.id !== null && times === 0))
      violations.add(
        'L2',
        'an input is in the log more or less than once',
        `${turn.client} ${turn.id ?? '-'}: ${times} times`,
      );
  }
}
