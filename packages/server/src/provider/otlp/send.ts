/** One OTLP/HTTP export in JSON, and what its answer means: what may be sent again, what never will be taken. No redirects, one deadline. */
import { Agent, request } from 'undici';
import { retryAfterMs } from '../transport/retry-after.ts';

export interface OtlpReceiver {
  /** The whole address, as `https://collector:4318/v1/traces`. */
  readonly url: string;
  /** Sent along; they may hold a credential (L9). */
  readonly headers: { readonly [name: string]: string };
}

export type Exported =
  /** `rejected`: spans of it that the receiver did not take, and never will. */
  | { readonly ok: true; readonly rejected: number }
  | { readonly ok: false; readonly again: boolean; readonly afterMs: number | null; readonly why: string };

export interface OtlpSender {
  /** @param body an `ExportTraceServiceRequest` in JSON */
  send(body: string): Promise<Exported>;
  close(): Promise<void>;
}

/** What OTLP says to send again. */
const AGAIN: ReadonlySet<number> = new Set([429, 502, 503, 504]);
/** Bytes of an answer that are read. */
const ANSWER_BYTES = 64 * 1024;

export function makeOtlpSender({ url, headers }: OtlpReceiver, timeoutMs: number, now: () => number): OtlpSender {
  const ending = new AbortController();
  const agent = new Agent({ connect: { timeout: timeoutMs }, connections: 1 });
  return {
    async send(body) {
      try {
        const answer = await request(url, {
          method: 'POST',
          dispatcher: agent,
          signal: AbortSignal.any([ending.signal, AbortSignal.timeout(timeoutMs)]),
          headers: { 'user-agent': 'perdure', ...headers, 'content-type': 'application/json' },
          body,
        });
        const { statusCode } = answer;
        const text = await readStart(answer.body);
        if (statusCode >= 200 && statusCode < 300) return { ok: true, rejected: rejectedIn(text) };
        const afterMs = retryAfterMs(answer.headers, now());
        return { ok: false, again: AGAIN.has(statusCode), afterMs, why: `status ${statusCode}` };
      } catch (error) {
        return { ok: false, again: true, afterMs: null, why: reasonOf(error) };
      }
    },
    async close() {
      ending.abort();
      await agent.destroy();
    },
  };
}

async function readStart(body: AsyncIterable<Uint8Array> & { destroy(): unknown }): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body) {
    chunks.push(chunk);
    size += chunk.length;
    if (size > ANSWER_BYTES) break;
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** Of an answer that is not understood, nothing was rejected: it was a success. */
function rejectedIn(text: string): number {
  try {
    const { partialSuccess } = JSON.parse(text) as { readonly partialSuccess?: { readonly rejectedSpans?: unknown } };
    const rejected = Number(partialSuccess?.rejectedSpans ?? 0);
    return Number.isSafeInteger(rejected) && rejected > 0 ? rejected : 0;
  } catch {
    return 0;
  }
}

/** A code, never a message: those may name the address, which can hold a secret of its own. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return 'failed';
  if (error.name === 'TimeoutError') return 'timeout';
  if ('code' in error && typeof error.code === 'string') return error.code;
  return error.name;
}
