/** One workspace: its files, and commands in it. The laws are those of `open-workspaces.ts`. */
import { perdureError } from '@perdure/protocol';
import type { ExecRequest, ExecResult, ServedProcess, Workspace, WorkspaceSpec } from '../engine/tools/ports.ts';
import { readBelow, removeBelow, sizeBelow, writeBelow } from './files/file.ts';
import { listFiles, measure, type Usage } from './files/tree.ts';
import type { WorkspaceLimits } from './limits.ts';
import type { WorkspaceParts } from './parts.ts';
import { pathNames } from './paths.ts';
import { EVERYTHING, folderInside, mayRun, prepareLaunch } from './prepare-launch.ts';
import { runLaunch } from './run-launch.ts';
import { serve } from './serve.ts';
import { alone, exclusively, type Shared } from './shared.ts';
import { restoreSnapshot, takeSnapshot } from './snapshots.ts';

const BLOCK = 4096;
const MOST_LISTED = 1000;
const NOT_RUN: ExecResult = { exitCode: null, ended: 'aborted', output: '', durationMs: 0, refusedHosts: [] };

export function makeWorkspace(spec: WorkspaceSpec, parts: WorkspaceParts): Workspace {
  const { layout, owner, limits, using, unique, trash } = parts;
  const { root } = layout;
  const snapshots = { layout, owner, trash, most: limits.snapshots };
  return {
    exec: request => using(shared => exec(spec, parts, shared, request)),
    serve: request =>
      // The workspace is in use until it has ended.
      new Promise<ServedProcess>((started, refuse) => {
        using(shared => serve(spec, { parts, shared, request, started })).catch(refuse);
      }),
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
  mayRun(parts, shared);
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
  const cwd = await folderInside(parts.layout.root, request.cwd ?? '');
  let give: () => void;
  try {
    give = await parts.turns.take(request.signal);
  } catch {
    return NOT_RUN;
  }
  try {
    return await runMeasured(spec, parts, request, cwd);
  } finally {
    give();
  }
}

async function runMeasured(
  spec: WorkspaceSpec,
  parts: WorkspaceParts,
  request: ExecRequest,
  cwd: string,
): Promise<ExecResult> {
  const { limits, taken } = parts;
  const { root } = parts.layout;
  const { command, timeoutMs, hosts = [] } = request;
  const { launch, before, way } = await prepareLaunch(spec, parts, { command, cwd, timeoutMs, hosts, variables: null });
  try {
    const { why, ...result } = await runLaunch(launch, {
      root,
      before,
      limits,
      timeoutMs,
      signal: request.signal,
      show: request.show,
      taken,
      ...(parts.started === undefined ? {} : { started: parts.started }),
    });
    const late = result.ended === 'exit' && !taken.has('watch') ? await overQuota(root, before, limits) : null;
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
