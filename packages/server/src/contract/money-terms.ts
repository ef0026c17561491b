/**
 * The money terms of a contract, as written: shapes only. What they come to is computed elsewhere, in integer micro-units.
 * Amounts are US dollars, whole in micro-units; days are UTC. What fits its shape and means nothing is found by `money-terms-check.ts`.
 */
import { z } from 'zod';
import { day, dollars, id, type IssueNote, name, percentage, text, whole } from './manifest-words.ts';

export interface Commitment {
  readonly id: string;
  readonly payer: string;
  readonly payee: string;
  readonly amount_usd: number;
  readonly from: string;
  /** Exclusive; null while unknown. */
  readonly to: string | null;
  /** Spending that burns the commitment down. */
  readonly counts: { readonly cloud: string };
  /** Another commitment, of this contract or another: spending burns that one down first, until it is full. */
  readonly on_top_of: string | null;
  /** What happens to the part not spent. */
  readonly shortfall: 'owed' | 'forgiven' | 'unknown';
}

export interface CapacityTerm {
  readonly id: string;
  readonly provider: string;
  /** Where the provider's accelerators are; null: a cloud that is called like the provider. */
  readonly cloud: string | null;
  readonly accelerator: string;
  readonly amount: number;
  readonly unit: string;
  readonly from: string;
  readonly to: string | null;
}

export interface Prepayment {
  readonly id: string;
  readonly payer: string;
  readonly to: string;
  readonly amount_usd: number;
  readonly form: string;
  /** What is spent from this day on draws on it; null: all that is known does. */
  readonly from: string | null;
  /** Exclusive; null: no end. */
  readonly until: string | null;
}

export interface Tranche {
  readonly id: string;
  readonly payer: string;
  readonly payee: string;
  readonly amount_usd: number;
  /** Due on a day, or when events have happened. */
  readonly due:
    | { readonly on: string }
    | { readonly when: { readonly any: readonly string[] } | { readonly all: readonly string[] } };
  readonly before: string | null;
  readonly notice_business_days: number;
}

export interface RevenueShare {
  readonly id: string;
  readonly payer: string;
  readonly payee: string;
  readonly percent: number;
  readonly base: { readonly revenue_of: string; readonly clouds: 'any' | readonly string[] };
  readonly cap_usd: number | null;
  readonly to: string | null;
}

/** What may be spent on calls. Whoever counts the spending enforces it. */
export interface BudgetCap {
  readonly id: string;
  readonly amount_usd: number;
  /** Of a calendar month or day in UTC; `total` is never reset. */
  readonly per: 'month' | 'day' | 'total';
  /** The calls that count: those that fit all that is given. Null: any. */
  readonly scope: {
    readonly tenant: string | null;
    readonly product: string | null;
    readonly channel: string | null;
    readonly cloud: string | null;
  };
}

export interface MoneyTerms {
  readonly commitments: readonly Commitment[];
  readonly capacity: readonly CapacityTerm[];
  readonly prepaid: readonly Prepayment[];
  readonly tranches: readonly Tranche[];
  readonly shares: readonly RevenueShare[];
  readonly caps: readonly BudgetCap[];
}

/** Of a capacity term: units of it. */
export const MOST_CAPACITY = 1_000_000_000;
/** Of a tranche: near four years. Each is counted. */
export const MOST_NOTICE_DAYS = 1_000;

const laterDay = day.nullable().default(null);
const idOrNone = id.nullable().default(null);
const events = z.array(id).min(1);

const commitment: z.ZodType<Commitment> = z.strictObject({
  id,
  payer: id,
  payee: id,
  amount_usd: dollars,
  from: day,
  to: laterDay,
  counts: z.strictObject({ cloud: id }),
  on_top_of: idOrNone,
  shortfall: z.enum(['owed', 'forgiven', 'unknown']),
});

const capacityTerm: z.ZodType<CapacityTerm> = z.strictObject({
  id,
  provider: id,
  cloud: idOrNone,
  accelerator: id,
  amount: whole('an amount of capacity', 1, MOST_CAPACITY, 'in a smaller unit: 1500 MW for 1.5 GW'),
  unit: text,
  from: day,
  to: laterDay,
});

const prepayment: z.ZodType<Prepayment> = z.strictObject({
  id,
  payer: id,
  to: id,
  amount_usd: dollars,
  form: id,
  from: laterDay,
  until: laterDay,
});

const tranche: z.ZodType<Tranche> = z
  .strictObject({
    id,
    payer: id,
    payee: id,
    amount_usd: dollars,
    on: day.optional(),
    when: z
      .union([z.strictObject({ any: events }), z.strictObject({ all: events })], {
        error: '`when` is one of {any: [EVENT]} and {all: [EVENT]}',
      })
      .optional(),
    before: laterDay,
    notice_business_days: whole('a number of business days', 0, MOST_NOTICE_DAYS).default(0),
  })
  .transform(({ on, when, ...rest }, context): Tranche => {
    if (on !== undefined && when === undefined) return { ...rest, due: { on } };
    if (when !== undefined && on === undefined) return { ...rest, due: { when } };
    const hint = on === undefined ? 'add on: DAY, or when: {any: [EVENT]}' : 'remove one';
    const params: IssueNote = { code: 'due_invalid', hint };
    const message = 'a tranche is due either `on` a day or `when` events have happened';
    context.addIssue({ code: 'custom', message, params: { ...params } });
    return z.NEVER;
  });

const revenueShare: z.ZodType<RevenueShare> = z.strictObject({
  id,
  payer: id,
  payee: id,
  percent: percentage,
  base: z.strictObject({
    revenue_of: id,
    clouds: z.union([z.literal('any'), z.array(id).min(1)], { error: '`clouds` is `any`, or a list of clouds' }),
  }),
  cap_usd: dollars.nullable().default(null),
  to: laterDay,
});

const EVERY_CALL: BudgetCap['scope'] = { tenant: null, product: null, channel: null, cloud: null };
const anyOr = (word: z.ZodType<string>): z.ZodType<string | null> => word.nullable().default(null);

const budgetCap: z.ZodType<BudgetCap> = z.strictObject({
  id,
  amount_usd: dollars,
  per: z.enum(['month', 'day', 'total']),
  scope: z
    .strictObject({ tenant: anyOr(name), product: anyOr(name), channel: anyOr(name), cloud: anyOr(name) })
    .default(EVERY_CALL),
});

function listOf<T>(term: z.ZodType<T>): z.ZodType<T[]> {
  return z.array(term).default([]);
}

/** The keys of `contract.yaml` that hold money terms. */
export const moneyKeys: { readonly [Key in keyof MoneyTerms]: z.ZodType<MoneyTerms[Key]> } = {
  commitments: listOf(commitment),
  capacity: listOf(capacityTerm),
  prepaid: listOf(prepayment),
  tranches: listOf(tranche),
  shares: listOf(revenueShare),
  caps: listOf(budgetCap),
};
