/** What flows, read as others are pulled: so that what is said of the one way is tested of the other, too. */
import type { Step } from '../log/steps.ts';
import type { WireEvent } from '../session/output.ts';
import { flowed, NotTaken, type Take } from './flow.ts';
import type { Provider } from './ports.ts';
import type { Reading } from './reading.ts';

type Result<T> = IteratorResult<readonly T[], undefined>;
const DONE = { done: true, value: undefined } as const;
const LEFT = new NotTaken('left');

interface Source<T> {
  flow(take: Take<T>): Promise<void>;
  return?(): Promise<unknown>;
}

interface Held<T> {
  readonly batch: readonly T[];
  taken(): void;
  refused(): void;
}

/** Holds one batch at a time: the source has no room until the next one is asked for. */
class Flowing<T> implements AsyncIterator<readonly T[], undefined> {
  readonly #source: Source<T>;
  #held: Held<T> | null = null;
  #ended: { readonly error: unknown } | null = null;
  #begun = false;
  #came: () => void = () => undefined;

  constructor(source: Source<T>) {
    this.#source = source;
  }

  async next(): Promise<Result<T>> {
    const before = this.#held;
    this.#held = null;
    before?.taken();
    if (!this.#begun) this.#begin();
    while (this.#held === null && this.#ended === null) await new Promise<void>(resolve => (this.#came = resolve));
    // What `#begin` sets meanwhile is not seen by the compiler.
    const held = this.#held as Held<T> | null;
    if (held !== null) return { done: false, value: held.batch };
    const error = this.#ended?.error ?? null;
    this.#ended = { error: null };
    if (error !== null) throw error;
    return DONE;
  }

  async return(): Promise<Result<T>> {
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
    this.#source
      .flow(batch => {
        const { promise, resolve, reject } = Promise.withResolvers<void>();
        this.#held = { batch, taken: resolve, refused: () => reject(LEFT) };
        this.#came();
        return promise;
      })
      .then(
        () => ends(null),
        (error: unknown) => ends(error === LEFT ? null : error),
      );
  }
}

export function throughFlow(steps: AsyncIterable<readonly Step[]>): AsyncIterable<readonly Step[]> {
  return {
    [Symbol.asyncIterator]: () => {
      const source = steps[Symbol.asyncIterator]();
      return new Flowing<Step>({ flow: take => flowed(source, take), return: async () => source.return?.() });
    },
  };
}

/** The events of a running turn, read through their flow. */
export function flowingEvents(reading: Reading): AsyncIterator<readonly WireEvent[], undefined> {
  return new Flowing<WireEvent>(reading);
}

export function flowing(provider: Provider): Provider {
  return { ...provider, call: async call => throughFlow(await provider.call(call)) };
}
