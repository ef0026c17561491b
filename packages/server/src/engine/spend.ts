/**
 * Spend caps, kept exactly in one process: what is spent, and what calls in flight may still come to.
 *
 * C1  A call is placed only while its bound fits into every cap that it counts against; its bound is held until its meter is committed.
 *     Looking and holding are one step without a wait in between, so that callers at once cannot pass a cap together.
 * C2  What is held of a call is replaced by what its meter says, in the commit that brings the meter.
 * C3  At start everything is rebuilt from the log, and no call is placed before that (L1). A call without a meter holds its bound.
 */
import { perdureError, type PerdureError } from '@perdure/protocol';
import type { SessionId } from '../kernel/ids.ts';
import type { Envelope, EventBody, Usage } from '../log/events.ts';
import { dollars, type Micro } from '../money/amounts.ts';
import { capApplies, type CapBalance, capReached, capSpan, type CapSubject, type CapTerm } from '../money/caps.ts';
import type { TokenPrices } from '../money/prices.ts';
import { isMeter, type UsageSource, usagePages } from './usage.ts';

/** What calls cost, by the price books. */
export interface SpendPrices {
  /** The most that a call at the target can come to, at a time. */
  bound(target: string, at: number, reserved: { readonly input: number; readonly output: number }): Micro;
  /** What it came to; `seen`: the prices that its placement saw, for targets without a price book. */
  cost(target: string, at: number, usage: Usage, seen: TokenPrices | null): Micro;
}

/** A call that is about to be placed. A session has one call in flight at most. */
export interface SpendCall extends Omit<CapSubject, 'at'> {
  readonly session: SessionId;
  readonly call: number;
  readonly target: string;
  readonly reserved: { readonly input: number; readonly output: number };
}

interface Held {
  readonly call: SpendCall;
  readonly at: number;
  readonly bound: Micro;
  readonly buckets: readonly Bucket[];
  /** Whether it is not known that its placement was committed. */
  doubtful: boolean;
}

type Bucket = { -readonly [Key in keyof CapBalance]: CapBalance[Key] };

export interface SpendOptions {
  readonly caps: readonly CapTerm[];
  readonly prices: SpendPrices;
  /** ms since 1970. */
  readonly now: () => number;
}

export class SpendDesk {
  readonly #options: SpendOptions;
  readonly #held = new Map<string, Held>();
  /** By cap and the start of its period. */
  readonly #buckets = new Map<string, Bucket>();
  readonly #ready: PromiseWithResolvers<void> = Promise.withResolvers<void>();

  constructor(options: SpendOptions) {
    this.#options = options;
    this.#ready.promise.catch(() => undefined);
    if (this.idle) this.#ready.resolve();
  }

  /** Whether there are no caps: then nothing is counted. */
  get idle(): boolean {
    return this.#options.caps.length === 0;
  }

  /** Resolves once the log has been read (C3). */
  get ready(): Promise<void> {
    return this.#ready.promise;
  }

  /** What stands against each cap now. */
  balances(): readonly CapBalance[] {
    const now = this.#options.now();
    return this.#options.caps.map(cap => ({ ...this.#bucket(cap, now) }));
  }

  /**
   * Holds the call's bound, or says which cap it would pass.
   * @param ending events that the commit of this call will bring with it: the end of the call before it
   */
  hold(call: SpendCall, ending: readonly EventBody[] = []): PerdureError | null {
    if (this.idle) return null;
    const { now, prices } = this.#options;
    const at = now();
    const buckets = this.#bucketsOf(call, at);
    if (buckets.length === 0) return null;
    const bound = prices.bound(call.target, at, call.reserved);
    const freed = this.#freedBy(call.session, ending);
    const seen = buckets.map(bucket => ({ ...bucket, reserved: bucket.reserved - (freed.get(bucket) ?? 0n) }));
    const reached = capReached(seen, bound);
    if (reached !== null) return capError(reached, bound);
    for (const bucket of buckets) bucket.reserved += bound;
    this.#held.set(keyOf(call.session, call.call), { call, at, bound, buckets, doubtful: false });
    return null;
  }

  /** Gives back what is held for a call that was not placed. */
  drop(session: SessionId, call: number): void {
    this.#end(keyOf(session, call), null);
  }

  /** The commit of its placement failed, and may be in the log all the same: recovery will say (`settleDoubt`). */
  doubt(session: SessionId, call: number): void {
    const held = this.#held.get(keyOf(session, call));
    if (held !== undefined) held.doubtful = true;
  }

  /** The log was read, and the session has no call in flight. */
  settleDoubt(session: SessionId): void {
    for (const [key, { call, doubtful }] of this.#held) {
      if (doubtful && call.session === session) this.#end(key, null);
    }
  }

