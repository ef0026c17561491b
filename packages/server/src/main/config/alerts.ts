/** `alerts` of the configuration: the form in the file, and what it means. */
import * as z from 'zod';
import type { AlertConfig } from './config.ts';
import type { FileAlert, FileConfig } from './file-form.ts';
import { CONFIG_BOUNDS } from './limits.ts';
import { isWebhookKey, WEBHOOK_KEY_WORDS, webhookUrlProblem } from './webhook-form.ts';

const DEFAULT_PERCENTS: readonly number[] = [50, 80, 100];
const PERCENTS_MOST = 20;

const percents = (of: string): z.ZodType<readonly number[] | null | undefined> =>
  z
    .array(z.int().min(1).max(1_000))
    .max(PERCENTS_MOST)
    .nullish()
    .meta({ description: `Percentages ${of} that are told, each once. Default: ${DEFAULT_PERCENTS.join(', ')}.` });

export const alert: z.ZodType<FileAlert> = z
  .strictObject({
    id: z
      .string()
      .max(CONFIG_BOUNDS.nameChars)
      .regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/, 'must begin with a letter or digit')
      .meta({ description: 'Names the webhook; what waits for it is listed under it.' }),
    url: z.string().max(2_048).meta({ description: 'Where it listens, https.' }),
    secret: z
      .string()
      .refine(isWebhookKey, WEBHOOK_KEY_WORDS)
      .meta({ description: 'Signs deliveries as Standard Webhooks has it. Write ${NAME}.' }),
    caps: percents('of a cap'),
    commitments: percents('of a commitment that are spent'),
    shares: percents('of the cap of a share that are due'),
    prepaid: percents('of prepaid credits that are used'),
    shortfall: z
      .boolean()
      .nullish()
      .meta({ description: 'Whether a forecast that misses a commitment is told, once a month. Default: true.' }),
    tranches: z
      .boolean()
      .nullish()
      .meta({ description: 'Whether notice and payment day of a tranche are told. Default: true.' }),
    allow_private: z
      .boolean()
      .nullish()
      .meta({ description: 'Whether it may be plain http, and at an address that is not public. Default: false.' }),
  })
  .superRefine(({ url, allow_private: open }, ctx) => {
    const problem = webhookUrlProblem(url, open === true);
    if (problem !== null) ctx.addIssue({ code: 'custom', path: ['url'], message: problem });
  });

export function alertsOf({ alerts }: FileConfig): readonly AlertConfig[] {
  const rising = (given: readonly number[] | null | undefined): readonly number[] =>
    [...new Set(given ?? DEFAULT_PERCENTS)].toSorted((a, b) => a - b);
  return (alerts ?? []).map(
    ({ id, url, secret, caps, commitments, shares, prepaid, shortfall, tranches, allow_private }) => ({
      id,
      url,
      secret,
      caps: rising(caps),
      commitments: rising(commitments),
      shares: rising(shares),
      prepaid: rising(prepaid),
      shortfall: shortfall ?? true,
      tranches: tranches ?? true,
      allowPrivate: allow_private ?? false,
    }),
  );
}
