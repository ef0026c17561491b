/**
 * What became of the keys of the configuration file: an entry of the audit, and so a leaf of the ledger, for each that appeared, was changed or is gone.
 *
 * K1  Looked at once a start, before anything is served. What was told before is kept beside its entry, in one commit: a start that dies tells the
 *     rest the next time, and none tells anything twice.
 * K2  No secret, and nothing it could be guessed from, is in an entry (L9): of a changed secret it says that it was changed. Changes are known by a digest.
 */
import { createHash } from 'node:crypto';
import type { ControlRecord, ControlRecords } from '../../engine/control-records.ts';
import type { KeyConfig } from '../config/config.ts';
import { auditEntry } from '../govern/audit.ts';

const KIND = 'config_key';

/** What is kept of a key: what was told of it last. */
interface Told {
  /** What the configuration says of it, its secret apart. */
  readonly key: Omit<KeyConfig, 'hash'>;
  /** Of the hash of its secret; null once the key is gone. */
  readonly secret: string | null;
}

type Store = Pick<ControlRecords, 'records' | 'putRecord'>;

/** Commits under way at once: the store makes few of many. */
const AT_ONCE = 256;

/** @throws if one could not be kept: then the server does not start, as no change of keys goes untold */
export async function recordConfiguredKeys(store: Store, keys: readonly KeyConfig[], now: number): Promise<void> {
  const known = new Map((await store.records(KIND)).map(record => [record.id, record]));
  const asked = keys.map(key => ({ id: `config:${key.name}`, told: toldOf(key) }));
  const there = new Set(asked.map(({ id }) => id));
  const gone = [...known.values()].flatMap(({ id, body }) =>
    there.has(id) ? [] : [{ id, told: { ...(JSON.parse(body) as Told), secret: null } }],
  );
  const all = [...asked, ...gone];
  for (let from = 0; from < all.length; from += AT_ONCE)
    await Promise.all(
      all.slice(from, from + AT_ONCE).map(({ id, told }) => tell(store, known.get(id) ?? null, id, told, now)),
    );
}

async function tell(store: Store, record: ControlRecord | null, id: string, told: Told, now: number): Promise<void> {
  const text = JSON.stringify(told);
  if (record?.body === text) return;
  const before = record === null ? null : (JSON.parse(record.body) as Told);
  const appears = before === null || before.secret === null;
  const action = told.secret === null ? 'key.unconfigured' : appears ? 'key.configured' : 'key.changed';
  const changed = action === 'key.changed' && { secret_changed: told.secret !== before?.secret };
  const body = { id, ...told.key, ...changed };
  const entry = auditEntry({ at: now, actor: 'config', action, subject: id, tenant: told.key.tenant, body });
  // The record is nobody's: a key may come to be another tenant's.
  const next = { kind: KIND, id, tenant: null, version: (record?.version ?? 0) + 1, body: text } as const;
  if (!(await store.putRecord(next, entry))) throw new Error(`what became of the key ${id} is told by another process`);
}

function toldOf({ hash, name, tenant, channel, segment, product, scopes }: KeyConfig): Told {
  const secret = createHash('sha256').update(`perdure/config-key ${name} ${hash}`).digest('hex');
  return { key: { name, tenant, channel, segment, product, scopes }, secret };
}
