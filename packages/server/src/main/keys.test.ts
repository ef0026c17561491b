import { seesAll } from '../engine/caller.ts';
import { randomFillSync } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import type { ControlStore, KeyRow } from '../engine/ports.ts';
import type { Config } from './config/config.ts';
import { BUILT_IN_CHANNELS, BUILT_IN_PRODUCTS } from './config/defaults.ts';
import { checkKeySpec, type KeySpec, KeySpecError } from './keys/key-row.ts';
import { saleCheck } from './keys/sale.ts';
import { drawSecret, hashSecret, MAX_SECRET_CHARS, shownPrefix } from './keys/secret.ts';
import { KeyRing } from './keys.ts';
import { load, MARCH, shippedFiles, snapshotOf } from '../placement/fixture.test-support.ts';

type Offers = Pick<Config, 'channels' | 'products' | 'keys'>;
const offers: Offers = { channels: BUILT_IN_CHANNELS, products: BUILT_IN_PRODUCTS, keys: [] };

/** Keeps rows as a store does: by value. */
function rowStore(): Pick<ControlStore, 'keys' | 'putKey' | 'revokeKey'> & { readonly rows: Map<string, KeyRow> } {
  const rows = new Map<string, KeyRow>();
  return {
    rows,
    keys: async () => [...rows.values()],
    putKey: async row => void rows.set(row.id, { ...row }),
    revokeKey: async (id, at) => {
      const row = rows.get(id);
      if (row !== undefined) rows.set(id, { ...row, revokedAt: at });
      return row !== undefined;
    },
  };
}

function open(
  store: ReturnType<typeof rowStore> = rowStore(),
  config: Offers = offers,
  report?: (what: string, error: unknown) => void,
): Promise<KeyRing> {
  let now = 1_000_000;
  const clock = { now: () => (now += 1000) };
  return KeyRing.open(store, config, {
    clock,
    random: into => crypto.getRandomValues(into),
    home: 'local',
    sealKey: () => new Uint8Array(32).fill(7),
    sale: () => undefined,
    ...(report !== undefined && { report }),
  });
}

describe('a secret', () => {
  test('has 160 bits, of which 25 are shown', () => {
    const secret = drawSecret(into => into.map((_, i) => i + 224));
    expect(secret).toBe('pdr_0123456789abcdefghjkmnpqrstvwxyz');
    expect(shownPrefix(secret)).toBe('pdr_01234');
    expect(drawSecret(into => crypto.getRandomValues(into))).toMatch(/^pdr_[0-9a-hjkmnp-tv-z]{32}$/);
  });

  test('is kept as SHA-256', () => {
    expect(hashSecret('abc')).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
  });
});

