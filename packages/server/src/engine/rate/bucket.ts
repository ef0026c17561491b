/**
 * A token bucket in whole numbers: what was taken drains evenly, and a take is refused exactly when it would pass the limit.
 *
 * K1  Who takes only what fits takes, in any time of t ms, at most the limit and what drains in t: `limit + limit * t / window`.
 * K2  Nothing is rounded: a unit of the limit is counted as as many parts as the window has milliseconds.
 */

export const MINUTE_MS: number = 60_000;
export const DAY_MS: number = 86_400_000;

export interface BucketState {
  readonly limit: number;
  /** What can be taken now, at least 0. */
  readonly remaining: number;
  /** Until nothing of what was taken counts any more, ms. */
  readonly resetMs: number;
}

export class Bucket {
  readonly limit: number;
  readonly #windowMs: number;
  /** Parts in use: `windowMs` of them are one unit. Above `limit * windowMs` is debt. */
  #used = 0;
  /** When `#used` was right, whole ms. */
  #at: number;

  /** @param limit units that a window takes; the bucket holds as many at once */
  constructor(limit: number, windowMs: number, now: number) {
    this.limit = limit;
    this.#windowMs = windowMs;
    this.#at = Math.floor(now);
  }

  /** How long until `units` fit, ms; 0 if they do now. More than the limit fits once nothing is in use. */
  waitMs(units: number, now: number): number {
    this.#drain(now);
    const room = (this.limit - Math.min(units, this.limit)) * this.#windowMs;
    return Math.ceil(Math.max(0, this.#used - room) / this.limit);
  }

  /** Counts them, whether they fit or not: what was used beyond the limit is waited for. */
  take(units: number, now: number): void {
    this.#drain(now);
    this.#used = Math.min(this.#used + units * this.#windowMs, Number.MAX_SAFE_INTEGER);
  }

  /** Gives back what was taken and not used. */
  giveBack(units: number, now: number): void {
    this.#drain(now);
    this.#used = Math.max(0, this.#used - units * this.#windowMs);
  }

  state(now: number): BucketState {
    this.#drain(now);
    const free = this.limit * this.#windowMs - this.#used;
    return {
      limit: this.limit,
      remaining: Math.max(0, Math.floor(free / this.#windowMs)),
      resetMs: Math.ceil(this.#used / this.limit),
    };
  }

  /** Whether nothing is in use: then it says no more than a new one. */
  idle(now: number): boolean {
    this.#drain(now);
    return this.#used === 0;
  }

  /** A clock that steps back drains nothing. */
  #drain(now: number): void {
    const at = Math.floor(now);
    if (at <= this.#at) return;
    this.#used = Math.max(0, this.#used - (at - this.#at) * this.limit);
    this.#at = at;
  }
}
