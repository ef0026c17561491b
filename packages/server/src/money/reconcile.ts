/** A provider's bill against our record, by the upstream's request ids. */
import type { Micro } from './amounts.ts';

export interface BillLine {
  /** The upstream's id of the request or of the response. */
  readonly id: string;
  readonly amount: Micro;
  /** Null where the bill does not say. */
  readonly inputTokens: number | null;
  readonly outputTokens: number | null;
}

export interface OwnLine {
  /** The placement. */
  readonly id: string;
  readonly at: number;
  readonly target: string;
  readonly upstream: { readonly response: string | null; readonly request: string | null };
  readonly cost: Micro;
  readonly usage: { readonly input: number; readonly output: number };
  readonly metered: 'exact' | 'estimate' | 'bound';
}

export interface Difference {
  readonly bill: BillLine;
  readonly own: OwnLine;
  /** The bill's amount less ours. */
  readonly amount: Micro;
}

export interface Reconciled {
  readonly matched: { readonly lines: number; readonly amount: Micro };
  readonly differing: readonly Difference[];
  /** Calls of ours that the bill does not have, and that cost something. */
  readonly missingInBill: readonly OwnLine[];
  /** Of the bill, lines that we have no call of. */
  readonly missingInRecord: readonly BillLine[];
  readonly billed: Micro;
  readonly recorded: Micro;
}

/**
 * Lines of the bill with one id are one. A call matches by its request id, else by its response id. It differs if the amounts do, or the
 * tokens where the bill names them.
 */
export function reconcile(bill: Iterable<BillLine>, own: Iterable<OwnLine>): Reconciled {
  const lines = new Map<string, BillLine>();
  for (const line of bill) lines.set(line.id, merged(lines.get(line.id), line));
  const open = new Set(lines.keys());
  const differing: Difference[] = [];
  const missingInBill: OwnLine[] = [];
  let matched = 0;
  let amount = 0n;
  let recorded = 0n;
  for (const call of own) {
    recorded += call.cost;
    const id = [call.upstream.request, call.upstream.response].find(one => one !== null && open.has(one)) ?? null;
    const line = id === null ? undefined : lines.get(id);
    if (id === null || line === undefined) {
      if (call.cost !== 0n) missingInBill.push(call);
      continue;
    }
    open.delete(id);
    if (same(line, call)) {
      matched += 1;
      amount += line.amount;
    } else differing.push({ bill: line, own: call, amount: line.amount - call.cost });
  }
  return {
    matched: { lines: matched, amount },
    differing,
    missingInBill,
    missingInRecord: [...open].flatMap(id => lines.get(id) ?? []),
    billed: [...lines.values()].reduce((all, line) => all + line.amount, 0n),
    recorded,
  };
}

function merged(known: BillLine | undefined, line: BillLine): BillLine {
  if (known === undefined) return line;
  const plus = (a: number | null, b: number | null): number | null => (a === null || b === null ? (a ?? b) : a + b);
  return {
    id: line.id,
    amount: known.amount + line.amount,
    inputTokens: plus(known.inputTokens, line.inputTokens),
    outputTokens: plus(known.outputTokens, line.outputTokens),
  };
}

function same(line: BillLine, { cost, usage }: OwnLine): boolean {
  return (
    line.amount === cost &&
    (line.inputTokens === null || line.inputTokens === usage.input) &&
    (line.outputTokens === null || line.outputTokens === usage.output)
  );
}
