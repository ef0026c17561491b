/** `retention`: how long what is stored lives. */
import * as z from 'zod';
import type { RetentionConfig } from './config.ts';
import type { FileRetention, FileLifetime } from './file-form.ts';

const DAY_MS = 86_400_000;
const DEFAULT_RESPONSES_DAYS = 30;
const DEFAULT_SWEEP_SECONDS = 10;
/** About a second, for rehearsals. */
const MIN_DAYS = 0.00001;
const MAX_DAYS = 36_500;

const days = (what: string): z.ZodType<number | 'none'> =>
  z
    .union([z.number().min(MIN_DAYS).max(MAX_DAYS), z.literal('none')], {
      error: `must be a number of days from ${MIN_DAYS} to ${MAX_DAYS}, or none`,
    })
    .meta({ description: what });

const lifetime = {
  responses_days: days(
    `Days that a response lives from when it was begun; none: for ever. Default: ${DEFAULT_RESPONSES_DAYS}.`,
  ).nullish(),
  conversations_days: days('Days that a conversation lives after its last change. Default: none, for ever.').nullish(),
};

/** @param name what a tenant may be called */
export function retentionSchema(name: z.ZodType<string>, mostTenants: number): z.ZodType<FileRetention> {
  return z
    .strictObject({
      ...lifetime,
      sweep_seconds: z
        .number()
        .min(0.1)
        .max(3_600)
        .meta({
          description: `Between two sweeps, which erase what is over, in seconds. Default: ${DEFAULT_SWEEP_SECONDS}.`,
        })
        .nullish(),
      tenants: z
        .record(name, z.strictObject(lifetime))
        .refine(all => Object.keys(all).length <= mostTenants, `may name at most ${mostTenants} tenants`)
        .meta({ description: 'What holds for a tenant instead, by its name.' })
        .nullish(),
    })
    .meta({ description: 'How long what is stored lives: docs/retention.md.' });
}

export function retentionOf(file: FileRetention | null | undefined): RetentionConfig {
  const all = lifetimeOf(file ?? {}, { responsesMs: DEFAULT_RESPONSES_DAYS * DAY_MS, conversationsMs: null });
  const tenants = Object.entries(file?.tenants ?? {}).map(([tenant, own]) => [tenant, lifetimeOf(own, all)] as const);
  return { lifetime: all, sweepMs: (file?.sweep_seconds ?? DEFAULT_SWEEP_SECONDS) * 1000, tenants: new Map(tenants) };
}

function lifetimeOf(file: FileLifetime, otherwise: RetentionConfig['lifetime']): RetentionConfig['lifetime'] {
  return {
    responsesMs: msOf(file.responses_days, otherwise.responsesMs),
    conversationsMs: msOf(file.conversations_days, otherwise.conversationsMs),
  };
}

function msOf(value: number | 'none' | null | undefined, otherwise: number | null): number | null {
  if (value === null || value === undefined) return otherwise;
  return value === 'none' ? null : Math.ceil(value * DAY_MS);
}
