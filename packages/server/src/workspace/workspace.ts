/** One workspace: its files, and commands in it. The laws are those of `open-workspaces.ts`. */
import { perdureError } from '@perdure/protocol';
import type { ExecRequest, ExecResult, Isolation, Workspace, WorkspaceSpec } from '../engine/tools/ports.ts';
import { readBelow, removeBelow, sizeBelow, writeBelow } from './files/file.ts';
import { openFolder, type Owner } from './files/folder.ts';
import { listFiles, measure, type Usage } from './files/tree.ts';
import { justBashLaunch } from './just-bash/task.ts';
import type { Layout } from './layout.ts';
import type { WorkspaceLimits } from './limits.ts';
import type { EdgeCredentials } from './network/credentials.ts';
import type { EdgeDefences } from './network/edge-defences.ts';
import type { Egress } from './network/proxy.ts';
import { type HostRules, hostRules } from './network/rules.ts';
import { openWayOut, type WayOut } from './network/way-out.ts';
import { pathNames, refused, WORKSPACE_PATH } from './paths.ts';
import { runLaunch } from './run-launch.ts';
import type { Defences } from './sandbox/defences.ts';
import { type Asked, launchOf, type Place } from './sandbox/launch.ts';
import { alone, exclusively, type Shared } from './shared.ts';
import { restoreSnapshot, takeSnapshot } from './snapshots.ts';
import type { Turns } from './turns.ts';

export interface WorkspaceParts {
  readonly layout: Layout;
  readonly owner: Owner;
  readonly trash: string;
  readonly limits: WorkspaceLimits;
  readonly isolation: Isolation;
  /** Null where there is no bubblewrap; `why` says why. */
  readonly place: Place | null;
  readonly why: string | null;
  readonly network: {
    readonly blocked: readonly string[];
    readonly egress: Egress;
    readonly credentials?: (spec: WorkspaceSpec) => EdgeCredentials | null;
    readonly taken?: EdgeDefences;
    readonly tag: string;
  };
  readonly taken: Defences;
  readonly started: ((pid: number) => void) | undefined;
  readonly turns: Turns;
  readonly using: <T>(act: (shared: Shared) => Promise<T>) => Promise<T>;
  /** Commands of the whole server. */
  readonly runs: Set<AbortController>;
  readonly unique: () => string;
}

const BLOCK = 4096;
const MOST_LISTED = 1000;
const EVERYTHING: Usage = { bytes: Number.POSITIVE_INFINITY, files: Number.POSITIVE_INFINITY };
const NOT_RUN: ExecResult = { exitCode: null, ended: 'aborted', output: '', durationMs: 0, refusedHosts: [] };

export function makeWorkspace(spec: WorkspaceSpec, parts: WorkspaceParts): Workspace {
  const { layout, owner, limits, using, unique, trash } = parts;
  const { root } = layout;
  const snapshots = { layout, owner, trash, most: limits.snapshots };
  return {
    exec: request => using(shared => exec(spec, parts, shared, request)),
    read: async (path, maxBytes) => readBelow(root, pathNames(path), maxBytes),
    write: (path, bytes) =>
      using(shared =>
        exclusively(shared, async () => {
          const names = pathNames(path);
          await checkQuota(root, names, bytes.length, limits);
          await writeBelow(root, names, bytes, { incoming: layout.incoming, owner, unique: unique() });
        }),
      ),
    remove: path => using(shared => exclusively(shared, () => removeBelow(root, pathNames(path)))),
    list: async (path, after, limit) =>
      listFiles(root, pathNames(path), after === null ? null : pathNames(after), Math.min(limit, MOST_LISTED)),
    snapshot: () =>
      using(shared =>
        alone(shared, async () => {
          const held = await measure(root, EVERYTHING);
          if (!held.ok) throw perdureError('workspace_quota_exceeded', `The workspace holds ${held.why}.`);
          return takeSnapshot(snapshots, unique());
        }),
      ),
    restore: snapshot => using(shared => alone(shared, () => restoreSnapshot(snapshots, snapshot, unique()))),
  };
}

async function checkQuota(
  root: string,
  names: readonly string[],
  bytes: number,
  limits: WorkspaceLimits,
): Promise<void> {
  const most = { bytes: limits.bytes, files: limits.files };
  const held = await measure(root, most);
  if (!held.ok) throw perdureError('workspace_quota_exceeded', `The workspace holds ${held.why}.`);
  // What is replaced goes; folders on the way may come.
  const replaced = await sizeBelow(root, names);
  const wanted = held.usage.bytes + Math.ceil(bytes / BLOCK) * BLOCK - (replaced ?? 0);
  if (wanted > limits.bytes)
    throw perdureError('workspace_quota_exceeded', `The workspace would hold more than ${limits.bytes} bytes.`);
  if (held.usage.files + (replaced === null || replaced === 0 ? names.length : 0) > limits.files)
    throw perdureError('workspace_quota_exceeded', `The workspace would hold more than ${limits.files} files.`);
}

