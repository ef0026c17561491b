/** Workspaces as this deployment has them: loaded and made when they are first needed, so that a server without agents has none. */
import { join } from 'node:path';
import type { StatusResource } from '@perdure/protocol';
import type { WorkspaceHost } from '../engine/environments/desk.ts';
import type { ToolSource, Workspace, WorkspaceSpec } from '../engine/tools/ports.ts';
import { makeAddressFetcher } from '../provider/egress/fetch-address.ts';
import { addressAllowed, type EgressRules, matchesAny } from '../provider/egress/rules.ts';
import { checkedLookup } from '../provider/transport/address.ts';
import type { SpecOf } from '../workspace/builtin/spec.ts';
import type { EdgeCredentials } from '../workspace/network/credentials.ts';
import type { Egress } from '../workspace/network/proxy.ts';
import type { OpenWorkspaces } from '../workspace/open-workspaces.ts';
import type { Config } from './config/config.ts';
import { DEFAULT_EGRESS } from './config/egress.ts';
import { VERSION } from './version.ts';

export interface WorkspacesDesk {
  /** Looks at the host the first time. */
  readonly get: () => Promise<OpenWorkspaces>;
  readonly tools: ToolSource;
  /** For environments. */
  readonly hosts: WorkspaceHost;
  readonly state: () => Promise<StatusResource['workspaces']>;
  readonly close: () => Promise<void>;
}

export interface WorkspacesParts {
  /** A session's workspace; by default what its environment says in wire form. */
  readonly specOf?: SpecOf;
  /** How its workspace is opened; by default this server's own. */
  readonly open?: (spec: WorkspaceSpec) => Promise<Workspace>;
  /** Credentials that are put in at the edge. */
  readonly credentials?: (spec: WorkspaceSpec) => EdgeCredentials | null;
}

export function makeWorkspaces(
  config: Pick<Config, 'data' | 'workspaces' | 'egress'>,
  parts: WorkspacesParts = {},
): WorkspacesDesk {
  const { isolation, folder, network, blockedHosts, privateHosts, readOnly, users, limits, networkAsk } =
    config.workspaces;
  let opened: Promise<OpenWorkspaces> | null = null;
  const open = async (): Promise<OpenWorkspaces> => {
    const { openWorkspaces } = await import('../workspace/open-workspaces.ts');
    return openWorkspaces({
      folder: folder ?? join(config.data, 'workspaces'),
      isolation,
      users,
      limits,
      readonly: readOnly,
      network: {
        most: network,
        blocked: blockedHosts,
        egress: egressWith(privateHosts),
        ...(parts.credentials === undefined ? {} : { credentials: parts.credentials }),
      },
    });
  };
  const get = (): Promise<OpenWorkspaces> => {
    opened ??= open();
    // What failed once (a full disk) may not the next time.
    opened.catch(() => (opened = null));
    return opened;
  };
  const fetches = config.egress.mode === 'public' || config.egress.mode === 'allow-list';
  const fetcher = fetches ? makeAddressFetcher(config.egress, `perdure/${VERSION}`) : null;
  const close = async (): Promise<void> => {
    await opened?.then(all => all.close()).catch(() => undefined);
    await fetcher?.close();
  };
  let loaded: Promise<ToolSource> | null = null;
  const load = async (): Promise<ToolSource> => {
    const { builtinTools } = await import('../workspace/builtin/source.ts');
    return builtinTools({
      workspaces: { open: parts.open ?? (async spec => (await get()).open(spec)) },
      web: fetcher === null ? null : { fetch: fetcher.fetch, matches: matchesAny, blocked: blockedHosts },
      ...(parts.specOf === undefined ? {} : { specOf: parts.specOf }),
      ...(networkAsk ? { ask: { matches: matchesAny, blocked: blockedHosts } } : {}),
    });
  };
  const source = (): Promise<ToolSource> => (loaded ??= load());
  return {
    get,
    tools: {
      kind: 'builtin',
      list: async (scope, signal) => (await source()).list(scope, signal),
      run: async (scope, tool, run) => (await source()).run(scope, tool, run),
      // What is not loaded holds nothing.
      release: async session => (await loaded)?.release(session),
      close: async () => (await loaded)?.close(),
    },
    hosts: {
      open: async spec => (await get()).open(spec),
      destroy: async (tenant, id) => (await get()).destroy(tenant, id),
      // What was never opened serves nothing.
      serving: async (tenant, id) => (await (await opened)?.serving?.(tenant, id)) ?? false,
    },
    async state() {
      const { isolation: inForce, why } = await get();
      return { isolation: inForce, why };
    },
    close,
  };
}

/** Which addresses commands reach: those that are public, and private ones of named hosts. */
function egressWith(privateHosts: readonly string[]): Egress {
  const rules = workspaceEgress(privateHosts);
  return {
    matches: matchesAny,
    addressAllowed: (address, url) => addressAllowed(address, url, rules),
    lookup: url => checkedLookup(address => addressAllowed(address, url, rules)),
  };
}

/** The same as rules. */
export function workspaceEgress(privateHosts: readonly string[]): EgressRules {
  return { ...DEFAULT_EGRESS, mode: 'allow-list', privateHosts };
}
