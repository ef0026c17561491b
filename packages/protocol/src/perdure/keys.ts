/** API keys, as their administration shows them. The server decides what a key may name; this is the form on the wire. */
import * as z from 'zod';
import { LIMITS } from '../limits.ts';
import type { PerdureError } from '../perdure-error.ts';
import { strayIn } from './own-body.ts';

export const KEY_SCOPES = ['inference', 'read', 'admin', 'operator', 'auditor', 'approve'] as const;
export const KEY_AUTHS = ['bearer', 'sigv4'] as const;
export const KEY_SEGMENTS = ['commercial', 'us-gov', 'us-natsec'] as const;

export type CreateKey = {
  readonly name: string;
  readonly tenant?: string;
  readonly channel?: string;
  readonly segment?: (typeof KEY_SEGMENTS)[number];
  readonly product?: string;
  readonly scopes?: readonly (typeof KEY_SCOPES)[number][];
  /** `bearer`: the key is sent. `sigv4`: it signs requests, as AWS Signature Version 4 has it. Default: bearer. */
  readonly auth?: (typeof KEY_AUTHS)[number];
  /** Of the first key: that it needs not be an admin. Until there is one, nobody can make other keys through the server. */
  readonly without_admin?: boolean;
};

export type KeyResource = {
  readonly id: string;
  readonly object: 'perdure.key';
  readonly name: string;
  /** The first characters of the secret, by which people know it; null for keys of the configuration. */
  readonly prefix: string | null;
  readonly tenant: string;
  readonly channel: string;
  readonly segment: string;
  readonly product: string;
  readonly scopes: readonly string[];
  readonly source: 'store' | 'config';
  /** Of a key that signs requests: what it is named by in them. */
  readonly access_key_id?: string;
  /** Seconds since 1970. */
  readonly created_at: number | null;
  readonly revoked_at: number | null;
};

/** The only time that the secret is shown. */
export type CreatedKey = KeyResource & { readonly secret: string };
export type KeyRevoked = { readonly id: string; readonly object: 'perdure.key'; readonly revoked: true };

const text = z.string();
const word = text.min(1).max(LIMITS.nameChars);
const seconds = z.int().min(0).nullable();

export const createKeyBody: z.ZodType<CreateKey> = z.strictObject({
  name: word.meta({ description: 'For people.' }),
  tenant: word.exactOptional(),
  channel: word.exactOptional(),
  segment: z.enum(KEY_SEGMENTS).exactOptional(),
  product: word.exactOptional(),
  scopes: z.array(z.enum(KEY_SCOPES)).min(1).exactOptional(),
  auth: z
    .enum(KEY_AUTHS)
    .meta({ description: 'sigv4: the key signs requests (docs/bedrock.md). Default: bearer.' })
    .exactOptional(),
  without_admin: z
    .boolean()
    .meta({ description: 'Makes the first key though it lacks the scope admin. Default: false.' })
    .exactOptional(),
});

/** What is wrong with the form of the body; what a key may name, the server says. */
export function strayOfKey(body: unknown): PerdureError | null {
  return strayIn(createKeyBody, body);
}

const fields = {
  id: text,
  object: z.literal('perdure.key'),
  name: text,
  prefix: text.nullable(),
  tenant: text,
  channel: text,
  segment: text,
  product: text,
  scopes: z.array(text),
  source: z.enum(['store', 'config']),
  access_key_id: text.exactOptional(),
  created_at: seconds,
  revoked_at: seconds,
};
export const keySchema: z.ZodType<KeyResource> = z.object(fields);
export const createdKeySchema: z.ZodType<CreatedKey> = z.object({ ...fields, secret: text });
export const keyRevokedSchema: z.ZodType<KeyRevoked> = z.object({
  id: text,
  object: z.literal('perdure.key'),
  revoked: z.literal(true),
});
export const keyListSchema: z.ZodType<{
  readonly object: 'list';
  readonly data: readonly KeyResource[];
  readonly has_more: boolean;
}> = z.object({ object: z.literal('list'), data: z.array(keySchema), has_more: z.boolean() });
