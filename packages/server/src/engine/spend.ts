/**
 * What is spent, kept exactly in one process: for spend caps, and for clauses that ask what the tenant has spent.
 *
 * C1  A call is placed only while its bound fits into every cap that it counts against; its bound is held until its meter is committed.
 *     Looking and holding are one step without a wait in between, so that callers at once cannot pass a cap together.
 * C2  What is held of a call is replaced by what its meter says, in the commit that brings the meter.
 * C3  At start everything is rebuilt from the log, and no call is placed before that (L1). A call without a meter holds its bound.
 * C4  What contracts ask for can change while calls are made. What is new is counted from the log before it is in force; calls that begin
 *     or end meanwhile are counted as they happen, and the log's account of them is passed over.
 * C5  What is spent is what it is rated at: of a closed month by its last books, so that a restatement counts in the period of the calls.
 */
import type { PerdureError } from '@perdure/protocol';
import type { SessionId } from '../kernel/ids.ts';
import type { Envelope, EnvelopeOf, EventBody, Usage } from '../log/events.ts';
import type { Micro } from '../money/amounts.ts';
import { capApplies, type CapBalance, capReached, type CapSubject, type CapTerm } from '../money/caps.ts';
import type { MeteredCall } from '../money/usage.ts';
import type { Spend } from '../placement/facts.ts';
import type { PlacementRecord } from '../placement/record.ts';
import type { Rates } from './rate/rates.ts';
import { Accounts, bucketAt, type Bucket } from './spend-accounts.ts';
import { capError, keyOf, placeKey, safe, type SpendCall } from './spend-call.ts';
import { loggedCosts, type SpendPrices } from './spend-prices.ts';
import { isMeter, type LoggedCall, type OpenCall, type UsageSource, usagePages } from './usage.ts';

/** What contracts ask for. */
export interface SpendTerms {
  /** The caps of all contracts that are, or will be, in force; counted, whether they hold yet or not. */
  readonly caps: readonly CapTerm[];
  /** Whether a clause of one of them asks what the tenant has spent. */
  readonly fact: boolean;
  /** The caps that hold at a time, ms since 1970. Every call asks. */
  inForce(now: number): readonly CapTerm[];
}

const NO_TERMS: SpendTerms = { caps: [], fact: false, inForce: () => [] };

interface Held {
  readonly call: SpendCall;
  readonly at: number;
  readonly bound: Micro;
  readonly buckets: Bucket[];
  /** Of its placement; null until that is committed. */
  seq: number | null;
  /** Whether it is not known that its placement was committed. */
  doubtful: boolean;
}

/** The log as it is being read for new accounts. */
interface Reading {
  readonly accounts: Accounts;
  readonly cost: (call: MeteredCall) => Micro;
  /** Placements that were committed meanwhile: session and seq. */
  readonly placed: Set<string>;
  /** Ends of calls that began before, of which nothing was held: by session and call. */
  readonly ended: Map<string, { readonly seq: number; readonly usage: Usage }>;
}

export interface SpendOptions {
  /** Of the configuration: they always hold. */
  readonly caps: readonly CapTerm[];
  /** What contracts ask for at the start. Absent: nothing. */
  readonly contracts?: SpendTerms;
  /** Whether the periods before those that run are counted too. Absent: no. */
  readonly past?: boolean;
  readonly prices: SpendPrices;
  /** Where a target is. Absent: nobody knows. */
  readonly cloudOf?: (target: string) => string | null;
  /** ms since 1970. */
  readonly now: () => number;
  /** Rate limits in tokens: held and metered with the money. Absent: none. */
  readonly rates?: Rates;
}

/** Where nothing is capped and nothing has a price. */
export const NO_CAPS: Omit<SpendOptions, 'now'> = { caps: [], prices: { bound: () => 0n, cost: () => 0n } };

