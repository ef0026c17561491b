/** Resources of a memory store. */
import type { AuditEntry } from '../../engine/control-records.ts';
import type { ResourceChange, ResourceQuery, ResourceRow, Resources } from '../../engine/resources.ts';
import { checkChanges, checkLimit } from '../bounds.ts';
import type { MemoryData } from './memory-data.ts';

export function resourcesOf(
  data: MemoryData,
  answer: <T>(work: () => T) => Promise<T>,
  note: (entry: AuditEntry) => void,
): Resources {
  const rows = (kind: ResourceRow['kind']): ResourceRow[] =>
    [...data.resources.values()].filter(row => row.kind === kind).toSorted((a, b) => (a.id < b.id ? -1 : 1));
  const ofQuery = ({ kind, tenant, parent }: Pick<ResourceQuery, 'kind' | 'tenant' | 'parent'>): ResourceRow[] =>
    rows(kind).filter(row => row.tenant === tenant && (parent === undefined || row.parent === parent));
  return {
    resource: (kind, tenant, id) =>
      answer(() => rows(kind).find(row => row.id === id && row.tenant === tenant) ?? null),
    resources: query =>
      answer(() => {
        checkLimit(query.limit);
        const { order, after, limit } = query;
        const found = ofQuery(query).filter(({ id }) => after === null || (order === 'asc' ? id > after : id < after));
        return (order === 'asc' ? found : found.toReversed()).slice(0, limit);
      }),
    countResources: query => answer(() => ofQuery(query).length),
    dueResources: (kind, now, limit) =>
      answer(() => {
        checkLimit(limit);
        const due = rows(kind).filter(({ wakeAt }) => (wakeAt ?? Infinity) <= now);
        return due.toSorted((a, b) => (a.wakeAt ?? 0) - (b.wakeAt ?? 0)).slice(0, limit);
      }),
    changeResources: (changes, entry) =>
      answer(() => {
        checkChanges(changes, entry);
        if (!changes.every(one => follows(one, data.resources.get(one.op === 'put' ? one.row.id : one.id))))
          return false;
        for (const one of changes) {
          if (one.op === 'put') data.resources.set(one.row.id, structuredClone(one.row));
          else data.resources.delete(one.id);
        }
        if (entry !== null) note(entry);
        return true;
      }),
  };
}

function follows(change: ResourceChange, held: ResourceRow | undefined): boolean {
  if (change.op === 'put' && change.row.version === 1) return held === undefined;
  if (held === undefined) return false;
  const { kind, tenant, version } = change.op === 'put' ? change.row : change;
  if (held.kind !== kind || held.tenant !== tenant) return false;
  if (change.op === 'remove') return held.version === version;
  const { parent, createdAt } = change.row;
  return held.version === version - 1 && held.parent === parent && held.createdAt === createdAt;
}