describe('the ring', () => {
  test('knows the keys that it made, and no others', async () => {
    const store = rowStore();
    const ring = await open(store);
    expect(ring.required).toBe(false);
    const key = await ring.create(
      {
        name: 'ci',
        tenant: 'acme',
        product: 'frontier',
        channel: 'bedrock',
        scopes: ['inference'],
        without_admin: true,
      },
      'local',
    );
    expect(ring.required).toBe(true);
    expect(ring.authenticate(key.secret)).toEqual({
      tenant: 'acme',
      principal: key.id,
      product: 'frontier',
      channel: 'bedrock',
      segment: 'commercial',
      scopes: ['inference'],
    });
    for (const wrong of [
      '',
      key.secret.slice(0, -1),
      `${key.secret}x`,
      key.prefix ?? '',
      store.rows.get(key.id)?.hash ?? '',
    ]) {
      expect(ring.authenticate(wrong)).toBeNull();
    }
    expect(JSON.stringify([...store.rows.values()])).not.toContain(key.secret);
    expect(JSON.stringify(ring.list())).not.toContain(key.secret);
    expect(JSON.stringify(ring.list())).not.toContain(hashSecret(key.secret));
  });

  test('of every tenant is an auditor’s', async () => {
    const store = rowStore();
    const ring = await open(store);
    const spec = { name: 'audit', tenant: '*', scopes: ['auditor', 'auditor'], without_admin: true };
    const { secret, tenant } = await ring.create(spec, 'local');
    expect(tenant).toBe('*');
    for (const one of [ring, await open(store)]) {
      const caller = one.authenticate(secret);
      expect(caller).toMatchObject({ tenant: '*', scopes: ['auditor'] });
      expect(caller !== null && seesAll(caller)).toBe(true);
    }
  });

  test('does not begin with one that leaves nobody to make others, unless that is meant', async () => {
    const ring = await open(rowStore());
    for (const scopes of [undefined, ['inference', 'read'], ['operator']])
      await expect(ring.create({ name: 'ada', ...(scopes && { scopes }) }, 'local')).rejects.toMatchObject({
        code: 'first_key_not_admin',
        message: expect.stringContaining('perdure keys create --name ops --scope admin '),
      });
    expect(ring.required).toBe(false);
    await expect(
      ring.create({ name: 'ada', without_admin: 'yes' as unknown as boolean }, 'local'),
    ).rejects.toMatchObject({ param: 'without_admin' });
    await ring.create({ name: 'ops', scopes: ['admin'] }, 'local');
    expect(await ring.create({ name: 'ada' }, 'local')).toMatchObject({ scopes: ['inference', 'read'] });
    const other = await open(rowStore());
    expect(await other.create({ name: 'ada', without_admin: true }, 'local')).not.toHaveProperty('without_admin');
    expect(await other.create({ name: 'bob' }, 'local')).toMatchObject({ name: 'bob' });
  });

  test('is the same after a restart', async () => {
    const store = rowStore();
    const { secret, id } = await (await open(store)).create({ name: 'ci', without_admin: true }, 'local');
    expect((await open(store)).authenticate(secret)?.principal).toBe(id);
  });

  test('refuses a revoked key from then on, and after a restart; the door stays closed', async () => {
    const store = rowStore();
    const ring = await open(store);
    const { secret, id } = await ring.create({ name: 'ci', without_admin: true }, 'local');
    const revoked = await ring.revoke(id, 'local');
    expect(revoked?.revoked_at).toEqual(expect.any(Number));
    for (const one of [ring, await open(store)]) {
      expect(one.authenticate(secret)).toBeNull();
      expect(one.required).toBe(true);
      expect(one.usable).toBe(false);
    }
    // Again: its time stands.
    expect((await ring.revoke(id, 'local'))?.revoked_at).toBe(revoked?.revoked_at);
    expect(await ring.revoke('key_none', 'local')).toBeNull();
  });

  test('takes the keys of the configuration, by their name', async () => {
    const key = {
      name: 'ops',
      hash: hashSecret('a-configured-secret'),
      tenant: 't',
      channel: 'direct',
      segment: 'us-gov',
      product: 'api',
      scopes: ['admin'],
    } as const;
    const ring = await open(rowStore(), { ...offers, keys: [key] });
    expect(ring.required).toBe(true);
    expect(ring.authenticate('a-configured-secret')).toMatchObject({
      principal: 'config:ops',
      segment: 'us-gov',
      scopes: ['admin'],
    });
    expect(ring.list()).toEqual([
      expect.objectContaining({ id: 'config:ops', source: 'config', prefix: null, created_at: null }),
    ]);
  });

  test('looks at no secret beyond its bound', async () => {
    const long = 'x'.repeat(MAX_SECRET_CHARS);
    const key = {
      name: 'ops',
      tenant: 't',
      channel: 'direct',
      segment: 'commercial',
      product: 'api',
      scopes: ['read'],
    } as const;
    const ring = await open(rowStore(), {
      ...offers,
      keys: [
        { ...key, hash: hashSecret(long) },
        { ...key, hash: hashSecret(`${long}x`) },
      ],
    });
    expect(ring.authenticate(long)).not.toBeNull();
    expect(ring.authenticate(`${long}x`)).toBeNull();
  });
});

describe('a key that signs', () => {
  const SPEC: KeySpec = { name: 'boto', tenant: 'acme', auth: 'sigv4', scopes: ['read'], without_admin: true };

  test('is found by its id with its secret, after a restart too, and is no bearer', async () => {
    const store = rowStore();
    const ring = await open(store);
    const { id, secret, access_key_id: accessKeyId = '' } = await ring.create(SPEC, 'local');
    expect(accessKeyId).toMatch(/^PDRA[A-Z2-7]{16}$/);
    expect(secret).toMatch(/^[A-Za-z0-9_-]{40}$/);
    for (const one of [ring, await open(store)]) {
      expect(one.required && one.usable).toBe(true);
      expect(one.signing(accessKeyId)).toMatchObject({ secret, caller: { principal: id, tenant: 'acme' } });
      expect(one.signing(accessKeyId.toLowerCase())).toBeNull();
      for (const text of [
        secret,
        accessKeyId,
        store.rows.get(id)?.hash ?? '',
        store.rows.get(id)?.signing?.sealed ?? '',
      ])
        expect(one.authenticate(text)).toBeNull();
      expect(one.list()).toMatchObject([{ id, access_key_id: accessKeyId, prefix: accessKeyId }]);
    }
  });

  test('is kept sealed, and what is shown or audited holds nothing of it', async () => {
    const store = rowStore();
    const entries: string[] = [];
    const ring = await open({ ...store, putKey: (row, entry) => (entries.push(entry.body), store.putKey(row, entry)) });
    const { id, secret } = await ring.create(SPEC, 'local');
    const sealed = store.rows.get(id)?.signing?.sealed ?? '';
    expect(sealed).toMatch(/^pdk1\./);
    expect(JSON.stringify([...store.rows.values()])).not.toContain(secret);
    for (const text of [JSON.stringify(ring.list()), ...entries]) {
      expect(text).not.toContain(secret);
      expect(text).not.toContain(sealed);
    }
    expect(entries).toHaveLength(1);
    expect(entries[0]).toContain('accessKeyId');
  });

  test('is refused once it was revoked, after a restart too', async () => {
    const store = rowStore();
    const ring = await open(store);
    const { id, access_key_id: accessKeyId = '' } = await ring.create(SPEC, 'local');
    await ring.revoke(id, 'local');
    for (const one of [ring, await open(store)]) {
      expect(one.signing(accessKeyId)).toBeNull();
      expect(one.required).toBe(true);
    }
  });

  test('does not open in another row, or under another seal key; the others still work, and it can be revoked', async () => {
    const store = rowStore();
    const ring = await open(store);
    const mine = await ring.create(SPEC, 'local');
    const bearer = await ring.create({ name: 'ci', without_admin: true }, 'local');
    const row = store.rows.get(mine.id);
    if (row === undefined) throw new Error('the row is not there');
    store.rows.set(mine.id, { ...row, tenant: 'rival' as KeyRow['tenant'] });
    const told: unknown[] = [];
    const again = await open(store, offers, (_, error) => told.push(error));
    expect(again.signing(mine.access_key_id ?? '')).toBeNull();
    expect(String(told)).toContain(mine.id);
    expect(String(told)).not.toContain(row.signing?.sealed ?? '');
    expect(again.authenticate(bearer.secret)?.principal).toBe(bearer.id);
    expect(await again.revoke(mine.id, 'local')).not.toBeNull();
  });
});