export class SpendDesk {
  readonly #options: SpendOptions;
  readonly #held = new Map<string, Held>();
  readonly #ready: PromiseWithResolvers<void> = Promise.withResolvers<void>();
  #terms: SpendTerms;
  #accounts: Accounts;
  #reading: Reading | null = null;
  readonly #source: PromiseWithResolvers<UsageSource> = Promise.withResolvers<UsageSource>();
  #known = false;
  /** One reading of the log at a time. */
  #last: Promise<unknown> = Promise.resolve();
  #latest = 0;

  constructor(options: SpendOptions) {
    this.#options = options;
    this.#terms = options.contracts ?? NO_TERMS;
    this.#accounts = new Accounts([...options.caps, ...this.#terms.caps], this.#terms.fact, this.#past, options.now());
    this.#ready.promise.catch(() => undefined);
    this.#source.promise.catch(() => undefined);
    if (this.idle) this.#ready.resolve();
  }

  /** Whether nobody asks what is spent: then nothing is counted. */
  get idle(): boolean {
    return this.#accounts.empty && this.#reading === null;
  }

  /** Resolves once the log has been read (C3). */
  get ready(): Promise<void> {
    return this.#ready.promise;
  }

  /** What stands against each cap that holds now. */
  balances(): readonly CapBalance[] {
    const now = this.#now();
    return this.#caps(now).flatMap(cap => this.#balance(cap, now) ?? []);
  }