  /** Sees every commit: meters replace what was held (C2). */
  committed(events: readonly Envelope[]): void {
    if (this.#held.size === 0) return;
    for (const event of events) {
      if (!isMeter(event)) continue;
      const key = keyOf(event.session, event.head.call);
      const held = this.#held.get(key);
      if (held !== undefined)
        this.#end(key, this.#options.prices.cost(held.call.target, held.at, event.head.usage, null));
    }
  }

  /** Reads the log back to the start of the longest period (C3). */
  async rebuild(source: UsageSource): Promise<void> {
    if (this.idle) return;
    try {
      const now = this.#options.now();
      const from = Math.min(...this.#options.caps.map(cap => capSpan(cap, now).from));
      const tenants = [...new Set((await Promise.all(source.homes.map(store => source.wait(store.tenants())))).flat())];
      for await (const page of usagePages(source, { tenants, from, to: Number.POSITIVE_INFINITY })) {
        for (const call of page.calls) {
          const cost = this.#options.prices.cost(call.target, call.at, call.usage, call.seen);
          for (const bucket of this.#bucketsOf(call, call.at)) bucket.spent += cost;
        }
        for (const call of page.open) {
          const bound = this.#options.prices.bound(call.target, call.at, call.reserved);
          const buckets = this.#bucketsOf(call, call.at);
          for (const bucket of buckets) bucket.reserved += bound;
          this.#held.set(keyOf(call.session, call.call), { call, at: call.at, bound, buckets, doubtful: false });
        }
      }
      this.#ready.resolve();
    } catch (error) {
      // Without knowing what was spent nothing may be spent.
      this.#ready.reject(error);
      throw error;
    }
  }

  #end(key: string, cost: Micro | null): void {
    const held = this.#held.get(key);
    if (held === undefined) return;
    this.#held.delete(key);
    for (const bucket of held.buckets) {
      bucket.reserved -= held.bound;
      bucket.spent += cost ?? 0n;
    }
  }

  /** What the end of an earlier call of the session will give back, by bucket. */
  #freedBy(session: SessionId, ending: readonly EventBody[]): ReadonlyMap<Bucket, Micro> {
    const freed = new Map<Bucket, Micro>();
    for (const event of ending) {
      if (event.type !== 'call.failed' && event.type !== 'call.completed') continue;
      const held = this.#held.get(keyOf(session, event.head.call));
      if (held === undefined) continue;
      const cost = this.#options.prices.cost(held.call.target, held.at, event.head.usage, null);
      for (const bucket of held.buckets) freed.set(bucket, (freed.get(bucket) ?? 0n) + held.bound - cost);
    }
    return freed;
  }

  #bucketsOf(subject: Omit<CapSubject, 'at'>, at: number): readonly Bucket[] {
    return this.#options.caps.filter(cap => capApplies(cap, subject)).map(cap => this.#bucket(cap, at));
  }

  #bucket(cap: CapTerm, at: number): Bucket {
    const span = capSpan(cap, at);
    const key = `${cap.id} ${span.from}`;
    let bucket = this.#buckets.get(key);
    if (bucket === undefined) {
      // Of periods that are over only those are kept that calls in flight still count in, through their own reference.
      for (const [old, { cap: its, span: over }] of this.#buckets) {
        if (its.id === cap.id && over.to <= span.from) this.#buckets.delete(old);
      }
      bucket = { cap, span, spent: 0n, reserved: 0n };
      this.#buckets.set(key, bucket);
    }
    return bucket;
  }
}

function keyOf(session: SessionId, call: number): string {
  return `${session} ${call}`;
}

/** Of a cap over all tenants no caller is told what others have spent (L10). */
function capError({ cap, span, spent, reserved }: CapBalance, bound: Micro): PerdureError {
  const period = { day: 'today', month: 'this month', total: 'in all' }[cap.period];
  const own = cap.tenant !== null;
  const gone = own ? `${dollars(spent)} is spent and ${dollars(reserved)} held for calls in flight, and ` : '';
  const message = `The spend cap ${cap.id} is ${dollars(cap.amount)} ${period}: ${gone}this call may come to ${dollars(bound)}.`;
  return perdureError('spend_cap_reached', message, {
    details: {
      cap: cap.id,
      period: cap.period,
      amount_micro_usd: String(cap.amount),
      ...(own && { spent_micro_usd: String(spent), reserved_micro_usd: String(reserved) }),
      call_micro_usd: String(bound),
      resets_at: Number.isFinite(span.to) ? new Date(span.to).toISOString() : null,
    },
  });
}
