/** What is known of a target's health: counted in this process, from its own calls. */
import type { PlaceHealth } from '../placement/facts.ts';
import type { CallEnd } from './placing.ts';
import type { Clock } from './ports.ts';

/** Failures in a row after which a target counts as down. */
export const DOWN_AFTER = 3;
/** How long it stays down before one call may try it again, ms; doubles up to the second number. */
export const DOWN_MS: readonly [first: number, most: number] = [1000, 30_000];
/** How long a place is held for a call that was placed and has not left yet, ms: its commit comes in between. */
export const PROMISE_MS = 1000;
/** The weight of the newest first-byte time in the expected latency. */
const NEWEST = 0.2;

export class TargetHealth {
  readonly #clock: Clock;
  readonly #capacity: number | null;
  #inFlight = 0;
  /** When the places end that are held for calls on their way, oldest first. */
  readonly #promised: number[] = [];
  #latencyMs = 0;
  #failures = 0;
  #downUntil = 0;
  #fullUntil = 0;

  constructor(clock: Clock, capacity: number | null) {
    this.#clock = clock;
    this.#capacity = capacity;
  }

  /** Calls under way, and those placed that are about to leave: of many placed at once no more go than fit. */
  get inFlight(): number {
    const now = this.#clock.monotonic();
    while ((this.#promised[0] ?? Number.POSITIVE_INFINITY) <= now) this.#promised.shift();
    return this.#inFlight + this.#promised.length;
  }

  /** A call was placed here. Whatever becomes of it, its place is free again after `PROMISE_MS` if it did not begin. */
  promise(): void {
    if (this.#capacity !== null) this.#promised.push(this.#clock.monotonic() + PROMISE_MS);
  }

  get failures(): number {
    return this.#failures;
  }

  /** As placement sees it now. */
  now(): PlaceHealth {
    const now = this.#clock.monotonic();
    const { inFlight } = this;
    const base = { inFlight, expectedLatencyMs: Math.round(this.#latencyMs) };
    if (now < this.#downUntil) return { ...base, state: 'down', retryAfterMs: Math.ceil(this.#downUntil - now) };
    if (now < this.#fullUntil) return { ...base, state: 'full', retryAfterMs: Math.ceil(this.#fullUntil - now) };
    if (this.#capacity !== null && inFlight >= this.#capacity) return { ...base, state: 'full', retryAfterMs: 1000 };
    return { ...base, state: 'up' };
  }

  /** Counts a call in flight; the function it returns counts its end, and does nothing the second time. */
  begin(): (end: CallEnd, firstByteMs?: number) => void {
    this.#promised.shift();
    this.#inFlight += 1;
    let ended = false;
    return (end, firstByteMs) => {
      if (ended) return;
      ended = true;
      this.#inFlight -= 1;
      this.#settle(end, firstByteMs);
    };
  }

  #settle(end: CallEnd, firstByteMs: number | undefined): void {
    if (end === 'aborted') return;
    if (end === 'ok') {
      this.#failures = 0;
      if (firstByteMs !== undefined)
        this.#latencyMs += (firstByteMs - this.#latencyMs) * (this.#latencyMs === 0 ? 1 : NEWEST);
      return;
    }
    const now = this.#clock.monotonic();
    if (end !== 'failed') {
      this.#fullUntil = now + end.fullForMs;
      return;
    }
    this.#failures += 1;
    if (this.#failures < DOWN_AFTER) return;
    const [first, most] = DOWN_MS;
    this.#downUntil = now + Math.min(most, first * 2 ** (this.#failures - DOWN_AFTER));
  }
}
