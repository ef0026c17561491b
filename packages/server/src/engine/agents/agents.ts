/**
 * The registry of agents.
 *
 * G1  A version never changes: each change of an agent makes a new one, in one commit with it and with its audit entry.
 * G2  Of two changes at once both happen, one after the other: the later one is made on what the earlier left.
 * G3  A deleted agent is gone for who looks for it. Its versions stay, as evidence of what sessions ran, while a session names them.
 */
import { type AgentBody, perdureError } from '@perdure/protocol';
import type { TenantId } from '../../kernel/ids.ts';
import { homeTag } from '../../kernel/ids.ts';
import { makeInTurn } from '../in-turn.ts';
import type { Sha256 } from '../ports.ts';
import { type Asking, CHANGE_ATTEMPTS, type RegistryDeps } from '../registry-deps.ts';
import { MAX_RESOURCE_CHARS, type ResourceRow, type Resources } from '../resources.ts';
import { type AgentHead, headRow, readHead, readTombstone, readVersion, tombstoneRow, versionRow } from './rows.ts';
import {
  type AgentContent,
  type AgentVersion,
  changedContent,
  contentDigest,
  firstContent,
  hex,
  sameContent,
  tombstoneId,
  versionId,
  versionNumber,
} from './version.ts';

export interface AgentBounds {
  /** Of one tenant, deleted ones not counted. */
  readonly agents: number;
  /** Of one agent. */
  readonly versions: number;
}
export const AGENT_BOUNDS: AgentBounds = { agents: 1_000, versions: 1_000 };

/** Characters of the agents of one page: it ends after the one that passes them. */
const PAGE_CHARS = 16 * 1024 * 1024;
/** From the deletion of an agent until its versions may go: who resolved it before may make a session of it after, ms. */
const GRACE_MS = 3_600_000;
const SALT_BYTES = 16;

export interface Agent {
  readonly id: string;
  /** ms since 1970. */
  readonly createdAt: number;
  readonly updatedAt: number;
  /** The version in force. */
  readonly now: AgentVersion;
}

export interface PageQuery {
  readonly order: 'asc' | 'desc';
  readonly limit: number;
  readonly after: string | null;
}

export interface Page<Entry> {
  readonly data: readonly Entry[];
  readonly hasMore: boolean;
}

export interface Agents {
  create(who: Asking, body: AgentBody): Promise<Agent>;
  read(who: Asking, id: string): Promise<Agent>;
  /** One that changes nothing makes no version. */
  update(who: Asking, id: string, body: AgentBody): Promise<Agent>;
  list(who: Asking, query: PageQuery): Promise<Page<Agent>>;
  delete(who: Asking, id: string): Promise<void>;
  /** Newest first or last; those of a deleted agent too. */
  versions(who: Asking, id: string, query: PageQuery): Promise<Page<AgentVersion>>;
  version(who: Asking, id: string, version: number): Promise<AgentVersion>;
  /** Makes a new version that equals an older one. */
  rollBack(who: Asking, id: string, version: number): Promise<Agent>;
}

export interface AgentsDeps extends RegistryDeps {
  readonly sha256: Sha256;
  readonly bounds?: AgentBounds;
}

/** What a session runs. */
export interface ResolvedAgent extends Pick<AgentVersion, 'version' | 'name' | 'config' | 'digest'> {
  readonly id: string;
}

/**
 * @param version null: the one in force. With a number it is found though the agent was deleted (G3).
 * @throws agent_not_found, agent_version_not_found
 */
export async function resolveAgent(
  store: Pick<Resources, 'resource'>,
  tenant: TenantId,
  agent: string,
  version: number | null,
): Promise<ResolvedAgent> {
  const found = await readOne(store, tenant, agent, version ?? (await headOf(store, tenant, agent)).version);
  return { id: agent, version: found.version, name: found.name, config: found.config, digest: found.digest };
}

