/** Days and moments as queries and bodies have them: `2026-03-20`, or `2026-03-20T12:00:00Z`, in UTC. */
import * as z from 'zod';

export const MOMENT_FORM: RegExp = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d{1,3})?)?Z)?$/;

/** A date such as 2026-02-30 has the form and is none: the calendar must give it back unchanged. */
export function isRealDate(text: string): boolean {
  const time = Date.parse(text);
  return !Number.isNaN(time) && new Date(time).toISOString().startsWith(text.slice(0, 10));
}

const MOMENT_WORDS = 'must be a day as 2026-03-20, or a moment as 2026-03-20T12:00:00Z, in UTC';

export const moment: z.ZodType<string> = z
  .string()
  .regex(MOMENT_FORM, { message: MOMENT_WORDS, abort: true })
  .refine(isRealDate, MOMENT_WORDS);
