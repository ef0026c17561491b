/** What a place costs a call: price, expected wait, and distance from what is warm or near. Integers, in micro-USD. */
import type { CallFacts, DecideOptions, Place, Prices } from './facts.ts';
import type { Snapshot, Weights } from './snapshot.ts';

export interface Score {
  readonly cost: number;
  readonly latencyMs: number;
  /** 0 to 3. */
  readonly distance: number;
  readonly score: number;
}

/** What of a call counts for its price and for what a target must be able to do. */
export type CallSize = Pick<CallFacts, 'inputTokens' | 'outputBound' | 'requires'>;

const PER = 1_000_000;

/** Tokens as metered; those that came from a prompt cache, or were written to it, are part of the input. */
export interface MeteredTokens {
  readonly input: number;
  readonly cached: number;
  readonly output: number;
  /** A part of `output`, where it has a price of its own. */
  readonly reasoning?: number;
  readonly written?: number;
}

/** Micro-USD of so many tokens at their prices per million, rounded up. Exact. */
export function tokenCost(prices: Prices, inputTokens: number, outputTokens: number): number {
  const input = inputTokens * prices.inputPerMtok;
  const output = outputTokens * prices.outputPerMtok;
  const total = input + output;
  if (Number.isSafeInteger(input) && Number.isSafeInteger(output) && Number.isSafeInteger(total))
    return Math.ceil(total / PER);
  const exact = BigInt(inputTokens) * BigInt(prices.inputPerMtok) + BigInt(outputTokens) * BigInt(prices.outputPerMtok);
  return Number((exact + BigInt(PER) - 1n) / BigInt(PER));
}

/** One for a cold prompt cache; one for another region, two for another cloud, than the place to be near to. */
export function distanceOf(place: Place, snapshot: Snapshot, options: DecideOptions): number {
  let distance = options.previous !== undefined && options.previous !== place.id ? 1 : 0;
  const near = options.near === undefined ? undefined : snapshot.byId.get(options.near);
  if (near !== undefined && near.cloud !== place.cloud) distance += 2;
  else if (near !== undefined && near.region !== place.region) distance += 1;
  return distance;
}

/** @param shadow of the place: what of each million spent there is saved elsewhere */
export function scoreOf(
  place: Place,
  facts: CallSize,
  latencyMs: number,
  distance: number,
  weights: Weights,
  shadow: number | undefined,
): Score {
  const cost = place.kind === 'target' ? tokenCost(place.prices, facts.inputTokens, facts.outputBound) : 0;
  const net = shadow === undefined ? cost : cost - Math.floor((cost * shadow) / PER);
  const score = Math.round(weights.price * net + weights.latency * latencyMs + weights.affinity * distance);
  return { cost, latencyMs, distance, score };
}

/** What the place lacks for the call, or null. */
export function lacking(place: Place, facts: CallSize): string | null {
  if (place.kind !== 'target') return null;
  if (place.contextTokens !== null && facts.inputTokens + facts.outputBound > place.contextTokens) {
    return `context of ${place.contextTokens} tokens`;
  }
  if (facts.requires === undefined || place.capabilities === null) return null;
  for (const wanted of facts.requires) if (!place.capabilities.includes(wanted)) return wanted;
  return null;
}
