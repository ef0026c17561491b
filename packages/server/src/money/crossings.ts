/** Thresholds that spending has crossed, as alerts tell them. Each is told once in its period. */
import { type Micro, percent, share, unitText } from './amounts.ts';
import { dayOf, monthOf } from './calendar.ts';
import type { CapBalance } from './caps.ts';
import type { BurnDown } from './commitments.ts';
import type { PrepaidState } from './prepaid.ts';
import type { ShareState } from './shares.ts';
import type { TrancheState } from './tranches.ts';

export interface Crossing {
  readonly type:
    | 'cap.threshold'
    | 'commitment.threshold'
    | 'commitment.shortfall'
    | 'share.threshold'
    | 'prepaid.threshold'
    | 'tranche.notice'
    | 'tranche.payable';
  /** What it is of; with `period` and `threshold` it names the crossing. */
  readonly subject: string;
  /** A day, a month, or `term`. Of one subject they follow each other. */
  readonly period: string;
  /** A percentage; null where there is none. */
  readonly threshold: number | null;
  /** Amounts are decimal numbers of the currency, as text. */
  readonly data: { readonly [name: string]: string | number | null };
}

/** Told by threshold, in rising order; a cap of nothing has none. */
export function capCrossings({ cap, span, spent }: CapBalance, percents: readonly number[]): readonly Crossing[] {
  const period = { day: dayOf, month: monthOf, total: () => 'term' }[cap.period];
  return reached(spent, cap.amount, percents).map(threshold => ({
    type: 'cap.threshold',
    subject: `cap ${cap.id}`,
    period: period(span.from),
    threshold,
    data: {
      cap: cap.id,
      tenant: cap.tenant,
      period: cap.period,
      percent: threshold,
      amount_usd: unitText(cap.amount),
      spent_usd: unitText(spent),
    },
  }));
}

function reached(spent: Micro, amount: Micro, percents: readonly number[]): readonly number[] {
  return amount <= 0n ? [] : percents.filter(one => spent * 100n >= amount * BigInt(one));
}

export function commitmentCrossings(
  { term, spent }: BurnDown,
  contract: string,
  percents: readonly number[],
): readonly Crossing[] {
  return reached(spent, term.amount, percents).map(threshold => ({
    type: 'commitment.threshold',
    subject: `commitment ${contract}/${term.id}`,
    period: 'term',
    threshold,
    data: {
      contract,
      commitment: term.id,
      percent: threshold,
      amount_usd: unitText(term.amount),
      threshold_usd: unitText(share(term.amount, percent(threshold))),
      spent_usd: unitText(spent),
    },
  }));
}

/** Of what is due under the cap; a share without one has none. */
export function shareCrossings(
  { term, due }: ShareState,
  contract: string,
  percents: readonly number[],
): readonly Crossing[] {
  const { cap } = term;
  if (cap === null) return [];
  return reached(due, cap, percents).map(threshold => ({
    type: 'share.threshold',
    subject: `share ${contract}/${term.id}`,
    period: 'term',
    threshold,
    data: {
      contract,
      share: term.id,
      percent: threshold,
      cap_usd: unitText(cap),
      due_usd: unitText(due),
      payer: term.payer,
      payee: term.payee,
    },
  }));
}

/** Of what is used. */
export function prepaidCrossings(
  { term, used, left, usedUpOn }: PrepaidState,
  contract: string,
  percents: readonly number[],
): readonly Crossing[] {
  return reached(used, term.amount, percents).map(threshold => ({
    type: 'prepaid.threshold',
    subject: `prepaid ${contract}/${term.id}`,
    period: 'term',
    threshold,
    data: {
      contract,
      prepaid: term.id,
      percent: threshold,
      amount_usd: unitText(term.amount),
      used_usd: unitText(used),
      left_usd: unitText(left),
      used_up_on: usedUpOn,
    },
  }));
}

/** A forecast that misses the amount, told once a calendar month while it does; or that it was missed, once. */
export function shortfallCrossing({ term, spent, asOf, shortfall }: BurnDown, contract: string): Crossing | null {
  const missing = shortfall.actual ?? shortfall.trend ?? shortfall.straightLine;
  if (missing === null || missing === 0n || asOf < term.from) return null;
  const forecast = shortfall.actual === null;
  return {
    type: 'commitment.shortfall',
    subject: `shortfall ${contract}/${term.id}`,
    period: forecast ? monthOf(asOf) : 'term',
    threshold: null,
    data: {
      contract,
      commitment: term.id,
      basis: forecast ? (shortfall.trend === null ? 'straight_line' : 'trend') : 'actual',
      amount_usd: unitText(term.amount),
      spent_usd: unitText(spent),
      shortfall_usd: unitText(missing),
      treated_as: term.shortfall,
      ends_on: term.to === null ? null : dayOf(term.to),
    },
  };
}

/** That notice runs, and that the day has come. */
export function trancheCrossings({ term, status, payableOn }: TrancheState, contract: string): readonly Crossing[] {
  if (payableOn === null || (status !== 'notice' && status !== 'payable')) return [];
  const data = {
    contract,
    tranche: term.id,
    payer: term.payer,
    payee: term.payee,
    amount_usd: unitText(term.amount),
    payable_on: dayOf(payableOn),
  };
  const crossing = { subject: `tranche ${contract}/${term.id}`, period: dayOf(payableOn), threshold: null, data };
  const told: Crossing[] = 'on' in term.due ? [] : [{ ...crossing, type: 'tranche.notice' }];
  return status === 'payable' ? [...told, { ...crossing, type: 'tranche.payable' }] : told;
}

/** Names a crossing within its subject. */
export function crossingKey({ type, threshold }: Pick<Crossing, 'type' | 'threshold'>): string {
  return threshold === null ? type : `${type} ${threshold}`;
}
