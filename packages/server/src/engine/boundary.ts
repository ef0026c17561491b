/**
 * Ending a running call early at a safe place: between two items of its output, after a message. Inside an item is none, nor after a
 * reasoning item, which means nothing without what follows it, nor once a tool call was made, which its client would be left with.
 */
import type { StartedItem, Step, StepEnd } from '../log/steps.ts';

/** Set by who wants the call to end; read between items. */
export interface Boundary {
  asked: boolean;
}

/** How a call ends that was asked to stop. The upstream was cut, so nobody has counted its tokens. */
const STEERED: StepEnd = {
  type: 'end',
  outcome: 'incomplete',
  reason: 'steered',
  usage: null,
  upstream: { response: null, request: null },
};

/** The steps, up to the first boundary after it is asked for. A call that has nothing left to say ends as it would have. */
export async function* untilBoundary(
  steps: AsyncIterable<readonly Step[]>,
  boundary: Boundary,
): AsyncGenerator<readonly Step[]> {
  let last: StartedItem['type'] | null = null;
  let called = false;
  for await (const batch of steps) {
    for (const [at, step] of batch.entries()) {
      if (step.type !== 'item') continue;
      if (boundary.asked && last === 'message' && !called) {
        yield [...batch.slice(0, at), STEERED];
        return;
      }
      last = step.item.type;
      called ||= last !== 'message' && last !== 'reasoning';
    }
    yield batch;
  }
}
