/** Price books (what a target costs) and rate cards (what a product brings through a channel), with effective dates. */
import { roundHalfUp } from './amounts.ts';

/**
 * What is counted of a call. Input that came from the upstream's cache (`cached`) or was written to it (`written`) is not in `input`,
 * reasoning not in `output`: each token is in one of them.
 */
export const METERS = ['input', 'cached', 'written', 'output', 'reasoning'] as const;
export type MeterName = (typeof METERS)[number];

/** Micro-units of the currency per million tokens: integers, which are also pico-units per token. */
export type TokenPrices = { readonly [meter in MeterName]: number };

export interface DatedPrices {
  /** From when on, ms since 1970; null: always. The next version ends it. */
  readonly from: number | null;
  readonly prices: TokenPrices;
}

/** Versions in the order of their dates. */
export type PriceBook = readonly DatedPrices[];

/** One price of what is sold. Null is any; a rate that names more wins over one that names less. */
export interface Rate extends DatedPrices {
  readonly product: string | null;
  readonly channel: string | null;
  readonly model: string | null;
}

export type RateCard = readonly Rate[];

export interface Books {
  readonly currency: string;
  /** By target. One that is not named is rated by the prices that its placement saw. */
  readonly costs: { readonly [target: string]: PriceBook };
  readonly rates: RateCard;
}

/** Null if no version is in force. */
export function pricesAt(book: PriceBook, at: number): TokenPrices | null {
  return latest(book, at)?.prices ?? null;
}

function latest<T extends DatedPrices>(versions: readonly T[], at: number): T | null {
  let found: T | null = null;
  for (const version of versions) {
    if ((version.from ?? Number.NEGATIVE_INFINITY) > at) continue;
    if (found === null || (version.from ?? Number.NEGATIVE_INFINITY) >= (found.from ?? Number.NEGATIVE_INFINITY))
      found = version;
  }
  return found;
}

/** When the prices of a book change next, after a moment; null: never, as far as it says. */
export function nextChange(book: PriceBook, after: number): number | null {
  let next: number | null = null;
  for (const { from } of book) if (from !== null && from > after && (next === null || from < next)) next = from;
  return next;
}

/** The price of a sale: of the rates in force that fit, those that name the most; of them the newest. Null if none fits. */
export function rateAt(
  card: RateCard,
  sale: { readonly product: string; readonly channel: string; readonly model: string },
  at: number,
): TokenPrices | null {
  const fits = card.filter(
    rate =>
      (rate.from ?? Number.NEGATIVE_INFINITY) <= at &&
      (rate.product === null || rate.product === sale.product) &&
      (rate.channel === null || rate.channel === sale.channel) &&
      (rate.model === null || rate.model === sale.model),
  );
  // A model says more than a channel, a channel more than a product.
  const named = (rate: Rate): number =>
    (rate.model === null ? 0 : 4) + (rate.channel === null ? 0 : 2) + (rate.product === null ? 0 : 1);
  const most = fits.reduce((best, rate) => Math.max(best, named(rate)), 0);
  return pricesAt(
    fits.filter(rate => named(rate) === most),
    at,
  );
}

/** Tokens by meter, each token in one of them. */
export type Tokens = { readonly [meter in MeterName]: number };

/** Micro-units by meter. */
export type Lines = { readonly [meter in MeterName]: bigint };

/** Of counts as upstreams give them: `cached` and `written` are parts of `input` that do not overlap, `reasoning` of `output`. */
export function tokensOf(usage: {
  readonly input: number;
  readonly cached: number;
  readonly output: number;
  readonly reasoning: number;
  readonly written?: number;
}): Tokens {
  const cached = Math.min(usage.cached, usage.input);
  const written = Math.min(usage.written ?? 0, usage.input - cached);
  const reasoning = Math.min(usage.reasoning, usage.output);
  return { input: usage.input - cached - written, cached, written, output: usage.output - reasoning, reasoning };
}

const PER = 1_000_000n;

/**
 * What tokens come to, by meter. The sum is the exact price rounded once, half up; the meters share it without loss: each gets the
 * difference of the running sums, rounded so.
 */
export function priceLines(tokens: Tokens, prices: TokenPrices): Lines {
  return linesInNumbers(tokens, prices) ?? linesInBigInts(tokens, prices);
}

function linesInBigInts(tokens: Tokens, prices: TokenPrices): Lines {
  let exact = 0n;
  let before = 0n;
  const line = (meter: MeterName): bigint => {
    exact += BigInt(tokens[meter]) * BigInt(prices[meter]);
    const upTo = roundHalfUp(exact, PER);
    const part = upTo - before;
    before = upTo;
    return part;
  };
  return {
    input: line('input'),
    cached: line('cached'),
    written: line('written'),
    output: line('output'),
    reasoning: line('reasoning'),
  };
}

const PER_NUMBER = 1_000_000;

/** The same in numbers, several times as fast: integers without loss up to 2^53, as almost every call is. Null beyond. */
function linesInNumbers(tokens: Tokens, prices: TokenPrices): Lines | null {
  const input = tokens.input * prices.input;
  const cached = input + tokens.cached * prices.cached;
  const written = cached + tokens.written * prices.written;
  const output = written + tokens.output * prices.output;
  const all = output + tokens.reasoning * prices.reasoning;
  // The sums only grow: if the last one with its half is safe, all of them were.
  if (!Number.isSafeInteger(all + PER_NUMBER)) return null;
  const [a, b, c, d, e] = [halfUp(input), halfUp(cached), halfUp(written), halfUp(output), halfUp(all)];
  return {
    input: BigInt(a),
    cached: BigInt(b - a),
    written: BigInt(c - b),
    output: BigInt(d - c),
    reasoning: BigInt(e - d),
  };
}

/** What `priceLines` sum to, several times as fast: a replay rates millions of calls. */
export function priceOf(tokens: Tokens, prices: TokenPrices): bigint {
  const exact =
    tokens.input * prices.input +
    tokens.cached * prices.cached +
    tokens.written * prices.written +
    tokens.output * prices.output +
    tokens.reasoning * prices.reasoning;
  return Number.isSafeInteger(exact + PER_NUMBER) ? BigInt(halfUp(exact)) : sumLines(linesInBigInts(tokens, prices));
}

function halfUp(exact: number): number {
  const raised = exact + PER_NUMBER / 2;
  return (raised - (raised % PER_NUMBER)) / PER_NUMBER;
}

export const NO_LINES: Lines = { input: 0n, cached: 0n, written: 0n, output: 0n, reasoning: 0n };

export function sumLines(lines: Lines): bigint {
  return lines.input + lines.cached + lines.written + lines.output + lines.reasoning;
}

/**
 * The most that a call can come to: its input at the dearest of plain, cached and written to the cache, its output at the dearer of
 * plain and reasoning, rounded up.
 */
export function boundOf(reserved: { readonly input: number; readonly output: number }, prices: TokenPrices): bigint {
  const exact =
    BigInt(reserved.input) * BigInt(Math.max(prices.input, prices.cached, prices.written)) +
    BigInt(reserved.output) * BigInt(Math.max(prices.output, prices.reasoning));
  return (exact + PER - 1n) / PER;
}
