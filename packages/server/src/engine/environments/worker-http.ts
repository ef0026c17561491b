/** An address that a worker asks from its own network, under its own allow-list. Answers come whole. */
import { parseBody, perdureError, WORKER_LIMITS, workerHttpValue } from '@perdure/protocol';
import type { WorkerLink } from './worker-link.ts';

export interface HttpAsked {
  readonly method: string;
  readonly url: string;
  readonly headers: { readonly [name: string]: string };
  readonly body: Uint8Array | null;
  readonly timeoutMs: number;
  readonly signal: AbortSignal | null;
}

export interface HttpAnswer {
  readonly status: number;
  readonly headers: { readonly [name: string]: string };
  readonly body: Uint8Array;
}

/** @throws environment_disconnected, egress_denied if the worker may not, unsupported_parameter if it is too old for it */
export async function askThrough(link: WorkerLink, key: string, asked: HttpAsked): Promise<HttpAnswer> {
  const { method, url, headers, body, timeoutMs, signal } = asked;
  if (!link.connected) throw perdureError('environment_disconnected');
  if (!link.does.includes('http'))
    throw perdureError('unsupported_parameter', 'The worker of the environment is too old to ask addresses.');
  if (body !== null && body.length > WORKER_LIMITS.httpBytes)
    throw perdureError('file_too_large', `A request through a worker has ${WORKER_LIMITS.httpBytes} bytes at most.`);
  const data = body === null ? null : Buffer.from(body).toString('base64');
  const said = await link.ask({
    key,
    do: { op: 'http', method, url, headers, data, timeout_ms: timeoutMs },
    timeoutMs,
    signal,
    show: () => undefined,
  });
  signal?.throwIfAborted();
  const parsed = parseBody(workerHttpValue, said);
  if (!parsed.ok)
    throw perdureError('environment_disconnected', 'The worker did not answer in the form that was agreed.');
  const answer = parsed.value;
  return { status: answer.status, headers: answer.headers, body: Buffer.from(answer.data, 'base64') };
}
