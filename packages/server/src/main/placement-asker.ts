/** Who asked for a placement, and what the session had done by then: on the wire, and in a line. */
import type { PlacementResource } from '@perdure/protocol';
import type { Use } from '../placement/facts.ts';
import { fromRecord, type PlacementRecord as CompactRecord } from '../placement/record.ts';

type Asker = Pick<PlacementResource, 'agent' | 'key' | 'use'>;

/** As clauses were told. A placement that nothing was decided for says none of it. */
export function askerOf(record: CompactRecord): Asker {
  if (record.s === undefined) return { agent: null, key: null, use: null };
  const { agent = null, principal, soFar } = fromRecord(record).facts;
  return { agent, key: principal?.key ?? null, use: soFar === undefined ? null : wireUse(soFar) };
}

export type WireUse = NonNullable<PlacementResource['use']>;

export function wireUse({ turns, itemsRead, memoryReads, toolsRun, filesTouched }: Use): WireUse {
  return {
    turns,
    items_read: itemsRead,
    memory_reads: memoryReads,
    tools_run: toolsRun,
    files_touched: filesTouched,
  };
}

/** Empty if nothing of it is known. */
export function askerText({ agent, key, use }: Asker): string {
  const did =
    use === null
      ? []
      : [`after ${use.turns} turns, ${use.items_read} items read, ${use.tools_run} tools, ${use.files_touched} files`];
  const parts = [
    ...(key === null ? [] : [`asked by ${key}`]),
    ...(agent === null ? [] : [`agent ${agent.id}, version ${agent.version}`]),
    ...did,
  ];
  return parts.length === 0 ? '' : `${parts.join('; ')}\n`;
}