describe('a wish for a key', () => {
  test('has the defaults of the configuration', () => {
    expect(checkKeySpec({ name: 'a' }, offers)).toEqual({
      name: 'a',
      tenant: 'local',
      channel: 'direct',
      segment: 'commercial',
      product: 'api',
      scopes: ['inference', 'read'],
      auth: 'bearer',
    });
  });

  test.each([
    [{}, 'name', /short text/],
    [{ name: '' }, 'name', /1 to 64/],
    [{ name: 'a'.repeat(65) }, 'name', /1 to 64/],
    [{ name: 7 }, 'name', /short text/],
    [{ name: 'a', tenant: '../b' }, 'tenant', /1 to 64/],
    [{ name: 'a', tenant: '*' }, 'tenant', /scope auditor and no other/],
    [{ name: 'a', tenant: '*', scopes: ['operator'] }, 'tenant', /scope auditor and no other/],
    [{ name: 'a', tenant: '*', scopes: ['auditor', 'read'] }, 'tenant', /scope auditor and no other/],
    [{ name: 'a', tenant: '**', scopes: ['auditor'] }, 'tenant', /1 to 64/],
    [{ name: 'a', segment: 'us-gv' }, 'segment', /did you mean us-gov\?/],
    [{ name: 'a', product: 'fronteer' }, 'product', /did you mean frontier\?/],
    [{ name: 'a', channel: 'nobody' }, 'channel', /there are: direct, bedrock, azure/],
    [{ name: 'a', scopes: [] }, 'scopes', /must be a list/],
    [{ name: 'a', scopes: ['root'] }, 'scopes', /there is no scope "root"/],
    [{ name: 'a', scopes: 'admin' }, 'scopes', /must be a list/],
    [{ name: 'a', scopes: Array.from({ length: 17 }, () => 'read') }, 'scopes', /must be a list/],
    [{ name: 'a', scopes: ['toString'] }, 'scopes', /there is no scope/],
  ])('%j is refused', (spec, param, message) => {
    const attempt = (): unknown => checkKeySpec(spec as KeySpec, offers);
    expect(attempt).toThrow(KeySpecError);
    expect(attempt).toThrow(message);
    expect(attempt).toThrow(expect.objectContaining({ param }));
  });

  test('names each scope once', () => {
    const scopes = Array.from({ length: 16 }, () => 'read');
    expect(checkKeySpec({ name: 'a'.repeat(64), scopes }, offers).scopes).toEqual(['read']);
  });
});

test('a key is not made for a sale that the contracts in force forbid', async () => {
  const snapshot = snapshotOf([load(shippedFiles('openai-2026-02'))]);
  const sale = saleCheck(
    () => snapshot,
    offers,
    () => MARCH,
  );
  const random = (into: Uint8Array): Uint8Array => randomFillSync(into);
  const sealKey = (): Uint8Array => new Uint8Array(32);
  const ring = await KeyRing.open(rowStore(), offers, {
    clock: { now: () => 1 },
    random,
    home: 'local',
    sealKey,
    sale,
  });
  await expect(
    ring.create({ name: 'x', product: 'frontier', channel: 'azure', without_admin: true }, 'local'),
  ).rejects.toMatchObject({
    code: 'placement_refused',
    message: expect.stringContaining('amzn.distribution'),
  });
  expect(ring.list()).toEqual([]);
  await expect(
    ring.create({ name: 'y', product: 'frontier', channel: 'bedrock', without_admin: true }, 'local'),
  ).resolves.toMatchObject({
    name: 'y',
  });
});
