/** Tranches: a payment on a day, or once events have happened. */
import type { Micro } from './amounts.ts';
import { afterBusinessDays } from './calendar.ts';
import type { Changing } from './held.ts';

export interface TrancheTerm extends Changing {
  readonly id: string;
  readonly payer: string;
  readonly payee: string;
  readonly amount: Micro;
  /** Times are starts of days, ms since 1970. */
  readonly due: { readonly on: number } | { readonly any: readonly string[] } | { readonly all: readonly string[] };
  /** Events must have happened before it; null: at any time. */
  readonly before: number | null;
  readonly noticeBusinessDays: number;
}

/** Recorded events, by id: the day on which each happened, ms since 1970. */
export type Events = { readonly [id: string]: number | undefined };

export interface TrancheState<Term extends TrancheTerm = TrancheTerm> {
  readonly term: Term;
  /** `waiting`: for its day or its events. `notice`: triggered, and not payable yet. `lapsed`: its events can no longer come in time. */
  readonly status: 'waiting' | 'notice' | 'payable' | 'lapsed';
  /** When it is to be paid; null while that is not known. */
  readonly payableOn: number | null;
  /** Events that it still waits for. */
  readonly waitsFor: readonly string[];
}

/** By the words that hold; but what became payable under earlier words was payable once, and is what later ones find. */
export function trancheState<Term extends TrancheTerm>(term: Term, events: Events, asOf: number): TrancheState<Term> {
  const { held } = term;
  if (held?.since != null && held.earlier !== null) {
    const before = trancheState<Term>(held.earlier, events, Math.min(asOf, held.since - 1));
    if (before.status === 'payable') return before;
  }
  return stateByWords(term, events, asOf);
}

function stateByWords<Term extends TrancheTerm>(term: Term, events: Events, asOf: number): TrancheState<Term> {
  const { due, before } = term;
  if ('on' in due) return { ...stateOn(term, due.on, asOf), waitsFor: [] };
  const wanted = 'any' in due ? due.any : due.all;
  const happened = wanted.flatMap(id => {
    const at = events[id];
    return at !== undefined && at <= asOf && (before === null || at < before) ? [at] : [];
  });
  const triggered = 'any' in due ? Math.min(...happened) : Math.max(...happened);
  const complete = 'any' in due ? happened.length > 0 : happened.length === wanted.length;
  if (complete) return { ...stateOn(term, afterBusinessDays(triggered, term.noticeBusinessDays), asOf), waitsFor: [] };
  const waitsFor = wanted.filter(id => (events[id] ?? Number.POSITIVE_INFINITY) > asOf);
  const lapsed = before !== null && asOf >= before;
  return { term, status: lapsed ? 'lapsed' : 'waiting', payableOn: null, waitsFor: lapsed ? [] : waitsFor };
}

function stateOn<Term extends TrancheTerm>(
  term: Term,
  payableOn: number,
  asOf: number,
): Omit<TrancheState<Term>, 'waitsFor'> {
  if (asOf >= payableOn) return { term, status: 'payable', payableOn };
  return { term, status: 'on' in term.due ? 'waiting' : 'notice', payableOn };
}
