/** Deadlines: no wait of the engine is without one. */
import type { PerdureError } from '@perdure/protocol';

/**
 * Waits for `work` no longer than `ms`; then fails with what `late` makes. The work itself is not stopped: give it a signal if it can be.
 * No timer is left behind.
 */
export function within<T>(ms: number, work: Promise<T>, late: () => PerdureError): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(late()), ms);
    // No `async`, no race: every commit waits here, and they cost the server's thread half as much again.
    work.then(
      value => {
        clearTimeout(timer);
        resolve(value);
      },
      (error: unknown) => {
        clearTimeout(timer);
        reject(error);
      },
    );
  });
}

/**
 * One deadline over a row of waits, one after another: a single timer, put forward at each, since a stream waits thousands of times.
 * Call `stop` at the end of the row.
 */
export class Watchdog {
  readonly #late: () => Error;
  #timer: NodeJS.Timeout | null = null;
  #ms = 0;
  #resting = false;
  #reject: ((error: Error) => void) | null = null;

  /** @param late makes the error of a wait that took too long */
  constructor(late: () => Error) {
    this.#late = late;
  }

  /** Waits for `work` no longer than `ms`. */
  guard<T>(ms: number, work: Promise<T>): Promise<T> {
    this.#arm(ms);
    return new Promise<T>((resolve, reject) => {
      this.#reject = reject;
      // No `async` here either: every piece of every stream passes.
      const over = (): void => {
        if (this.#reject === reject) this.#reject = null;
      };
      work.then(
        value => {
          over();
          resolve(value);
        },
        (error: unknown) => {
          over();
          reject(error);
        },
      );
    });
  }

  /** The wait that is under way begins anew. */
  again(): void {
    this.#resting = false;
    this.#timer?.refresh();
  }

  /** What is waited for now is not what is guarded, until `again`. */
  rest(): void {
    this.#resting = true;
  }

  #arm(ms: number): void {
    this.#resting = false;
    if (this.#timer !== null && this.#ms === ms) {
      this.#timer.refresh();
      return;
    }
    this.stop();
    this.#ms = ms;
    this.#timer = setTimeout(() => {
      if (!this.#resting) this.#reject?.(this.#late());
    }, ms);
  }

  /** Ends the wait that is under way now. */
  fail(error: Error): void {
    this.#reject?.(error);
  }

  stop(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }
}
