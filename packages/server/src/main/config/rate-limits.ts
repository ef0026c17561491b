/** `rate_limits` of the configuration: the form in the file, and what it means. */
import * as z from 'zod';
import type { RateRule } from '../../engine/rate/rules.ts';
import type { FileConfig, FileRateLimit, Maybe } from './file-form.ts';
import { CONFIG_BOUNDS } from './limits.ts';

/** The most that can be given. Requests of a day times its milliseconds are still a whole number that can be counted with. */
export const RATE_BOUNDS: { readonly [name in (typeof LIMIT_NAMES)[number]]: number } = {
  requests_per_minute: 10_000_000,
  requests_per_day: 10_000_000,
  tokens_per_minute: 1_000_000_000,
  concurrent_requests: 1_000_000,
};
const LIMIT_NAMES = ['requests_per_minute', 'requests_per_day', 'tokens_per_minute', 'concurrent_requests'] as const;

const limit = (name: keyof typeof RATE_BOUNDS, what: string): z.ZodType<Maybe<number>> =>
  z
    .int()
    .min(1)
    .max(RATE_BOUNDS[name])
    .nullish()
    .meta({ description: `${what} Default: no limit.` });

const rateLimit: z.ZodType<FileRateLimit> = z
  .strictObject({
    tenant: z
      .string()
      .max(CONFIG_BOUNDS.nameChars)
      .nullish()
      .meta({ description: 'Of this tenant only. Default: of any.' }),
    key: z
      .string()
      .max(128)
      .nullish()
      .meta({ description: 'Of this key only, by the id that "perdure keys list" shows. Default: of any.' }),
    per: z
      .enum(['key', 'tenant'])
      .nullish()
      .meta({ description: 'Whether each key has it to itself, or all keys of a tenant share it. Default: key.' }),
    requests_per_minute: limit('requests_per_minute', 'Requests that a minute takes, and that may come at once.'),
    requests_per_day: limit('requests_per_day', 'Requests that a day takes, and that may come at once.'),
    tokens_per_minute: limit('tokens_per_minute', 'Tokens of model calls, input and output, that a minute takes.'),
    concurrent_requests: limit('concurrent_requests', 'Requests open at once; a stream is open until its end.'),
  })
  .superRefine((rule, ctx) => {
    if (rule.per === 'tenant' && typeof rule.key === 'string')
      ctx.addIssue({ code: 'custom', path: ['key'], message: 'cannot be named where all keys of a tenant share' });
    if (LIMIT_NAMES.every(name => typeof rule[name] !== 'number'))
      ctx.addIssue({ code: 'custom', message: `limits nothing: give ${LIMIT_NAMES.join(', ')}` });
  });

export const rateLimits: z.ZodType<readonly FileRateLimit[]> = z
  .array(rateLimit)
  .max(CONFIG_BOUNDS.rateLimits)
  .superRefine((rules, ctx) => {
    const seen = new Set<string>();
    for (const [i, { per, tenant, key }] of rules.entries()) {
      const of = JSON.stringify([per ?? 'key', tenant ?? null, key ?? null]);
      if (seen.has(of)) ctx.addIssue({ code: 'custom', path: [i], message: 'is of the same keys as another' });
      seen.add(of);
    }
  })
  .meta({ description: 'Rate limits of keys: a request beyond one gets 429. What names more wins. Default: none.' });

export function rateRulesOf({ rate_limits: rules }: Pick<FileConfig, 'rate_limits'>): readonly RateRule[] {
  return (rules ?? []).map(rule => ({
    per: rule.per ?? 'key',
    tenant: rule.tenant ?? null,
    key: rule.key ?? null,
    requestsPerMinute: rule.requests_per_minute ?? null,
    requestsPerDay: rule.requests_per_day ?? null,
    tokensPerMinute: rule.tokens_per_minute ?? null,
    concurrentRequests: rule.concurrent_requests ?? null,
  }));
}
