/** What a worker does at the server's word, in its workspace. */
import { isPerdureError, type WorkerDo, type WorkerResult } from '@perdure/protocol';
import type { JsonObject } from '../../log/events.ts';
import type { Workspace } from '../../engine/tools/ports.ts';
import { askAddress } from './ask-address.ts';

export interface Performing {
  readonly key: string;
  readonly signal: AbortSignal;
  readonly show: (text: string) => void;
  /** Hosts that may be asked. */
  readonly hosts: readonly string[];
}

/** Never rejects: what goes wrong is a result. */
export async function perform(workspace: Workspace, what: WorkerDo, how: Performing): Promise<WorkerResult> {
  const { key } = how;
  try {
    return { key, ok: true, value: await valueOf(workspace, what, how) };
  } catch (error) {
    // The words of the system name paths of this machine: they stay here.
    if (!isPerdureError(error))
      return { key, ok: false, code: 'worker_failed', message: 'The worker could not do it.' };
    return { key, ok: false, code: error.code, message: error.message.slice(0, 1_000) };
  }
}

async function valueOf(
  workspace: Workspace,
  what: WorkerDo,
  { key, signal, show, hosts }: Performing,
): Promise<JsonObject> {
  switch (what.op) {
    case 'exec': {
      const { command, cwd, timeout_ms: timeoutMs } = what;
      const done = await workspace.exec({ command, cwd, key, timeoutMs, signal, show });
      return {
        exit_code: done.exitCode,
        ended: done.ended,
        output: done.output,
        duration_ms: done.durationMs,
        refused_hosts: done.refusedHosts,
      };
    }
    case 'read': {
      const bytes = await workspace.read(what.path, what.max_bytes);
      return { data: bytes === null ? null : Buffer.from(bytes).toString('base64') };
    }
    case 'write':
      await workspace.write(what.path, Buffer.from(what.data, 'base64'));
      return {};
    case 'http':
      return askAddress(what, hosts, signal);
    case 'remove':
      return { removed: await workspace.remove(what.path) };
    case 'list': {
      const files = await workspace.list(what.path, what.after, what.limit);
      return { files: files.map(({ path, size, modifiedAt }) => ({ path, size, modified_at: modifiedAt })) };
    }
  }
}
