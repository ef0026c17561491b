/** What a command and a server have in common: where they begin, what they are given, and the way out that is opened for them. */
import { perdureError } from '@perdure/protocol';
import type { WorkspaceSpec } from '../engine/tools/ports.ts';
import { openFolder } from './files/folder.ts';
import { measure, type Usage } from './files/tree.ts';
import { justBashLaunch } from './just-bash/task.ts';
import { type HostRules, hostRules } from './network/rules.ts';
import { openWayOut, type WayOut } from './network/way-out.ts';
import type { WorkspaceParts } from './parts.ts';
import { pathNames, refused, WORKSPACE_PATH } from './paths.ts';
import { type Asked, type Launch, launchOf } from './sandbox/launch.ts';
import type { Shared } from './shared.ts';

export const EVERYTHING: Usage = { bytes: Number.POSITIVE_INFINITY, files: Number.POSITIVE_INFINITY };

export interface Wanted {
  readonly command: string;
  /** Inside. */
  readonly cwd: string;
  readonly timeoutMs: number;
  /** That people opened for this run, beside those of the rules. */
  readonly hosts: readonly string[];
  /** Of the environment's variables those of these names; null: all. */
  readonly variables: readonly string[] | null;
  readonly apart?: true;
}

export interface Prepared {
  readonly launch: Launch;
  /** What the workspace holds as it begins. */
  readonly before: Usage;
  /** Whoever runs the launch closes it. Null: there is no network. */
  readonly way: WayOut | null;
}

/** @throws isolation_unavailable, workspace_busy */
export function mayRun({ isolation, why }: WorkspaceParts, { exclusive }: Shared): void {
  if (isolation === 'unavailable')
    throw perdureError('isolation_unavailable', `Commands are not run: ${why ?? 'there is no isolation'}.`);
  if (exclusive) throw perdureError('workspace_busy', 'The files of the workspace are being replaced.');
}

/** A folder of the workspace, as it is named inside. @throws workspace_path_refused */
export async function folderInside(root: string, path: string): Promise<string> {
  const names = pathNames(path);
  const folder = await openFolder(root, names);
  if (folder === null) throw refused('There is no such folder to run the command in.');
  await folder.close();
  return [WORKSPACE_PATH, ...names].join('/');
}

/** @throws workspace_quota_exceeded */
export async function prepareLaunch(spec: WorkspaceSpec, parts: WorkspaceParts, wanted: Wanted): Promise<Prepared> {
  const { layout, limits, taken, owner, network, place } = parts;
  const { root } = layout;
  const before = await measure(root, EVERYTHING);
  if (!before.ok) throw perdureError('workspace_quota_exceeded', `The workspace holds ${before.why}.`);
  const known = parts.isolation === 'bubblewrap' ? hostRules(spec.network, network.blocked) : null;
  const rules = widened(known, wanted.hosts);
  const credentials = network.credentials?.(spec) ?? null;
  const placeholders = (await credentials?.variables()) ?? {};
  const edge = Object.keys(placeholders).length === 0 ? null : credentials;
  const way =
    rules === null
      ? null
      : await openWayOut({
          rules,
          egress: network.egress,
          owner,
          credentials: edge,
          taken: network.taken,
          tag: network.tag,
        });
  const asked: Asked = {
    root,
    cwd: wanted.cwd,
    command: wanted.command,
    env: { ...named({ ...spec.env, ...placeholders }, wanted.variables), ...way?.env },
    mounts: way?.mounts ?? [],
    before: way?.before ?? [],
    limits: { ...limits, timeoutMs: Math.min(wanted.timeoutMs, limits.timeoutMs) },
    ...(wanted.apart === true && { apart: true as const }),
  };
  const launch = place === null ? justBashLaunch(asked) : launchOf(asked, place, taken);
  return { launch, before: before.usage, way };
}

/** Where there is no network, none can be opened. */
function widened(rules: HostRules | null, hosts: readonly string[]): HostRules | null {
  if (rules === null || rules.allowed === null || hosts.length === 0) return rules;
  return { ...rules, allowed: [...rules.allowed, ...hosts] };
}

function named(all: WorkspaceSpec['env'], names: readonly string[] | null): WorkspaceSpec['env'] {
  if (names === null) return all;
  const wanted = new Set(names);
  return Object.fromEntries(Object.entries(all).filter(([name]) => wanted.has(name)));
}
