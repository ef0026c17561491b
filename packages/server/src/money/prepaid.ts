/** Prepaid credits: spending on a cloud draws them down before any money flows. */
import { larger, type Micro, smaller } from './amounts.ts';

export interface PrepaidTerm {
  readonly id: string;
  readonly payer: string;
  readonly to: string;
  readonly amount: Micro;
  /** Whose spending draws on it; null: any cloud's. */
  readonly cloud: string | null;
}

export interface PrepaidState {
  readonly term: PrepaidTerm;
  /** `used + left` is the amount. */
  readonly used: Micro;
  readonly left: Micro;
  /** Spending that it could not cover. */
  readonly beyond: Micro;
}

export function prepaidState(
  term: PrepaidTerm,
  spends: Iterable<{ readonly cloud: string; readonly cost: Micro }>,
): PrepaidState {
  let spent = 0n;
  for (const { cloud, cost } of spends) if (term.cloud === null || cloud === term.cloud) spent += cost;
  const used = smaller(larger(spent, 0n), term.amount);
  return { term, used, left: term.amount - used, beyond: larger(spent - term.amount, 0n) };
}
