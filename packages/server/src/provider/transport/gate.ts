/**
 * Lets a bounded number in; the rest wait in line, each free to leave. It stands before the pool because a request that waits inside
 * the pool cannot be taken back: it would be sent, and its connection destroyed, long after its caller left.
 */
export class Gate {
  readonly #maxWaiting: number;
  readonly #waiting = new Set<() => void>();
  #free: number;

  constructor(places: number, maxWaiting: number) {
    this.#free = places;
    this.#maxWaiting = maxWaiting;
  }

  /**
   * Runs `start` now or when a place is free. Returns what gives up the place, or the wait for it (call it once or more); null if too
   * many wait already.
   */
  enter(start: () => void): (() => void) | null {
    let state: 'waiting' | 'inside' | 'gone' = 'waiting';
    const begin = () => {
      state = 'inside';
      start();
    };
    const leave = () => {
      const was = state;
      state = 'gone';
      if (was === 'waiting') this.#waiting.delete(begin);
      if (was === 'inside') this.#next();
    };
    if (this.#free > 0) {
      this.#free--;
      begin();
      return leave;
    }
    if (this.#waiting.size >= this.#maxWaiting) return null;
    this.#waiting.add(begin);
    return leave;
  }

  #next(): void {
    const [next] = this.#waiting;
    if (next === undefined) {
      this.#free++;
      return;
    }
    this.#waiting.delete(next);
    next();
  }
}
