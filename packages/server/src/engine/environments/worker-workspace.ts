/** The workspace of a self-hosted environment: what is asked of it is done by its worker. */
import {
  isPerdureError,
  parseBody,
  perdureError,
  WORKER_LIMITS,
  type WorkerDo,
  workerExecValue,
  workerListValue,
  workerReadValue,
  workerRemoveValue,
} from '@perdure/protocol';
import type { JsonObject } from '../../log/events.ts';
import type { ExecResult, Workspace } from '../tools/ports.ts';
import type { Ask, WorkerLink } from './worker-link.ts';

/** For what is done in a moment, ms. */
const FILE_MS = 60_000;
/** For a command to end once its time is up at the worker, ms. */
const MARGIN_MS = 10_000;

type Reads<Value> = Parameters<typeof parseBody<Value>>[0];

export interface WorkerWorkspaceOptions {
  readonly link: WorkerLink;
  /** Draws a key for a request that was given none. */
  readonly key: () => string;
}

export function workerWorkspace({ link, key }: WorkerWorkspaceOptions): Workspace {
  async function ask<Value>(schema: Reads<Value>, what: WorkerDo, more: Partial<Ask> = {}): Promise<Value> {
    const value = await link.ask({
      key: key(),
      do: what,
      timeoutMs: FILE_MS,
      signal: null,
      show: () => undefined,
      ...more,
    });
    return valueOf(schema, value);
  }

  return {
    async exec(request): Promise<ExecResult> {
      const { command, cwd, timeoutMs, signal, show } = request;
      const done = await ask(
        workerExecValue,
        { op: 'exec', command, cwd, timeout_ms: timeoutMs },
        {
          timeoutMs: timeoutMs + MARGIN_MS,
          signal,
          show,
          ...(request.key !== undefined && { key: request.key }),
        },
      );
      const { exit_code: exitCode, ended, output, duration_ms: durationMs, refused_hosts: refusedHosts } = done;
      return { exitCode, ended, output, durationMs, refusedHosts };
    },
    async read(path, maxBytes) {
      const most = Math.min(maxBytes, WORKER_LIMITS.fileBytes);
      const { data } = await ask(workerReadValue, { op: 'read', path, max_bytes: most });
      if (data === null) return null;
      const bytes = Buffer.from(data, 'base64');
      if (bytes.length > most) throw tooLarge(most);
      return bytes;
    },
    async write(path, bytes) {
      if (bytes.length > WORKER_LIMITS.fileBytes) throw tooLarge(WORKER_LIMITS.fileBytes);
      const data = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('base64');
      await link.ask({ key: key(), do: { op: 'write', path, data }, timeoutMs: FILE_MS, signal: null, show: QUIET });
    },
    remove: async path => (await ask(workerRemoveValue, { op: 'remove', path })).removed,
    async list(path, after, limit) {
      const { files } = await ask(workerListValue, { op: 'list', path, after, limit: Math.min(limit, 1_000) });
      return files.map(({ path: at, size, modified_at: modifiedAt }) => ({ path: at, size, modifiedAt }));
    },
    snapshot: () => Promise.reject(noSnapshots()),
    restore: () => Promise.reject(noSnapshots()),
  };
}

const QUIET = (): void => undefined;

function valueOf<Value>(schema: Reads<Value>, value: JsonObject): Value {
  const parsed = parseBody(schema, value);
  if (parsed.ok) return parsed.value;
  throw perdureError('environment_disconnected', 'The worker did not answer in the form that was agreed.', {
    cause: isPerdureError(parsed.error) ? parsed.error : undefined,
  });
}

function tooLarge(most: number): Error {
  return perdureError('file_too_large', `A file of a self-hosted environment has ${most} bytes at most here.`);
}

function noSnapshots(): Error {
  return perdureError(
    'unsupported_parameter',
    'A self-hosted environment has no snapshots: its files are its owner’s.',
  );
}
