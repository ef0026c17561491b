/** Events in the order of their commits -> outbox rows: neighbours of one session become one row. */
import type { SessionId, TenantId } from '../kernel/ids.ts';
import type { OutboxRow } from './home-store.ts';

export interface OutboxEvent {
  readonly position: number;
  readonly tenant: TenantId;
  readonly session: SessionId;
  readonly seq: number;
}

export function groupOutbox(events: readonly OutboxEvent[]): readonly OutboxRow[] {
  const rows: OutboxRow[] = [];
  for (const { position, tenant, session, seq } of events) {
    const last = rows.at(-1);
    if (last !== undefined && last.session === session && last.tenant === tenant && last.toSeq === seq - 1) {
      rows[rows.length - 1] = { ...last, position, toSeq: seq };
    } else {
      rows.push({ position, tenant, session, fromSeq: seq, toSeq: seq });
    }
  }
  return rows;
}
