/** Prepaid credits: spending on a cloud draws them down before any money flows. */
import { larger, type Micro, smaller } from './amounts.ts';
import { dayOf } from './calendar.ts';
import type { Spending } from './commitments.ts';
import { type Changing, wordsAt } from './held.ts';

export interface PrepaidTerm extends Changing {
  readonly id: string;
  readonly payer: string;
  readonly to: string;
  readonly amount: Micro;
  /** Whose spending draws on it; null: any cloud's. */
  readonly cloud: string | null;
  /** ms since 1970, inclusive; null: all that is known draws on it. */
  readonly from: number | null;
  /** Exclusive: what is left then is lost; null: no end. */
  readonly until: number | null;
}

/** Whether a cost draws on the credits: from their first day on, by the words that held when it was spent. */
export function draws(term: PrepaidTerm, { at, cloud }: Pick<Spending, 'at' | 'cloud'>): boolean {
  const words = at < (term.from ?? at) ? null : wordsAt(term, at);
  if (words === null || at < (words.from ?? at) || (words.until !== null && at >= words.until)) return false;
  return words.cloud === null || cloud === words.cloud;
}

export interface PrepaidState {
  readonly term: PrepaidTerm;
  /** `used + left` is the amount. */
  readonly used: Micro;
  readonly left: Micro;
  /** Spending that it could not cover. */
  readonly beyond: Micro;
  /** The day whose spending drew the last of it; null while something is left. */
  readonly usedUpOn: string | null;
  readonly status: 'waiting' | 'running' | 'used_up' | 'ended';
}

/** @param asOf what is spent at it or later is left out */
export function prepaidState(term: PrepaidTerm, spends: Iterable<Spending>, asOf: number): PrepaidState {
  let spent = 0n;
  let usedUpOn: string | null = null;
  const drawn = [...spends].filter(spend => spend.at < asOf && draws(term, spend)).toSorted((a, b) => a.at - b.at);
  for (const { at, cost } of drawn) {
    spent += cost;
    if (spent >= term.amount) usedUpOn ??= dayOf(at);
  }
  const used = smaller(larger(spent, 0n), term.amount);
  const over = term.until !== null && asOf >= term.until;
  const running = over ? 'ended' : asOf < (term.from ?? asOf) ? 'waiting' : 'running';
  return {
    term,
    used,
    left: term.amount - used,
    beyond: larger(spent - term.amount, 0n),
    usedUpOn,
    status: usedUpOn === null ? running : 'used_up',
  };
}
