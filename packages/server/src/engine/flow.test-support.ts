/** Steps that flow, read as others are pulled: so that what is said of the one way is tested of the other, too. */
import type { Step } from '../log/steps.ts';
import { flowed, NotTaken, type StepSource } from './flow.ts';
import type { Provider } from './ports.ts';

type Result = IteratorResult<readonly Step[], undefined>;
const DONE: Result = { done: true, value: undefined };

interface Held {
  readonly batch: readonly Step[];
  taken(): void;
  refused(): void;
}

/** Holds one batch at a time: the source has no room until the next one is asked for. */
class Flowing implements AsyncIterator<readonly Step[], undefined> {
  readonly #source: StepSource;
  #held: Held | null = null;
  #ended: { readonly error: unknown } | null = null;
  #begun = false;
  #came: () => void = () => undefined;

  constructor(source: StepSource) {
    this.#source = source;
  }

  async next(): Promise<Result> {
    const before = this.#held;
    this.#held = null;
    before?.taken();
    if (!this.#begun) this.#begin();
    while (this.#held === null && this.#ended === null) await new Promise<void>(resolve => (this.#came = resolve));
    // What `#begin` sets meanwhile is not seen by the compiler.
    const held = this.#held as Held | null;
    if (held !== null) return { done: false, value: held.batch };
    const error = this.#ended?.error ?? null;
    this.#ended = { error: null };
    if (error !== null) throw error;
    return DONE;
  }

  async return(): Promise<Result> {
    this.#held?.refused();
    this.#held = null;
    await this.#source.return?.();
    return DONE;
  }

  #begin(): void {
    this.#begun = true;
    const ends = (error: unknown): void => {
      this.#ended = { error };
      this.#came();
    };
    flowed(this.#source, batch => {
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      this.#held = { batch, taken: resolve, refused: () => reject(new NotTaken('left')) };
      this.#came();
      return promise;
    }).then(() => ends(null), ends);
  }
}

export function throughFlow(steps: AsyncIterable<readonly Step[]>): AsyncIterable<readonly Step[]> {
  return { [Symbol.asyncIterator]: () => new Flowing(steps[Symbol.asyncIterator]()) };
}

export function flowing(provider: Provider): Provider {
  return { ...provider, call: async call => throughFlow(await provider.call(call)) };
}
