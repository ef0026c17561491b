/** Money terms as contracts write them (whole dollars, days), as `money/` computes them (micro-units, ms). */
import { replaces } from '../../contract/contract-set.ts';
import type { Contract } from '../../contract/contract.ts';
import type { MoneyTerms } from '../../contract/money-terms.ts';
import { cloudOfCredits, vendorOf } from '../../contract/money-words.ts';
import { percent, units } from '../../money/amounts.ts';
import { dayStart } from '../../money/calendar.ts';
import type { CapacityTerm } from '../../money/capacity.ts';
import type { CommitmentTerm } from '../../money/commitments.ts';
import { type Changing, type Held, holdsAt } from '../../money/held.ts';
import type { PrepaidTerm } from '../../money/prepaid.ts';
import type { ShareTerm } from '../../money/shares.ts';
import type { TrancheTerm } from '../../money/tranches.ts';

/** A term with the contract that it stands in. */
export type InContract<Term> = Term & {
  readonly contract: string;
  readonly contractFrom: number | null;
  readonly contractTo: number | null;
};

/** Of a term that contracts changed, under one id, all its words: no two of them hold at once. */
export interface Terms {
  readonly commitments: readonly InContract<CommitmentTerm>[];
  readonly shares: readonly InContract<ShareTerm>[];
  readonly tranches: readonly InContract<TrancheTerm>[];
  readonly prepaid: readonly InContract<PrepaidTerm>[];
  readonly capacity: readonly InContract<CapacityTerm>[];
}

export type TermsSource = Pick<Contract, 'id' | 'effective' | 'supersedes'> & { readonly money: MoneyTerms };

export function termsSource({ id, effective, supersedes, manifest }: Contract): TermsSource {
  return { id, effective, supersedes, money: manifest };
}

const start = (day: string): number => dayStart(day) ?? Number.NaN;
const startOrNull = (day: string | null): number | null => (day === null ? null : start(day));

/** The terms by the words that hold at a time: of each id one at most. The first words of a term hold before their contract begins, too. */
export function termsAt(terms: Terms, at: number): Terms {
  const holding = <Term extends Changing>(all: readonly Term[]): readonly Term[] => all.filter(one => holdsAt(one, at));
  return {
    commitments: holding(terms.commitments),
    shares: holding(terms.shares),
    tranches: holding(terms.tranches),
    prepaid: holding(terms.prepaid),
    capacity: holding(terms.capacity),
  };
}

interface Holder<Words> {
  readonly contract: TermsSource;
  readonly words: Words;
}

/**
 * Gives each term the time in which its words hold: from the first day of its contract, if that replaces one that has the term too, to the first day
 * of the next one that has it. Words that never hold are left out.
 */
function inOrder<Words extends { readonly id: string }, Term extends Changing>(
  contracts: readonly TermsSource[],
  holders: readonly Holder<Words>[],
  convert: (words: Words, contract: TermsSource) => Term,
): readonly InContract<Term>[] {
  const begins = ({ contract }: Holder<Words>): number => contract.effective.from ?? Number.NEGATIVE_INFINITY;
  const after = (later: Holder<Words>, earlier: Holder<Words>): boolean =>
    later.words.id === earlier.words.id && replaces(later.contract, earlier.contract, contracts);
  const times = holders
    .map(holder => ({
      holder,
      since: holders.some(one => after(holder, one)) ? begins(holder) : Number.NEGATIVE_INFINITY,
      until: Math.min(Number.POSITIVE_INFINITY, ...holders.filter(one => after(one, holder)).map(begins)),
    }))
    .filter(({ since, until }) => since < until);
  const made = new Map<Holder<Words>, InContract<Term>>();
  // The earlier ones first: the later ones name them.
  for (const { holder, since, until } of times.toSorted((a, b) => a.since - b.since)) {
    const { contract, words } = holder;
    const before = times.find(one => one.until === since && after(holder, one.holder))?.holder;
    const held: Held<InContract<Term>> = {
      since: finite(since),
      until: finite(until),
      earlier: (before === undefined ? undefined : made.get(before)) ?? null,
    };
    made.set(holder, {
      ...convert(words, contract),
      contract: contract.id,
      contractFrom: contract.effective.from,
      contractTo: contract.effective.to,
      held,
    });
  }
  return holders.flatMap(holder => made.get(holder) ?? []);
}

function finite(at: number): number | null {
  return Number.isFinite(at) ? at : null;
}

export function termsOf(contracts: readonly TermsSource[]): Terms {
  const all = <From extends { readonly id: string }, To extends Changing>(
    pick: (money: MoneyTerms) => readonly From[],
    convert: (term: From, contract: TermsSource) => To,
  ): readonly InContract<To>[] =>
    inOrder(
      contracts,
      contracts.flatMap(contract => pick(contract.money).map(words => ({ contract, words }))),
      convert,
    );
  return {
    commitments: all(
      money => money.commitments,
      ({ id, payer, payee, amount_usd, from, to, counts, shortfall, on_top_of: below }): CommitmentTerm => ({
        id,
        payer,
        payee,
        shortfall,
        amount: units(amount_usd),
        from: start(from),
        to: startOrNull(to),
        cloud: counts.cloud,
        ...(below !== null && { onTopOf: below }),
      }),
    ),
    shares: all(
      money => money.shares,
      ({ id, payer, payee, percent: whole, base, cap_usd: cap, to }, contract): ShareTerm => ({
        id,
        payer,
        payee,
        rate: percent(whole),
        vendor: vendorOf(base.revenue_of),
        clouds: base.clouds === 'any' ? null : base.clouds,
        cap: cap === null ? null : units(cap),
        from: contract.effective.from,
        to: startOrNull(to),
      }),
    ),
    tranches: all(
      money => money.tranches,
      ({ id, payer, payee, amount_usd, due, before, notice_business_days }): TrancheTerm => ({
        id,
        payer,
        payee,
        amount: units(amount_usd),
        due: 'on' in due ? { on: start(due.on) } : due.when,
        before: startOrNull(before),
        noticeBusinessDays: notice_business_days,
      }),
    ),
    prepaid: all(
      money => money.prepaid,
      ({ id, payer, to, amount_usd, form, from, until }): PrepaidTerm => ({
        id,
        payer,
        to,
        amount: units(amount_usd),
        cloud: cloudOfCredits(form),
        from: startOrNull(from),
        until: startOrNull(until),
      }),
    ),
    capacity: all(
      money => money.capacity,
      ({ id, provider, cloud, accelerator, amount, unit, from, to }): CapacityTerm => ({
        id,
        provider,
        cloud: cloud ?? provider,
        accelerator,
        amount,
        unit,
        from: start(from),
        to: startOrNull(to),
      }),
    ),
  };
}
