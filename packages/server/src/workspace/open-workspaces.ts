/**
 * The workspaces of this server: folders on its disk, and commands in them. Nothing is held for a workspace in which nothing runs (L4).
 *
 * - WS1 What a path names lies in the workspace: no `..`, no link, whatever commands do at the same time.
 * - WS2 A command sees its own workspace, /usr and nothing else of the host; what holds it is `sandbox/defences.ts`, one by one.
 * - WS3 A file is written whole or not at all; so is a restore.
 * - WS4 Where the isolation that the operator demands is missing, no command runs.
 * - WS5 Tenants and workspaces are names of folders: a foreign one is another folder (L10).
 */
import { randomBytes } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { perdureError } from '@perdure/protocol';
import type { Isolation, Workspace, Workspaces, WorkspaceSpec } from '../engine/tools/ports.ts';
import { removeTree } from './files/remove-tree.ts';
import { layoutOf, prepare } from './layout.ts';
import type { WorkspaceLimits } from './limits.ts';
import type { EdgeCredentials } from './network/credentials.ts';
import type { EdgeDefences } from './network/edge-defences.ts';
import { socketTag, sweepSockets } from './network/left-sockets.ts';
import type { Egress } from './network/proxy.ts';
import { type Access, within } from './network/rules.ts';
import { type Defences, NO_DEFENCE_TAKEN } from './sandbox/defences.ts';
import { ownerOf, usableUsers, type UserRange } from './sandbox/owner.ts';
import { mappedUsers, type Probe, probeBubblewrap } from './sandbox/probe.ts';
import { makeTurns } from './turns.ts';
import { exclusively, makeShared, type Shared } from './shared.ts';
import { makeWorkspace } from './workspace.ts';

export interface WorkspacesOptions {
  /** On this server's disk. Made if it is not there. */
  readonly folder: string;
  /** `required`: bubblewrap or no command. `preferred`: just-bash where there is none. `none`: always just-bash. */
  readonly isolation: 'required' | 'preferred' | 'none';
  /** Users of the host for workspaces; null: found by itself. */
  readonly users: UserRange | null;
  readonly limits: WorkspaceLimits;
  readonly network: {
    /** The most that a workspace may ask for. */
    readonly most: Access;
    /** Hosts that no workspace reaches. */
    readonly blocked: readonly string[];
    readonly egress: Egress;
    /** Credentials that are put in at the edge; null: the workspace has none. */
    readonly credentials?: (spec: WorkspaceSpec) => EdgeCredentials | null;
    /** Taken away: for the attack suite alone. */
    readonly taken?: EdgeDefences;
  };
  /** Of the host, seen read-only at the same path: toolchains outside of /usr. */
  readonly readonly: readonly string[];
  /** Taken away: for the attack suite alone. */
  readonly taken?: Defences;
  /** A command runs under this id of process; for tests. */
  readonly started?: (pid: number) => void;
}

export interface OpenWorkspaces extends Workspaces {
  /** Why bubblewrap is not in force, in words for the operator; null if it is. */
  readonly why: string | null;
}

export async function openWorkspaces(options: WorkspacesOptions): Promise<OpenWorkspaces> {
  const { folder, limits, network } = options;
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const tag = socketTag(folder);
  await sweepSockets(tag);
  const root = process.platform === 'linux' && process.getuid?.() === 0;
  const users = root ? usableUsers(mappedUsers(), options.users) : null;
  const probe = await probed(options, { root, users });
  const isolation = isolationOf(options.isolation, probe);
  const taken = options.taken ?? NO_DEFENCE_TAKEN;
  const ownUsers = isolation === 'bubblewrap' && !taken.has('own-user') ? users : null;
  const trash = join(folder, '.trash');
  const turns = makeTurns(limits.commands);
  const shared = makeShared();
  const using = <T>(base: string, act: (one: Shared) => Promise<T>): Promise<T> => shared.using(base, act);
  const runs = new Set<AbortController>();
  const servers = new Set<AbortController>();
  let closed = false;

  return {
    isolation,
    why: probe.ok ? null : probe.why,
    async open(spec): Promise<Workspace> {
      if (closed) throw perdureError('server_draining');
      const layout = layoutOf(folder, spec.tenant, spec.id);
      if (!within(spec.network.access, network.most))
        throw perdureError(
          'network_not_offered',
          `This server gives workspaces network access up to ${network.most}, not ${spec.network.access}.`,
        );
      checkEnv(spec.env);
      const owner = ownUsers === null ? null : ownerOf(spec.tenant, spec.id, ownUsers);
      await using(layout.base, one => exclusively(one, () => prepare(layout, owner)));
      return makeWorkspace(spec, {
        layout,
        owner,
        trash,
        limits,
        isolation,
        place: probe.ok ? probe.place(owner) : null,
        why: probe.ok ? null : probe.why,
        network: { ...network, tag },
        taken,
        started: options.started,
        turns,
        using: act => using(layout.base, act),
        runs,
        servers,
        unique: () => randomBytes(12).toString('hex'),
      });
    },
    serving: async (tenant, id) => (shared.get(layoutOf(folder, tenant, id).base)?.servers ?? 0) > 0,
    async destroy(tenant, id) {
      const { base } = layoutOf(folder, tenant, id);
      await using(base, async one => {
        one.exclusive = true;
        for (const { stop } of one.runs) stop.abort();
        await Promise.allSettled([...one.runs].map(({ done }) => done));
        await exclusively(one, () => removeTree(base, trash)).finally(() => (one.exclusive = false));
      });
    },
    async close() {
      closed = true;
      for (const stop of runs) stop.abort();
    },
  };
}

const ENV_NAME = /^[A-Za-z_][A-Za-z0-9_]{0,255}$/;
const ENV_BYTES = 64 * 1024;

function checkEnv(env: WorkspaceSpec['env']): void {
  let bytes = 0;
  for (const [name, value] of Object.entries(env)) {
    if (!ENV_NAME.test(name) || value.includes('\0'))
      throw perdureError('invalid_request', 'An environment variable has a name or a value that none can have.');
    bytes += Buffer.byteLength(name) + Buffer.byteLength(value);
  }
  if (bytes > ENV_BYTES)
    throw perdureError('invalid_request', `The environment variables have more than ${ENV_BYTES} bytes together.`);
}

async function probed(
  { folder, isolation, readonly }: WorkspacesOptions,
  { root, users }: { readonly root: boolean; readonly users: UserRange | null },
): Promise<Probe> {
  if (isolation === 'none') return { ok: false, why: 'workspaces.isolation is none' };
  if (root && users === null)
    return { ok: false, why: 'too few users are mapped where this server runs: workspaces.users names others' };
  return probeBubblewrap({ folder, users, readonly });
}

function isolationOf(wanted: WorkspacesOptions['isolation'], probe: Probe): Isolation {
  if (probe.ok) return 'bubblewrap';
  return wanted === 'required' ? 'unavailable' : 'just-bash';
}
