/** `automations` of perdure.yaml. */
import * as z from 'zod';
import type { AutomationRules } from '../../engine/automations/ports.ts';
import type { Maybe } from './file-form.ts';

export interface FileAutomations {
  readonly missed?: Maybe<AutomationRules['missed']>;
  readonly grace_seconds?: Maybe<number>;
  readonly per_tenant?: Maybe<number>;
  readonly kept?: Maybe<number>;
  readonly try_minutes?: Maybe<number>;
}

const DEFAULTS = { grace_seconds: 300, per_tenant: 1_000, kept: 1_000, try_minutes: 60 } as const;

const whole = (name: keyof typeof DEFAULTS, what: string, min: number, max: number): z.ZodType<Maybe<number>> =>
  z
    .int()
    .min(min)
    .max(max)
    .nullish()
    .meta({ description: `${what} Default: ${DEFAULTS[name]}.` });

export const automations: z.ZodType<FileAutomations> = z.strictObject({
  missed: z.enum(['run_once', 'skip']).nullish().meta({
    description:
      'What becomes of runs that came due while the server was down. run_once: one for all of them; skip: none. Default: run_once.',
  }),
  grace_seconds: whole('grace_seconds', 'How late a run may be and count as none that was missed.', 1, 86_400),
  per_tenant: whole('per_tenant', 'How many automations a tenant may have.', 0, 100_000),
  kept: whole('kept', 'How many invocations are kept of an automation; the oldest go.', 1, 100_000),
  try_minutes: whole('try_minutes', 'How long a run that cannot be delivered for the time being is tried.', 1, 1_380),
});

export function automationsOf(file: Maybe<FileAutomations>): Omit<AutomationRules, 'keyMs'> {
  return {
    missed: file?.missed ?? 'run_once',
    graceMs: (file?.grace_seconds ?? DEFAULTS.grace_seconds) * 1000,
    perTenant: file?.per_tenant ?? DEFAULTS.per_tenant,
    kept: file?.kept ?? DEFAULTS.kept,
    tryMs: (file?.try_minutes ?? DEFAULTS.try_minutes) * 60_000,
  };
}
