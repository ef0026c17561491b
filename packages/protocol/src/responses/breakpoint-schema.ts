/** Where a prompt's cache may end: a mark on a part of its content. */
import * as z from 'zod';
import type { CacheBreakpoint } from './items.ts';

/** As a field of a part. */
export type MaybeBreakpoint = { readonly prompt_cache_breakpoint?: CacheBreakpoint };

export const cacheBreakpoint: z.ZodType<CacheBreakpoint | null | undefined> = z
  .object({ mode: z.literal('explicit'), ttl: z.enum(['30m', '12h']).nullish() })
  .transform(({ mode, ttl }): CacheBreakpoint => ({ mode, ...(ttl && { ttl }) }))
  .nullish();

/** The field, if it was given. */
export function withBreakpoint(given: CacheBreakpoint | null | undefined): MaybeBreakpoint {
  return given ? { prompt_cache_breakpoint: given } : {};
}
