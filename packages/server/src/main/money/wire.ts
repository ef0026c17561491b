/** Usage and money as the wire shows them, and back. */
import type {
  CapacityRan,
  CommitmentsResource,
  UsageAmounts,
  UsageCall,
  UsageGroup,
  UsageTokens,
} from '@perdure/protocol';
import { dayOf, dayOrNull as day } from '../../kernel/day.ts';
import type { CapacityState, Ran } from '../../money/capacity.ts';
import type { CapBalance } from '../../money/caps.ts';
import type { BurnDown } from '../../money/commitments.ts';
import type { PrepaidState } from '../../money/prepaid.ts';
import { type Lines, sumLines, type TokenPrices, tokensOf } from '../../money/prices.ts';
import type { ShareState } from '../../money/shares.ts';
import type { Group, Totals } from '../../money/totals.ts';
import type { TrancheState } from '../../money/tranches.ts';
import type { UsageRow } from '../../money/usage.ts';

const tokensWire = ({ input, cached, written, output, reasoning }: TokenPrices): UsageTokens => ({
  input,
  cached_input: cached,
  cache_write: written,
  output,
  reasoning,
});
const tokensBack = ({
  input,
  cached_input: cached,
  cache_write: written,
  output,
  reasoning,
}: UsageTokens): TokenPrices => ({
  input,
  cached,
  written,
  output,
  reasoning,
});
const linesWire = ({ input, cached, written, output, reasoning }: Lines): UsageAmounts => ({
  input: String(input),
  cached_input: String(cached),
  cache_write: String(written),
  output: String(output),
  reasoning: String(reasoning),
});
const linesBack = (lines: UsageAmounts): Lines => ({
  input: BigInt(lines.input),
  cached: BigInt(lines.cached_input),
  written: BigInt(lines.cache_write),
  output: BigInt(lines.output),
  reasoning: BigInt(lines.reasoning),
});

export function groupWire({ key, totals }: Group): UsageGroup {
  return {
    id: JSON.stringify(Object.values(key)),
    object: 'perdure.usage',
    group: key,
    calls: totals.calls,
    bound_calls: totals.bound,
    unpriced_calls: totals.unpriced,
    tokens: tokensWire(totals.tokens),
    cost_micro_usd: String(totals.cost),
    revenue_micro_usd: String(totals.revenue),
  };
}

export function groupBack(group: UsageGroup): Group {
  const totals: Totals = {
    calls: group.calls,
    bound: group.bound_calls,
    unpriced: group.unpriced_calls,
    tokens: tokensBack(group.tokens),
    cost: BigInt(group.cost_micro_usd),
    revenue: BigInt(group.revenue_micro_usd),
  };
  return { key: group.group, totals };
}

export function rowWire(row: UsageRow): UsageCall {
  return {
    id: row.id,
    object: 'perdure.usage_call',
    session: row.session,
    response: row.response,
    at: row.at,
    metered_at: row.meteredAt,
    tenant: row.tenant,
    key: row.key,
    product: row.product,
    channel: row.channel,
    seller: row.seller,
    segment: row.segment,
    purpose: row.purpose,
    vendor: row.vendor,
    model: row.model,
    target: row.target,
    cloud: row.cloud,
    region: row.region,
    accelerator: row.accelerator,
    contracts: row.contracts,
    clauses: row.clauses,
    outcome: row.outcome,
    metered: row.metered,
    usage: row.usage,
    upstream: row.upstream,
    prices: row.prices === null ? null : tokensWire(row.prices),
    seen_prices: row.seen === null ? null : tokensWire(row.seen),
    cost_micro_usd: linesWire(row.costLines),
    revenue_micro_usd: linesWire(row.revenueLines),
  };
}

