/** What is spent and what is held, by scope: the books that caps, and clauses that ask for spend, are read from. Plain state, no waiting. */
import type { Micro } from '../money/amounts.ts';
import { capApplies, type CapScope, type CapSubject, capSpan, scopeKey } from '../money/caps.ts';
import type { Span } from '../money/calendar.ts';

/** What calls of one scope come to in one period. */
export interface Bucket {
  readonly span: Span;
  /** Of calls that ended. */
  spent: Micro;
  /** Of calls in flight, at most. */
  reserved: Micro;
}

/** A scope with the period that it is in, and the one before. What is older is kept only by the calls in flight that still count in it. */
export interface Account {
  readonly key: string;
  readonly scope: CapScope;
  bucket: Bucket;
  before: Bucket | null;
}

/** @param past whether the period before counts too, from its beginning */
export function openAccount(scope: CapScope, now: number, past: boolean): Account {
  const bucket = emptyBucket(scope, now);
  const before = past && scope.period !== 'total' ? emptyBucket(scope, bucket.span.from - 1) : null;
  return { key: scopeKey(scope), scope, bucket, before };
}

function emptyBucket(scope: CapScope, at: number): Bucket {
  return { span: capSpan(scope, at), spent: 0n, reserved: 0n };
}

/** The period that a time lies in; begins it if it is a new one. Null if it is over: then nothing asks for it any more. */
export function bucketAt(account: Account, at: number): Bucket | null {
  const { span } = account.bucket;
  if (at >= span.to) {
    account.before = account.bucket;
    account.bucket = emptyBucket(account.scope, at);
  }
  if (at >= account.bucket.span.from) return account.bucket;
  const { before } = account;
  return before !== null && at >= before.span.from && at < before.span.to ? before : null;
}

const ANY = { product: null, channel: null, cloud: null, key: null };

/** A set of accounts, with those of each tenant if clauses ask for what tenants spent. */
export class Accounts {
  readonly #byKey = new Map<string, Account>();
  readonly #tenants: Map<string, readonly [month: Account, total: Account]> | null;
  readonly #past: boolean;

  /**
   * @param tenants whether each tenant's spend is counted too
   * @param past whether the period before counts too
   */
  constructor(scopes: readonly CapScope[], tenants: boolean, past: boolean, now: number) {
    this.#tenants = tenants ? new Map() : null;
    this.#past = past;
    for (const scope of scopes) {
      const account = openAccount(scope, now, past);
      this.#byKey.set(account.key, account);
    }
  }

  get empty(): boolean {
    return this.#byKey.size === 0 && this.#tenants === null;
  }

  get countsTenants(): boolean {
    return this.#tenants !== null;
  }

  has(scope: CapScope): boolean {
    return this.#byKey.has(scopeKey(scope));
  }

  get(scope: CapScope): Account | null {
    return this.#byKey.get(scopeKey(scope)) ?? null;
  }

  /** The earliest time that counts. */
  from(now: number): number {
    if (this.#tenants !== null) return Number.NEGATIVE_INFINITY;
    return Math.min(
      ...[...this.#byKey.values()].map(({ scope, before }) => before?.span.from ?? capSpan(scope, now).from),
    );
  }

  /** Where a call counts. */
  bucketsOf(subject: CapSubject, at: number): Bucket[] {
    const buckets: Bucket[] = [];
    const count = (account: Account): void => {
      const bucket = bucketAt(account, at);
      if (bucket !== null) buckets.push(bucket);
    };
    for (const account of this.#byKey.values()) if (capApplies(account.scope, subject)) count(account);
    if (this.#tenants !== null) for (const account of this.#tenant(this.#tenants, subject.tenant, at)) count(account);
    return buckets;
  }

  /** What a tenant spent in the month of a time, and ever. Null if tenants are not counted. */
  tenant(id: string, at: number): { readonly month: Micro; readonly total: Micro } | null {
    const known = this.#tenants?.get(id);
    if (this.#tenants === null) return null;
    if (known === undefined) return { month: 0n, total: 0n };
    const [month, total] = known;
    return { month: bucketAt(month, at)?.spent ?? 0n, total: total.bucket.spent };
  }

  /** These and those of `more`, without what is not in `scopes`. */
  joined(more: Accounts, scopes: readonly CapScope[], tenants: boolean, now: number): Accounts {
    const all = new Accounts([], tenants, this.#past, now);
    for (const scope of scopes) {
      const account = this.get(scope) ?? more.get(scope) ?? openAccount(scope, now, this.#past);
      all.#byKey.set(account.key, account);
    }
    for (const [id, accounts] of this.#tenants ?? more.#tenants ?? []) all.#tenants?.set(id, accounts);
    return all;
  }

  #tenant(
    tenants: Map<string, readonly [month: Account, total: Account]>,
    tenant: string,
    at: number,
  ): readonly [month: Account, total: Account] {
    let accounts = tenants.get(tenant);
    if (accounts === undefined) {
      accounts = [
        openAccount({ ...ANY, tenant, period: 'month' }, at, false),
        openAccount({ ...ANY, tenant, period: 'total' }, at, false),
      ];
      tenants.set(tenant, accounts);
    }
    return accounts;
  }
}
