/** Usage: what calls used, cost and brought. Amounts are decimal texts of whole micro-dollars: they may pass 2^53. */
import * as z from 'zod';
import { LIMITS } from '../limits.ts';
import type { RawQuery } from '../lists.ts';
import { parseQuery, type Parsed } from '../parse.ts';
import { amount } from './amount.ts';

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

const text = z.string();
const orNull = text.nullable();
const count = z.int().min(0);
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
