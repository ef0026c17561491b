/**
 * Ending a running call early at a safe place: between two items of its output, after a message. Inside an item is none, nor after a
 * reasoning item, which means nothing without what follows it, nor once a tool call was made, which its client would be left with.
 */
import { flowed, NotTaken, type StepSource, type TakeSteps } from './flow.ts';
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
export function untilBoundary(
  steps: AsyncIterable<readonly Step[]>,
  boundary: Boundary,
): AsyncIterable<readonly Step[]> {
  return { [Symbol.asyncIterator]: () => new UntilBoundary(steps[Symbol.asyncIterator](), boundary) };
}

type Result = IteratorResult<readonly Step[], undefined>;
const CUT = new NotTaken('the boundary was reached');

/** By hand and not as a generator, which costs each piece of a stream four promises. One pull at a time. */
class UntilBoundary implements StepSource {
  readonly #steps: StepSource;
  readonly #boundary: Boundary;
  readonly #look = (result: IteratorResult<readonly Step[]>): Result => {
    if (result.done === true) return { done: true, value: undefined };
    const at = this.#boundaryIn(result.value);
    if (at === -1) return result;
    this.#cut = true;
    return { done: false, value: [...result.value.slice(0, at), STEERED] };
  };
  #last: StartedItem['type'] | null = null;
  #called = false;
  #cut = false;

  constructor(steps: StepSource, boundary: Boundary) {
    this.#steps = steps;
    this.#boundary = boundary;
  }

  next(): Promise<Result> {
    return this.#cut ? this.return() : this.#steps.next().then(this.#look);
  }

  async flow(take: TakeSteps): Promise<void> {
    if (this.#cut) return void (await this.return());
    try {
      await flowed(this.#steps, batch => {
        const at = this.#boundaryIn(batch);
        if (at === -1) return take(batch);
        this.#cut = true;
        const full = take([...batch.slice(0, at), STEERED]);
        if (full === undefined) throw CUT;
        return full.then(() => Promise.reject(CUT));
      });
    } catch (error) {
      if (error !== CUT) throw error;
    }
  }

  async return(): Promise<Result> {
    await this.#steps.return?.();
    return { done: true, value: undefined };
  }

  /** Where in the batch the call is to end; -1 if it goes on. */
  #boundaryIn(batch: readonly Step[]): number {
    for (let at = 0; at < batch.length; at++) {
      const step = batch[at];
      if (step?.type !== 'item') continue;
      if (this.#boundary.asked && this.#last === 'message' && !this.#called) return at;
      this.#last = step.item.type;
      this.#called ||= this.#last !== 'message' && this.#last !== 'reasoning';
    }
    return -1;
  }
}
