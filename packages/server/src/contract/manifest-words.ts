/** The shapes that `contract.yaml` is written in. */
import { z } from 'zod';
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
