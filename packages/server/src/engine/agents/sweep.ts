/** Versions of deleted agents go once no session names them (G3 of `agents.ts`). */
import type { TenantId } from '../../kernel/ids.ts';
import { MAX_RESOURCE_CHANGES, type ResourceChange, type Resources } from '../resources.ts';
import { readTombstone } from './rows.ts';
import { versionId } from './version.ts';

/** Whether any session, stored or running, names a version of the agent. */
export type AgentNamed = (tenant: TenantId, agent: string) => Promise<boolean>;

const SWEEP_ROWS = 100;
/** Until one that is named is looked at again, ms. */
const AGAIN_MS = 24 * 3_600_000;

/** Looks at the agents that are due. @returns how many of them are gone for good */
export async function sweepDeletedAgents(store: Resources, now: number, named: AgentNamed): Promise<number> {
  let gone = 0;
  // Only the row that says that an agent was deleted has a time.
  for (const stone of await store.dueResources('agent_version', now, SWEEP_ROWS)) {
    const { tenant, parent: agent } = stone;
    if (agent === null) continue;
    if (await named(tenant, agent)) {
      const later = { ...stone, version: stone.version + 1, wakeAt: now + AGAIN_MS };
      await store.changeResources([{ op: 'put', row: later }], null);
      continue;
    }
    const versions: ResourceChange[] = [];
    for (let number = 1; number <= readTombstone(stone).versions; number++) {
      const row = await store.resource('agent_version', tenant, versionId(agent, number) ?? '');
      if (row !== null)
        versions.push({ op: 'remove', kind: 'agent_version', tenant, id: row.id, version: row.version });
    }
    for (let from = 0; from < versions.length; from += MAX_RESOURCE_CHANGES)
      await store.changeResources(versions.slice(from, from + MAX_RESOURCE_CHANGES), null);
    // Last of all: a sweep that is cut off is taken up again by it.
    const { id, version } = stone;
    if (await store.changeResources([{ op: 'remove', kind: 'agent_version', tenant, id, version }], null)) gone += 1;
  }
  return gone;
}