async function headOf(store: Pick<Resources, 'resource'>, tenant: TenantId, agent: string): Promise<ResourceRow> {
  const row = await store.resource('agent', tenant, agent);
  if (row === null) throw perdureError('agent_not_found', `There is no agent '${agent.slice(0, 64)}'.`);
  return row;
}

async function readOne(
  store: Pick<Resources, 'resource'>,
  tenant: TenantId,
  agent: string,
  version: number,
): Promise<AgentVersion> {
  const id = version <= AGENT_BOUNDS.versions ? versionId(agent, version) : null;
  const row = id === null ? null : await store.resource('agent_version', tenant, id);
  if (row !== null) return readVersion(row);
  const any = await store.resource('agent', tenant, agent);
  if (any === null && (await store.resource('agent_version', tenant, tombstoneId(agent))) === null)
    throw perdureError('agent_not_found', `There is no agent '${agent.slice(0, 64)}'.`);
  throw perdureError('agent_version_not_found', `The agent has no version ${version}.`);
}

/** Of an agent that is there, or was deleted. */
async function lastVersion(store: Resources, tenant: TenantId, agent: string): Promise<number> {
  const row = await store.resource('agent', tenant, agent);
  if (row !== null) return row.version;
  const stone = await store.resource('agent_version', tenant, tombstoneId(agent));
  if (stone === null) throw perdureError('agent_not_found', `There is no agent '${agent.slice(0, 64)}'.`);
  return readTombstone(stone).versions;
}

