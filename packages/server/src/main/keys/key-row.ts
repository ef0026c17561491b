/** A new key, and how keys are listed. */
import { knownHint } from '@perdure/protocol';
import { EVERY_TENANT } from '../../engine/caller.ts';
import type { KeyRow } from '../../engine/ports.ts';
import type { Clock } from '../../kernel/clock.ts';
import { homeTag, makeIds, type TenantId } from '../../kernel/ids.ts';
import { type Config, saleOf, type Scope } from '../config/config.ts';
import { DEFAULT_CHANNEL, DEFAULT_PRODUCT, DEFAULT_SEGMENT, DEFAULT_TENANT } from '../config/defaults.ts';
import type { Segment } from '../../placement/facts.ts';
import { isScope, SCOPE_NAMES } from './scopes.ts';
import { drawSecret, type FillRandom, hashSecret, shownPrefix } from './secret.ts';
import { drawSigningKey, noHash, sealSecret } from './signing-key.ts';

/** What somebody asks for; what is absent has the default of the configuration file. */
export interface KeySpec {
  readonly name: string;
  readonly tenant?: string;
  readonly channel?: string;
  readonly segment?: string;
  readonly product?: string;
  readonly scopes?: readonly string[];
  readonly auth?: string;
  /** Of the first key: that it needs not be an admin. */
  readonly without_admin?: boolean;
}

export interface CheckedKeySpec {
  readonly name: string;
  readonly tenant: TenantId;
  readonly channel: string;
  readonly segment: Segment;
  readonly product: string;
  readonly scopes: readonly Scope[];
  readonly auth: KeyAuth;
}

/** `bearer`: the key is sent with requests. `sigv4`: it signs them. */
export type KeyAuth = 'bearer' | 'sigv4';

export class KeySpecError extends Error {
  override readonly name = 'KeySpecError';
  /** The field at fault. */
  readonly param: string;

  constructor(param: string, message: string) {
    super(message);
    this.param = param;
  }
}

const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;
const MAX_FIELD_CHARS = 256;
const MAX_SCOPES_GIVEN = 16;
const DEFAULT_SCOPES: readonly Scope[] = ['inference', 'read'];
const SEGMENTS: readonly string[] = ['commercial', 'us-gov', 'us-natsec'];

/**
 * @param spec as somebody sent it: its fields may be of any type
 * @throws KeySpecError
 */
export function checkKeySpec(spec: KeySpec, config: Pick<Config, 'channels' | 'products'>): CheckedKeySpec {
  const given: { readonly [field in keyof KeySpec]?: unknown } = spec;
  const name = nameIn('name', given.name);
  const scopes = scopesIn(given.scopes ?? DEFAULT_SCOPES);
  const tenant = tenantIn(given.tenant ?? DEFAULT_TENANT, scopes);
  const segment = textIn('segment', given.segment ?? DEFAULT_SEGMENT);
  const product = textIn('product', given.product ?? DEFAULT_PRODUCT);
  const channel = textIn('channel', given.channel ?? DEFAULT_CHANNEL);
  if (!isSegment(segment)) throw new KeySpecError('segment', unknown('segment', segment, SEGMENTS));
  if (saleOf(config, product, channel) === null) {
    const products = config.products.map(({ id }) => id);
    if (!products.includes(product)) throw new KeySpecError('product', unknown('product', product, products));
    const channels = config.channels.map(({ id }) => id);
    throw new KeySpecError('channel', unknown('channel', channel, channels));
  }
  return {
    name,
    tenant: tenant as TenantId,
    channel,
    segment,
    product,
    scopes,
    auth: authIn(given.auth ?? 'bearer'),
  };
}

/** Whether the first key needs not be an admin. @throws KeySpecError */
export function withoutAdmin(spec: KeySpec): boolean {
  const value: unknown = spec.without_admin ?? false;
  if (typeof value === 'boolean') return value;
  throw new KeySpecError('without_admin', 'without_admin must be true or false');
}

function authIn(value: unknown): KeyAuth {
  const auth = textIn('auth', value);
  if (auth === 'bearer' || auth === 'sigv4') return auth;
  throw new KeySpecError('auth', unknown('auth', auth, ['bearer', 'sigv4']));
}

