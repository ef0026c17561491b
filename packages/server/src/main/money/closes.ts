/**
 * Closed billing months: a file each in the data folder, `usage-closed/2026-03.json`, made once and never changed. It holds the cut-off and the
 * price books that the month was closed with, so that an export of it comes out the same whatever is configured later.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';
import { monthSpan } from '../../money/calendar.ts';
import type { ClosedPeriod } from '../../money/closing.ts';
import type { Books, TokenPrices } from '../../money/prices.ts';
import { CliError, EXIT } from '../cli/exit.ts';

/** A call's meter is written within its store's deadline (`store_ms`, five minutes at most): what is older than this is there. */
export const SETTLE_MS = 300_000;

export interface ClosedMonth extends ClosedPeriod {
  readonly closedAt: string;
  readonly books: Books;
}

const prices: z.ZodType<TokenPrices> = z.object({
  input: z.int(),
  cached: z.int(),
  output: z.int(),
  reasoning: z.int(),
});
const from = z.int().nullable();
const word = z.string().nullable();
const month = z.object({
  form: z.literal(1),
  period: z.string(),
  cutoff: z.int(),
  closedAt: z.string(),
  books: z.object({
    currency: z.string(),
    costs: z.record(z.string(), z.array(z.object({ from, prices }))),
    rates: z.array(z.object({ from, prices, product: word, channel: word, model: word })),
  }),
});

const folderOf = (data: string): string => join(data, 'usage-closed');

export function closedMonths(data: string): ReadonlyMap<string, ClosedMonth> {
  const folder = folderOf(data);
  if (!existsSync(folder)) return new Map();
  const files = readdirSync(folder).filter(name => /^\d{4}-\d{2}\.json$/.test(name));
  return new Map(
    files.map(name => {
      const parsed = month.safeParse(JSON.parse(readFileSync(join(folder, name), 'utf8')));
      if (!parsed.success) throw new CliError(EXIT.failed, `${join(folder, name)} is no closed month of this version`);
      return [parsed.data.period, parsed.data];
    }),
  );
}

/** @throws CliError if the month is not over, or closed already */
export function closeMonth(data: string, period: string, books: Books, now: number): ClosedMonth {
  const span = monthSpan(period);
  if (span === null) throw new CliError(EXIT.usage, `there is no month ${period}: write it as 2026-03`);
  const cutoff = now - SETTLE_MS;
  if (span.to > cutoff)
    throw new CliError(EXIT.refused, `${period} can be closed from ${new Date(span.to + SETTLE_MS).toISOString()} on`);
  const closed: ClosedMonth = { period, cutoff, closedAt: new Date(now).toISOString(), books };
  const folder = folderOf(data);
  mkdirSync(folder, { recursive: true });
  try {
    // `wx`: of two at once one is first.
    writeFileSync(join(folder, `${period}.json`), `${JSON.stringify({ form: 1, ...closed })}\n`, {
      flag: 'wx',
      flush: true,
    });
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST')
      throw new CliError(EXIT.refused, `${period} is closed already`);
    throw error;
  }
  return closed;
}
