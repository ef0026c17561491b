/** Which limits hold for a key: what the configuration says, and what of it wins. */

/** Null: this rule says nothing of it. */
export interface RateLimits {
  readonly requestsPerMinute: number | null;
  readonly requestsPerDay: number | null;
  /** Input and output of model calls. */
  readonly tokensPerMinute: number | null;
  /** Requests open at once; a stream is open until its end. */
  readonly concurrentRequests: number | null;
}

export interface RateRule extends RateLimits {
  /** Whether each key has the limits to itself, or all keys of a tenant share them. */
  readonly per: 'key' | 'tenant';
  /** Null: of any tenant. */
  readonly tenant: string | null;
  /** The id of a key; null: any. */
  readonly key: string | null;
}

export const UNLIMITED: RateLimits = {
  requestsPerMinute: null,
  requestsPerDay: null,
  tokensPerMinute: null,
  concurrentRequests: null,
};

/** Limit by limit: a rule for the key wins over one for its tenant, and that over one for all. */
export function limitsOf(
  rules: readonly RateRule[],
  per: RateRule['per'],
  of: { readonly tenant: string; readonly key: string },
): RateLimits {
  const matching = rules
    .filter(rule => rule.per === per)
    .filter(({ tenant, key }) => (tenant ?? of.tenant) === of.tenant && (key ?? of.key) === of.key)
    .toSorted((a, b) => weight(b) - weight(a));
  const first = (name: keyof RateLimits): number | null => matching.find(rule => rule[name] !== null)?.[name] ?? null;
  return {
    requestsPerMinute: first('requestsPerMinute'),
    requestsPerDay: first('requestsPerDay'),
    tokensPerMinute: first('tokensPerMinute'),
    concurrentRequests: first('concurrentRequests'),
  };
}

function weight({ tenant, key }: RateRule): number {
  return (key === null ? 0 : 2) + (tenant === null ? 0 : 1);
}

export function isUnlimited(limits: RateLimits): boolean {
  return Object.values(limits).every(limit => limit === null);
}
