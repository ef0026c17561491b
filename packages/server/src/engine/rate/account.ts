/** What one key, or one tenant, has used of its limits; and what it is told when that is too much. */
import { perdureError, type PerdureError } from '@perdure/protocol';
import { Bucket, type BucketState, DAY_MS, MINUTE_MS } from './bucket.ts';
import { isUnlimited, type RateLimits, type RateRule } from './rules.ts';

export type LimitName = 'requests_per_minute' | 'requests_per_day' | 'tokens_per_minute' | 'concurrent_requests';

/** How long a caller waits before it asks again whether another of its requests has ended, ms. */
const BUSY_MS = 1000;

export interface NamedBucket {
  readonly name: LimitName;
  readonly bucket: Bucket;
}

export class Account {
  readonly per: RateRule['per'];
  readonly limited: boolean;
  readonly requests: readonly NamedBucket[];
  readonly tokens: Bucket | null;
  readonly #concurrent: number | null;
  /** Requests that are open. */
  open = 0;
  /** Model calls that hold tokens. */
  calls = 0;

  constructor(per: RateRule['per'], limits: RateLimits, now: number) {
    const { requestsPerMinute, requestsPerDay, tokensPerMinute, concurrentRequests } = limits;
    const bucket = (limit: number | null, windowMs: number): Bucket | null =>
      limit === null ? null : new Bucket(limit, windowMs, now);
    const requests = [
      { name: 'requests_per_minute', bucket: bucket(requestsPerMinute, MINUTE_MS) },
      { name: 'requests_per_day', bucket: bucket(requestsPerDay, DAY_MS) },
    ] as const;
    this.per = per;
    this.limited = !isUnlimited(limits);
    this.requests = requests.flatMap(({ name, bucket: one }) => (one === null ? [] : [{ name, bucket: one }]));
    this.tokens = bucket(tokensPerMinute, MINUTE_MS);
    this.#concurrent = concurrentRequests;
  }

  /**
   * @param count of requests that are to be open
   * @param atOnce how many they are with those that they come with
   * @throws rate_limit_exceeded if they would be more than may be
   */
  mustHaveRoom(count: number, atOnce: number = count): void {
    const most = this.#concurrent;
    if (most !== null && this.open + count > most)
      throw refusal(this.per, 'concurrent_requests', most, atOnce > most ? Number.POSITIVE_INFINITY : BUSY_MS);
  }

  /** Whether it says no more than a new one. */
  idle(now: number): boolean {
    const buckets = [...this.requests.map(({ bucket }) => bucket), ...(this.tokens === null ? [] : [this.tokens])];
    return this.open === 0 && this.calls === 0 && buckets.every(bucket => bucket.idle(now));
  }
}

/** The state of the bucket with the least room. */
export function tightest(states: readonly BucketState[]): BucketState | null {
  return states.reduce<BucketState | null>(
    (least, state) => (least === null || state.remaining < least.remaining ? state : least),
    null,
  );
}

const WHOSE: { readonly [per in RateRule['per']]: string } = {
  key: 'This key',
  tenant: 'The keys of this tenant together',
};
const WHAT: { readonly [name in LimitName]: string } = {
  requests_per_minute: 'requests a minute',
  requests_per_day: 'requests a day',
  tokens_per_minute: 'tokens a minute',
  concurrent_requests: 'requests at once',
};

export function refusal(per: RateRule['per'], limit: LimitName, most: number, waitMs: number): PerdureError {
  const again = Number.isFinite(waitMs)
    ? `try again in ${(Math.ceil(waitMs / 10) / 100).toFixed(2)} s.`
    : 'ask for fewer choices.';
  const message = `${WHOSE[per]} may make ${most} ${WHAT[limit]}; ${again}`;
  return perdureError('rate_limit_exceeded', message, { retryAfterMs: waitMs, details: { limit, per, most } });
}

/** No wait helps: the input alone is more than a minute allows. */
export function tooLarge(per: RateRule['per'], most: number, input: number): PerdureError {
  const message = `${WHOSE[per]} may use ${most} tokens a minute, and the input alone has about ${input}: make it shorter.`;
  const details = { limit: 'tokens_per_minute', per, most };
  return perdureError('rate_limit_exceeded', message, { retryAfterMs: Number.POSITIVE_INFINITY, details });
}
