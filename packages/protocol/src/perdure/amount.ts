import * as z from 'zod';

/** Whole micro-dollars as a decimal text: they may pass 2^53. */
export const amount: z.ZodType<string> = z
  .string()
  .regex(/^-?\d+$/)
  .meta({ description: 'Whole micro-dollars.' });
