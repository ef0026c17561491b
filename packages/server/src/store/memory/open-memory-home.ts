/** A store in memory, for unit tests: nothing is durable, everything else is as the port says. */
import type { HomeId, TenantId } from '../../kernel/ids.ts';
import type { ControlStore, IdempotencySlot } from '../../engine/ports.ts';
import type { AuditEntry } from '../../engine/control-records.ts';
import type { Clock } from '../../kernel/clock.ts';
import type { RunRow } from '../../log/rows.ts';
import { checkAppend, checkLease, checkLimit, checkRange, checkRecord, checkRelease } from '../bounds.ts';
import { groupOutbox } from '../group-outbox.ts';
import type { HomeStore } from '../home-store.ts';
import { LeaseBook } from '../lease-book.ts';
import { storeError } from '../store-error.ts';
import { appendTo, lives, reprojectIn } from './memory-append.ts';
import { filesOf } from './memory-files.ts';
import { headsIn } from './memory-heads.ts';
import { placementReads } from './memory-placements.ts';
import { resourcesOf } from './memory-resources.ts';
import { emptyMemoryData, type MemoryData, type MemorySession } from './memory-data.ts';

export interface MemoryHomeOptions {
  readonly home: HomeId;
  readonly clock: Clock;
  /** What an earlier handle left behind. */
  readonly data?: MemoryData;
}

export function openMemoryHome(options: MemoryHomeOptions): HomeStore {
  const data = options.data ?? emptyMemoryData();
  const leases = new LeaseBook(options.clock);
  let closed = false;

  /** Answers in a later microtask, as a real store would: a caller must not count on anything sooner. */
  async function answer<T>(work: () => T): Promise<T> {
    if (closed) throw storeError('store_unavailable', 'the store is closed');
    await Promise.resolve();
    return structuredClone(work());
  }

  function own(tenant: TenantId, session: string): MemorySession | null {
    const found = data.sessions.get(session as MemorySession['row']['session']);
    return found?.row.tenant === tenant ? found : null;
  }

  return {
    home: options.home,
    append: append => answer(() => (checkAppend(append), appendTo(data, structuredClone(append)))),
    release: release =>
      answer(() => {
        checkRelease(release);
        const session = own(release.tenant, release.session);
        if (session?.row.epoch !== release.epoch) return false;
        session.journal.push({ call: release.call, steps: release.steps });
        return true;
      }),
    session: (tenant, session) => answer(() => own(tenant, session)?.row ?? null),
    events: range =>
      answer(() => {
        checkRange(range);
        const events = own(range.tenant, range.session)?.events ?? [];
        return events.filter(({ seq }) => seq >= range.from && seq <= (range.to ?? Infinity)).slice(0, range.limit);
      }),
    response: (tenant, id, deleted) =>
      answer(() => {
        const found = data.responses.get(id);
        return found?.tenant === tenant && (!found.deleted || deleted !== undefined) ? found.row : null;
      }),
    runs: range =>
      answer(() => {
        checkRange(range);
        const runs = own(range.tenant, range.session)?.runs ?? [];
        const inside = runs.filter(run => run.position <= range.to && run.position + run.count > range.from);
        inside.sort((a, b) => (range.order === 'asc' ? a.position - b.position : b.position - a.position));
        return inside.slice(0, range.limit).map(withoutBase);
      }),
    runByBase: (tenant, base) =>
      answer(() => {
        for (const session of data.sessions.values()) {
          if (session.row.tenant !== tenant) continue;
          const found = session.runs.find(run => run.base === base);
          if (found !== undefined) return withoutBase(found);
        }
        return null;
      }),
    journal: (tenant, session) => answer(() => own(tenant, session)?.journal ?? []),
    placements: ({ tenant, order, limit, after }) =>
      answer(() => {
        checkLimit(limit);
        const mine = data.placements.filter(placed => placed.tenant === tenant);
        if (order === 'desc') mine.reverse();
        const start =
          after === undefined
            ? 0
            : mine.findIndex(({ session, seq }) => session === after.session && seq === after.seq) + 1;
        if (after !== undefined && start === 0) return [];
        return mine.slice(start, start + limit).map(({ session, seq, at }) => ({ session, seq, at }));
      }),
    tenants: () => answer(() => [...new Set(data.placements.map(({ tenant }) => tenant))].toSorted()),
    ...placementReads(data, answer),
    retained: (tenant, id) =>
      answer(() => {
        const session = own(tenant, id);
        const forks = [...(session?.forks ?? [])]
          .map(([child, to]) => ({ child, to }))
          .filter(({ child }) => lives(data, child));
        forks.sort((a, b) => (a.child < b.child ? -1 : 1));
        let position = forks.reduce((most, { to }) => Math.max(most, to), 0);
        let seq = 0;
        for (const { row, deleted } of data.responses.values()) {
          if (session === null || row.session !== id || deleted) continue;
          position = Math.max(position, row.position);
          seq = Math.max(seq, row.toSeq);
        }
        return { position, seq, forks };
      }),
    responsesOf: ({ tenant, session: id, after, limit, deleted }) =>
      answer(() => {
        checkLimit(limit);
        const rows = [...data.responses.values()]
          .filter(one => one.tenant === tenant && one.row.session === id && one.deleted === deleted)
          .map(({ row }) => row)
          .filter(row => row.fromSeq > after);
        return rows.sort((a, b) => a.fromSeq - b.fromSeq).slice(0, limit);
      }),
    begunBefore: ({ tenant, before, limit }) =>
      answer(() => {
        checkLimit(limit);
        const rows = [...data.responses.values()]
          .filter(one => one.tenant === tenant && !one.deleted)
          .map(({ row }) => row)
          .filter(row => row.createdAt < before && row.toSeq > 0)
          .filter(row => data.sessions.get(row.session)?.row.kind !== 'agent');
        return rows.sort((a, b) => a.createdAt - b.createdAt).slice(0, limit);
      }),
    unerased: (after, limit) =>
      answer(() => {
        checkLimit(limit);
        const all = [...data.sessions.values()];
        const start = after === null ? 0 : all.findIndex(({ row }) => row.session === after) + 1;
        return all
          .slice(start)
          .filter(one => one.unerased)
          .slice(0, limit)
          .map(({ row }) => row);
      }),
    open: (after, limit) =>
      answer(() => {
        checkLimit(limit);
        const rows = [...data.sessions.values()]
          .map(session => session.row)
          .filter(row => row.open && (after === null || row.session > after));
        return rows.sort((a, b) => (a.session < b.session ? -1 : 1)).slice(0, limit);
      }),
    living: (after, limit) =>
      answer(() => {
        checkLimit(limit);
        const rows = [...data.sessions.values()]
          .map(session => session.row)
          .filter(row => !row.ended && row.kind !== 'stateless' && (after === null || row.session > after));
        return rows.sort((a, b) => (a.session < b.session ? -1 : 1)).slice(0, limit);
      }),
    due: (now, limit) =>
      answer(() => {
        checkLimit(limit);
        const rows = [...data.sessions.values()]
          .map(session => session.row)
          .filter(row => (row.wakeAt ?? Infinity) <= now);
        return rows.sort((a, b) => (a.wakeAt ?? 0) - (b.wakeAt ?? 0)).slice(0, limit);
      }),
    putDocument: (digest, body) => answer(() => void (data.documents.has(digest) || data.documents.set(digest, body))),
    document: digest => answer(() => data.documents.get(digest) ?? null),
    renew: (owner, ttlMs) =>
      answer(() => {
        checkLease(ttlMs);
        data.leases.set(owner, { until: options.clock.now() + ttlMs, ttlMs });
        leases.renewed(owner, ttlMs);
      }),
    ownerRemaining: owner =>
      answer(() => {
        const row = data.leases.get(owner);
        return leases.remaining(owner) ?? (row === undefined ? 0 : leases.remainingOf(row));
      }),
    outbox: (after, limit) =>
      answer(() => {
        checkLimit(limit);
        return groupOutbox(data.outbox.filter(event => event.position > after).slice(0, limit));
      }),
    heads: query => answer(() => headsIn(data, query)),
    outboxTrim: upTo => answer(() => void (data.outbox = data.outbox.filter(row => row.position > upTo))),
    reproject: from => answer(() => reprojectIn(data, structuredClone(from))),
    check: () => answer(() => []),
    size: () => answer(() => 0),
    close: async () => void (closed = true),
    ...controlOf(data, answer),
    ...filesOf(data, answer),
  };
}

