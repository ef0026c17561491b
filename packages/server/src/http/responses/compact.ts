/** `POST /v1/responses/compact`. */
import { parseCompactResponse } from '@perdure/protocol';
import { readJson } from '../body.ts';
import { inTime } from '../in-time.ts';
import { sendJson } from '../reply.ts';
import { readLabels } from '../request-headers.ts';
import type { Exchange, HttpDeps } from '../types.ts';

export async function compactResponse(deps: HttpDeps, exchange: Exchange): Promise<void> {
  const { req, res, caller, requestId } = exchange;
  const parsed = parseCompactResponse((await readJson(req, deps.limits)).value);
  if (!parsed.ok) throw parsed.error;
  const request = parsed.value;
  const labels = readLabels(req);
  const { resource, placement } = await inTime(deps, exchange, signal =>
    deps.engine.compact({ caller, request, labels, signal }),
  );
  sendJson(res, 200, resource, {
    'x-request-id': requestId,
    ...(request.store && { 'perdure-response': resource.id }),
    ...(placement !== null && { 'perdure-placement': placement }),
  });
}
