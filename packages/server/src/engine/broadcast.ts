/**
 * Fan-out of one running turn to any number of readers, each at its own position.
 *
 * B1  Readers see released events only, in order, each once.
 * B2  The turn does not wait for readers that fall behind by less than `MAX_LAG`; past that it waits `patienceMs`, then cuts the reader, never
 *     the turn: a stored turn runs on whoever reads. Who comes late has not fallen behind until it was at the end once.
 * B3  Events are kept while the turn runs, so that a reader who comes late, or again, begins anywhere.
 */
import { perdureError, type PerdureError } from '@perdure/protocol';
import type { WireEvent } from '../session/output.ts';

/** Bytes that a reader may lag behind before the turn waits for it. */
export const MAX_LAG: number = 1024 * 1024;
/** Characters after which a batch ends: a reader that comes late is handed what it missed piece by piece, as fast as it takes it. */
export const BATCH_CHARS: number = 64 * 1024;

export class Broadcast {
  readonly #events: WireEvent[] = [];
  /** What was published while nobody read and is made only if somebody does. */
  readonly #unmade: (() => readonly WireEvent[])[] = [];
  readonly #readers = new Set<Reader>();
  #ended = false;
  /** Set if the turn could not be carried on in this process: readers learn it instead of an end. */
  #error: PerdureError | null = null;

  /** @param events made at once if anybody reads, else when the first reader comes, in the order of their publication */
  publish(events: readonly WireEvent[] | (() => readonly WireEvent[])): void {
    if (typeof events === 'function') {
      this.#unmade.push(events);
      if (this.#readers.size > 0) this.#make();
    } else if (events.length > 0) {
      this.#make();
      for (const event of events) this.#events.push(event);
    }
    for (const reader of this.#readers) reader.wake();
  }

  #make(): void {
    for (const made of this.#unmade.splice(0)) this.#events.push(...made());
  }

  end(error: PerdureError | null = null): void {
    this.#ended = true;
    this.#error = error;
    for (const reader of this.#readers) reader.wake();
  }

  /** The number of the last event that was published; -1 before the first. */
  get last(): number {
    this.#make();
    return this.#events.length - 1;
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** Why the turn could not be carried on in this process; null while it runs, or if it came to its end. */
  get error(): PerdureError | null {
    return this.#error;
  }

  /** How many read now. */
  get readers(): number {
    return this.#readers.size;
  }

  /**
   * Events after `after` (-1: all), batch by batch as they are released, until the turn ends.
   * @param signal the reader has left: what waits for the next event is let go at once
   */
  read(after = -1, signal?: AbortSignal): AsyncGenerator<readonly WireEvent[]> {
    this.#make();
    const reader = new Reader(this.#events, after);
    // Counted from here on, so that a bound on readers holds however many come at once.
    this.#readers.add(reader);
    signal?.addEventListener('abort', () => this.#readers.delete(reader), { once: true });
    return this.#batches(reader, signal);
  }

  async *#batches(reader: Reader, signal: AbortSignal | undefined): AsyncGenerator<readonly WireEvent[]> {
    const leave = (): void => reader.wake();
    signal?.addEventListener('abort', leave, { once: true });
    try {
      for (;;) {
        if (signal?.aborted === true) return;
        if (reader.cut)
          throw perdureError('deadline_exceeded', 'The reader was too slow and was cut; the response goes on.');
        const batch = reader.take();
        if (batch.length > 0) {
          yield batch;
          continue;
        }
        if (this.#ended) {
          if (this.#error !== null) throw this.#error;
          return;
        }
        await reader.more();
      }
    } finally {
      signal?.removeEventListener('abort', leave);
      this.#readers.delete(reader);
      reader.taken();
    }
  }

  /**
   * Resolves once no reader lags by more than `MAX_LAG`; cuts those that stay behind for `patienceMs`. Nothing, if none lags.
   * @param stop the turn is to end: nobody is waited for any more
   */
  settled(patienceMs: number, stop?: AbortSignal): Promise<void> | undefined {
    for (const { lag } of this.#readers) if (lag > MAX_LAG) return this.#caughtUp(patienceMs, stop);
    return undefined;
  }

  async #caughtUp(patienceMs: number, stop?: AbortSignal): Promise<void> {
    for (const reader of this.#readers) {
      if (stop?.aborted === true) return;
      if (reader.lag <= MAX_LAG) continue;
      if (!(await reader.caughtUp(patienceMs, stop))) {
        reader.cut = true;
        reader.wake();
      }
    }
  }
}

class Reader {
  readonly #events: readonly WireEvent[];
  #at: number;
  #wake: (() => void) | null = null;
  #caughtUp: (() => void) | null = null;
  /** Whether it has been at the end once: who comes late is behind, and has not fallen behind. */
  #live = false;
  cut = false;

  constructor(events: readonly WireEvent[], after: number) {
    this.#events = events;
    // Numbers count from 0 without gaps (O2), so the index of event n is n.
    this.#at = Math.max(0, after + 1);
  }

  take(): readonly WireEvent[] {
    if (this.#caughtUp !== null && this.lag <= MAX_LAG) this.taken();
    let to = this.#at;
    for (let chars = 0; to < this.#events.length && chars < BATCH_CHARS; to++)
      chars += this.#events[to]?.json.length ?? 0;
    const batch = this.#events.slice(this.#at, to);
    this.#at = Math.max(this.#at, to);
    this.#live ||= this.#at >= this.#events.length;
    return batch;
  }

  /** Asking again means that what was taken before has been written. */
  taken(): void {
    this.#caughtUp?.();
    this.#caughtUp = null;
  }

  get lag(): number {
    if (!this.#live) return 0;
    let bytes = 0;
    for (let i = this.#at; i < this.#events.length && bytes <= MAX_LAG; i++) bytes += this.#events[i]?.json.length ?? 0;
    return bytes;
  }

  wake(): void {
    this.#wake?.();
    this.#wake = null;
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