  /** The same, of the periods that ended last: what came in before anybody looked. */
  pastBalances(): readonly CapBalance[] {
    const now = this.#now();
    return this.#caps(now).flatMap(cap => {
      const account = this.#accounts.get(cap);
      if (account === null || bucketAt(account, now) === null || account.before === null) return [];
      return [{ cap, ...account.before }];
    });
  }

  /** Whether the log has been read: what is said of spending before is too little. */
  get known(): boolean {
    return this.#known;
  }

  /** What a target's use comes to, in micro-USD, by the prices of a time. */
  cost(target: string, at: number, usage: Usage): Micro {
    return this.#options.prices.cost(target, at, usage, null);
  }

  /** What the tenant's calls that ended came to, in micro-USD. Undefined if it is not counted, or not known yet: a clause that asks denies. */
  fact(tenant: string): Spend | undefined {
    if (!this.#terms.fact || !this.#known) return undefined;
    const spent = this.#accounts.tenant(tenant, this.#now());
    return spent === null ? undefined : { month: safe(spent.month), total: safe(spent.total) };
  }

  /**
   * Holds the call's bound, or says which cap it would pass.
   * @param ending events that the commit of this call will bring with it: the end of the call before it
   */
  hold(call: SpendCall, ending: readonly EventBody[] = []): PerdureError | null {
    const slowed = this.#options.rates?.hold(call) ?? null;
    if (slowed !== null || this.idle) return slowed;
    const { prices } = this.#options;
    const at = this.#now();
    const buckets = this.#bucketsOf(call, at);
    if (buckets.length === 0) return null;
    const bound = prices.bound(call.target, at, call.reserved);
    const freed = this.#freedBy(call.session, ending);
    const seen = this.#caps(at)
      .filter(cap => capApplies(cap, call))
      .flatMap(cap => this.#balance(cap, at, freed) ?? []);
    const reached = capReached(seen, bound);
    if (reached !== null) {
      this.#options.rates?.drop(call.session, call.call);
      return capError(reached, bound);
    }
    this.#hold(call, at, bound, buckets, null);
    return null;
  }

  /** Gives back what is held for a call that was not placed. */
  drop(session: SessionId, call: number): void {
    this.#options.rates?.drop(session, call);
    this.#end(keyOf(session, call), null);
  }

  /** The commit of its placement failed, and may be in the log all the same: recovery will say (`settleDoubt`). */
  doubt(session: SessionId, call: number): void {
    const held = this.#held.get(keyOf(session, call));
    if (held !== undefined) held.doubtful = true;
  }

  /** The log was read, and the session has no call in flight. */
  settleDoubt(session: SessionId): void {
    this.#options.rates?.settle(session);
    for (const [key, { call, doubtful }] of this.#held) {
      if (doubtful && call.session === session) this.#end(key, null);
    }
  }

  /** Sees every commit: meters replace what was held (C2), and placements that began before anybody counted are held from here on (C4). */
  committed(events: readonly Envelope[]): void {
    this.#options.rates?.committed(events);
    // What is held ends whoever asks: it began while somebody did.
    if (this.idle && this.#held.size === 0) return;
    for (const event of events) {
      if (event.type === 'call.placed') this.#placed(event);
      if (!isMeter(event)) continue;
      const { call, usage } = event.head;
      const key = keyOf(event.session, call);
      const held = this.#held.get(key);
      if (held !== undefined) this.#end(key, this.#options.prices.cost(held.call.target, held.at, usage, null));
      else this.#reading?.ended.set(key, { seq: event.seq, usage });
    }
  }

  /** Reads the log back to the start of the longest period (C3). */
  async rebuild(source: UsageSource): Promise<void> {
    try {
      if (!this.#accounts.empty) await this.#read(source, this.#accounts);
      this.#known = true;
      this.#source.resolve(source);
      this.#ready.resolve();
    } catch (error) {
      // Without knowing what was spent nothing may be spent.
      this.#source.reject(error);
      this.#ready.reject(error);
      throw error;
    }
  }

  /** Makes other terms hold, once what is new in them was counted. If that fails, what holds stays. */
  follow(terms: SpendTerms): Promise<void> {
    const followed = this.#last.then(() => this.#follow(terms));
    this.#last = followed.catch(() => undefined);
    return followed;
  }

  /** Counts all of it again, as it is rated now: a closed month was restated. If that fails, what was counted stays. */
  recount(): Promise<void> {
    const counted = this.#last.then(() => this.#recount());
    this.#last = counted.catch(() => undefined);
    return counted;
  }

  async #recount(): Promise<void> {
    const source = await this.#source.promise;
    const { caps, fact } = this.#terms;
    const fresh = new Accounts([...this.#options.caps, ...caps], fact, this.#past, this.#now());
    if (!fresh.empty) await this.#read(source, fresh, () => void (this.#accounts = fresh));
  }

  async #follow(terms: SpendTerms): Promise<void> {
    const source = await this.#source.promise;
    const scopes = [...this.#options.caps, ...terms.caps];
    const added = scopes.filter(scope => !this.#accounts.has(scope));
    const tenants = terms.fact && !this.#accounts.countsTenants;
    const more = new Accounts(added, tenants, this.#past, this.#now());
    const adopt = (): void => {
      this.#terms = terms;
      this.#accounts = this.#accounts.joined(more, scopes, terms.fact, this.#now());
    };
    if (more.empty) adopt();
    else await this.#read(source, more, adopt);
  }

  /**
   * Counts what the log holds into accounts that are not in force yet.
   * @param adopt puts them in force: in the same step in which the reading ends, or a commit in between would be seen by neither
   */
  async #read(source: UsageSource, accounts: Accounts, adopt: () => void = () => undefined): Promise<void> {
    const cost = loggedCosts(this.#options.prices);
    const reading: Reading = { accounts, cost, placed: new Set(), ended: new Map() };
    for (const held of this.#held.values()) {
      this.#widen(held, accounts);
      if (held.seq !== null) reading.placed.add(placeKey(held.call.session, held.seq));
    }
    this.#reading = reading;
    try {
      const from = accounts.from(this.#now());
      const tenants = [...new Set((await Promise.all(source.homes.map(store => source.wait(store.tenants())))).flat())];
      for await (const page of usagePages(source, { tenants, from, to: Number.POSITIVE_INFINITY })) {
        for (const call of page.calls) this.#readEnded(reading, call);
        for (const call of page.open) this.#readOpen(reading, call);
      }
      adopt();
    } finally {
      this.#reading = null;
    }
  }

  /** A call that is held already counts in new accounts too. */
  #widen(held: Held, accounts: Accounts): void {
    this.#count(held, accounts.bucketsOf(held.call, held.at));
  }

  #count(held: Held, buckets: readonly Bucket[]): void {
    for (const bucket of buckets) {
      if (held.buckets.includes(bucket)) continue;
      bucket.reserved += held.bound;
      held.buckets.push(bucket);
    }
  }

  #readEnded({ accounts, cost, placed }: Reading, call: LoggedCall): void {
    if (placed.has(placeKey(call.session, call.seq))) return;
    const rated = cost(call);
    for (const bucket of accounts.bucketsOf(call, call.at)) bucket.spent += rated;
  }

  #readOpen({ accounts, placed, ended }: Reading, call: OpenCall): void {
    if (placed.has(placeKey(call.session, call.seq))) return;
    const key = keyOf(call.session, call.call);
    const end = ended.get(key);
    if (end !== undefined && end.seq > call.seq) {
      const cost = this.#options.prices.cost(call.target, call.at, end.usage, null);
      for (const bucket of accounts.bucketsOf(call, call.at)) bucket.spent += cost;
    } else if (!this.#held.has(key)) {
      const bound = this.#options.prices.bound(call.target, call.at, call.reserved);
      this.#hold(call, call.at, bound, accounts.bucketsOf(call, call.at), call.seq);
    }
  }

  #placed(event: EnvelopeOf<'call.placed'>): void {
    const { session, seq, at, tenant } = event;
    const { call, chosen: target, placement, reserved } = event.head;
    if (target === null) return;
    this.#reading?.placed.add(placeKey(session, seq));
    const held = this.#held.get(keyOf(session, call));
    if (held !== undefined) {
      held.seq = seq;
      // Read from the log before its commit was told of: then it counts in what was read for, and not yet in what was in force already.
      this.#count(held, this.#bucketsOf(held.call, held.at));
      return;
    }
    // Contracts cap by no key, and the caps that do were counted from the start.
    const record = placement as unknown as PlacementRecord;
    const cloud = this.#options.cloudOf?.(target) ?? '-';
    const begun = {
      session,
      call,
      target,
      reserved,
      tenant,
      product: record.p[0],
      channel: record.h[0],
      cloud,
      key: '-',
    };
    const buckets = this.#bucketsOf(begun, at);
    if (buckets.length > 0) this.#hold(begun, at, this.#options.prices.bound(target, at, reserved), buckets, seq);
  }

  #hold(call: SpendCall, at: number, bound: Micro, buckets: Bucket[], seq: number | null): void {
    for (const bucket of buckets) bucket.reserved += bound;
    this.#held.set(keyOf(call.session, call.call), { call, at, bound, buckets, seq, doubtful: false });
  }

  get #past(): boolean {
    return this.#options.past ?? false;
  }

  /** A wall clock that steps back opens no period anew. */
  #now(): number {
    this.#latest = Math.max(this.#latest, this.#options.now());
    return this.#latest;
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

  #caps(now: number): readonly CapTerm[] {
    const ofContracts = this.#terms.inForce(now);
    return ofContracts.length === 0 ? this.#options.caps : [...this.#options.caps, ...ofContracts];
  }

  /** Null for a cap that nobody said would hold: it is not counted. */
  #balance(cap: CapTerm, now: number, freed?: ReadonlyMap<Bucket, Micro>): CapBalance | null {
    const account = this.#accounts.get(cap);
    const bucket = account === null ? null : (bucketAt(account, now) ?? account.bucket);
    if (bucket === null) return null;
    const { span, spent, reserved } = bucket;
    return { cap, span, spent, reserved: reserved - (freed?.get(bucket) ?? 0n) };
  }

  #bucketsOf(subject: CapSubject, at: number): Bucket[] {
    const buckets = this.#accounts.bucketsOf(subject, at);
    const reading = this.#reading;
    if (reading !== null && reading.accounts !== this.#accounts)
      buckets.push(...reading.accounts.bucketsOf(subject, at));
    return buckets;
  }
}
