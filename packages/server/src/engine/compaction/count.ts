/** `POST /v1/responses/input_tokens`: what a request for a response would send, counted by its dialect's estimate. Changes nothing, calls nobody. */
import { type CreateResponse, perdureError } from '@perdure/protocol';
import type { Caller } from '../caller.ts';
import type { EngineContext } from '../engine-context.ts';
import { placeItems } from '../input.ts';
import { short } from '../plan.ts';
import { callSettings, sayings } from '../settings.ts';
import { readInput } from './input.ts';
import { countTokens, fitContext } from './measure.ts';
import { expand } from './open-item.ts';
import { readContext } from './read-context.ts';

/** Any id body: the items are only measured. */
const NOWHERE = '0'.repeat(28);

/** @throws model_not_found, and what cannot be continued; context_length_exceeded if no truncation would make it fit */
export async function countInput(engine: EngineContext, caller: Caller, request: CreateResponse): Promise<number> {
  const { model, truncation } = request;
  if (engine.placing.capacity(model).provider === null) {
    throw perdureError('model_not_found', `The model '${short(model)}' is served by no target.`, { param: 'model' });
  }
  const { history } = await readContext(engine, caller, request);
  const items = expand(placeItems(await readInput(engine, caller, request.input), NOWHERE, 0));
  const said = sayings(request);
  const settings = callSettings(said.settings, said.tools, said.instructions);
  const sent = { model, settings, context: items.length === 0 ? history : [...history, { items }] };
  if (truncation !== 'auto') return countTokens(engine, sent);
  return countTokens(engine, { ...sent, context: fitContext(engine, sent, truncation) });
}
