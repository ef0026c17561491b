/** Workspaces in a folder that goes with the test. */
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ExecRequest, ExecResult, Workspace, WorkspaceSpec } from '../engine/tools/ports.ts';
import type { TenantId } from '../kernel/ids.ts';
import { matchesAny } from '../provider/egress/rules.ts';
import { checkedLookup, isPublic } from '../provider/transport/address.ts';
import { DEFAULT_WORKSPACE_LIMITS, type WorkspaceLimits } from './limits.ts';
import type { Egress } from './network/proxy.ts';
import { type OpenWorkspaces, openWorkspaces, type WorkspacesOptions } from './open-workspaces.ts';

const closing: (() => Promise<void>)[] = [];

/** For `afterAll`. */
export async function closeAll(): Promise<void> {
  for (const close of closing.splice(0).toReversed()) await close();
}

/** As this server asks hosts, where no private host is named. */
export const PUBLIC_EGRESS: Egress = {
  matches: matchesAny,
  addressAllowed: isPublic,
  lookup: () => checkedLookup(isPublic),
};

export const NO_NETWORK: WorkspaceSpec['network'] = { access: 'disabled', allowed: [], blocked: [] };

export function tempFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'perdure-ws-'));
  // Closed to others, as a data folder may be.
  chmodSync(folder, 0o700);
  closing.push(async () => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export interface Given extends Partial<Omit<WorkspacesOptions, 'limits' | 'network'>> {
  readonly limits?: Partial<WorkspaceLimits>;
  readonly network?: Partial<WorkspacesOptions['network']>;
}

export async function openTest(given: Given = {}): Promise<OpenWorkspaces & { readonly folder: string }> {
  const folder = given.folder ?? tempFolder();
  const workspaces = await openWorkspaces({
    isolation: 'preferred',
    users: null,
    readonly: [],
    ...given,
    folder,
    limits: { ...DEFAULT_WORKSPACE_LIMITS, freeBytes: 0, watchMs: 50, ...given.limits },
    network: { most: 'restricted', blocked: [], egress: PUBLIC_EGRESS, ...given.network },
  });
  closing.push(() => workspaces.close());
  return { ...workspaces, folder };
}

export function specOf(
  id = 'env_1',
  given: Partial<Omit<WorkspaceSpec, 'tenant'>> & { tenant?: string } = {},
): WorkspaceSpec {
  const { tenant = 'default', ...rest } = given;
  return { id, network: NO_NETWORK, env: {}, ...rest, tenant: tenant as TenantId };
}

export function run(workspace: Workspace, command: string, given: Partial<ExecRequest> = {}): Promise<ExecResult> {
  return workspace.exec({
    command,
    cwd: null,
    timeoutMs: 20_000,
    signal: new AbortController().signal,
    show: () => undefined,
    ...given,
  });
}

export const text = (value: string): Uint8Array => new TextEncoder().encode(value);
export const shown = (bytes: Uint8Array | null): string | null =>
  bytes === null ? null : new TextDecoder().decode(bytes);

/** Why the suites that need bubblewrap are left out; null if they run. */
export async function noBubblewrap(): Promise<string | null> {
  const { isolation, why } = await openTest();
  return isolation === 'bubblewrap' ? null : (why ?? 'no bubblewrap');
}
