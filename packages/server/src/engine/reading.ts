/** One reader of a running turn: where it is, and how it is given what comes. */
import { perdureError, type PerdureError } from '@perdure/protocol';
import type { WireEvent } from '../session/output.ts';
import type { Take } from './flow.ts';
import type { KeptEvents } from './kept-events.ts';

/** Bytes that a reader may lag behind before the turn waits for it. */
export const MAX_LAG: number = 1024 * 1024;
/** Characters after which a batch ends: a reader that comes late is handed what it missed piece by piece, as fast as it takes it. */
export const BATCH_CHARS: number = 64 * 1024;

/** Events to be read: pulled, batch by batch, or, where there is `flow`, given to a function as they come. */
export interface WireEvents extends AsyncIterable<readonly WireEvent[]> {
  /** Gives all events to `take`; resolves after the last. Instead of pulling, not beside it. @throws what pulling would, and what `take` does */
  flow?(take: Take<WireEvent>): Promise<void>;
}

/** Gives all events to `take`, in whichever way the source can. */
export async function takeAll(source: WireEvents, take: Take<WireEvent>): Promise<void> {
  if (source.flow !== undefined) return source.flow(take);
  for await (const batch of source) await take(batch);
}

interface ReadingOptions {
  readonly reader: Reader;
  readonly signal: AbortSignal | undefined;
  /** What is read: whether it has ended, and why. */
  readonly turn: { readonly ended: boolean; readonly error: PerdureError | null };
  /** Called once, when the reader wants or gets no more. */
  readonly left: () => void;
}

export class Reading implements WireEvents, AsyncIterator<readonly WireEvent[], undefined> {
  readonly #options: ReadingOptions;
  #pulled: AsyncGenerator<readonly WireEvent[], undefined> | null = null;

  constructor(options: ReadingOptions) {
    this.#options = options;
  }

  [Symbol.asyncIterator](): AsyncGenerator<readonly WireEvent[], undefined> {
    return (this.#pulled ??= this.#batches());
  }

  next(): Promise<IteratorResult<readonly WireEvent[], undefined>> {
    return this[Symbol.asyncIterator]().next();
  }

  return(): Promise<IteratorResult<readonly WireEvent[], undefined>> {
    return this[Symbol.asyncIterator]().return(undefined);
  }

  /** What there is now; null if the turn has ended, or the reader has left. @throws if the reader was cut, or the turn broke off */
  #now(): readonly WireEvent[] | null {
    const { reader, signal, turn } = this.#options;
    if (signal?.aborted === true) return null;
    if (reader.cut)
      throw perdureError('deadline_exceeded', 'The reader was too slow and was cut; the response goes on.');
    const batch = reader.take();
    if (batch.length > 0 || !turn.ended) return batch;
    if (turn.error !== null) throw turn.error;
    return null;
  }

  async *#batches(): AsyncGenerator<readonly WireEvent[], undefined> {
    const { reader, signal, left } = this.#options;
    const leave = (): void => reader.wake();
    signal?.addEventListener('abort', leave, { once: true });
    try {
      for (let batch = this.#now(); batch !== null; batch = this.#now())
        if (batch.length > 0) yield batch;
        else await reader.more();
      return undefined;
    } finally {
      signal?.removeEventListener('abort', leave);
      left();
    }
  }

  flow(take: Take<WireEvent>): Promise<void> {
    const { reader, signal, left } = this.#options;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    /** At it, waiting for room, or at the end. */
    let held = false;
    const over = (end: () => void): void => {
      reader.woken = null;
      signal?.removeEventListener('abort', go);
      left();
      end();
    };
    const go = (): void => {
      if (held) return;
      held = true;
      try {
        for (let batch = this.#now(); batch === null || batch.length > 0; batch = this.#now()) {
          if (batch === null) return over(resolve);
          const full = take(batch);
          if (full === undefined) continue;
          full.then(
            () => {
              held = false;
              go();
            },
            (error: unknown) => over(() => reject(error)),
          );
          return;
        }
        held = false;
      } catch (error) {
        over(() => reject(error));
      }
    };
    reader.woken = go;
    signal?.addEventListener('abort', go, { once: true });
    go();
    return promise;
  }
}

export class Reader {
  readonly #events: KeptEvents;
  #at: number;
  #wake: (() => void) | null = null;
  #caughtUp: (() => void) | null = null;
  /** Whether it has been at the end once: who comes late is behind, and has not fallen behind. */
  #live = false;
  cut = false;
  /** Called whenever there may be something to take; null: who waits asks for `more`. */
  woken: (() => void) | null = null;

  constructor(events: KeptEvents, after: number) {
    this.#events = events;
    // Numbers count from 0 without gaps (O2), so the index of event n is n.
    this.#at = Math.max(0, after + 1);
  }

  take(): readonly WireEvent[] {
    if (this.#caughtUp !== null && this.lag <= MAX_LAG) this.taken();
    const batch = this.#events.batch(this.#at, BATCH_CHARS);
    this.#at += batch.length;
    this.#live ||= this.#at >= this.#events.length;
    return batch;
  }

  /** Asking again means that what was taken before has been written. */
  taken(): void {
    this.#caughtUp?.();
    this.#caughtUp = null;
  }

  get lag(): number {
    return this.#live ? this.#events.bytes(this.#at) : 0;
  }

  wake(): void {
    this.#wake?.();
    this.#wake = null;
    this.woken?.();
  }

  more(): Promise<void> {
    return new Promise(resolve => {
      this.#wake = resolve;
    });
  }

  caughtUp(ms: number, stop?: AbortSignal): Promise<boolean> {
    return new Promise(resolve => {
      const done = (caughtUp: boolean) => (): void => {
        clearTimeout(timer);
        stop?.removeEventListener('abort', onTime);
        resolve(caughtUp);
      };
      const onTime = done(true);
      const timer = setTimeout(done(false), ms);
      this.#caughtUp = onTime;
      stop?.addEventListener('abort', onTime, { once: true });
    });
  }
}
