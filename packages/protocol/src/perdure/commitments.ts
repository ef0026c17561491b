/** What contracts come to: commitments, shares, tranches, credits, capacity and caps. Amounts are decimal texts of whole micro-dollars, as in `usage.ts`. */
import * as z from 'zod';
import { amount } from './amount.ts';
import { type StatementBasis, statementBasisSchema } from './basis.ts';

export type CommitmentResource = {
  readonly id: string;
  readonly contract: string;
  readonly payer: string;
  readonly payee: string;
  readonly cloud: string;
  /** The commitment that spending burns down first. */
  readonly on_top_of: string | null;
  readonly from: string;
  /** Exclusive. */
  readonly to: string | null;
  readonly amount_micro_usd: string;
  readonly spent_micro_usd: string;
  readonly remaining_micro_usd: string;
  readonly straight_line_micro_usd: string | null;
  readonly trend_micro_usd: string | null;
  /** What a dollar spent there now saves of the shortfall, in parts per million. Null where it is not computed. */
  readonly shadow_ppm: number | null;
  /** At the end date: by the straight line, by the trend, and as it came out. */
  readonly shortfall_micro_usd: {
    readonly straight_line: string | null;
    readonly trend: string | null;
    readonly actual: string | null;
  };
  readonly shortfall: 'owed' | 'forgiven' | 'unknown';
};

export type ShareResource = {
  readonly id: string;
  readonly contract: string;
  readonly payer: string;
  readonly payee: string;
  readonly vendor: string;
  readonly base_micro_usd: string;
  readonly due_micro_usd: string;
  /** What fell due by the words that this share had in earlier contracts. */
  readonly due_before_micro_usd: string;
  readonly cap_micro_usd: string | null;
  readonly cap_left_micro_usd: string | null;
  readonly to: string | null;
  readonly stopped: 'cap' | 'date' | null;
};

export type TrancheResource = {
  readonly id: string;
  readonly contract: string;
  readonly payer: string;
  readonly payee: string;
  readonly amount_micro_usd: string;
  readonly status: 'waiting' | 'notice' | 'payable' | 'lapsed';
  readonly payable_on: string | null;
  readonly waits_for: readonly string[];
};

export type PrepaidResource = {
  readonly id: string;
  readonly contract: string;
  readonly amount_micro_usd: string;
  readonly used_micro_usd: string;
  readonly left_micro_usd: string;
  /** Days; null: none is agreed. */
  readonly from: string | null;
  /** Exclusive: what is left then is lost. */
  readonly until: string | null;
  readonly status: 'waiting' | 'running' | 'used_up' | 'ended';
  /** The day whose spending drew the last of it. */
  readonly used_up_on: string | null;
};

export type CapacityRan = { readonly calls: number; readonly tokens: number; readonly cost_micro_usd: string };

/** The amount (gigawatts, say) is as agreed. It is not measured: what ran is. */
export type CapacityResource = {
  readonly id: string;
  readonly contract: string;
  readonly provider: string;
  readonly cloud: string;
  readonly accelerator: string;
  readonly amount: number;
  readonly unit: string;
  readonly from: string;
  /** Exclusive. */
  readonly to: string | null;
  /** What ran on the accelerator at the cloud in the term. */
  readonly ran: CapacityRan;
  /** What ran anywhere in the term. */
  readonly all: CapacityRan;
};

export type CapResource = {
  readonly id: string;
  readonly period: 'day' | 'month' | 'total';
  readonly amount_micro_usd: string;
  readonly spent_micro_usd: string;
  readonly reserved_micro_usd: string;
};

export type CommitmentsResource = {
  readonly object: 'perdure.commitments';
  /** A moment, in UTC: what was spent before it counts. */
  readonly as_of: string;
  readonly commitments: readonly CommitmentResource[];
  readonly shares: readonly ShareResource[];
  readonly tranches: readonly TrancheResource[];
  readonly prepaid: readonly PrepaidResource[];
  readonly capacity: readonly CapacityResource[];
  /** Null where no server counts: their balance is the server's. */
  readonly caps: readonly CapResource[] | null;
  /** Whose terms these are. */
  readonly basis: StatementBasis;
};

const text = z.string();
const orNull = text.nullable();
const count = z.int().min(0);
const amountOrNull = amount.nullable();
const term = { id: text, contract: text };
const ran = z.object({ calls: count, tokens: count, cost_micro_usd: amount });
const parties = { payer: text, payee: text };

export const commitmentsSchema: z.ZodType<CommitmentsResource> = z.object({
  object: z.literal('perdure.commitments'),
  as_of: text,
  commitments: z.array(
    z.object({
      ...term,
      ...parties,
      cloud: text,
      on_top_of: orNull,
      from: text,
      to: orNull,
      amount_micro_usd: amount,
      spent_micro_usd: amount,
      remaining_micro_usd: amount,
      straight_line_micro_usd: amountOrNull,
      trend_micro_usd: amountOrNull,
      shadow_ppm: count.nullable(),
      shortfall_micro_usd: z.object({ straight_line: amountOrNull, trend: amountOrNull, actual: amountOrNull }),
      shortfall: z.enum(['owed', 'forgiven', 'unknown']),
    }),
  ),
  shares: z.array(
    z.object({
      ...term,
      ...parties,
      vendor: text,
      base_micro_usd: amount,
      due_micro_usd: amount,
      due_before_micro_usd: amount,
      cap_micro_usd: amountOrNull,
      cap_left_micro_usd: amountOrNull,
      to: orNull,
      stopped: z.enum(['cap', 'date']).nullable(),
    }),
  ),
  tranches: z.array(
    z.object({
      ...term,
      ...parties,
      amount_micro_usd: amount,
      status: z.enum(['waiting', 'notice', 'payable', 'lapsed']),
      payable_on: orNull,
      waits_for: z.array(text),
    }),
  ),
  prepaid: z.array(
    z.object({
      ...term,
      amount_micro_usd: amount,
      used_micro_usd: amount,
      left_micro_usd: amount,
      from: orNull,
      until: orNull,
      status: z.enum(['waiting', 'running', 'used_up', 'ended']),
      used_up_on: orNull,
    }),
  ),
  capacity: z.array(
    z.object({
      ...term,
      provider: text,
      cloud: text,
      accelerator: text,
      amount: z.number(),
      unit: text,
      from: text,
      to: orNull,
      ran,
      all: ran,
    }),
  ),
  caps: z
    .array(
      z.object({
        id: text,
        period: z.enum(['day', 'month', 'total']),
        amount_micro_usd: amount,
        spent_micro_usd: amount,
        reserved_micro_usd: amount,
      }),
    )
    .nullable(),
  basis: statementBasisSchema,
});
