/** `POST /v1/responses/compact`. */
import { parseCompactResponse, perdureError } from '@perdure/protocol';
import { within } from '../../engine/deadline.ts';
import { readJson } from '../body.ts';
import { sendJson } from '../reply.ts';
import { readLabels } from '../request-headers.ts';
import type { Exchange, HttpDeps } from '../types.ts';

export async function compactResponse(deps: HttpDeps, exchange: Exchange): Promise<void> {
  const { req, res, caller, requestId, signal } = exchange;
  const parsed = parseCompactResponse((await readJson(req, deps.limits)).value);
  if (!parsed.ok) throw parsed.error;
  const request = parsed.value;
  const done = deps.engine.compact({ caller, request, labels: readLabels(req), signal });
  const { resource, placement } = await within(deps.limits.requestMs, done, () => perdureError('deadline_exceeded'));
  sendJson(res, 200, resource, {
    'x-request-id': requestId,
    ...(request.store && { 'perdure-response': resource.id }),
    ...(placement !== null && { 'perdure-placement': placement }),
  });
}