export function rowBack(call: UsageCall): UsageRow {
  const {
    metered_at: meteredAt,
    cost_micro_usd: cost,
    revenue_micro_usd: revenue,
    seen_prices: seen,
    object: _,
    ...rest
  } = call;
  const costLines = linesBack(cost);
  const revenueLines = linesBack(revenue);
  const prices = call.prices === null ? null : tokensBack(call.prices);
  return {
    ...rest,
    meteredAt,
    seen: seen === null ? null : tokensBack(seen),
    prices,
    tokens: tokensOf(call.usage),
    costLines,
    revenueLines,
    cost: sumLines(costLines),
    revenue: sumLines(revenueLines),
    priced: prices !== null,
  };
}

type Named = { readonly contract: string };
export interface Statement {
  readonly asOf: number;
  readonly commitments: readonly (BurnDown & Named & { readonly shadowPpm: number | null })[];
  /** `before`: what fell due by earlier words. */
  readonly shares: readonly (ShareState & Named & { readonly before: bigint })[];
  readonly tranches: readonly (TrancheState & Named)[];
  readonly prepaid: readonly (PrepaidState & Named)[];
  readonly capacity: readonly (CapacityState & Named)[];
  readonly caps: readonly CapBalance[] | null;
}

const ranWire = ({ calls, tokens, cost }: Ran): CapacityRan => ({ calls, tokens, cost_micro_usd: String(cost) });
const text = (amount: bigint | null): string | null => (amount === null ? null : String(amount));

/** But for what it goes by, which its maker knows. */
export function statementWire(statement: Statement): Omit<CommitmentsResource, 'basis'> {
  return {
    object: 'perdure.commitments',
    as_of: new Date(statement.asOf).toISOString(),
    commitments: statement.commitments.map(
      ({ contract, term, spent, remaining, straightLine, trend, shortfall, shadowPpm }) => ({
        id: term.id,
        contract,
        payer: term.payer,
        payee: term.payee,
        cloud: term.cloud,
        on_top_of: term.onTopOf ?? null,
        from: dayOf(term.from),
        to: day(term.to),
        amount_micro_usd: String(term.amount),
        spent_micro_usd: String(spent),
        remaining_micro_usd: String(remaining),
        straight_line_micro_usd: text(straightLine),
        trend_micro_usd: text(trend),
        shadow_ppm: shadowPpm,
        shortfall_micro_usd: {
          straight_line: text(shortfall.straightLine),
          trend: text(shortfall.trend),
          actual: text(shortfall.actual),
        },
        shortfall: term.shortfall,
      }),
    ),
    shares: statement.shares.map(({ contract, term, base, due, before, capLeft, stopped }) => ({
      id: term.id,
      contract,
      payer: term.payer,
      payee: term.payee,
      vendor: term.vendor,
      base_micro_usd: String(base),
      due_micro_usd: String(due),
      due_before_micro_usd: String(before),
      cap_micro_usd: text(term.cap),
      cap_left_micro_usd: text(capLeft),
      to: day(term.to),
      stopped,
    })),
    tranches: statement.tranches.map(({ contract, term, status, payableOn, waitsFor }) => ({
      id: term.id,
      contract,
      payer: term.payer,
      payee: term.payee,
      amount_micro_usd: String(term.amount),
      status,
      payable_on: day(payableOn),
      waits_for: waitsFor,
    })),
    prepaid: statement.prepaid.map(({ contract, term, used, left, usedUpOn, status }) => ({
      id: term.id,
      contract,
      amount_micro_usd: String(term.amount),
      used_micro_usd: String(used),
      left_micro_usd: String(left),
      from: day(term.from),
      until: day(term.until),
      status,
      used_up_on: usedUpOn,
    })),
    capacity: statement.capacity.map(({ contract, term, ran, all }) => ({
      id: term.id,
      contract,
      provider: term.provider,
      cloud: term.cloud,
      accelerator: term.accelerator,
      amount: term.amount,
      unit: term.unit,
      from: dayOf(term.from),
      to: day(term.to),
      ran: ranWire(ran),
      all: ranWire(all),
    })),
    caps:
      statement.caps?.map(({ cap, spent, reserved }) => ({
        id: cap.id,
        period: cap.period,
        amount_micro_usd: String(cap.amount),
        spent_micro_usd: String(spent),
        reserved_micro_usd: String(reserved),
      })) ?? null,
  };
}
