/** How many calls the clauses left one target, and which clauses. A call of monitor mode counts as enforcing would have had it. */
import type { LockInReport } from '@perdure/protocol';
import type { BooksAt } from '../../money/closing.ts';
import { recompute } from '../../placement/record.ts';
import type { Snapshot } from '../../placement/snapshot.ts';
import type { RecordedData, Window } from './recorded.ts';
import { basisPoints, byName, each, entry, nothingMissing } from './seen.ts';

const nothing = () => ({ calls: 0, one_legal: 0, one_configured: 0, one_cloud: 0, none_legal: 0, monitored: 0 });

export async function lockIn(
  data: Pick<RecordedData, 'pages' | 'document'>,
  window: Window,
  books: BooksAt,
): Promise<LockInReport> {
  const missing = nothingMissing();
  const total = nothing();
  const products = new Map<string, typeof total>();
  const clauses = new Map<string, number>();
  const strict = new WeakMap<Snapshot, Snapshot>();
  const enforced = (snapshot: Snapshot): Snapshot => {
    if (snapshot.enforce) return snapshot;
    const known = strict.get(snapshot) ?? { ...snapshot, enforce: true };
    strict.set(snapshot, known);
    return known;
  };
  for await (const { placement, record, snapshot } of each(data, window, books, missing)) {
    if (placement.action !== 'infer') continue;
    const rows = recompute(record, enforced(snapshot)).rows.filter(({ verdict }) => verdict !== 'wrong-model');
    const legal = rows.filter(({ verdict }) => verdict !== 'excluded');
    const sites = new Set(legal.map(({ cloud }) => cloud));
    const names = new Set(
      rows.flatMap(row =>
        row.exclusions.map(one => (one.kind === 'clause' ? `${one.contract}/${one.clause}` : one.kind)),
      ),
    );
    for (const sum of [total, entry(products, placement.origin.product, nothing)]) {
      sum.calls += 1;
      if (!snapshot.enforce) sum.monitored += 1;
      if (legal.length === 0) sum.none_legal += 1;
      if (legal.length === 1) sum[rows.length === 1 ? 'one_configured' : 'one_legal'] += 1;
      if (sites.size === 1) sum.one_cloud += 1;
    }
    if (legal.length === 1) for (const name of names) clauses.set(name, (clauses.get(name) ?? 0) + 1);
  }
  const share = (part: number): number | null => basisPoints(BigInt(part), BigInt(total.calls));
  return {
    object: 'perdure.report.lock_in',
    ...total,
    share: { one_legal: share(total.one_legal), one_configured: share(total.one_configured) },
    products: [...products].toSorted(byName).map(([product, sums]) => ({ product, ...sums })),
    clauses: [...clauses].toSorted(byName).map(([clause, calls]) => ({ clause, calls })),
    left_out: missing,
  };
}
