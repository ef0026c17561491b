/** The shapes that `contract.yaml` is written in. */
import { z } from 'zod';
import type { FindingCode } from './finding.ts';
import { datetimeMs } from './instant.ts';

/** A day in UTC, written YYYY-MM-DD. */
export const day: z.ZodType<string> = z
  .string()
  .regex(/^\d{4}-\d{2}-\d{2}$/, 'a day is written YYYY-MM-DD (UTC)')
  .refine(text => datetimeMs(text) !== null, 'no such day');

/** Ids are written in URLs, tables and records. */
export const id: z.ZodType<string> = z
  .string()
  .regex(/^[a-z0-9][a-z0-9.-]{0,63}$/, 'an id is at most 64 lower-case letters, digits, dots and dashes');

/** What perdure.yaml calls a tenant, a product, a channel or a cloud. */
export const name: z.ZodType<string> = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, 'a name is at most 64 letters, digits, dots, underscores and dashes');

export const MAX_TEXT = 2000;
export const text: z.ZodType<string> = z.string().min(1).max(MAX_TEXT);

/** What a schema knows of a finding beyond its words. */
export interface IssueNote {
  readonly code: FindingCode;
  readonly hint?: string;
}

/** A check of a value that has a code of its own among the findings. */
export function noted<T>(
  schema: z.ZodType<T>,
  holds: (value: T) => boolean,
  message: string,
  note: IssueNote,
): z.ZodType<T> {
  return schema.superRefine((value, context) => {
    if (!holds(value)) context.addIssue({ code: 'custom', message, params: { ...note } });
  });
}

/** Decimals that an amount may have: those of a micro-unit. Digits that a number keeps exactly, before the point and behind it together. */
export const MOST_DECIMALS = 6;
export const MOST_DIGITS = 15;
/** Of an amount: 9 trillion dollars are 9 * 10^18 micro-units, which 64 bits hold. */
export const MOST_USD = 9_000_000_000_000;

function withDecimals(schema: z.ZodType<number>, what: string): z.ZodType<number> {
  const few = (value: number): boolean => !/e-|\.\d{7}/.test(String(value));
  return noted(schema, few, `${what} has at most ${MOST_DECIMALS} decimals`, { code: 'value_inexact' });
}

/** An amount of US dollars: above nothing, whole in micro-units. */
export const dollars: z.ZodType<number> = withDecimals(
  noted(z.number(), usd => usd > 0 && usd <= MOST_USD, `an amount is above 0 and at most ${MOST_USD} dollars`, {
    code: 'value_out_of_range',
  }),
  'an amount of dollars',
);

export const percentage: z.ZodType<number> = withDecimals(
  noted(z.number(), percent => percent >= 0 && percent <= 100, 'a percentage is from 0 to 100', {
    code: 'value_out_of_range',
  }),
  'a percentage',
);

/** A whole number within bounds, both inclusive. */
export function whole(what: string, least: number, most: number, hint?: string): z.ZodType<number> {
  const note = hint === undefined ? {} : { hint };
  return noted(
    noted(z.number(), Number.isInteger, `${what} is a whole number`, { code: 'value_inexact', ...note }),
    value => !Number.isInteger(value) || (value >= least && value <= most),
    `${what} is from ${least} to ${most}`,
    { code: 'value_out_of_range' },
  );
}
