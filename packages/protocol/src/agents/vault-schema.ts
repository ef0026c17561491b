/** What requests say of vaults and credentials. */
import * as z from 'zod';
import { LIMITS } from '../limits.ts';
import { pageLimit, type RawQuery } from '../lists.ts';
import { boundedList, fault, metadata, parseBody, parseQuery, type Parsed } from '../parse.ts';
import type { Metadata } from '../responses/settings.ts';
import type { CredentialNetworking } from './vault-resource.ts';

export const VAULT_LIMITS: {
  /** Of a trimmed name, in UTF-8. */
  readonly nameBytes: number;
  readonly secretChars: number;
  readonly clientIdChars: number;
  readonly scopeChars: number;
  readonly allowedHosts: number;
  readonly variableChars: number;
} = {
  nameBytes: 256,
  secretChars: 16_384,
  clientIdChars: 1_024,
  scopeChars: 4_096,
  allowedHosts: 16,
  variableChars: 128,
};

export type VaultBody = { readonly name?: string | null; readonly metadata?: Metadata };

type TokenEndpointAuthInput =
  | { readonly type: 'none' }
  | { readonly type: 'client_secret_basic' | 'client_secret_post'; readonly client_secret: string };

export type CredentialAuthInput =
  | {
      readonly type: 'mcp_oauth';
      readonly mcp_server_url: string;
      readonly access_token: string;
      readonly expires_at?: string | null | undefined;
      readonly refresh?:
        | {
            readonly client_id: string;
            readonly refresh_token: string;
            readonly token_endpoint: string;
            readonly token_endpoint_auth: TokenEndpointAuthInput;
            readonly resource?: string | null | undefined;
            readonly scope?: string | null | undefined;
          }
        | null
        | undefined;
    }
  | { readonly type: 'static_bearer'; readonly mcp_server_url: string; readonly token: string }
  | {
      readonly type: 'environment_variable';
      readonly secret_name: string;
      readonly secret_value: string;
      readonly networking: CredentialNetworking;
    };

/** Other values for what a credential has already. */
export type CredentialAuthRotation =
  | {
      readonly type: 'mcp_oauth';
      readonly access_token?: string | null | undefined;
      readonly expires_at?: string | null | undefined;
      readonly refresh?:
        | {
            readonly refresh_token?: string | null | undefined;
            readonly scope?: string | null | undefined;
            readonly token_endpoint_auth?:
              | {
                  readonly type: 'client_secret_basic' | 'client_secret_post';
                  readonly client_secret?: string | null | undefined;
                }
              | null
              | undefined;
          }
        | null
        | undefined;
    }
  | { readonly type: 'static_bearer'; readonly token: string }
  | { readonly type: 'environment_variable'; readonly secret_value: string };

export type CreateCredential = {
  readonly name: string;
  readonly metadata: Metadata;
  readonly auth: CredentialAuthInput;
};
export type UpdateCredential = { readonly metadata?: Metadata; readonly auth?: CredentialAuthRotation };

const utf8 = new TextEncoder();
const name = z
  .string()
  .max(LIMITS.textChars)
  .transform((given, ctx): string => {
    const trimmed = given.trim();
    const bytes = utf8.encode(trimmed).length;
    if (bytes >= 1 && bytes <= VAULT_LIMITS.nameBytes) return trimmed;
    return fault(ctx, 'invalid_request', `'name' must have 1 to ${VAULT_LIMITS.nameBytes} bytes once it is trimmed.`);
  });

/** Sent in a header: visible ASCII. */
const token = z
  .string()
  .min(1)
  .max(VAULT_LIMITS.secretChars)
  .regex(/^[\x21-\x7e]+$/);
const secret = z
  .string()
  .min(1)
  .max(VAULT_LIMITS.secretChars)
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is refused
  .regex(/^[^\r\n\0]+$/);

const LOOPBACK: ReadonlySet<string> = new Set(['localhost', '127.0.0.1', '[::1]']);

