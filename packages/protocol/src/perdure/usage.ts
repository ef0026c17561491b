/** Usage: what calls used, cost and brought; and what contracts come to. Amounts are decimal texts of whole micro-dollars: they may pass 2^53. */
import * as z from 'zod';
import { LIMITS } from '../limits.ts';
import type { RawQuery } from '../lists.ts';
import { parseQuery, type Parsed } from '../parse.ts';
import { type StatementBasis, statementBasisSchema } from './basis.ts';

export type UsageTokens = {
  readonly input: number;
  readonly cached_input: number;
  /** Written to the upstream's cache. */
  readonly cache_write: number;
  readonly output: number;
  readonly reasoning: number;
};

/** The sum of a group. */
export type UsageGroup = {
  readonly id: string;
  readonly object: 'perdure.usage';
  /** By dimension. */
  readonly group: { readonly [dimension: string]: string };
  readonly calls: number;
  /** Of them charged at their bound, because nobody knows what they used. */
  readonly bound_calls: number;
  /** Of them without a known price: they count as nothing in `cost_micro_usd`. */
  readonly unpriced_calls: number;
  /** Each token in one of them. */
  readonly tokens: UsageTokens;
  readonly cost_micro_usd: string;
  readonly revenue_micro_usd: string;
};

/** One metered call, rated. */
export type UsageCall = {
  readonly id: string;
  readonly object: 'perdure.usage_call';
  readonly session: string;
  readonly response: string | null;
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly metered_at: number;
  readonly tenant: string;
  readonly key: string;
  readonly product: string;
  readonly channel: string;
  readonly seller: string;
  readonly segment: string;
  readonly purpose: string;
  readonly vendor: string;
  readonly model: string;
  readonly target: string;
  readonly cloud: string;
  readonly region: string;
  readonly accelerator: string | null;
  readonly contracts: readonly string[];
  readonly clauses: readonly string[];
  readonly outcome: 'completed' | 'incomplete' | 'failed' | 'unknown';
  readonly metered: 'exact' | 'estimate' | 'bound';
  /** As the upstream counts: `cached` and `written` are parts of `input`, `reasoning` of `output`. */
  readonly usage: {
    readonly input: number;
    readonly cached: number;
    readonly output: number;
    readonly reasoning: number;
    /** Written to the upstream's cache. Absent: none, or the upstream does not say. */
    readonly written?: number;
  };
  readonly upstream: { readonly response: string | null; readonly request: string | null };
  /** Micro-dollars per million tokens, as rated; null if not known. */
  readonly prices: UsageTokens | null;
  /** The same, as its placement saw them: what it is rated by where no price book names the target. */
  readonly seen_prices: UsageTokens | null;
  readonly cost_micro_usd: UsageAmounts;
  readonly revenue_micro_usd: UsageAmounts;
};

export type UsageAmounts = {
  readonly input: string;
  readonly cached_input: string;
  readonly cache_write: string;
  readonly output: string;
  readonly reasoning: string;
};

export type UsageCallPage = {
  readonly object: 'list';
  readonly data: readonly UsageCall[];
  /** What `after` takes for the next page; null on the last. */
  readonly next: string | null;
};

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
const amount = text.regex(/^-?\d+$/).meta({ description: 'Whole micro-dollars.' });
const amountOrNull = amount.nullable();
const tokens = z.object({
  input: count,
  cached_input: count,
  cache_write: count,
  output: count,
  reasoning: count,
});
const amounts = z.object({
  input: amount,
  cached_input: amount,
  cache_write: amount,
  output: amount,
  reasoning: amount,
});

export const usageGroupSchema: z.ZodType<UsageGroup> = z.object({
  id: text,
  object: z.literal('perdure.usage'),
  group: z.record(text, text),
  calls: count,
  bound_calls: count,
  unpriced_calls: count,
  tokens,
  cost_micro_usd: amount,
  revenue_micro_usd: amount,
});

const usageCall: z.ZodType<UsageCall> = z.object({
  id: text,
  object: z.literal('perdure.usage_call'),
  session: text,
  response: orNull,
  at: count,
  metered_at: count,
  tenant: text,
  key: text,
  product: text,
  channel: text,
  seller: text,
  segment: text,
  purpose: text,
  vendor: text,
  model: text,
  target: text,
  cloud: text,
  region: text,
  accelerator: orNull,
  contracts: z.array(text),
  clauses: z.array(text),
  outcome: z.enum(['completed', 'incomplete', 'failed', 'unknown']),
  metered: z.enum(['exact', 'estimate', 'bound']),
  usage: z.object({ input: count, cached: count, output: count, reasoning: count, written: count.exactOptional() }),
  upstream: z.object({ response: orNull, request: orNull }),
  prices: tokens.nullable(),
  seen_prices: tokens.nullable(),
  cost_micro_usd: amounts,
  revenue_micro_usd: amounts,
});

export const usageCallPageSchema: z.ZodType<UsageCallPage> = z.object({
  object: z.literal('list'),
  data: z.array(usageCall),
  next: orNull,
});

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

export type UsageQuery = {
  /** A day, or a moment, in UTC. */
  readonly from?: string;
  /** Exclusive. */
  readonly to?: string;
  /** Whose: absent for the key's own; `*` for all, with the scope operator. */
  readonly tenant?: string;
  readonly groupBy: readonly string[];
  readonly limit: number;
  readonly after?: string;
};

const LIMIT_WORDS = `must be a whole number from 1 to ${LIMITS.listLimit}`;
const fields = z.object({
  from: text.max(32).optional(),
  to: text.max(32).optional(),
  tenant: text.min(1).max(LIMITS.idChars).optional(),
  limit: z
    .string()
    .regex(/^\d{1,4}$/, LIMIT_WORDS)
    .refine(value => Number(value) >= 1 && Number(value) <= LIMITS.listLimit, LIMIT_WORDS)
    .optional(),
  after: text.min(1).max(2048).optional(),
});

export function parseUsageQuery(query: RawQuery): Parsed<UsageQuery> {
  const { group_by: by, ...rest } = query;
  const single = Object.fromEntries(
    Object.entries(rest).map(([name, values]) => [name, values?.length === 1 ? values[0] : values]),
  );
  const found = parseQuery(fields, single);
  if (!found.ok) return found;
  const { from, to, tenant, limit, after } = found.value;
  return {
    ok: true,
    value: {
      ...(from !== undefined && { from }),
      ...(to !== undefined && { to }),
      ...(tenant !== undefined && { tenant }),
      groupBy: (by ?? []).flatMap(list => list.split(',')).filter(one => one !== ''),
      limit: limit === undefined ? LIMITS.listDefault : Number(limit),
      ...(after !== undefined && { after }),
    },
  };
}
