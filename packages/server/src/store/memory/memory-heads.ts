/** Envelopes in the order of the home's commits, in memory. */
import { checkLimit } from '../bounds.ts';
import type { HeadRow, OutboxReader } from '../home-store.ts';
import type { MemoryData } from './memory-data.ts';

export function headsIn(
  data: MemoryData,
  { codes, after, limit }: Parameters<OutboxReader['heads']>[0],
): Awaited<ReturnType<OutboxReader['heads']>> {
  checkLimit(limit);
  const all = [...data.sessions.values()].flatMap(({ row, events, orders }) =>
    events.flatMap(({ seq, at, actor, code, version, head }, i): readonly HeadRow[] => {
      const position = orders[i] ?? 0;
      if (position <= after || !codes.includes(code)) return [];
      const { tenant, session, kind } = row;
      return [{ position, tenant, session, kind, seq, at, actor, code, version, head }];
    }),
  );
  const rows = all.toSorted((a, b) => a.position - b.position).slice(0, limit);
  const last = rows.at(-1);
  const to = last !== undefined && rows.length === limit ? last.position : Math.max(after, data.order);
  return { rows, to };
}
