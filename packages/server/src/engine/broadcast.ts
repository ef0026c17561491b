/**
 * Fan-out of one running turn to any number of readers, each at its own position.
 *
 * B1  Readers see released events only, in order, each once.
 * B2  The turn does not wait for readers that fall behind by less than `MAX_LAG`; past that it waits `patienceMs`, then cuts the reader, never
 *     the turn: a stored turn runs on whoever reads. Who comes late has not fallen behind until it was at the end once.
 * B3  Events are kept while the turn runs, so that a reader who comes late, or again, begins anywhere.
 */
import type { PerdureError } from '@perdure/protocol';
import type { WireEvent } from '../session/output.ts';
import { KeptEvents } from './kept-events.ts';
import { MAX_LAG, Reader, Reading } from './reading.ts';

export class Broadcast {
  readonly #events = new KeptEvents();
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
      this.#events.add(events);
    }
    for (const reader of this.#readers) reader.wake();
  }

  #make(): void {
    for (const made of this.#unmade.splice(0)) this.#events.add(made());
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
  read(after = -1, signal?: AbortSignal): Reading {
    this.#make();
    const reader = new Reader(this.#events, after);
    // Counted from here on, so that a bound on readers holds however many come at once.
    this.#readers.add(reader);
    signal?.addEventListener('abort', () => this.#readers.delete(reader), { once: true });
    const left = (): void => {
      this.#readers.delete(reader);
      reader.taken();
    };
    return new Reading({ reader, signal, turn: this, left });
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
