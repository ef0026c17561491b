/** `POST /v1/responses/input_tokens`. */
import { parseCountInput } from '@perdure/protocol';
import { readJson } from '../body.ts';
import { inTime } from '../in-time.ts';
import { sendJson } from '../reply.ts';
import type { Exchange, HttpDeps } from '../types.ts';

export async function countInputTokens(deps: HttpDeps, exchange: Exchange): Promise<void> {
  const { req, res, caller, requestId } = exchange;
  // As OpenAI's, it may be asked without naming a model: then for the first that is served.
  const model = deps.engine.placing.models()[0]?.id ?? '';
  const parsed = parseCountInput((await readJson(req, deps.limits)).value, model);
  if (!parsed.ok) throw parsed.error;
  const tokens = await inTime(deps, exchange, () => deps.engine.countInput(caller, parsed.value));
  sendJson(res, 200, { object: 'response.input_tokens', input_tokens: tokens }, { 'x-request-id': requestId });
}
