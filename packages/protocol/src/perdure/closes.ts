/** Closed billing months and their restatements. Times are moments in UTC, amounts decimal texts of whole micro-dollars. */
import * as z from 'zod';
import { LIMITS } from '../limits.ts';
import type { Parsed } from '../parse.ts';
import { amount } from './amount.ts';
import { parseOwnBody } from './own-body.ts';

export type RestatementResource = {
  readonly object: 'perdure.restatement';
  readonly id: string;
  /** The month that was restated, as `2026-03`. */
  readonly period: string;
  /** From 1 on, within the month. */
  readonly number: number;
  /** The month that its corrections are billed in. */
  readonly billed_in: string;
  readonly restated_at: string;
  /** The id of a key, or `local`. */
  readonly restated_by: string;
  readonly reason: string;
};

export type ClosedMonthResource = {
  readonly object: 'perdure.closed_month';
  /** Null for a month that an earlier version closed, which kept neither this nor who did it. */
  readonly id: string | null;
  readonly period: string;
  /** What is metered for it later comes as a correction in a later month. */
  readonly cutoff: string;
  readonly closed_at: string;
  readonly closed_by: string | null;
  /** Whether shares and commitments stand as they were, besides prices. */
  readonly terms_kept: boolean;
  readonly restatements: readonly RestatementResource[];
};

/** A restatement, with what it changed. */
export type RestatementAnswer = RestatementResource & {
  readonly changed: {
    /** Corrections that it lays. */
    readonly rows: number;
    readonly cost_micro_usd: string;
    readonly revenue_micro_usd: string;
    readonly share_micro_usd: string;
  };
};

export type ClosedMonthList = {
  readonly object: 'list';
  readonly data: readonly ClosedMonthResource[];
  readonly has_more: boolean;
};

export type CloseMonth = { readonly month: string };
export type RestateMonth = { readonly reason: string };

const text = z.string();
const month = text.regex(/^\d{4}-\d{2}$/, 'must be a month as 2026-03');

const restatement = {
  object: z.literal('perdure.restatement'),
  id: text,
  period: month,
  number: z.int().min(1),
  billed_in: month,
  restated_at: text,
  restated_by: text,
  reason: text,
};

export const closedMonthSchema: z.ZodType<ClosedMonthResource> = z.object({
  object: z.literal('perdure.closed_month'),
  id: text.nullable(),
  period: month,
  cutoff: text,
  closed_at: text,
  closed_by: text.nullable(),
  terms_kept: z.boolean(),
  restatements: z.array(z.object(restatement)),
});

export const closedMonthListSchema: z.ZodType<ClosedMonthList> = z.object({
  object: z.literal('list'),
  data: z.array(closedMonthSchema),
  has_more: z.boolean(),
});

export const restatementAnswerSchema: z.ZodType<RestatementAnswer> = z.object({
  ...restatement,
  changed: z.object({
    rows: z.int().min(1),
    cost_micro_usd: amount,
    revenue_micro_usd: amount,
    share_micro_usd: amount,
  }),
});

export const closeMonthBody: z.ZodType<CloseMonth> = z.strictObject({ month });
export const restateMonthBody: z.ZodType<RestateMonth> = z.strictObject({
  reason: text.min(1).max(LIMITS.reasonChars).meta({ description: 'Why the month is rated anew.' }),
});

export function parseCloseMonth(body: unknown): Parsed<CloseMonth> {
  return parseOwnBody(closeMonthBody, body);
}

export function parseRestateMonth(body: unknown): Parsed<RestateMonth> {
  return parseOwnBody(restateMonthBody, body);
}