/** Credentials go over https, and over http to this machine only. */
const url = z
  .string()
  .min(1)
  .max(LIMITS.urlChars)
  .transform((given, ctx): string => {
    const no = (why: string): never => fault(ctx, 'invalid_request', `The URL ${why}.`);
    if (!URL.canParse(given)) return no('cannot be read');
    const read = new URL(given);
    if (read.protocol !== 'https:' && !(read.protocol === 'http:' && LOOPBACK.has(read.hostname)))
      return no('must begin with https:');
    if (read.username !== '' || read.password !== '') return no('must hold no user and no password');
    return read.hash === '' ? given : no('must hold no fragment');
  });

const moment = z.iso.datetime({ offset: true });

const oauth = z.object({
  type: z.literal('mcp_oauth'),
  mcp_server_url: url,
  access_token: token,
  expires_at: moment.nullish(),
  refresh: z
    .object({
      client_id: secret.max(VAULT_LIMITS.clientIdChars),
      refresh_token: secret,
      token_endpoint: url,
      token_endpoint_auth: z.discriminatedUnion('type', [
        z.object({ type: z.literal('none') }),
        z.object({ type: z.literal('client_secret_basic'), client_secret: secret }),
        z.object({ type: z.literal('client_secret_post'), client_secret: secret }),
      ]),
      resource: z.url().max(LIMITS.urlChars).nullish(),
      scope: z.string().min(1).max(VAULT_LIMITS.scopeChars).nullish(),
    })
    .nullish(),
});

/** A name or an IPv4 address. */
const HOST = /^(?=.{1,253}$)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$/;
const host = z
  .string()
  .max(253)
  .transform((given, ctx): string => {
    const lower = given.toLowerCase();
    const rule = 'A host is a name or an IPv4 address, without scheme, path, port or wildcard.';
    return HOST.test(lower) ? lower : fault(ctx, 'invalid_request', rule);
  });
const hosts = boundedList(host, VAULT_LIMITS.allowedHosts).superRefine((list, ctx) => {
  if (list.length === 0) fault(ctx, 'invalid_request', 'At least one host must be allowed.');
  if (new Set(list).size < list.length) fault(ctx, 'invalid_request', 'A host is named twice.');
});

/** What the sandbox itself sets. Compared in upper case. */
const RESERVED: ReadonlySet<string> = new Set([
  'HTTP_PROXY',
  'HTTPS_PROXY',
  'ALL_PROXY',
  'FTP_PROXY',
  'NO_PROXY',
  'SSL_CERT_FILE',
  'SSL_CERT_DIR',
  'NODE_EXTRA_CA_CERTS',
  'REQUESTS_CA_BUNDLE',
  'CURL_CA_BUNDLE',
  'AWS_CA_BUNDLE',
  'GIT_SSL_CAINFO',
  'GIT_PROXY_SSL_CAINFO',
  'PIP_CERT',
  'CARGO_HTTP_CAINFO',
  'DENO_CERT',
  'PATH',
  'HOME',
  'LD_PRELOAD',
  'LD_LIBRARY_PATH',
]);
const variable = z
  .string()
  .max(VAULT_LIMITS.variableChars)
  .regex(/^[A-Za-z_][A-Za-z0-9_]*$/)
  .superRefine((given, ctx) => {
    const upper = given.toUpperCase();
    if (upper.startsWith('CODEX_') || upper.startsWith('PERDURE_') || RESERVED.has(upper))
      fault(ctx, 'invalid_request', 'The name of this variable is reserved.');
  });

const authInput: z.ZodType<CredentialAuthInput> = z.discriminatedUnion('type', [
  oauth,
  z.object({ type: z.literal('static_bearer'), mcp_server_url: url, token }),
  z.object({
    type: z.literal('environment_variable'),
    secret_name: variable,
    secret_value: secret,
    networking: z.discriminatedUnion('type', [
      z.object({ type: z.literal('unrestricted') }),
      z.object({ type: z.literal('limited'), allowed_hosts: hosts }),
    ]),
  }),
]);

