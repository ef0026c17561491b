/** `sigv4` of perdure.yaml: which AWS signatures are accepted. */
import * as z from 'zod';
import type { SigV4Config } from './config.ts';
import type { Maybe } from './file-form.ts';

export interface FileSigV4 {
  readonly regions: readonly string[];
  readonly session_tokens?: Maybe<boolean>;
}

const REGIONS = 64;

export const sigv4: z.ZodType<FileSigV4> = z.strictObject({
  regions: z
    .array(
      z
        .string()
        .max(64)
        .regex(/^[a-z][a-z0-9-]*$/, 'must be a region, as us-east-1'),
    )
    .min(1)
    .max(REGIONS)
    .meta({ description: 'Regions that may be signed for.' }),
  session_tokens: z.boolean().nullish().meta({
    description:
      'Whether a request may carry x-amz-security-token. It must be signed and is not looked at. Default: false.',
  }),
});

export function sigv4Of(file: Maybe<FileSigV4>): SigV4Config {
  return { regions: file?.regions ?? [], sessionTokens: file?.session_tokens ?? false };
}
