/**
 * Metered calls, each told once: what has ended since the last look. Reads what is new in the log of placements, and those calls again that were
 * in flight. Nothing is read but when somebody asks, so that a call that is being made never waits for it.
 */
import type { TenantId } from '../kernel/ids.ts';
import type { PlacementEntry } from './ports.ts';
import { callOf, CLOCK_STEP_MS, type LoggedCall, USAGE_PAGE, type UsageHome, type UsageSource } from './usage.ts';

/** Calls of one tenant in one home that have not ended and are remembered. */
export const OPEN_MOST = 10_000;

/** More calls than `OPEN_MOST` have not ended. The follower is spent: what it told is not all. */
export class TooManyOpen extends Error {
  override readonly name = 'TooManyOpen';
}

interface Mark {
  /** Up to here all was looked at. */
  position: number;
  /** Of calls before it that had not ended, rising. */
  open: readonly number[];
}

/** One look at a time. One that throws leaves it spent: a part may have been told. */
export class UsageFollower {
  readonly #source: UsageSource<UsageHome>;
  readonly #from: number;
  readonly #openMost: number;
  readonly #marks = new Map<string, Mark>();

  /** @param from calls placed before it may be left out, ms since 1970 */
  constructor(source: UsageSource<UsageHome>, from: number, openMost: number = OPEN_MOST) {
    this.#source = source;
    this.#from = from;
    this.#openMost = openMost;
  }

  /** What of these tenants has ended since they were last asked for; the first time, all. @throws TooManyOpen, StoreError */
  async *next(tenants: readonly TenantId[]): AsyncGenerator<readonly LoggedCall[]> {
    for (const store of this.#source.homes) {
      for (const tenant of tenants) {
        const key = JSON.stringify([store.home, tenant]);
        let mark = this.#marks.get(key);
        if (mark === undefined) this.#marks.set(key, (mark = { position: await this.#start(store, tenant), open: [] }));
        yield* this.#again(store, tenant, mark);
        yield* this.#new(store, tenant, mark);
      }
    }
  }

  async #start(store: UsageHome, tenant: TenantId): Promise<number> {
    const before = this.#from - CLOCK_STEP_MS;
    return before > 0 ? this.#source.wait(store.placementSeek(tenant, before)) : 0;
  }

  /** Those that were in flight. */
  async *#again(store: UsageHome, tenant: TenantId, mark: Mark): AsyncGenerator<readonly LoggedCall[]> {
    const still: number[] = [];
    for (let rest = mark.open; ; ) {
      const [first] = rest;
      if (first === undefined) break;
      const entries = await this.#page(store, tenant, first - 1);
      const seen = entries.at(-1)?.position ?? Number.POSITIVE_INFINITY;
      const asked = new Set(rest);
      const { calls, open } = await this.#read(
        store,
        tenant,
        entries.filter(({ position }) => asked.has(position)),
      );
      still.push(...open);
      yield calls;
      rest = rest.filter(position => position > seen);
    }
    mark.open = still;
  }

  async *#new(store: UsageHome, tenant: TenantId, mark: Mark): AsyncGenerator<readonly LoggedCall[]> {
    for (;;) {
      const entries = await this.#page(store, tenant, mark.position);
      const last = entries.at(-1);
      if (last === undefined) return;
      const { calls, open } = await this.#read(store, tenant, entries);
      mark.position = last.position;
      mark.open = [...mark.open, ...open];
      if (mark.open.length > this.#openMost)
        throw new TooManyOpen(`more than ${this.#openMost} calls of ${tenant} have not ended`);
      yield calls;
      if (entries.length < USAGE_PAGE) return;
    }
  }

  #page(store: UsageHome, tenant: TenantId, after: number): Promise<readonly PlacementEntry[]> {
    return this.#source.wait(store.placementLog({ tenant, order: 'asc', limit: USAGE_PAGE, after }));
  }

  async #read(
    store: UsageHome,
    tenant: TenantId,
    entries: readonly PlacementEntry[],
  ): Promise<{ readonly calls: readonly LoggedCall[]; readonly open: readonly number[] }> {
    const calls: LoggedCall[] = [];
    const open: number[] = [];
    for (const entry of entries) {
      const found = await callOf(this.#source, store, tenant, entry);
      if (found === null) continue;
      if ('meteredAt' in found) calls.push(found);
      // An end that is another call's stays so: this one has none, and will not.
      else if (entry.end === null) open.push(entry.position);
    }
    return { calls, open };
  }
}