const rotation: z.ZodType<CredentialAuthRotation> = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('mcp_oauth'),
    access_token: token.nullish(),
    expires_at: moment.nullish(),
    refresh: z
      .object({
        refresh_token: secret.nullish(),
        scope: z.string().min(1).max(VAULT_LIMITS.scopeChars).nullish(),
        token_endpoint_auth: z
          .object({ type: z.enum(['client_secret_basic', 'client_secret_post']), client_secret: secret.nullish() })
          .nullish(),
      })
      .nullish(),
  }),
  z.object({ type: z.literal('static_bearer'), token }),
  z.object({ type: z.literal('environment_variable'), secret_value: secret }),
]);

export const createVaultBody: z.ZodType<VaultBody> = z
  .object({ name: name.nullish(), metadata: metadata.nullish() })
  .transform((given): VaultBody => ({ name: given.name ?? null, metadata: given.metadata ?? {} }));

export const updateVaultBody: z.ZodType<VaultBody> = z.object({
  name: name.nullable().exactOptional(),
  metadata: metadata.exactOptional(),
});

export const createCredentialBody: z.ZodType<CreateCredential> = z
  .object({ name, metadata: metadata.nullish(), auth: authInput })
  .transform((given): CreateCredential => ({ ...given, metadata: given.metadata ?? {} }));

export const updateCredentialBody: z.ZodType<UpdateCredential> = z.object({
  metadata: metadata.exactOptional(),
  auth: rotation.exactOptional(),
});

export const parseCreateVault = (body: unknown): Parsed<VaultBody> => parseBody(createVaultBody, body);
export const parseUpdateVault = (body: unknown): Parsed<VaultBody> => parseBody(updateVaultBody, body);
export const parseCreateCredential = (body: unknown): Parsed<CreateCredential> => parseBody(createCredentialBody, body);
export const parseUpdateCredential = (body: unknown): Parsed<UpdateCredential> => parseBody(updateCredentialBody, body);

export const VAULT_STATUSES = ['active', 'archived'] as const;

export type VaultListQuery = {
  readonly limit: number;
  readonly order: 'asc' | 'desc';
  readonly after: string | null;
  /** All pairs must match. */
  readonly metadata: Metadata;
  readonly status: readonly (typeof VAULT_STATUSES)[number][];
};

const listQuery: z.ZodType<VaultListQuery> = z
  .object({
    limit: pageLimit(LIMITS.listLimit).optional(),
    order: z.enum(['asc', 'desc']).optional(),
    after: z.string().min(1).max(LIMITS.idChars).optional(),
    metadata,
    status: z.array(z.enum(VAULT_STATUSES)).max(VAULT_STATUSES.length),
  })
  .transform(
    (given): VaultListQuery => ({
      limit: given.limit ?? LIMITS.listDefault,
      order: given.order ?? 'desc',
      after: given.after ?? null,
      metadata: given.metadata,
      status: given.status.length === 0 ? VAULT_STATUSES : given.status,
    }),
  );

/** `metadata[key]=value`, `status=active`, `status[]=active&status[]=archived` (or with a number in the brackets). */
export function parseVaultListQuery(query: RawQuery): Parsed<VaultListQuery> {
  const single: { [name: string]: unknown } = {};
  const pairs: [string, unknown][] = [];
  const status: string[] = [];
  for (const [given, values] of Object.entries(query)) {
    if (values === undefined || values.length === 0) continue;
    const key = /^metadata\[(.*)\]$/s.exec(given)?.[1];
    const value = values.length === 1 ? values[0] : values;
    if (key !== undefined) pairs.push([key, value]);
    else if (/^status(\[\d*\])?$/.test(given)) status.push(...values);
    else single[given] = value;
  }
  return parseQuery(listQuery, { ...single, metadata: Object.fromEntries(pairs), status });
}
