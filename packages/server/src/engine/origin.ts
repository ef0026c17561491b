/** Where access comes from. */
import type { SessionOrigin } from '../log/events.ts';
import type { Caller } from './caller.ts';
import type { EngineContext } from './engine-context.ts';

/** As a session that starts now will keep it. */
export function originOf(engine: Pick<EngineContext, 'placing'>, caller: Caller): SessionOrigin {
  const { product, channel, segment } = caller;
  return { product, channel, segment, stateHeld: true, readings: engine.placing.readings() };
}
