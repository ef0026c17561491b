/** Where commands about agents and vaults work: on the data folder, if no server uses it, else through the server. */
import {
  type AgentResource,
  type AgentVersionResource,
  agentSchema,
  agentVersionSchema,
  type CredentialResource,
  credentialSchema,
  isPerdureError,
  listPageSchema,
  type ListPage,
  type VaultKeyRotated,
  vaultKeyRotatedSchema,
  type VaultListQuery,
  type VaultResource,
  vaultSchema,
} from '@perdure/protocol';
import type { Page } from '../engine/agents/agents.ts';
import type { TenantId } from '../kernel/ids.ts';
import {
  agentResource,
  agentVersionResource,
  credentialResource,
  vaultKeyRotated,
  vaultResource,
} from '../http/agents/shown.ts';
import { CliError, EXIT } from './cli/exit.ts';
import type { Io } from './cli/io.ts';
import type { ConfigFlags } from './cli/options.ts';
import type { Config } from './config/config.ts';
import { configured } from './configured.ts';
import type { DataFolder } from './data-folder.ts';
import { configWith } from './discover.ts';
import { LOCAL_CALLER } from './keys.ts';
import { openRegistry } from './registry.ts';
import { type AskedServer, workplace } from './server-address.ts';
import { exitOf, serverOf } from './server-requests.ts';

/** What the commands ask. Lists are whole, newest first. */
export interface RegistryDesk {
  agents(): Promise<readonly AgentResource[]>;
  agent(id: string): Promise<AgentResource>;
  versions(id: string): Promise<readonly AgentVersionResource[]>;
  version(id: string, version: number): Promise<AgentVersionResource>;
  rollBack(id: string, version: number): Promise<AgentResource>;
  vaults(): Promise<readonly VaultResource[]>;
  credentials(vault: string): Promise<readonly CredentialResource[]>;
  rotateKey(): Promise<VaultKeyRotated>;
}

export interface RegistryFlags extends ConfigFlags {
  /** Of the data folder: over HTTP the key says whose they are. */
  readonly tenant?: string;
}

const PAGE = 100;

/**
 * @param scope what a key must have where a server is asked
 * @throws CliError in the words of whoever refused
 */
export async function atRegistryDesk<T>(
  options: RegistryFlags,
  io: Io,
  scope: string,
  act: (desk: RegistryDesk) => Promise<T>,
): Promise<T> {
  const { config } = await configured(options, io, async () => configWith([], io.cwd));
  const at = await workplace(config, options, io, 'look');
  const { folder } = at;
  try {
    if (at.folder !== null) return await inFolder(at.folder, config, options.tenant, act);
    if (options.tenant !== undefined)
      throw new CliError(EXIT.usage, '--tenant is for a data folder that no server uses: a server looks at the key');
    return await act(overHttp(at.server, io, scope));
  } catch (error) {
    if (!isPerdureError(error)) throw error;
    throw new CliError(exitOf(error), error.message, { cause: error });
  } finally {
    await folder?.close();
  }
}

async function inFolder<T>(
  { control, clock, ids }: DataFolder,
  config: Config,
  name: string | undefined,
  act: (desk: RegistryDesk) => Promise<T>,
): Promise<T> {
  const failed: unknown[] = [];
  const report = (_: string, error: unknown): void => void failed.push(error);
  const registry = openRegistry({ store: control, clock, ids, config, report });
  const who = { tenant: (name ?? LOCAL_CALLER.tenant) as TenantId, principal: LOCAL_CALLER.principal };
  const { agents, vaults } = registry;
  const every = { order: 'desc', limit: PAGE } as const;
  const listed: Omit<VaultListQuery, 'after'> = { ...every, metadata: {}, status: ['active'] };
  try {
    return await act({
      agents: async () => (await all(after => agents.list(who, { ...every, after }))).map(agentResource),
      agent: async id => agentResource(await agents.read(who, id)),
      versions: async id => {
        const found = await allBy(
          after => agents.versions(who, id, { ...every, after }),
          version => agentVersionResource(version).id,
        );
        return found.map(agentVersionResource);
      },
      version: async (id, version) => agentVersionResource(await agents.version(who, id, version)),
      rollBack: async (id, version) => agentResource(await agents.rollBack(who, id, version)),
      vaults: async () => (await all(after => vaults.list(who, { ...listed, after }))).map(vaultResource),
      credentials: async id =>
        (await all(after => vaults.credentials.list(who, id, { ...listed, after }))).map(credentialResource),
      async rotateKey() {
        const done = await registry.rotateMaster(who.principal);
        // Nobody else commits here: nothing can come late.
        await registry.finishRotation();
        return vaultKeyRotated(done);
      },
    });
  } finally {
    await registry.close();
  }
}

function all<Entry extends { readonly id: string }>(page: (after: string | null) => Promise<Page<Entry>>) {
  return allBy(page, entry => entry.id);
}

async function allBy<Entry>(
  page: (after: string | null) => Promise<Page<Entry>>,
  idOf: (entry: Entry) => string,
): Promise<readonly Entry[]> {
  const found: Entry[] = [];
  for (let after: string | null = null; ; ) {
    const { data, hasMore } = await page(after);
    found.push(...data);
    const last = data.at(-1);
    if (!hasMore || last === undefined) return found;
    after = idOf(last);
  }
}

function overHttp(server: AskedServer, io: Io, scope: string): RegistryDesk {
  const { must } = serverOf(io, { ...server, scope });
  const at = encodeURIComponent;
  const agentPages = listPageSchema(agentSchema);
  const versionPages = listPageSchema(agentVersionSchema);
  const vaultPages = listPageSchema(vaultSchema);
  const credentialPages = listPageSchema(credentialSchema);
  const from = (after: string | null): string => `?limit=${PAGE}${after === null ? '' : `&after=${at(after)}`}`;
  const pageOf = <Entry>({ data, has_more }: ListPage<Entry>): Page<Entry> => ({ data, hasMore: has_more });
  return {
    agents: () => all(async after => pageOf(await must(agentPages, 'GET', `/v1/agents${from(after)}`))),
    agent: id => must(agentSchema, 'GET', `/v1/agents/${at(id)}`),
    versions: id =>
      all(async after =>
        pageOf(await must(versionPages, 'GET', `/perdure/v1/agents/${at(id)}/versions${from(after)}`)),
      ),
    version: (id, version) => must(agentVersionSchema, 'GET', `/perdure/v1/agents/${at(id)}/versions/${version}`),
    rollBack: (id, version) => must(agentSchema, 'POST', `/perdure/v1/agents/${at(id)}/rollback`, { version }),
    vaults: () => all(async after => pageOf(await must(vaultPages, 'GET', `/v1/vaults${from(after)}`))),
    credentials: id =>
      all(async after => pageOf(await must(credentialPages, 'GET', `/v1/vaults/${at(id)}/credentials${from(after)}`))),
    rotateKey: () => must(vaultKeyRotatedSchema, 'POST', '/perdure/v1/vaults/rotate-key'),
  };
}