export function makeAgents(deps: AgentsDeps): Agents {
  const { store, now, ids, random, sha256, audit, bounds = AGENT_BOUNDS } = deps;
  const inTurn = makeInTurn();

  function versionOf(
    agent: string,
    version: number,
    content: AgentContent,
    { principal }: Asking,
    rolledBackTo: number | null = null,
  ): AgentVersion {
    const salt = hex(random(new Uint8Array(SALT_BYTES)));
    const { name, metadata, config } = content;
    const digest = contentDigest(sha256, salt, content);
    const createdAt = now();
    return { agent, version, createdAt, createdBy: principal, rolledBackTo, name, metadata, config, salt, digest };
  }

  function entry(who: Asking, action: string, { agent, version, digest, rolledBackTo }: AgentVersion) {
    return audit({
      at: now(),
      who: who.principal,
      action,
      subject: agent,
      tenant: who.tenant,
      body: { version, digest, ...(rolledBackTo !== null && { rolled_back_to: rolledBackTo }) },
    });
  }

  const toAgent = (row: ResourceRow, version: AgentVersion): Agent => {
    const { id, createdAt } = row;
    return { id, createdAt, updatedAt: readHead(row).updatedAt, now: version };
  };

  async function read({ tenant }: Asking, id: string): Promise<Agent> {
    const row = await headOf(store, tenant, id);
    return toAgent(row, await readOne(store, tenant, id, row.version));
  }

  /** Lays a version on the one in force. `next` is asked again with what another change left. Null: nothing is to be changed. */
  async function change(
    who: Asking,
    id: string,
    action: string,
    next: (agent: Agent, number: number) => Promise<AgentVersion | null>,
  ): Promise<Agent> {
    const { tenant } = who;
    for (let attempt = 0; attempt < CHANGE_ATTEMPTS; attempt++) {
      const agent = await read(who, id);
      const number = agent.now.version + 1;
      const version = await next(agent, number);
      if (version === null) return agent;
      if (number > bounds.versions)
        throw perdureError('quota_exceeded', `An agent has at most ${bounds.versions} versions: make a new agent.`);
      const of = { tenant, agent: id };
      const head: AgentHead = { updatedAt: version.createdAt, name: version.name };
      const row = headRow(of, number, agent.createdAt, head);
      const laid = fits(versionRow(of, version));
      const changes = [{ op: 'put', row } as const, { op: 'put', row: laid } as const];
      if (await store.changeResources(changes, entry(who, action, version))) return toAgent(row, version);
    }
    throw perdureError('record_changed');
  }

  return {
    read,
    create: (who, body) =>
      inTurn(`tenant ${who.tenant}`, async () => {
        const { tenant } = who;
        if ((await store.countResources({ kind: 'agent', tenant })) >= bounds.agents)
          throw perdureError('quota_exceeded', `A tenant has at most ${bounds.agents} agents.`);
        const id = ids.next('agent', homeTag(store.home));
        const version = versionOf(id, 1, firstContent(body), who);
        const of = { tenant, agent: id };
        const row = headRow(of, 1, version.createdAt, { updatedAt: version.createdAt, name: version.name });
        const changes = [row, fits(versionRow(of, version))].map(one => ({ op: 'put', row: one }) as const);
        if (!(await store.changeResources(changes, entry(who, 'agent.created', version))))
          throw perdureError('record_changed');
        return toAgent(row, version);
      }),
    update: (who, id, body) =>
      inTurn(`agent ${id}`, () =>
        change(who, id, 'agent.updated', async (agent, number) => {
          const content = changedContent(agent.now, body);
          return sameContent(agent.now, content) ? null : versionOf(id, number, content, who);
        }),
      ),
    rollBack: (who, id, to) =>
      inTurn(`agent ${id}`, () =>
        change(who, id, 'agent.rolled_back', async (_, number) =>
          versionOf(id, number, await readOne(store, who.tenant, id, to), who, to),
        ),
      ),
    delete: (who, id) =>
      inTurn(`agent ${id}`, async () => {
        for (let attempt = 0; attempt < CHANGE_ATTEMPTS; attempt++) {
          const { tenant } = who;
          const row = await headOf(store, tenant, id);
          const last = await readOne(store, tenant, id, row.version);
          const deletedAt = now();
          const of = { tenant, agent: id };
          const stone = tombstoneRow(of, deletedAt + GRACE_MS, { deletedAt, versions: row.version });
          const changes = [
            { op: 'remove', kind: 'agent', tenant, id, version: row.version } as const,
            { op: 'put', row: stone } as const,
          ];
          if (await store.changeResources(changes, entry(who, 'agent.deleted', last))) return;
        }
        throw perdureError('record_changed');
      }),
    async list({ tenant }, { order, limit, after }) {
      const rows = await store.resources({ kind: 'agent', tenant, order, limit: limit + 1, after });
      const data: Agent[] = [];
      let chars = 0;
      for (const row of rows.slice(0, limit)) {
        // Deleted between the two reads: then it is in no page.
        const id = versionId(row.id, row.version) ?? '';
        const version = await store.resource('agent_version', tenant, id);
        if (version === null) continue;
        data.push(toAgent(row, readVersion(version)));
        chars += version.body.length;
        if (chars > PAGE_CHARS) return { data, hasMore: row !== rows.at(-1) };
      }
      return { data, hasMore: rows.length > limit };
    },
    async versions({ tenant }, id, { order, limit, after }) {
      const last = await lastVersion(store, tenant, id);
      const step = order === 'asc' ? 1 : -1;
      const begin = order === 'asc' ? 1 : last;
      const data: AgentVersion[] = [];
      let chars = 0;
      let number = after === null ? begin : versionNumber(id, after) + step;
      for (; number >= 1 && number <= last && data.length < limit && chars <= PAGE_CHARS; number += step) {
        const row = await store.resource('agent_version', tenant, versionId(id, number) ?? '');
        if (row === null) continue;
        data.push(readVersion(row));
        chars += row.body.length;
      }
      return { data, hasMore: number >= 1 && number <= last };
    },
    version: ({ tenant }, id, version) => readOne(store, tenant, id, version),
  };
}

function fits(row: ResourceRow): ResourceRow {
  if (row.body.length <= MAX_RESOURCE_CHARS) return row;
  throw perdureError(
    'invalid_request',
    `The agent is too large: at most ${MAX_RESOURCE_CHARS} characters as JSON, its instructions and tools together.`,
  );
}
