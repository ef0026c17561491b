/** Rating: a metered call becomes a row of usage, with what it cost and what it brought. */
import {
  type Books,
  type Lines,
  NO_LINES,
  priceLines,
  pricesAt,
  rateAt,
  sumLines,
  type TokenPrices,
  type Tokens,
  tokensOf,
} from './prices.ts';

/** A model call that ended, as the log tells it. Plain data; times are ms since 1970. */
export interface MeteredCall {
  /** The placement's id. */
  readonly id: string;
  readonly session: string;
  readonly response: string | null;
  /** When it was placed: the time that its prices and its period are taken at. */
  readonly at: number;
  /** When its meter was written. */
  readonly meteredAt: number;
  readonly tenant: string;
  /** The principal's id. */
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
  /** The prices that the placement saw: what counts if no price book names the target (any more). Null: none. */
  readonly seen: TokenPrices | null;
  /** `contract@version:reading`, each contract in force. */
  readonly contracts: readonly string[];
  /** Clauses that spoke against a place: `contract/clause`, or the clause alone where one contract is in force. */
  readonly clauses: readonly string[];
  readonly outcome: 'completed' | 'incomplete' | 'failed' | 'unknown';
  /** As the upstream counted, or at most: the reservation. */
  readonly metered: 'exact' | 'estimate' | 'bound';
  /** As counted: `cached` and `written` are parts of `input`, `reasoning` of `output`. */
  readonly usage: {
    readonly input: number;
    readonly cached: number;
    readonly output: number;
    readonly reasoning: number;
    /** To the upstream's cache. Absent: none, or the upstream does not say. */
    readonly written?: number;
  };
  readonly upstream: { readonly response: string | null; readonly request: string | null };
}

export interface UsageRow extends MeteredCall {
  readonly tokens: Tokens;
  /** As rated; null if not known. */
  readonly prices: TokenPrices | null;
  /** Micro-units by meter: what the target is owed. */
  readonly costLines: Lines;
  /** Micro-units by meter: what the customer owes. */
  readonly revenueLines: Lines;
  readonly cost: bigint;
  readonly revenue: bigint;
  /** False: no price of the target is known for that time, so that its cost counts as nothing. */
  readonly priced: boolean;
}

/** Purposes that nobody is charged for: they cost, and never count as customer revenue. */
export const OWN_PURPOSES: ReadonlySet<string> = new Set(['eval', 'lab', 'shadow', 'probe']);

/** Null if they are not known. */
export function costPrices(
  books: Pick<Books, 'costs'>,
  { target, at, seen }: Pick<MeteredCall, 'target' | 'at' | 'seen'>,
): TokenPrices | null {
  const book = books.costs[target];
  return book === undefined ? seen : pricesAt(book, at);
}

/** Null if the call brings nothing. */
export function revenuePrices(
  books: Pick<Books, 'rates'>,
  call: Pick<MeteredCall, 'product' | 'channel' | 'model' | 'purpose' | 'at'>,
): TokenPrices | null {
  return OWN_PURPOSES.has(call.purpose) ? null : rateAt(books.rates, call, call.at);
}

export function rate(call: MeteredCall, books: Books): UsageRow {
  const tokens = tokensOf(call.usage);
  const prices = costPrices(books, call);
  const rates = revenuePrices(books, call);
  const costLines = prices === null ? NO_LINES : priceLines(tokens, prices);
  const revenueLines = rates === null ? NO_LINES : priceLines(tokens, rates);
  return {
    ...call,
    tokens,
    prices,
    costLines,
    revenueLines,
    cost: sumLines(costLines),
    revenue: sumLines(revenueLines),
    priced: prices !== null,
  };
}
