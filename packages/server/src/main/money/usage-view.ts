/** Usage, summed and stated: for the wire, and for commands on a data folder that no server holds. */
import {
  didYouMean,
  listPage,
  type PerdureError,
  perdureError,
  type StatementBasis,
  type UsageQuery,
} from '@perdure/protocol';
import { datetimeMs } from '../../contract/instant.ts';
import { type Caller, EVERY_TENANT, seesAll } from '../../engine/caller.ts';
import type { UsageCursor, UsageWindow } from '../../engine/usage.ts';
import type { UsageView } from '../../http/perdure/view.ts';
import type { TenantId } from '../../kernel/ids.ts';
import { spanOfDay, spanOfMonth } from '../../money/calendar.ts';
import type { CapBalance } from '../../money/caps.ts';
import { burnDowns } from '../../money/burning.ts';
import { CapacityUse } from '../../money/capacity.ts';
import type { Spending } from '../../money/commitments.ts';
import { prepaidState } from '../../money/prepaid.ts';
import { type Earning, inBase, shareDue, shareState, type ShareTerm } from '../../money/shares.ts';
import { type Dimension, DIMENSIONS, type Group, Summing, TooManyGroups } from '../../money/totals.ts';
import { type Events, trancheState } from '../../money/tranches.ts';
import type { KeptUsage } from './kept-usage.ts';
import { oneAtATime } from './one-at-a-time.ts';
import { type Metered, raterOf, sumsOf } from './rated.ts';
import { type Terms, termsAt } from './terms.ts';
import { groupWire, rowWire, type Statement, statementWire } from './wire.ts';

export interface UsageDesk extends Metered {
  tenants(): Promise<readonly TenantId[]>;
  /** Null where no server counts. */
  balances(): readonly CapBalance[] | null;
  /** Sums that are kept from one question to the next. Absent: the log is read each time. */
  readonly kept?: { readonly all: KeptUsage; readonly terms: KeptUsage };
  readonly terms: Terms;
  /** What has happened that tranches wait for. Absent: nothing. */
  readonly events?: Events;
  /** Of a commitment, as `contract/id`; null while it is not computed. Absent: it never is. */
  readonly shadowPpm?: (commitment: string) => number | null;
  readonly now: () => number;
}

/** @throws TooManyGroups */
export async function summed(
  desk: UsageDesk,
  window: UsageWindow,
  by: readonly Dimension[],
): Promise<readonly Group[]> {
  const summing = new Summing(by);
  for await (const sum of sumsOf(desk, desk.kept?.all ?? null, window)) summing.add(sum);
  return summing.groups();
}

/** What the terms come to, by the words that hold then: from sums of a day and a cloud, so that memory does not grow with the calls. */
export async function statementOf(
  desk: UsageDesk,
  asOf: number,
  events: Events = desk.events ?? {},
): Promise<Statement> {
  const { terms: all } = desk;
  const terms = termsAt(all, asOf);
  const spends = new Map<string, { at: number; cloud: string; cost: bigint }>();
  const bases = new Map<ShareTerm, bigint>(all.shares.map(term => [term, 0n]));
  const capacity = terms.capacity.map(term => new CapacityUse(term));
  const window = { tenants: await desk.tenants(), from: earliest(all), to: asOf };
  for await (const sum of sumsOf(desk, desk.kept?.terms ?? null, window, edgesOf(all))) {
    const { vendor, cloud } = sum.facts;
    const { cost, revenue } = sum.totals;
    const at = spanOfDay(sum.facts.at).from;
    const key = `${at} ${cloud}`;
    const known = spends.get(key);
    if (known === undefined) spends.set(key, { at, cloud, cost });
    else known.cost += cost;
    const earning: Earning = { at: sum.facts.at, vendor, cloud, revenue };
    for (const [term, base] of bases) if (inBase(term, earning)) bases.set(term, base + revenue);
    for (const use of capacity) use.add(sum);
  }
  const days: readonly Spending[] = [...spends.values()];
  return {
    asOf,
    commitments: burnDowns(all.commitments, days, asOf).map(state => {
      const { contract, id } = state.term;
      return { ...state, contract, shadowPpm: desk.shadowPpm?.(`${contract}/${id}`) ?? null };
    }),
    shares: terms.shares.map(term => {
      // The base as one earning, at the last moment that all of it counts.
      const at = Math.min(asOf, term.to ?? asOf) - 1;
      const revenue = bases.get(term) ?? 0n;
      const whole: Earning = { at, vendor: term.vendor, cloud: term.clouds?.[0] ?? '-', revenue };
      return { ...shareState(term, [whole], asOf), before: dueBefore(term, bases), contract: term.contract };
    }),
    tranches: terms.tranches.map(held => {
      const state = trancheState(held, events, asOf);
      return { ...state, contract: state.term.contract };
    }),
    prepaid: terms.prepaid.map(term => ({ ...prepaidState(term, days, asOf), contract: term.contract })),
    capacity: capacity.map(({ state }) => ({ ...state, contract: state.term.contract })),
    caps: desk.balances(),
  };
}

/** What fell due by the words that held before. */
function dueBefore({ held }: ShareTerm, bases: ReadonlyMap<ShareTerm, bigint>): bigint {
  let due = 0n;
  for (let term = held?.earlier ?? null; term !== null; term = term.held?.earlier ?? null)
    due += shareDue(term, bases.get(term) ?? 0n);
  return due;
}

