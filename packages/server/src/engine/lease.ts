/**
 * This process's sign of life (L3). It is renewed only while there is work: an idle process writes nothing, and a waiting session
 * needs no holder (L4).
 */
import { perdureError } from '@perdure/protocol';
import { within } from './deadline.ts';
import type { Clock, SessionLog } from './ports.ts';

/** An effect starts only with this much of the lease left, ms. */
export const LEASE_MARGIN_MS = 1000;
/** Looks at the lease within its time, while it is held. */
const BEATS = 5;

export class Lease {
  readonly #owner: string;
  readonly #stores: readonly SessionLog[];
  readonly #clock: Clock;
  readonly #ttlMs: number;
  /** On the monotonic clock: until when others must wait. */
  #until = Number.NEGATIVE_INFINITY;
  #renewing: Promise<void> | null = null;
  #holders = 0;
  #beat: NodeJS.Timeout | null = null;

  constructor(owner: string, stores: readonly SessionLog[], clock: Clock, ttlMs: number) {
    this.#owner = owner;
    this.#stores = stores;
    this.#clock = clock;
    this.#ttlMs = ttlMs;
  }

  get remainingMs(): number {
    return this.#until - this.#clock.monotonic();
  }

  /** Whether at least half of the lease is left: then `ensure` has nothing to do. */
  get fresh(): boolean {
    return this.remainingMs > this.#ttlMs / 2;
  }

  /** Makes sure that at least half of the lease is left. */
  async ensure(): Promise<void> {
    if (this.fresh) return;
    this.#renewing ??= this.#renew().finally(() => {
      this.#renewing = null;
    });
    // With time left the renewal goes on beside the work.
    if (this.remainingMs <= LEASE_MARGIN_MS * 2) await this.#renewing;
    else this.#renewing.catch(() => undefined);
  }

  async #renew(): Promise<void> {
    // Measured before the write: the store's count begins no earlier than this.
    const from = this.#clock.monotonic();
    // A renewal that hangs is given up: all work would wait for it for ever, also once the store is well.
    const written = Promise.all(this.#stores.map(store => store.renew(this.#owner, this.#ttlMs)));
    await within(this.#ttlMs / 2, written, () =>
      perdureError('store_unavailable', 'The store did not answer in time.', { retryAfterMs: 1000 }),
    );
    this.#until = from + this.#ttlMs;
  }

  /** Keeps it renewed while work runs that must not be taken over, however long it takes. What is returned lets go; call it once. */
  hold(): () => void {
    this.#holders += 1;
    this.#beat ??= setInterval(() => void this.ensure().catch(() => undefined), this.#ttlMs / BEATS).unref();
    return () => {
      this.#holders -= 1;
      if (this.#holders > 0 || this.#beat === null) return;
      clearInterval(this.#beat);
      this.#beat = null;
    };
  }

  /** @throws store_unavailable if an effect may not start now */
  check(): void {
    if (this.remainingMs <= LEASE_MARGIN_MS) {
      throw perdureError('store_unavailable', 'This process has lost its hold on the session.', { retryAfterMs: 1000 });
    }
  }
}
