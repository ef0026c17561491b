/**
 * How a worker and the server speak. The worker asks, again and again: it says what it has done and what it is doing, and is told what else
 * there is to do. Each exchange may be lost and made again: a request has a key, and is executed once.
 */
import * as z from 'zod';
import { boundedList, freeObject } from '../parse.ts';
import { LIMITS } from '../limits.ts';
import type { JsonObject } from '../json.ts';

export const WORKER_LIMITS: {
  /** Requests that are under way in one environment. */
  readonly requests: number;
  readonly keyChars: number;
  /** How long the server may keep a worker's question open, ms. */
  readonly waitMs: number;
  /** Characters of output that one exchange shows. */
  readonly outputChars: number;
  /** Bytes of a file that is read or written over the link. */
  readonly fileBytes: number;
  /** Bytes of a request to an address, and of its answer. */
  readonly httpBytes: number;
} = {
  requests: 64,
  keyChars: 200,
  waitMs: 25_000,
  outputChars: 1_000_000,
  fileBytes: 16 * 1024 * 1024,
  httpBytes: 4 * 1024 * 1024,
};

export const WORKER_PROTOCOL = 1;

/** What a worker is asked to do. Paths are below its workspace. */
export type WorkerDo =
  | {
      readonly op: 'exec';
      readonly command: string;
      readonly cwd: string | null;
      readonly timeout_ms: number;
    }
  | { readonly op: 'read'; readonly path: string; readonly max_bytes: number }
  /** `data`: base64. */
  | { readonly op: 'write'; readonly path: string; readonly data: string }
  | { readonly op: 'remove'; readonly path: string }
  | { readonly op: 'list'; readonly path: string; readonly after: string | null; readonly limit: number }
  /** Asked of those that say that they do `http`. `data`: base64. */
  | {
      readonly op: 'http';
      readonly method: string;
      readonly url: string;
      readonly headers: { readonly [name: string]: string };
      readonly data: string | null;
      readonly timeout_ms: number;
    };

export type WorkerRequest = { readonly key: string; readonly do: WorkerDo };

export type WorkerResult =
  | { readonly key: string; readonly ok: true; readonly value: JsonObject }
  | { readonly key: string; readonly ok: false; readonly code: string; readonly message: string };

export type WorkerSays = {
  readonly protocol: number;
  /** Drawn anew by each start of a worker. */
  readonly worker: string;
  readonly isolation: string;
  /** What it can do beside commands and files: `http`. Absent: nothing. */
  readonly does?: readonly string[] | undefined;
  /** Keys that it knows: running, or done and not yet taken from it. */
  readonly known: readonly string[];
  readonly results: readonly WorkerResult[];
  /** `at`: characters that the command had printed before. Who does not say it tells each text once. */
  readonly output: readonly { readonly key: string; readonly text: string; readonly at?: number | undefined }[];
  /** How long it waits for something to do; 0: it only tells. */
  readonly wait_ms: number;
  /** It goes, and says so. */
  readonly leaving: boolean;
};

export type WorkerTold = {
  readonly object: 'perdure.worker';
  readonly requests: readonly WorkerRequest[];
  /** Results that need not be told again. */
  readonly taken: readonly string[];
  readonly cancel: readonly string[];
};

const key = z.string().min(1).max(WORKER_LIMITS.keyChars);
const result: z.ZodType<WorkerResult> = z.discriminatedUnion('ok', [
  z.strictObject({ key, ok: z.literal(true), value: freeObject }),
  z.strictObject({
    key,
    ok: z.literal(false),
    code: z.string().max(LIMITS.nameChars),
    message: z.string().max(LIMITS.reasonChars),
  }),
]);

export const workerBody: z.ZodType<WorkerSays> = z.strictObject({
  protocol: z.literal(WORKER_PROTOCOL),
  worker: z.string().min(8).max(64),
  isolation: z.string().max(64),
  does: boundedList(z.string().max(32), 16).optional(),
  known: boundedList(key, 4 * WORKER_LIMITS.requests),
  results: boundedList(result, 4 * WORKER_LIMITS.requests),
  output: boundedList(
    z.strictObject({ key, text: z.string().max(WORKER_LIMITS.outputChars), at: z.int().min(0).optional() }),
    4 * WORKER_LIMITS.requests,
  ),
  wait_ms: z.int().min(0).max(WORKER_LIMITS.waitMs),
  leaving: z.boolean(),
});

const asked: z.ZodType<WorkerDo> = z.discriminatedUnion('op', [
  z.object({
    op: z.literal('exec'),
    command: z.string(),
    cwd: z.string().nullable(),
    timeout_ms: z.int().min(1),
  }),
  z.object({ op: z.literal('read'), path: z.string(), max_bytes: z.int().min(0) }),
  z.object({ op: z.literal('write'), path: z.string(), data: z.string() }),
  z.object({ op: z.literal('remove'), path: z.string() }),
  z.object({
    op: z.literal('list'),
    path: z.string(),
    after: z.string().nullable(),
    limit: z.int().min(1).max(1_000),
  }),
  z.object({
    op: z.literal('http'),
    method: z.string(),
    url: z.string(),
    headers: z.record(z.string(), z.string()),
    data: z.string().nullable(),
    timeout_ms: z.int().min(1),
  }),
]);
export const workerToldSchema: z.ZodType<WorkerTold> = z.object({
  object: z.literal('perdure.worker'),
  requests: z.array(z.object({ key: z.string(), do: asked })),
  taken: z.array(z.string()),
  cancel: z.array(z.string()),
});

// ---- Values of results ----------------------------------------------------------------------------------------------

export type WorkerExecValue = {
  readonly exit_code: number | null;
  readonly ended: 'exit' | 'timeout' | 'aborted' | 'output_limit' | 'quota';
  readonly output: string;
  readonly duration_ms: number;
  readonly refused_hosts: readonly string[];
};
export const workerExecValue: z.ZodType<WorkerExecValue> = z.object({
  exit_code: z.int().nullable(),
  ended: z.enum(['exit', 'timeout', 'aborted', 'output_limit', 'quota']),
  output: z.string().max(WORKER_LIMITS.outputChars),
  duration_ms: z.number().min(0),
  refused_hosts: boundedList(z.string().max(253), 100),
});

/** `data`: base64; null if there is no such file. */
export const workerReadValue: z.ZodType<{ readonly data: string | null }> = z.object({
  data: z
    .string()
    .max(2 * WORKER_LIMITS.fileBytes)
    .nullable(),
});

export const workerRemoveValue: z.ZodType<{ readonly removed: boolean }> = z.object({ removed: z.boolean() });

export const workerListValue: z.ZodType<{
  readonly files: readonly { readonly path: string; readonly size: number; readonly modified_at: number }[];
}> = z.object({
  files: boundedList(
    z.object({ path: z.string().max(4_096), size: z.int().min(0), modified_at: z.number().min(0) }),
    1_000,
  ),
});

/** `data`: base64. */
export type WorkerHttpValue = {
  readonly status: number;
  readonly headers: { readonly [name: string]: string };
  readonly data: string;
};
export const workerHttpValue: z.ZodType<WorkerHttpValue> = z.object({
  status: z.int().min(200).max(599),
  headers: z.record(z.string().max(256), z.string().max(16 * 1024)),
  data: z.string().max(2 * WORKER_LIMITS.httpBytes),
});