/** The first day of each recorded event. */
export function eventDays(events: readonly { readonly id: string; readonly date: string }[]): Events {
  const days: { [id: string]: number } = {};
  for (const { id, date } of events) {
    const at = datetimeMs(date);
    if (at !== null) days[id] = Math.min(days[id] ?? at, at);
  }
  return days;
}

/** Moments from which on calls count otherwise than before. */
function edgesOf({ commitments, capacity, shares, prepaid }: Terms): readonly number[] {
  const ends = [...commitments, ...capacity, ...shares].flatMap(({ from, to, held }) => [
    from,
    to,
    held?.since,
    held?.until,
  ]);
  const credits = prepaid.flatMap(({ from, until, held }) => [from, until, held?.since, held?.until]);
  return [...new Set([...ends, ...credits])].filter(at => at !== undefined && at !== null);
}

/** What has no first day reads everything. */
function earliest({ commitments, capacity, shares, prepaid }: Terms): number {
  const starts = [...commitments, ...capacity, ...shares, ...prepaid].map(({ from }) => from ?? 0);
  return starts.length === 0 ? Number.MAX_SAFE_INTEGER : Math.min(...starts);
}

/** @param basis of the terms that the desk has now */
export function makeUsageView(desk: UsageDesk, basis: () => StatementBasis): UsageView {
  const windowOf = async (caller: Caller, query: UsageQuery): Promise<UsageWindow> => ({
    tenants: await tenantsFor(desk, caller, query.tenant),
    ...timesOf(query, desk.now()),
  });
  const sums = oneAtATime<readonly Group[]>();
  return {
    async groups(caller, query) {
      const by = query.groupBy.map(dimensionOf);
      const tenants = await tenantsFor(desk, caller, query.tenant);
      const key = JSON.stringify([tenants, query.from, query.to, by]);
      const sum = sums(key, () => summed(desk, { tenants, ...timesOf(query, desk.now()) }, by));
      const groups = await sum.catch((error: unknown) => {
        throw error instanceof TooManyGroups
          ? perdureError('invalid_request', `${error.message}: group by less, or ask for a shorter time.`, {
              param: 'group_by',
            })
          : error;
      });
      const shown = groups.map(groupWire);
      const from = query.after === undefined ? 0 : shown.findIndex(({ id }) => id === query.after) + 1;
      if (query.after !== undefined && from === 0) throw invalid('after', 'is no group of this sum');
      return listPage(shown.slice(from, from + query.limit), shown.length > from + query.limit);
    },
    async calls(caller, query) {
      const window = await windowOf(caller, query);
      const after = query.after === undefined ? null : cursorOf(query.after, window.tenants);
      const rated = raterOf(desk);
      for await (const page of desk.usage(window, after)) {
        const data = page.calls.map(call => rowWire(rated(call)));
        return { object: 'list', data, next: Buffer.from(JSON.stringify(page.cursor)).toString('base64url') };
      }
      return { object: 'list', data: [], next: null };
    },
    async commitments(caller, query) {
      if (!seesAll(caller))
        throw perdureError(
          'insufficient_scope',
          'Commitments are summed over all tenants: they are shown to operators, and to auditors of the deployment.',
        );
      // Asked in one go with the terms, which an activation may change while the calls are summed.
      const statement = statementOf(desk, timesOf(query, desk.now()).to);
      const goesBy = basis();
      return { ...statementWire(await statement), basis: goesBy };
    },
  };
}

function invalid(param: string, problem: string): PerdureError {
  return perdureError('invalid_request', `'${param}' ${problem}.`, { param });
}

/** L10: a key sees its own tenant; others only operators and auditors of the deployment do. */
async function tenantsFor(desk: UsageDesk, caller: Caller, tenant: string | undefined): Promise<readonly TenantId[]> {
  const wanted = tenant ?? caller.tenant;
  if (wanted === caller.tenant && wanted !== EVERY_TENANT) return [caller.tenant];
  if (!seesAll(caller))
    throw perdureError('insufficient_scope', 'The usage of other tenants is shown to keys with the scope operator.');
  return wanted === EVERY_TENANT ? desk.tenants() : [wanted as TenantId];
}

/** By default from the first of this month until now. */
export function timesOf(
  { from, to }: { readonly from?: string; readonly to?: string },
  now: number,
): { readonly from: number; readonly to: number } {
  const read = (param: string, text: string): number => {
    const ms = datetimeMs(text);
    if (ms === null) throw invalid(param, 'must be a day as 2026-03-20, or a moment as 2026-03-20T12:00:00Z');
    return ms;
  };
  // A call of this very millisecond counts.
  const end = to === undefined ? now + 1 : read('to', to);
  const start = from === undefined ? spanOfMonth(end - 1).from : read('from', from);
  if (start > end) throw invalid('from', 'is after to');
  return { from: start, to: end };
}

export function dimensionOf(name: string): Dimension {
  const known = DIMENSIONS.find(one => one === name);
  if (known !== undefined) return known;
  const near = didYouMean(name, DIMENSIONS);
  throw invalid(
    'group_by',
    near === null ? `takes ${DIMENSIONS.join(', ')}` : `knows no ${name}: did you mean ${near}?`,
  );
}

function cursorOf(text: string, tenants: readonly TenantId[]): UsageCursor {
  try {
    const value: unknown = JSON.parse(Buffer.from(text, 'base64url').toString());
    const { home, tenant, position } = value as Partial<UsageCursor>;
    if (typeof home === 'string' && Number.isSafeInteger(position) && tenants.includes(tenant as TenantId))
      return value as UsageCursor;
  } catch {
    // Said below.
  }
  throw invalid('after', 'is no cursor of this list');
}
