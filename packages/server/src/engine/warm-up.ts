/** A stateless call that calls nobody: its input is checked and held ready for the call that continues it. No model, so no placement (L5). */
import { perdureError } from '@perdure/protocol';
import type { Step } from '../log/steps.ts';
import type { EngineContext } from './engine-context.ts';
import { short } from './plan.ts';
import type { StatelessCall } from './stateless.ts';

const NOTHING_SAID: readonly Step[] = [
  {
    type: 'end',
    outcome: 'completed',
    reason: null,
    usage: { input: 0, cached: 0, output: 0, reasoning: 0 },
    upstream: { response: null, request: null },
  },
];

/** @throws model_not_found */
export function warmUpCall(engine: EngineContext, call: Pick<StatelessCall, 'body' | 'base' | 'after'>): StatelessCall {
  const { model } = call.base;
  if (!engine.placing.models().some(one => one.id === model))
    throw perdureError('model_not_found', `The model '${short(model)}' is served by no target.`, { param: 'model' });
  return {
    ...call,
    placement: null,
    target: null,
    steps: said(),
    answer: async () => NOTHING_SAID,
    stopAtBoundary: () => undefined,
    drop: () => undefined,
  };
}

async function* said(): AsyncGenerator<readonly Step[]> {
  yield NOTHING_SAID;
}
