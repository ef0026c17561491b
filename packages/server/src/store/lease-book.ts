/**
 * Leases that this process has seen renewed, by the clock that never goes back (L3): a wall clock that is set must neither end a lease
 * early nor make a takeover wait for hours. What another process renewed is known from the store's rows, by wall time only.
 */
import type { Clock } from '../kernel/clock.ts';

export interface LeaseRow {
  /** Wall time, ms since 1970. */
  readonly until: number;
  readonly ttlMs: number;
}

export class LeaseBook {
  readonly #clock: Clock;
  /** Does not grow: who renews through this process is this process. */
  readonly #until = new Map<string, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  renewed(owner: string, ttlMs: number): void {
    this.#until.set(owner, this.#clock.monotonic() + ttlMs);
  }

  /** ms left; null if this process has not seen `owner` alive. */
  remaining(owner: string): number | null {
    const until = this.#until.get(owner);
    return until === undefined ? null : Math.max(0, until - this.#clock.monotonic());
  }

  /** ms left by a row that another process wrote. A clock that was set back cannot make it longer than it was. */
  remainingOf(row: LeaseRow): number {
    return Math.min(row.ttlMs, Math.max(0, row.until - this.#clock.now()));
  }
}
