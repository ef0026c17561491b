/**
 * The keys of this server: those of its configuration and those in the control home.
 *
 *  - A key that was revoked is refused by the next request (one process holds the data folder, and this is its only writer of keys).
 *  - Once there was a key, keys are asked for: revoking the last one closes the door, it does not take it off.
 */
import { perdureError } from '@perdure/protocol';
import type { Caller } from '../engine/caller.ts';
import type { ControlStore, KeyRow } from '../engine/ports.ts';
import type { TenantId } from '../kernel/ids.ts';
import type { Config, KeyConfig } from './config/config.ts';
import { DEFAULT_CHANNEL, DEFAULT_PRODUCT, DEFAULT_SEGMENT, DEFAULT_TENANT } from './config/defaults.ts';
import { actorOf, keyEntry } from './govern/audit.ts';
import {
  checkKeySpec,
  createKey,
  type KeyDeps,
  type KeyResource,
  keyResource,
  type KeySpec,
  withoutAdmin,
} from './keys/key-row.ts';
import type { SaleCheck } from './keys/sale.ts';
import { SCOPE_NAMES } from './keys/scopes.ts';
import { hashSecret, MAX_SECRET_CHARS } from './keys/secret.ts';
import { openSecret, type SigningKey } from './keys/signing-key.ts';

export interface CreatedKey extends KeyResource {
  /** Shown this once. */
  readonly secret: string;
}

/** Who calls where no keys are asked for: loopback only. */
export const LOCAL_CALLER: Caller = {
  tenant: DEFAULT_TENANT as TenantId,
  principal: 'local',
  product: DEFAULT_PRODUCT,
  channel: DEFAULT_CHANNEL,
  segment: DEFAULT_SEGMENT,
  scopes: SCOPE_NAMES,
};

/** What a first key that is no admin is told. */
const FIRST_KEY: string =
  'This would be the first key: from then on every request needs one, and no key could make or revoke others. Make an admin key first: ' +
  '"perdure keys create --name ops --scope admin --scope operator --scope inference --scope read". To make this one all the same, add --without-admin (over HTTP "without_admin": true).';

type OfferConfig = Pick<Config, 'channels' | 'products' | 'keys'>;
/** What making keys takes; `sale` throws if the contracts do not let one be sold. */
export type KeyRingDeps = KeyDeps & {
  readonly sale: SaleCheck;
  /** Told of a key whose secret does not open. */
  readonly report?: (what: string, error: unknown) => void;
};
type ControlKeys = Pick<ControlStore, 'keys' | 'putKey' | 'revokeKey'>;

export class KeyRing {
  readonly #control: ControlKeys;
  readonly #config: OfferConfig;
  readonly #deps: KeyRingDeps;
  readonly #rows = new Map<string, KeyRow>();
  readonly #byHash = new Map<string, Caller>();
  readonly #signing = new Map<string, SigningKey>();

  private constructor(control: ControlKeys, config: OfferConfig, deps: KeyRingDeps) {
    this.#control = control;
    this.#config = config;
    this.#deps = deps;
  }

  static async open(control: ControlKeys, config: OfferConfig, deps: KeyRingDeps): Promise<KeyRing> {
    const ring = new KeyRing(control, config, deps);
    for (const row of await control.keys()) ring.#keep(row);
    for (const key of config.keys) ring.#byHash.set(key.hash, configCaller(key));
    return ring;
  }

  /** Whether requests must carry a key. */
  get required(): boolean {
    return this.#rows.size > 0 || this.#config.keys.length > 0;
  }

  /** Whether any key would be accepted. */
  get usable(): boolean {
    return this.#byHash.size + this.#signing.size > 0;
  }

  /** Null for what is no key, and for what was one. */
  authenticate(secret: string): Caller | null {
    if (secret.length === 0 || secret.length > MAX_SECRET_CHARS) return null;
    // Looked up by digest: how long that takes tells nothing of a key, since nobody can steer a digest towards a known one.
    return this.#byHash.get(hashSecret(secret)) ?? null;
  }