/** Only an auditor is of every tenant: any other scope reads or writes as somebody. */
function tenantIn(value: unknown, scopes: readonly Scope[]): string {
  if (value !== EVERY_TENANT) return nameIn('tenant', value);
  if (scopes.length === 1 && scopes[0] === 'auditor') return EVERY_TENANT;
  throw new KeySpecError('tenant', `a key of every tenant ("${EVERY_TENANT}") has the scope auditor and no other`);
}

function textIn(param: string, value: unknown): string {
  if (typeof value !== 'string' || value.length > MAX_FIELD_CHARS)
    throw new KeySpecError(param, `${param} must be a short text`);
  return value;
}

function nameIn(param: string, value: unknown): string {
  const text = textIn(param, value);
  if (!NAME.test(text)) throw new KeySpecError(param, `${param} must have 1 to 64 letters, digits, ".", "_" or "-"`);
  return text;
}

function scopesIn(value: unknown): readonly Scope[] {
  if (!Array.isArray(value) || value.length === 0 || value.length > MAX_SCOPES_GIVEN) {
    throw new KeySpecError('scopes', `scopes must be a list of ${SCOPE_NAMES.join(', ')}`);
  }
  const checked = new Set<Scope>();
  for (const one of value) {
    const scope = textIn('scopes', one);
    if (!isScope(scope)) throw new KeySpecError('scopes', unknown('scope', scope, SCOPE_NAMES));
    checked.add(scope);
  }
  return [...checked];
}

function isSegment(text: string): text is Segment {
  return SEGMENTS.includes(text);
}

function unknown(what: string, given: string, known: readonly string[]): string {
  return `there is no ${what} "${given}" (${knownHint(given, known)})`;
}

export interface NewKey {
  readonly row: KeyRow;
  /** Shown once, kept nowhere. */
  readonly secret: string;
}

export interface KeyDeps {
  readonly clock: Pick<Clock, 'now'>;
  readonly random: FillRandom;
  /** The key that secrets of signing keys are sealed with. Asked for only if there is such a key. */
  readonly sealKey: () => Uint8Array;
  /** The home that will hold it. */
  readonly home: string;
}

export function createKey({ auth, ...spec }: CheckedKeySpec, { clock, random, home, sealKey }: KeyDeps): NewKey {
  const id = makeIds(clock, random).next('key', homeTag(home));
  const made = { ...spec, id, createdAt: clock.now(), revokedAt: null };
  if (auth === 'sigv4') {
    const { accessKeyId, secret } = drawSigningKey(random);
    const sealed = sealSecret(sealKey(), { id, tenant: spec.tenant, accessKeyId }, secret, random);
    return { row: { ...made, hash: noHash(random), prefix: accessKeyId, signing: { accessKeyId, sealed } }, secret };
  }
  const secret = drawSecret(random);
  return { row: { ...made, hash: hashSecret(secret), prefix: shownPrefix(secret) }, secret };
}

/** A key as listings and the admin API show it: without its hash, times in seconds since 1970. */
export interface KeyResource {
  readonly id: string;
  readonly object: 'perdure.key';
  readonly name: string;
  readonly prefix: string | null;
  readonly tenant: string;
  readonly channel: string;
  readonly segment: string;
  readonly product: string;
  readonly scopes: readonly string[];
  readonly source: 'store' | 'config';
  /** Of a key that signs requests. */
  readonly access_key_id?: string;
  readonly created_at: number | null;
  readonly revoked_at: number | null;
}

const seconds = (ms: number): number => Math.floor(ms / 1000);

export function keyResource(row: KeyRow): KeyResource {
  const { id, name, prefix, tenant, channel, segment, product, scopes, signing } = row;
  return {
    id,
    object: 'perdure.key',
    name,
    prefix,
    tenant,
    channel,
    segment,
    product,
    scopes,
    source: 'store',
    ...(signing !== undefined && { access_key_id: signing.accessKeyId }),
    created_at: seconds(row.createdAt),
    revoked_at: row.revokedAt === null ? null : seconds(row.revokedAt),
  };
}
