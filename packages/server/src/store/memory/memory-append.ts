/** One append on plain maps. All checks come before the first change: that alone makes it atomic. */
import type { Append, AppendResult } from '../../engine/ports.ts';
import type { SessionId, TenantId } from '../../kernel/ids.ts';
import type { ProjectionChange } from '../../log/rows.ts';
import { fence } from '../fence.ts';
import type { Reprojection } from '../home-store.ts';
import type { MemoryData, MemorySession } from './memory-data.ts';
import { doomOwned } from './memory-files.ts';

export function appendTo(data: MemoryData, append: Append): AppendResult {
  const known = data.sessions.get(append.session);
  const standing = known === undefined ? null : known.row.tenant === append.tenant ? known.row : 'foreign';
  const passed = fence(standing, append);
  if (passed !== 'passed') return { ok: false, reason: passed };
  if (!responsesAreNew(data, append.changes)) return { ok: false, reason: 'response_exists' };

  const session: MemorySession = known ?? {
    row: append.row,
    events: [],
    orders: [],
    runs: [],
    forks: new Map(),
    journal: [],
    unerased: false,
  };
  data.sessions.set(append.session, session);
  session.row = append.row;
  session.events.push(...append.events);
  for (const { seq } of append.events) {
    data.order += 1;
    session.orders.push(data.order);
    data.outbox.push({ position: data.order, tenant: append.tenant, session: append.session, seq });
  }
  for (const change of append.changes) apply(data, append.tenant, session, change);
  if (append.prune) session.journal = [];
  return { ok: true };
}

function responsesAreNew(data: MemoryData, changes: readonly ProjectionChange[]): boolean {
  const opened = new Set<string>();
  for (const change of changes) {
    if (change.type !== 'response_opened') continue;
    if (data.responses.has(change.id) || opened.has(change.id)) return false;
    opened.add(change.id);
  }
  return true;
}

function apply(data: MemoryData, tenant: TenantId, session: MemorySession, change: ProjectionChange): void {
  const id = session.row.session;
  switch (change.type) {
    case 'response_opened': {
      const row = {
        id: change.id,
        session: id,
        status: 'in_progress',
        fromSeq: change.fromSeq,
        toSeq: 0,
        position: 0,
        createdAt: change.at,
      } as const;
      data.responses.set(change.id, { row, tenant, deleted: false });
      return;
    }
    case 'response_closed':
    case 'response_deleted': {
      const response = data.responses.get(change.id);
      if (response === undefined || response.row.session !== id) return;
      if (change.type === 'response_deleted') response.deleted = true;
      else {
        const { status, toSeq, position } = change;
        response.row = { ...response.row, status, toSeq, position };
      }
      return;
    }
    case 'run_added': {
      const { position, count, seq, base } = change;
      session.runs.push({ session: id, position, count, seq, base, deleted: [] });
      return;
    }
    case 'runs_dropped':
      session.runs = session.runs.filter(run => run.position <= change.position);
      return;
    case 'item_deleted':
      session.runs = session.runs.map(run => {
        const index = change.position - run.position;
        if (index < 0 || index >= run.count || run.deleted.includes(index)) return run;
        return { ...run, deleted: [...run.deleted, index].sort((a, b) => a - b) };
      });
      return;
    case 'placed':
      data.placements.push({
        tenant,
        session: id,
        seq: change.seq,
        at: change.at,
        order: session.orders[change.seq - 1] ?? 0,
      });
      return;
    case 'forked':
      session.forks.set(change.child, change.to);
      return;
    case 'payloads_erased':
      for (const [i, event] of session.events.entries()) {
        if (event.seq > change.after && event.seq < change.before)
          session.events[i] = { ...event, payload: null, salt: null };
      }
      doomOwned(data, { session: id, after: change.after, before: change.before });
      return;
    case 'erasure_due':
      session.unerased = true;
      return;
    case 'erasure_done':
      session.unerased = false;
      return;
  }
}

export function reprojectIn(data: MemoryData, { tenant, session: id, changes, row }: Reprojection): boolean {
  const session = data.sessions.get(id);
  if (session === undefined || session.row.tenant !== tenant || session.row.seq !== row.seq) return false;
  for (const [key, response] of data.responses) if (response.row.session === id) data.responses.delete(key);
  data.placements = data.placements.filter(placed => placed.session !== id);
  session.runs = [];
  session.forks.clear();
  session.unerased = false;
  session.row = row;
  for (const change of changes) if (change.type !== 'payloads_erased') apply(data, tenant, session, change);
  data.placements.sort((a, b) => a.order - b.order);
  return true;
}

/** Whether a fork still needs what it shares: it has not ended, or something that was forked from it has not. */
export function lives(data: MemoryData, child: SessionId): boolean {
  const session = data.sessions.get(child);
  if (session === undefined || !session.row.ended) return true;
  return [...session.forks.keys()].some(grandchild => lives(data, grandchild));
}