  /** Who a principal is now; null if its key was revoked, or if keys have come to be asked for and it has none. */
  callerOf(principal: string): Caller | null {
    if (!this.required) return principal === LOCAL_CALLER.principal ? LOCAL_CALLER : null;
    for (const caller of this.#byHash.values()) if (caller.principal === principal) return caller;
    return null;
  }

  /** The key that signs under this id; null for what is none, and for what was one. */
  signing(accessKeyId: string): SigningKey | null {
    return this.#signing.get(accessKeyId) ?? null;
  }

  /** Oldest first, those of the configuration before. */
  list(): readonly KeyResource[] {
    const stored = [...this.#rows.values()].toSorted((a, b) => a.createdAt - b.createdAt || (a.id < b.id ? -1 : 1));
    return [...this.#config.keys.map(configResource), ...stored.map(keyResource)];
  }

  /**
   * @param who the principal that asks, for the audit
   * @throws KeySpecError, KeySaleError; PerdureError first_key_not_admin
   */
  async create(spec: KeySpec, who: string): Promise<CreatedKey> {
    const checked = checkKeySpec(spec, this.#config);
    const lone = !withoutAdmin(spec) && !checked.scopes.includes('admin');
    if (lone && !this.required) throw perdureError('first_key_not_admin', FIRST_KEY);
    this.#deps.sale(checked);
    const { row, secret } = createKey(checked, this.#deps);
    await this.#control.putKey(row, keyEntry('key.created', row, actorOf(who), row.createdAt));
    this.#keep(row);
    return { ...keyResource(row), secret };
  }

  /** Null if there is no such key in the store. A key that was revoked before keeps its time. */
  async revoke(id: string, who: string): Promise<KeyResource | null> {
    const row = this.#rows.get(id);
    if (row === undefined) return null;
    if (row.revokedAt !== null) return keyResource(row);
    const revoked = { ...row, revokedAt: this.#deps.clock.now() };
    // Refused from here on, even if the store fails: then the caller is told, and the key is dead until the restart.
    this.#byHash.delete(row.hash);
    if (row.signing !== undefined) this.#signing.delete(row.signing.accessKeyId);
    const entry = keyEntry('key.revoked', revoked, actorOf(who), revoked.revokedAt);
    await this.#control.revokeKey(id, revoked.revokedAt, entry);
    this.#rows.set(id, revoked);
    return keyResource(revoked);
  }

  #keep(row: KeyRow): void {
    this.#rows.set(row.id, row);
    if (row.revokedAt !== null) return;
    const { signing, id, tenant } = row;
    if (signing === undefined) this.#byHash.set(row.hash, storedCaller(row));
    else {
      const { accessKeyId, sealed } = signing;
      try {
        const secret = openSecret(this.#deps.sealKey(), { id, tenant, accessKeyId }, sealed);
        this.#signing.set(accessKeyId, { caller: storedCaller(row), secret });
      } catch (error) {
        // It can still be revoked, and the other keys still work.
        this.#deps.report?.('keys', error);
      }
    }
  }
}

function storedCaller({ id, tenant, product, channel, segment, scopes }: KeyRow): Caller {
  return { tenant, principal: id, product, channel, segment, scopes };
}

/** The name of a configured key is its principal: it survives a change of the secret. */
function configCaller({ name, tenant, product, channel, segment, scopes }: KeyConfig): Caller {
  return { tenant: tenant as TenantId, principal: `config:${name}`, product, channel, segment, scopes };
}

function configResource({ name, tenant, channel, segment, product, scopes }: KeyConfig): KeyResource {
  return {
    id: `config:${name}`,
    object: 'perdure.key',
    name,
    prefix: null,
    tenant,
    channel,
    segment,
    product,
    scopes,
    source: 'config',
    created_at: null,
    revoked_at: null,
  };
}
