/**
 * Rate limits of keys and tenants, kept in this process's memory: a restart begins anew.
 *
 * R1  Looking and taking are one step without a wait in between: requests at once cannot pass a limit together.
 * R2  A model call holds the tokens that it was placed with, estimate and bound; its meter replaces them. What it used beyond its limit is waited
 *     for by the next.
 * R3  A turn that has begun is not stopped by its rate: its later calls are counted, never refused.
 * R4  What a request costs does not grow with the number of keys; an account that says no more than a new one is let go of.
 */
import type { PerdureError } from '@perdure/protocol';
import type { Clock } from '../../kernel/clock.ts';
import type { SessionId } from '../../kernel/ids.ts';
import type { Envelope } from '../../log/events.ts';
import { isMeter } from '../usage.ts';
import { Account, refusal, tightest, tooLarge } from './account.ts';
import type { BucketState } from './bucket.ts';
import { limitsOf, type RateRule } from './rules.ts';

/** Whose limits they are. */
export interface RateSubject {
  readonly tenant: string;
  /** The id of the principal. */
  readonly key: string;
}

/** A model call that is about to be placed. */
export interface RatedCall extends RateSubject {
  readonly session: SessionId;
  readonly call: number;
  readonly reserved: { readonly input: number; readonly output: number };
}

/** What a limited caller is told: of several limits of a kind, the one with the least room. Null: none of the kind. */
export interface RateStanding {
  readonly requests: BucketState | null;
  readonly tokens: BucketState | null;
}

/** An open request, or a connection that several requests come by. */
export interface OpenRequest {
  /** Counts a further request on it. @throws rate_limit_exceeded */
  again(): void;
  /** Counts as so many requests more, open until this one is over: all or none. @throws rate_limit_exceeded */
  more(count: number): void;
  /** It is over; to be said once or more often. */
  close(): void;
}

/** Accounts that are kept before idle ones are looked for. */
const SWEEP_AT = 1024;

export class Rates {
  readonly #rules: readonly RateRule[];
  readonly #clock: Pick<Clock, 'monotonic'>;
  readonly #accounts = new Map<string, Account>();
  readonly #held = new Map<string, { readonly accounts: readonly Account[]; readonly tokens: number }>();
  #sweepAt = SWEEP_AT;

  constructor(rules: readonly RateRule[], clock: Pick<Clock, 'monotonic'>) {
    this.#rules = rules;
    this.#clock = clock;
  }

  /** Accounts in memory. */
  get size(): number {
    return this.#accounts.size;
  }

  /** Counts a request that begins; null if nothing limits it. @throws rate_limit_exceeded */
  open(subject: RateSubject): OpenRequest | null {
    const accounts = this.#of(subject);
    if (accounts.length === 0) return null;
    for (const account of accounts) account.mustHaveRoom(1);
    this.#request(accounts);
    for (const account of accounts) account.open += 1;
    let places = 1;
    let over = false;
    return {
      more: count => {
        for (const account of accounts) account.mustHaveRoom(count, places + count);
        this.#request(accounts, count, places + count);
        for (const account of accounts) account.open += count;
        places += count;
      },
      again: () => this.#request(accounts),
      close: () => {
        if (over) return;
        over = true;
        for (const account of accounts) account.open -= places;
      },
    };
  }

  /** Holds a call's tokens, or says that they are too many now (R2, R3). */
  hold(rated: RatedCall): PerdureError | null {
    const accounts = this.#of(rated).filter(({ tokens }) => tokens !== null);
    if (accounts.length === 0) return null;
    const now = this.#clock.monotonic();
    const { input, output } = rated.reserved;
    const tokens = input + output;
    const refused = rated.call === 1 ? noRoom(accounts, { input, tokens }, now) : null;
    if (refused !== null) return refused;
    for (const account of accounts) {
      account.tokens?.take(tokens, now);
      account.calls += 1;
    }
    this.#held.set(keyOf(rated.session, rated.call), { accounts, tokens });
    return null;
  }

  /** Gives back what a call holds that was not placed. */
  drop(session: SessionId, call: number): void {
    this.#end(keyOf(session, call), 0);
  }

