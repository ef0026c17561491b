/**
 * Closing and restating months: on a data folder, or in the server that holds it.
 *
 * D1  A file is there, whole and on the disk, before its audit entry. A process that dies between them leaves the entry to the next one that
 *     opens the desk: it is made once, and tells of that file.
 * D2  One close or restatement at a time.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { type ClosedMonthResource, LIMITS, perdureError, type RestatementAnswer } from '@perdure/protocol';
import type { ControlRecords } from '../../engine/control-records.ts';
import { killPoint } from '../../engine/kill-point.ts';
import type { CloseView } from '../../http/perdure/close-view.ts';
import type { IdPrefix } from '../../kernel/ids.ts';
import { parseUnits } from '../../money/amounts.ts';
import { monthSpan, type Span } from '../../money/calendar.ts';
import { openMonth, type Rating, ratingAfter } from '../../money/closing.ts';
import type { FocusRow } from '../../money/focus/columns.ts';
import { actorOf, auditEntry } from '../govern/audit.ts';
import { correctionsOf, type ChargeSource, openingsOf, type Sides } from './charges.ts';
import {
  closedMonths,
  closeFile,
  type Done,
  keepClose,
  keepRestatement,
  type KeptMonth,
  type NewClose,
  type NewRating,
  type NewRestatement,
  RESTATEMENTS_MOST,
  restatementFile,
} from './closes.ts';
import { type TermsSource, termsOf } from './terms.ts';
import { ratedRows } from './rated.ts';
import type { UsageDesk } from './usage-view.ts';

/** A call's meter is written within its store's deadline (`store_ms`, five minutes at most): what is older than this is there. */
export const SETTLE_MS = 300_000;

export interface CloseDeskDeps {
  readonly data: string;
  readonly control: Pick<ControlRecords, 'records' | 'putRecord'>;
  readonly id: (prefix: IdPrefix) => string;
  readonly money: UsageDesk;
  /** The contracts whose terms hold today. */
  readonly contracts: () => readonly TermsSource[];
  readonly report: (what: string, error: unknown) => void;
  /** Takes what a restatement changed into what is counted meanwhile. Absent: nobody counts. */
  readonly recount?: () => Promise<void>;
}

/** Makes the audit entries that a process before left out (D1); what hinders that is reported, and hinders nothing else yet. */
export async function openCloseDesk(deps: CloseDeskDeps): Promise<CloseView> {
  const { data, money } = deps;
  await audit(deps).catch((error: unknown) => deps.report('closed months', error));
  let last: Promise<unknown> = Promise.resolve();
  const alone = <T>(work: () => Promise<T>): Promise<T> => {
    const done = last.then(work, work);
    last = done;
    return done;
  };
  return {
    list: async () => [...closedMonths(data).values()].map(closedMonthResource),
    close: (who, month) =>
      alone(async () => {
        const span = spanOf(month);
        const now = money.now();
        if (closedMonths(data).has(month)) throw perdureError('month_closed', `${month} is closed already.`);
        const cutoff = now - SETTLE_MS;
        if (span.to > cutoff)
          throw perdureError(
            'month_not_over',
            `${month} can be closed from ${new Date(span.to + SETTLE_MS).toISOString()} on.`,
          );
        const rating = await ratingToday(deps, month, span, 'as-billed');
        const done = { id: deps.id('cls'), by: who };
        const made: NewClose = { period: month, cutoff, closedAt: new Date(now).toISOString(), ...rating, ...done };
        killPoint('close.before-file');
        await keepClose(data, made);
        killPoint('close.after-file');
        await audit(deps);
        return closedMonthResource(monthOfDesk(data, month));
      }),
    restate: (who, month, reason) =>
      alone(async () => {
        const said = reason.trim();
        if (said.length === 0 || said.length > LIMITS.reasonChars)
          throw perdureError('invalid_request', `A reason has 1 to ${LIMITS.reasonChars} characters.`, {
            param: 'reason',
          });
        const span = spanOf(month);
        const kept = monthOfDesk(data, month);
        const number = kept.restatements.length + 1;
        if (number > RESTATEMENTS_MOST)
          throw perdureError('restatement_limit_reached', `${month} was restated ${RESTATEMENTS_MOST} times.`);
        const rating = await ratingToday(deps, month, span, 'all');
        const now = money.now();
        const done = { id: deps.id('rst'), by: who };
        const billedIn = openMonth(now, closedMonths(data));
        const changed = await changesOf(deps, kept, rating, { id: done.id, billedIn });
        if (changed.rows === 0)
          throw perdureError('nothing_to_restate', `${month} comes out as it stands: nothing would change.`);
        const restatedAt = new Date(now).toISOString();
        const made: NewRestatement = { period: month, number, billedIn, restatedAt, reason: said, ...rating, ...done };
        killPoint('close.before-file');
        await keepRestatement(data, made);
        killPoint('close.after-file');
        await audit(deps);
        // It stands, whether that comes off or not.
        await deps.recount?.().catch((error: unknown) => deps.report('spend after a restatement', error));
        return { ...restatementResource(month, made), ...changedResource(changed) };
      }),
  };
}

