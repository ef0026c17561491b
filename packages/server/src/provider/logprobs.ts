import type { JsonObject } from '../log/events.ts';
import { type Fields, isFields, listIn, stringIn } from './json.ts';

/** Alternatives told of one token. */
const MAX_TOP = 20;

/** Log probabilities as an upstream wrote them, in wire form; what has not their form is left out. */
export function readLogprobs(given: readonly unknown[]): readonly JsonObject[] {
  return given.flatMap(one => {
    const token = isFields(one) ? readToken(one) : null;
    if (!isFields(one) || token === null) return [];
    const top = listIn(one, 'top_logprobs').slice(0, MAX_TOP);
    return [{ ...token, top_logprobs: top.flatMap(each => (isFields(each) ? (readToken(each) ?? []) : [])) }];
  });
}

function readToken(fields: Fields): JsonObject | null {
  const token = stringIn(fields, 'token');
  const { logprob } = fields;
  if (token === null || typeof logprob !== 'number' || !Number.isFinite(logprob)) return null;
  const bytes = listIn(fields, 'bytes').filter((byte): byte is number => Number.isSafeInteger(byte));
  return { token, logprob, bytes };
}

/** The name of the service tier that an upstream used; absent if it says none, or no name. */
export function readServiceTier(fields: Fields): { readonly serviceTier?: string } {
  const tier = stringIn(fields, 'service_tier');
  return tier !== null && /^[\w.-]{1,64}$/.test(tier) ? { serviceTier: tier } : {};
}