  /** The session has no call in flight. */
  settle(session: SessionId): void {
    for (const key of this.#held.keys()) if (key.startsWith(`${session} `)) this.#end(key, 0);
  }

  /** Sees every commit: meters replace what was held. */
  committed(events: readonly Envelope[]): void {
    if (this.#held.size === 0) return;
    for (const event of events) {
      if (!isMeter(event)) continue;
      const { call, usage } = event.head;
      this.#end(keyOf(event.session, call), usage.input + usage.output);
    }
  }

  /** How a caller stands; null: nothing limits it. */
  standing(subject: RateSubject): RateStanding | null {
    const accounts = this.#of(subject);
    if (accounts.length === 0) return null;
    const now = this.#clock.monotonic();
    return {
      requests: tightest(accounts.flatMap(({ requests }) => requests.map(({ bucket }) => bucket.state(now)))),
      tokens: tightest(accounts.flatMap(({ tokens }) => (tokens === null ? [] : [tokens.state(now)]))),
    };
  }

  #end(key: string, used: number): void {
    const held = this.#held.get(key);
    if (held === undefined) return;
    this.#held.delete(key);
    const now = this.#clock.monotonic();
    for (const { tokens } of held.accounts) {
      if (used > held.tokens) tokens?.take(used - held.tokens, now);
      else tokens?.giveBack(held.tokens - used, now);
    }
    for (const account of held.accounts) account.calls -= 1;
  }

  /** @param atOnce how many they are with those that they come with: what never fits together is told so */
  #request(accounts: readonly Account[], count = 1, atOnce = 1): void {
    const now = this.#clock.monotonic();
    let worst: PerdureError | null = null;
    let most = 0;
    for (const { per, requests } of accounts) {
      for (const { name, bucket } of requests) {
        const waitMs = atOnce > bucket.limit ? Number.POSITIVE_INFINITY : bucket.waitMs(count, now);
        if (waitMs <= most) continue;
        most = waitMs;
        worst = refusal(per, name, bucket.limit, waitMs);
      }
    }
    if (worst !== null) throw worst;
    for (const { requests } of accounts) for (const { bucket } of requests) bucket.take(count, now);
  }

  /** The accounts that a caller's requests count against: its own and its tenant's, as far as they are limited. */
  #of(subject: RateSubject): readonly Account[] {
    if (this.#rules.length === 0) return [];
    const own = this.#account('key', `${subject.tenant} ${subject.key}`, subject);
    const shared = this.#account('tenant', subject.tenant, subject);
    return [own, shared].filter(({ limited }) => limited);
  }

  #account(per: RateRule['per'], id: string, subject: RateSubject): Account {
    const known = this.#accounts.get(id);
    if (known !== undefined) return known;
    this.#sweep();
    const account = new Account(per, limitsOf(this.#rules, per, subject), this.#clock.monotonic());
    this.#accounts.set(id, account);
    return account;
  }

  /** Looks at all accounts only when they have doubled since: what that costs is shared by those that came. */
  #sweep(): void {
    if (this.#accounts.size < this.#sweepAt) return;
    const now = this.#clock.monotonic();
    for (const [id, account] of this.#accounts) if (account.idle(now)) this.#accounts.delete(id);
    this.#sweepAt = Math.max(SWEEP_AT, this.#accounts.size * 2);
  }
}

/** Which account has no room for a call; null: all have. Of several the one that must be waited for longest. */
function noRoom(
  accounts: readonly Account[],
  { input, tokens }: { readonly input: number; readonly tokens: number },
  now: number,
): PerdureError | null {
  let worst: PerdureError | null = null;
  let most = 0;
  for (const { tokens: bucket, per } of accounts) {
    if (bucket === null) continue;
    if (input > bucket.limit) return tooLarge(per, bucket.limit, input);
    const waitMs = bucket.waitMs(tokens, now);
    if (waitMs <= most) continue;
    most = waitMs;
    worst = refusal(per, 'tokens_per_minute', bucket.limit, waitMs);
  }
  return worst;
}

function keyOf(session: SessionId, call: number): string {
  return `${session} ${call}`;
}
