/** What one tenant has spent, by the log: what a server's clauses are told (`engine/spend.ts` counts it while calls are made). */
import { safe } from '../../engine/spend-call.ts';
import { loggedCosts, type SpendPrices } from '../../engine/spend-prices.ts';
import { type UsageHome, usagePages, type UsageSource } from '../../engine/usage.ts';
import type { TenantId } from '../../kernel/ids.ts';
import { spanOfMonth } from '../../money/calendar.ts';
import type { Spend } from '../../placement/facts.ts';

/** Calls that are in flight count nothing. @param now ms since 1970: its calendar month (UTC) is the month */
export async function spendOfTenant(
  source: UsageSource<UsageHome>,
  tenant: TenantId,
  prices: Pick<SpendPrices, 'cost' | 'logged'>,
  now: number,
): Promise<Spend> {
  const span = spanOfMonth(now);
  const costOf = loggedCosts(prices);
  let [month, total] = [0n, 0n];
  const all = { tenants: [tenant], from: Number.NEGATIVE_INFINITY, to: Number.POSITIVE_INFINITY };
  for await (const page of usagePages(source, all)) {
    for (const call of page.calls) {
      const cost = costOf(call);
      total += cost;
      if (call.at >= span.from && call.at < span.to) month += cost;
    }
  }
  return { month: safe(month), total: safe(total) };
}
