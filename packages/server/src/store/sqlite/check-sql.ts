/**
 * What `perdure doctor` asks of a file: SQLite's own check, then what no constraint says. The chain of digests is verified by the engine.
 * Each query reads in a transaction of its own, so that the log can be folded in between.
 */
import type { DatabaseSync } from 'node:sqlite';

/** Findings that are listed; more would say nothing new. */
export const MAX_FINDINGS = 100;

const CHECKS: readonly (readonly [string, string])[] = [
  [
    'its log has gaps, or does not end where its row says',
    `SELECT s.id AS id FROM sessions s WHERE s.seq <> (SELECT count(*) FROM events WHERE n = s.n)
       OR s.seq <> (SELECT ifnull(max(seq), 0) FROM events WHERE n = s.n)`,
  ],
  [
    'its row has not the digest and epoch of its last event',
    'SELECT s.id AS id FROM sessions s JOIN events e ON e.n = s.n AND e.seq = s.seq WHERE e.digest <> s.digest OR e.epoch <> s.epoch',
  ],
  [
    'it has events, but no row',
    'SELECT DISTINCT e.n AS id FROM events e WHERE NOT EXISTS (SELECT 1 FROM sessions WHERE n = e.n)',
  ],
  [
    'a payload is there without its digest, or without its salt',
    'SELECT e AS id FROM payloads WHERE payload IS NOT NULL AND (digest IS NULL OR salt IS NULL)',
  ],
  [
    'a payload is of no event',
    'SELECT p.e AS id FROM payloads p WHERE NOT EXISTS (SELECT 1 FROM events WHERE e = p.e)',
  ],
  [
    'a run of items points at no event',
    'SELECT r.n AS id FROM runs r WHERE NOT EXISTS (SELECT 1 FROM events WHERE n = r.n AND seq = r.seq)',
  ],
  [
    'two runs of items overlap',
    `SELECT a.n AS id FROM runs a WHERE a.position + a.count > (SELECT min(position) FROM runs WHERE n = a.n AND position > a.position)`,
  ],
  [
    'a response points at no event',
    'SELECT r.id AS id FROM responses r WHERE NOT EXISTS (SELECT 1 FROM events WHERE n = r.n AND seq = r.from_seq) OR (r.to_seq > 0 AND NOT EXISTS (SELECT 1 FROM events WHERE n = r.n AND seq = r.to_seq))',
  ],
  [
    'a placement points at no event',
    'SELECT p.e AS id FROM placements p WHERE NOT EXISTS (SELECT 1 FROM events WHERE e = p.e)',
  ],
  [
    'released steps are of no session',
    'SELECT j.j AS id FROM journal j WHERE NOT EXISTS (SELECT 1 FROM sessions WHERE n = j.n)',
  ],
];

/** Empty if all is well. */
export function check(db: DatabaseSync): readonly string[] {
  const findings: string[] = [];
  const found = (finding: string): void => void (findings.length < MAX_FINDINGS && findings.push(finding));
  for (const row of db.prepare(`PRAGMA integrity_check(${MAX_FINDINGS})`).all()) {
    const said = String(row['integrity_check']);
    if (said !== 'ok') found(`SQLite: ${said}`);
  }
  // In a damaged file the other queries may fail; SQLite's findings say why.
  if (findings.length > 0) return findings;
  for (const [what, sql] of CHECKS) {
    for (const row of db.prepare(`${sql} LIMIT ${MAX_FINDINGS}`).all()) found(`${String(row['id'])}: ${what}`);
  }
  return findings;
}