function controlOf(data: MemoryData, answer: <T>(work: () => T) => Promise<T>): Pick<HomeStore, keyof ControlStore> {
  const note = (entry: AuditEntry): void =>
    void data.audit.push({ ...structuredClone(entry), position: data.audit.length + 1 });
  const slotOf = ({ tenant, principal, route, key }: IdempotencySlot): string =>
    JSON.stringify([tenant, principal, route, key]);
  return {
    ...resourcesOf(data, answer, note),
    keys: () => answer(() => [...data.keys.values()]),
    keyByHash: hash => answer(() => [...data.keys.values()].find(key => key.hash === hash) ?? null),
    putKey: (key, entry) =>
      answer(() => {
        data.keys.set(key.id, structuredClone(key));
        note(entry);
      }),
    records: kind => answer(() => [...data.records.values()].filter(record => record.kind === kind)),
    putRecord: (record, entry) =>
      answer(() => {
        checkRecord(record, entry);
        const held = data.records.get(record.id);
        if (record.version !== (held?.version ?? 0) + 1) return false;
        if (held !== undefined && (held.kind !== record.kind || held.tenant !== record.tenant)) return false;
        data.records.set(record.id, structuredClone(record));
        note(entry);
        return true;
      }),
    audit: (after, limit) =>
      answer(() => {
        checkLimit(limit);
        return data.audit.filter(({ position }) => position > after).slice(0, limit);
      }),
    auditPosition: () => answer(() => data.audit.at(-1)?.position ?? 0),
    revokeKey: (id, at, entry) =>
      answer(() => {
        const key = data.keys.get(id);
        if (key === undefined || key.revokedAt !== null) return false;
        data.keys.set(id, { ...key, revokedAt: at });
        note(entry);
        return true;
      }),
    reserve: (slot, row, expireBefore) =>
      answer(() => {
        const held = data.slots.get(slotOf(slot));
        if (held !== undefined && held.createdAt >= expireBefore) return held;
        data.slots.set(slotOf(slot), row);
        return 'reserved';
      }),
    settle: (slot, id, outcome) =>
      answer(() => {
        const held = data.slots.get(slotOf(slot));
        if (held?.id !== id) return;
        if (outcome === 'release') data.slots.delete(slotOf(slot));
        else data.slots.set(slotOf(slot), { ...held, done: true });
      }),
  };
}

function withoutBase({ session, position, count, seq, deleted }: RunRow): RunRow {
  return { session, position, count, seq, deleted };
}
