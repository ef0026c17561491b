/** `/v1/vaults` and their credentials, as the server answers with them. No secret is in any of it (L9). */
import * as z from 'zod';
import type { Metadata } from '../responses/settings.ts';

export type VaultResource = {
  readonly id: string;
  readonly object: 'vault';
  /** Seconds since 1970. */
  readonly created_at: number;
  readonly name: string | null;
  readonly metadata: Metadata;
};
export type VaultDeleted = { readonly id: string; readonly object: 'vault.deleted'; readonly deleted: true };

export type TokenEndpointAuth = { readonly type: 'none' | 'client_secret_basic' | 'client_secret_post' };

export type McpOauthAuth = {
  readonly type: 'mcp_oauth';
  readonly mcp_server_url: string;
  /** RFC 3339. */
  readonly expires_at: string | null;
  readonly refresh: {
    readonly client_id: string;
    readonly resource: string | null;
    readonly scope: string | null;
    readonly token_endpoint: string;
    readonly token_endpoint_auth: TokenEndpointAuth;
  } | null;
};
export type StaticBearerAuth = { readonly type: 'static_bearer'; readonly mcp_server_url: string };
export type CredentialNetworking =
  | { readonly type: 'unrestricted' }
  | { readonly type: 'limited'; readonly allowed_hosts: readonly string[] };
export type EnvironmentVariableAuth = {
  readonly type: 'environment_variable';
  readonly secret_name: string;
  readonly networking: CredentialNetworking;
};
export type CredentialAuth = McpOauthAuth | StaticBearerAuth | EnvironmentVariableAuth;

export type CredentialResource = {
  readonly id: string;
  readonly object: 'vault.credential';
  readonly vault_id: string;
  /** Seconds since 1970. */
  readonly created_at: number;
  readonly updated_at: number;
  readonly name: string;
  readonly metadata: Metadata;
  readonly auth: CredentialAuth;
};
export type CredentialDeleted = {
  readonly id: string;
  readonly object: 'vault.credential.deleted';
  readonly deleted: true;
};

/** What became of the vaults when the master key was replaced. */
export type VaultKeyRotated = {
  readonly object: 'perdure.vault_key_rotated';
  /** Vaults of all tenants, and of sessions, whose keys were wrapped anew. */
  readonly vaults: number;
  /** When the key now in force was made, seconds since 1970. */
  readonly created_at: number;
};

const text = z.string();
const orNull = text.nullable();
const pairs = z.record(text, text);
const deleted = z.literal(true);

export const vaultSchema: z.ZodType<VaultResource> = z.strictObject({
  id: text,
  object: z.literal('vault'),
  created_at: z.int(),
  name: orNull,
  metadata: pairs,
});
export const vaultDeletedSchema: z.ZodType<VaultDeleted> = z.object({
  id: text,
  object: z.literal('vault.deleted'),
  deleted,
});

/** Strict: a field too many would be a secret, perhaps. */
const auth: z.ZodType<CredentialAuth> = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('mcp_oauth'),
    mcp_server_url: text,
    expires_at: orNull,
    refresh: z
      .strictObject({
        client_id: text,
        resource: orNull,
        scope: orNull,
        token_endpoint: text,
        token_endpoint_auth: z.strictObject({ type: z.enum(['none', 'client_secret_basic', 'client_secret_post']) }),
      })
      .nullable(),
  }),
  z.strictObject({ type: z.literal('static_bearer'), mcp_server_url: text }),
  z.strictObject({
    type: z.literal('environment_variable'),
    secret_name: text,
    networking: z.discriminatedUnion('type', [
      z.strictObject({ type: z.literal('unrestricted') }),
      z.strictObject({ type: z.literal('limited'), allowed_hosts: z.array(text) }),
    ]),
  }),
]);

export const credentialSchema: z.ZodType<CredentialResource> = z.strictObject({
  id: text,
  object: z.literal('vault.credential'),
  vault_id: text,
  created_at: z.int(),
  updated_at: z.int(),
  name: text,
  metadata: pairs,
  auth,
});
export const credentialDeletedSchema: z.ZodType<CredentialDeleted> = z.object({
  id: text,
  object: z.literal('vault.credential.deleted'),
  deleted,
});

export const vaultKeyRotatedSchema: z.ZodType<VaultKeyRotated> = z.object({
  object: z.literal('perdure.vault_key_rotated'),
  vaults: z.int().min(0),
  created_at: z.int(),
});