function spanOf(month: string): Span {
  const span = monthSpan(month);
  if (span !== null) return span;
  throw perdureError('invalid_request', `There is no month '${month.slice(0, 16)}': write it as 2026-03.`, {
    param: 'month',
  });
}

/** @throws PerdureError month_not_closed */
function monthOfDesk(data: string, month: string): KeptMonth {
  const kept = closedMonths(data).get(month);
  if (kept === undefined) throw perdureError('month_not_closed', `${month} is not closed.`);
  return kept;
}

async function sourceOf({ money }: CloseDeskDeps): Promise<ChargeSource> {
  const tenants = await money.tenants();
  return { tenant: null, rows: (from, to) => ratedRows(money, { tenants, from, to }) };
}

async function ratingToday(
  deps: CloseDeskDeps,
  month: string,
  { from }: Span,
  restated: 'all' | 'as-billed',
): Promise<NewRating> {
  const contracts = deps.contracts();
  const { shares } = termsOf(contracts);
  const openings = await openingsOf(await sourceOf(deps), closedMonths(deps.data), shares, from, restated);
  return { books: deps.money.books, contracts, opening: openings(month) };
}

interface Changed {
  readonly rows: number;
  readonly cost: bigint;
  readonly revenue: bigint;
  readonly share: bigint;
}

async function changesOf(
  deps: CloseDeskDeps,
  month: KeptMonth,
  { books, contracts, opening }: NewRating,
  restatement: { readonly id: string; readonly billedIn: string },
): Promise<Changed> {
  const { commitments, shares } = termsOf(contracts);
  const terms = { commitments, shares, opening };
  const before: Rating = ratingAfter(month, month.restatements.length);
  const sides: Sides = { before: { books: before.books, terms: before.terms ?? terms }, after: { books, terms } };
  let [rows, cost, revenue, share] = [0, 0n, 0n, 0n];
  const closed = closedMonths(deps.data);
  const none = (): Promise<null> => Promise.resolve(null);
  for await (const row of correctionsOf(await sourceOf(deps), closed, month, sides, restatement, none)) {
    rows += 1;
    cost += amountIn(row, 'BilledCost');
    revenue += amountIn(row, 'x_Revenue');
    share += amountIn(row, 'x_RevenueShare');
  }
  return { rows, cost, revenue, share };
}

function amountIn(row: FocusRow, column: string): bigint {
  return parseUnits(row[column] ?? '0') ?? 0n;
}

/** An entry for each file that has none, in their order. Of two who make it at once one does. */
async function audit({ data, control, money }: CloseDeskDeps): Promise<void> {
  const made = new Set((await control.records('usage_close')).map(({ id }) => id));
  for (const month of closedMonths(data).values()) {
    if (month.done !== null && !made.has(month.done.id))
      await tell('month.closed', month.done, closedMonthResource(month), closeFile(data, month.period));
    for (const one of month.restatements) {
      if (!made.has(one.id))
        await tell(
          'month.restated',
          one,
          restatementResource(month.period, one),
          restatementFile(data, month.period, one.number),
        );
    }
  }

  async function tell(action: string, { id, by }: Done, resource: object, path: string): Promise<void> {
    const { restatements: _, ...told } = resource as { readonly restatements?: unknown };
    // What was kept cannot be changed unnoticed: the digest is a leaf of the ledger.
    const body = { ...told, file_sha256: createHash('sha256').update(readFileSync(path)).digest('hex') };
    const entry = auditEntry({ at: money.now(), actor: actorOf(by), action, subject: id, tenant: null, body });
    await control.putRecord({ kind: 'usage_close', id, tenant: null, version: 1, body: entry.body }, entry);
  }
}

export function closedMonthResource(month: KeptMonth): ClosedMonthResource {
  return {
    object: 'perdure.closed_month',
    id: month.done?.id ?? null,
    period: month.period,
    cutoff: new Date(month.cutoff).toISOString(),
    closed_at: month.closedAt,
    closed_by: month.done?.by ?? null,
    terms_kept: month.terms !== null,
    restatements: month.restatements.map(one => restatementResource(month.period, one)),
  };
}

function restatementResource(
  period: string,
  made: Pick<NewRestatement, 'id' | 'by' | 'number' | 'billedIn' | 'restatedAt' | 'reason'>,
): ClosedMonthResource['restatements'][number] {
  return {
    object: 'perdure.restatement',
    id: made.id,
    period,
    number: made.number,
    billed_in: made.billedIn,
    restated_at: made.restatedAt,
    restated_by: made.by,
    reason: made.reason,
  };
}

function changedResource({ rows, cost, revenue, share }: Changed): Pick<RestatementAnswer, 'changed'> {
  return {
    changed: {
      rows,
      cost_micro_usd: String(cost),
      revenue_micro_usd: String(revenue),
      share_micro_usd: String(share),
    },
  };
}
