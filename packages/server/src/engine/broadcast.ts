/**
 * Fan-out of one running turn to any number of readers, each at its own position.
 *
 * B1  Readers see released events only, in order, each once.
 * B2  The turn does not wait for readers that fall behind by less than `MAX_LAG`; past that it waits `patienceMs`, then cuts the reader, never
 *     the turn: a stored turn runs on whoever reads.
 * B3  Events are kept while the turn runs, so that a reader who comes late, or again, begins anywhere.
 */
import { perdureError, type PerdureError } from '@perdure/protocol';
import type { WireEvent } from '../session/output.ts';

/** Bytes that a reader may lag behind before the turn waits for it. */
export const MAX_LAG: number = 1024 * 1024;

export class Broadcast {
  readonly #events: WireEvent[] = [];
  readonly #readers = new Set<Reader>();
  #ended = false;
  /** Set if the turn could not be carried on in this process: readers learn it instead of an end. */
  #error: PerdureError | null = null;

  publish(events: readonly WireEvent[]): void {
    for (const event of events) this.#events.push(event);
    for (const reader of this.#readers) reader.wake();
  }

  end(error: PerdureError | null = null): void {
    this.#ended = true;
    this.#error = error;
    for (const reader of this.#readers) reader.wake();
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** Whether anyone reads now. */
  get hasReaders(): boolean {
    return this.#readers.size > 0;
  }

  /** Events after `after` (-1: all), batch by batch as they are released, until the turn ends. */
  async *read(after = -1): AsyncGenerator<readonly WireEvent[]> {
    const reader = new Reader(this.#events, after);
    this.#readers.add(reader);
    try {
      for (;;) {
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
      this.#readers.delete(reader);
      reader.taken();
    }
  }

  /** Resolves once no reader lags by more than `MAX_LAG`; cuts those that stay behind for `patienceMs`. */
  async settled(patienceMs: number): Promise<void> {
    for (const reader of this.#readers) {
      if (reader.lag <= MAX_LAG) continue;
      if (!(await reader.caughtUp(patienceMs))) {
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
  cut = false;

  constructor(events: readonly WireEvent[], after: number) {
    this.#events = events;
    // Numbers count from 0 without gaps (O2), so the index of event n is n.
    this.#at = Math.max(0, after + 1);
  }

  take(): readonly WireEvent[] {
    const batch = this.#events.slice(this.#at);
    this.#at = Math.max(this.#at, this.#events.length);
    if (batch.length === 0) this.taken();
    return batch;
  }

  /** Asking again means that what was taken before has been written. */
  taken(): void {
    this.#caughtUp?.();
    this.#caughtUp = null;
  }

  get lag(): number {
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

  caughtUp(ms: number): Promise<boolean> {
    return new Promise(resolve => {
      const timer = setTimeout(() => resolve(false), ms);
      this.#caughtUp = () => {
        clearTimeout(timer);
        resolve(true);
      };
    });
  }
}
