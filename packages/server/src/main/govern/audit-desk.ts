/** The audit as it is shown: filtered, with the names of keys and the leaves of the ledger. */
import type { AuditFilters, AuditPage, AuditQuery } from '@perdure/protocol';
import type { AuditRow, ControlRecords } from '../../engine/control-records.ts';
import type { ControlStore } from '../../engine/ports.ts';
import type { Viewer } from '../../http/perdure/govern-view.ts';
import type { Config } from '../config/config.ts';
import { actorOf } from './audit.ts';
import { auditResource } from './resources.ts';

/** By row, the number of its leaf in the control home's log; null if it is not sealed. */
export type AuditLeaves = (rows: readonly AuditRow[]) => Promise<readonly (number | null)[]>;

export interface AuditDeskDeps {
  readonly store: Pick<ControlRecords, 'audit'> & Pick<ControlStore, 'keys'>;
  readonly config: Pick<Config, 'keys'>;
  readonly leaves: AuditLeaves;
}

/** Rows of one read, and those that one request looks at: a filter that finds little must not hold the store for long. */
const BATCH = 500;
export const AUDIT_LOOKED_AT = 10_000;

export const NO_LEAVES: AuditLeaves = rows => Promise.resolve(rows.map(() => null));

/** What of the audit a viewer sees: of its own tenant, and of nobody's in particular (L10). */
export async function auditPage(deps: AuditDeskDeps, who: Viewer, query: AuditQuery): Promise<AuditPage> {
  const { rows, next } = await find(deps.store, who, query);
  const [names, leaves] = await Promise.all([namesFor(deps, who), deps.leaves(rows)]);
  return {
    object: 'list',
    data: rows.map((row, at) => auditResource(row, names.get(row.actor) ?? null, leaves[at] ?? null)),
    has_more: next !== null,
    next,
  };
}

interface Found {
  readonly rows: readonly AuditRow[];
  readonly next: number | null;
}

async function find(store: AuditDeskDeps['store'], who: Viewer, query: AuditQuery): Promise<Found> {
  const rows: AuditRow[] = [];
  const wanted = matcher(query);
  for (let after = query.after, looked = 0; ; ) {
    const batch = await store.audit(after, BATCH);
    for (const row of batch) {
      if ((who.all || row.tenant === null || row.tenant === who.tenant) && wanted(row)) {
        // That there is one more is known by having seen it.
        if (rows.length === query.limit) return { rows, next: rows.at(-1)?.position ?? null };
        rows.push(row);
      }
      after = row.position;
    }
    looked += batch.length;
    if (batch.length < BATCH) return { rows, next: null };
    if (looked >= AUDIT_LOOKED_AT) return { rows, next: after };
  }
}

function matcher({ kind, actor, subject, from, to }: AuditFilters): (row: AuditRow) => boolean {
  const [since, until] = [from, to].map(time => (time === undefined ? null : Date.parse(time)));
  const actors = actor === undefined ? null : [actor, actorOf(actor)];
  return row =>
    (kind === undefined || row.action === kind || row.action.startsWith(`${kind}.`)) &&
    (actors === null || actors.includes(row.actor)) &&
    (subject === undefined || row.subject === subject) &&
    (since == null || row.at >= since) &&
    (until == null || row.at < until);
}

/** By actor, the names of the keys that a viewer sees. */
async function namesFor({ store, config }: AuditDeskDeps, who: Viewer): Promise<ReadonlyMap<string, string>> {
  const configured = config.keys.map(({ name, tenant }) => ({ id: `config:${name}`, name, tenant }));
  const keys = [...configured, ...(await store.keys())];
  const seen = keys.filter(({ tenant }) => who.all || tenant === who.tenant);
  return new Map(seen.map(({ id, name }) => [actorOf(id), name]));
}
