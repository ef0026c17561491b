/** Agents and their versions as rows of the control home. */
import type { TenantId } from '../../kernel/ids.ts';
import type { ResourceRow } from '../resources.ts';
import { type AgentVersion, tombstoneId, versionId } from './version.ts';

/** The row of an agent: which version is in force is the version of the row. */
export interface AgentHead {
  readonly updatedAt: number;
  readonly name: string | null;
}

export interface Tombstone {
  readonly deletedAt: number;
  readonly versions: number;
}

type OfAgent = { readonly tenant: TenantId; readonly agent: string };

export function headRow({ tenant, agent }: OfAgent, version: number, createdAt: number, head: AgentHead): ResourceRow {
  const body = JSON.stringify(head);
  return { kind: 'agent', tenant, id: agent, parent: null, version, createdAt, wakeAt: null, body };
}

export function versionRow({ tenant, agent }: OfAgent, version: AgentVersion): ResourceRow {
  const { createdAt, agent: _agent, ...body } = version;
  return {
    kind: 'agent_version',
    tenant,
    id: versionId(agent, version.version) ?? '',
    parent: agent,
    version: 1,
    createdAt,
    wakeAt: null,
    body: JSON.stringify(body),
  };
}

export function readVersion({ parent, createdAt, body }: ResourceRow): AgentVersion {
  const held = JSON.parse(body) as Omit<AgentVersion, 'agent' | 'createdAt'>;
  return { ...held, agent: parent ?? '', createdAt };
}

export function readHead({ body }: ResourceRow): AgentHead {
  return JSON.parse(body) as AgentHead;
}

/** `wakeAt`: when it is looked at whether a session names the agent still. */
export function tombstoneRow({ tenant, agent }: OfAgent, wakeAt: number, tombstone: Tombstone): ResourceRow {
  return {
    kind: 'agent_version',
    tenant,
    id: tombstoneId(agent),
    parent: agent,
    version: 1,
    createdAt: tombstone.deletedAt,
    wakeAt,
    body: JSON.stringify(tombstone),
  };
}

export function readTombstone({ body }: ResourceRow): Tombstone {
  return JSON.parse(body) as Tombstone;
}
