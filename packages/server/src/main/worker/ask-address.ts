/** What a worker asks of its own network at the server's word: hosts that whoever started it has listed, and no others. */
import { perdureError, WORKER_LIMITS, type WorkerDo } from '@perdure/protocol';
import type { JsonObject } from '../../log/events.ts';
import { matchesAny } from '../../provider/egress/rules.ts';

type Asked = Extract<WorkerDo, { op: 'http' }>;

/** Of this connection only. */
const HOP: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'transfer-encoding',
  'content-encoding',
  'content-length',
  'set-cookie',
]);

/** Redirects are not followed: who asked sees them. @throws egress_denied, file_too_large */
export async function askAddress(asked: Asked, allowed: readonly string[], signal: AbortSignal): Promise<JsonObject> {
  const url = URL.canParse(asked.url) ? new URL(asked.url) : null;
  const plain = url !== null && (url.protocol === 'http:' || url.protocol === 'https:') && url.username === '';
  if (!plain || !matchesAny(url, allowed))
    throw perdureError(
      'egress_denied',
      'The worker of the environment does not ask this host: its --allow-host says which it does.',
    );
  const stop = AbortSignal.any([signal, AbortSignal.timeout(asked.timeout_ms)]);
  const answer = await fetch(url, {
    method: asked.method,
    headers: { ...asked.headers },
    body: asked.data === null ? null : Buffer.from(asked.data, 'base64'),
    redirect: 'manual',
    signal: stop,
  });
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const part of answer.body ?? []) {
    size += (part as Uint8Array).byteLength;
    if (size > WORKER_LIMITS.httpBytes)
      throw perdureError('file_too_large', `An answer through a worker has ${WORKER_LIMITS.httpBytes} bytes at most.`);
    parts.push(part as Uint8Array);
  }
  const headers = Object.fromEntries([...answer.headers].filter(([name]) => !HOP.has(name)).slice(0, 100));
  return { status: answer.status, headers, data: Buffer.concat(parts).toString('base64') };
}