async function exec(
  spec: WorkspaceSpec,
  parts: WorkspaceParts,
  shared: Shared,
  request: ExecRequest,
): Promise<ExecResult> {
  if (parts.isolation === 'unavailable')
    throw perdureError('isolation_unavailable', `Commands are not run: ${parts.why ?? 'there is no isolation'}.`);
  if (shared.exclusive) throw perdureError('workspace_busy', 'The files of the workspace are being replaced.');
  const stop = new AbortController();
  const signal = AbortSignal.any([request.signal, stop.signal]);
  const done = runInTurn(spec, parts, { ...request, signal });
  const run = { stop, done };
  shared.runs.add(run);
  parts.runs.add(stop);
  try {
    return await done;
  } finally {
    shared.runs.delete(run);
    parts.runs.delete(stop);
  }
}

async function runInTurn(spec: WorkspaceSpec, parts: WorkspaceParts, request: ExecRequest): Promise<ExecResult> {
  const { root } = parts.layout;
  const names = pathNames(request.cwd ?? '');
  const folder = await openFolder(root, names);
  if (folder === null) throw refused('There is no such folder to run the command in.');
  await folder.close();
  let give: () => void;
  try {
    give = await parts.turns.take(request.signal);
  } catch {
    return NOT_RUN;
  }
  try {
    return await runMeasured(spec, parts, request, [WORKSPACE_PATH, ...names].join('/'));
  } finally {
    give();
  }
}

/** With the hosts that people opened for this run. Where there is no network, none can be opened. */
function widened(rules: HostRules | null, { hosts = [] }: ExecRequest): HostRules | null {
  if (rules === null || rules.allowed === null || hosts.length === 0) return rules;
  return { ...rules, allowed: [...rules.allowed, ...hosts] };
}

async function runMeasured(
  spec: WorkspaceSpec,
  parts: WorkspaceParts,
  request: ExecRequest,
  cwd: string,
): Promise<ExecResult> {
  const { layout, limits, taken, owner, network } = parts;
  const { root } = layout;
  const before = await measure(root, EVERYTHING);
  if (!before.ok) throw perdureError('workspace_quota_exceeded', `The workspace holds ${before.why}.`);
  const rules = parts.isolation === 'bubblewrap' ? widened(hostRules(spec.network, network.blocked), request) : null;
  const credentials = network.credentials?.(spec) ?? null;
  const variables = (await credentials?.variables()) ?? {};
  const edge = Object.keys(variables).length === 0 ? null : credentials;
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
  try {
    const launch = parts.place === null ? justBashLaunch(asked(way)) : launchOf(asked(way), parts.place, taken);
    const { why, ...result } = await runLaunch(launch, {
      root,
      before: before.usage,
      limits,
      timeoutMs: request.timeoutMs,
      signal: request.signal,
      show: request.show,
      taken,
      ...(parts.started === undefined ? {} : { started: parts.started }),
    });
    const late = result.ended === 'exit' && !taken.has('watch') ? await overQuota(root, before.usage, limits) : null;
    const said = late ?? why;
    return {
      ...result,
      ended: late === null ? result.ended : 'quota',
      output: said === null ? result.output : `${result.output}${separator(result.output)}[${ending(late)}: ${said}]\n`,
      refusedHosts: way?.proxy.refused ?? [],
    };
  } finally {
    await way?.proxy.close();
  }

  function asked(out: WayOut | null): Asked {
    return {
      root,
      cwd,
      command: request.command,
      env: { ...spec.env, ...variables, ...out?.env },
      mounts: out?.mounts ?? [],
      before: out?.before ?? [],
      limits: { ...limits, timeoutMs: Math.min(request.timeoutMs, limits.timeoutMs) },
    };
  }
}

/** A command may end before it was looked at. One that found the workspace over its quota may leave it so, if it added nothing. */
async function overQuota(root: string, before: Usage, limits: WorkspaceLimits): Promise<string | null> {
  const most = { bytes: Math.max(limits.bytes, before.bytes), files: Math.max(limits.files, before.files) };
  const after = await measure(root, most);
  return after.ok ? null : `the workspace holds ${after.why}`;
}

function ending(late: string | null): string {
  return late === null ? 'the command was ended' : 'over the quota';
}

function separator(output: string): string {
  return output === '' || output.endsWith('\n') ? '' : '\n';
}
