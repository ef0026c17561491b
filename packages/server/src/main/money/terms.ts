/** Money terms as contracts write them (whole dollars, days), as `money/` computes them (micro-units, ms). */
import type { Contract } from '../../contract/contract.ts';
import type { MoneyTerms } from '../../contract/money-terms.ts';
import { cloudOfCredits, vendorOf } from '../../contract/money-words.ts';
import { percent, units } from '../../money/amounts.ts';
import { dayStart } from '../../money/calendar.ts';
import type { CapacityTerm } from '../../money/capacity.ts';
import type { CommitmentTerm } from '../../money/commitments.ts';
import type { PrepaidTerm } from '../../money/prepaid.ts';
import type { ShareTerm } from '../../money/shares.ts';
import type { TrancheTerm } from '../../money/tranches.ts';

/** A term with the contract that it stands in. */
export type InContract<Term> = Term & {
  readonly contract: string;
  readonly contractFrom: number | null;
  readonly contractTo: number | null;
};

export interface Terms {
  readonly commitments: readonly InContract<CommitmentTerm>[];
  readonly shares: readonly InContract<ShareTerm>[];
  readonly tranches: readonly InContract<TrancheTerm>[];
  readonly prepaid: readonly InContract<PrepaidTerm>[];
  readonly capacity: readonly InContract<CapacityTerm>[];
}

export type TermsSource = Pick<Contract, 'id' | 'effective'> & { readonly money: MoneyTerms };

export function termsSource({ id, effective, manifest }: Contract): TermsSource {
  return { id, effective, money: manifest };
}

const start = (day: string): number => dayStart(day) ?? Number.NaN;
const end = (day: string | null): number | null => (day === null ? null : start(day));

export function termsOf(contracts: readonly TermsSource[]): Terms {
  const all = <From, To>(
    pick: (money: MoneyTerms) => readonly From[],
    convert: (term: From, contract: TermsSource) => To,
  ) =>
    contracts.flatMap(contract =>
      pick(contract.money).map(term => ({
        ...convert(term, contract),
        contract: contract.id,
        contractFrom: contract.effective.from,
        contractTo: contract.effective.to,
      })),
    );
  return {
    commitments: all(
      money => money.commitments,
      ({ id, payer, payee, amount_usd, from, to, counts, shortfall }): CommitmentTerm => ({
        id,
        payer,
        payee,
        shortfall,
        amount: units(amount_usd),
        from: start(from),
        to: end(to),
        cloud: counts.cloud,
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
        to: end(to),
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
        before: end(before),
        noticeBusinessDays: notice_business_days,
      }),
    ),
    prepaid: all(
      money => money.prepaid,
      ({ id, payer, to, amount_usd, form }): PrepaidTerm => ({
        id,
        payer,
        to,
        amount: units(amount_usd),
        cloud: cloudOfCredits(form),
      }),
    ),
    capacity: all(
      money => money.capacity,
      ({ id, provider, accelerator, amount, unit, from, to }): CapacityTerm => ({
        id,
        provider,
        accelerator,
        amount,
        unit,
        from: start(from),
        to: end(to),
      }),
    ),
  };
}
