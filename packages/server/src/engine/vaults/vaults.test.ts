import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { VaultListQuery } from '@perdure/protocol';
import { expect, test } from 'vitest';
import type { SessionId } from '../../kernel/ids.ts';
import { openMasterKey } from '../../main/vaults/master-key.ts';
import { finishRotation, rotateMaster } from './rotate-master.ts';
import { auditEntry } from '../../main/govern/audit.ts';
import type { AuditEntry } from '../control-records.ts';
import { makeBroker } from './broker.ts';
import { MAX_RESOURCE_CHANGES, type Resources } from '../resources.ts';
import { makeSessionSecrets, SESSION_LOOK_MS } from './session-secrets.ts';
import { ACME, bearerAuth, folder, MCP, RIVAL, vaultWorld } from './world.test-support.ts';
import { VAULT_BOUNDS } from './vaults.ts';

const ALL = { limit: 100, order: 'asc', after: null, metadata: {}, status: ['active', 'archived'] } as const;
const SESSION = 'sess_01jxq0v6w0local4z8k2m6r1t5y' as SessionId;
const entry = (): AuditEntry =>
  auditEntry({ at: 1, actor: 'local', action: 'vault.key_rotated', subject: 'vault.key', tenant: null, body: {} });
const header = { authorization: 'Bearer hush-1' };

test('V1: of a credential the store, its audit and what is shown hold no secret', async () => {
  const { vaults, store, credential } = vaultWorld();
  const vault = await vaults.create(ACME, { name: 'v' });
  const made = await credential(vault.id, bearerAuth('hush-1'));
  const rows = [
    await store.resource('vault', ACME.tenant, vault.id),
    await store.resource('credential', ACME.tenant, made.id),
    await store.audit(0, 10),
  ];
  expect(JSON.stringify([rows, made, vault])).not.toContain('hush');
  expect((await store.audit(0, 10)).map(({ action, body }) => [action, JSON.parse(body)])).toEqual([
    ['vault.created', {}],
    ['credential.created', { vault: vault.id, type: 'static_bearer' }],
  ]);
});

test('V1: what is moved to another row, vault or tenant opens no more', async () => {
  const { vaults, store, credential, broker } = vaultWorld();
  const [one, two] = [await vaults.create(ACME, {}), await vaults.create(ACME, {})];
  const [a, b] = [
    await credential(one.id, bearerAuth('hush-1')),
    await credential(one.id, bearerAuth('hush-2', 'https://b.example')),
  ];
  const of = { tenant: ACME.tenant, vaults: [one.id], credential: null, serverUrl: MCP };
  expect(await broker.mcpHeaders(of)).toEqual(header);
  const row = await store.resource('credential', ACME.tenant, a.id);
  const other = await store.resource('credential', ACME.tenant, b.id);
  const sealed = (JSON.parse(other?.body ?? '') as { sealed: string }).sealed;
  const body = JSON.stringify({ ...(JSON.parse(row?.body ?? '') as object), sealed });
  if (row === null) throw new Error('it is there');
  await store.changeResources([{ op: 'put', row: { ...row, version: 2, body } }], null);
  await expect(broker.mcpHeaders(of)).rejects.toThrow('a sealed secret was changed');
  // The key of another vault, put in the place of its own.
  const vault = await store.resource('vault', ACME.tenant, one.id);
  const foreign = await store.resource('vault', ACME.tenant, two.id);
  if (vault === null || foreign === null) throw new Error('they are there');
  const { key } = JSON.parse(foreign.body) as { key: object };
  const swapped = JSON.stringify({ ...(JSON.parse(vault.body) as object), key });
  await store.changeResources([{ op: 'put', row: { ...vault, version: vault.version + 1, body: swapped } }], null);
  await expect(broker.mcpHeaders(of)).rejects.toThrow('a sealed secret was changed');
});

test('V2: with a vault its key and all its credentials go, in one commit', async () => {
  const { vaults, store, credential } = vaultWorld();
  const { id } = await vaults.create(ACME, {});
  for (let i = 0; i < VAULT_BOUNDS.credentials; i++) await credential(id, bearerAuth('t', `https://h${i}.example`));
  await expect(credential(id, bearerAuth('t'))).rejects.toMatchObject({ code: 'quota_exceeded', status: 403 });
  expect(VAULT_BOUNDS.credentials).toBeLessThan(MAX_RESOURCE_CHANGES);
  await vaults.delete(ACME, id);
  expect(await store.countResources({ kind: 'credential', tenant: ACME.tenant })).toBe(0);
  expect(await store.countResources({ kind: 'vault', tenant: ACME.tenant })).toBe(0);
  await expect(vaults.delete(ACME, id)).rejects.toMatchObject({ code: 'vault_not_found' });
});

test('V3: a credential is never in a vault that is gone, whoever comes first', async () => {
  const { vaults, store, credential } = vaultWorld();
  for (let round = 0; round < 10; round++) {
    const { id } = await vaults.create(ACME, {});
    await Promise.allSettled([
      credential(id, bearerAuth('a')),
      vaults.delete(ACME, id),
      credential(id, bearerAuth('b')),
    ]);
    expect(await store.countResources({ kind: 'vault', tenant: ACME.tenant })).toBe(0);
    expect(await store.countResources({ kind: 'credential', tenant: ACME.tenant })).toBe(0);
  }
});

test('bounds hold from both sides, also for those who come at once; a deleted one makes room', async () => {
  const { vaults, credential } = vaultWorld({ bounds: { vaults: 2, credentials: 3 } });
  const made = await Promise.allSettled([1, 2, 3].map(() => vaults.create(ACME, {})));
  expect(made.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'fulfilled', 'rejected']);
  await vaults.create(RIVAL, {});
  const { data } = await vaults.list(ACME, ALL);
  const id = data[0]?.id ?? '';
  const put = await Promise.allSettled([1, 2, 3, 4].map(i => credential(id, bearerAuth('t', `https://h${i}.example`))));
  expect(put.filter(({ status }) => status === 'rejected')).toMatchObject([{ reason: { code: 'quota_exceeded' } }]);
  const inside = await vaults.credentials.list(ACME, id, ALL);
  expect(inside.data).toHaveLength(3);
  await vaults.credentials.delete(ACME, id, inside.data[0]?.id ?? '');
  await credential(id, bearerAuth('t'));
  expect((await vaults.read(ACME, id)).credentials).toBe(3);
});

test('lists go page by page, past those that a filter leaves out', async () => {
  const { vaults, pass } = vaultWorld();
  const odd: string[] = [];
  for (let i = 0; i < 450; i++) {
    pass(1);
    const { id } = await vaults.create(ACME, { metadata: i % 225 === 1 ? { odd: 'yes' } : {} });
    if (i % 225 === 1) odd.push(id);
  }
  const filter: VaultListQuery = { ...ALL, metadata: { odd: 'yes' } };
  const page = async (query: VaultListQuery) => {
    const { data, hasMore } = await vaults.list(ACME, query);
    return [data.map(({ id }) => id), hasMore];
  };
  expect(await page({ ...filter, limit: 1 })).toEqual([[odd[0]], true]);
  expect(await page({ ...filter, limit: 1, after: odd[0] ?? null })).toEqual([[odd[1]], false]);
  expect(await page({ ...filter, limit: 2 })).toEqual([odd, false]);
  expect(await page({ ...filter, limit: 2, metadata: { odd: 'no' } })).toEqual([[], false]);
  // What every object has is in no metadata.
  expect(await page({ ...filter, limit: 2, metadata: { toString: 'yes' } })).toEqual([[], false]);
});

test('the master key is made once, for its owner only; one that cannot be read is told by its file', () => {
  const data = folder();
  const { madeAt } = openMasterKey(data, () => 5);
  expect([madeAt, openMasterKey(data, () => 9).madeAt]).toEqual([5, 5]);
  const text = readFileSync(join(data, 'vault.key'), 'utf8');
  expect(text).toMatch(/^5 [0-9a-f]{64}\n$/);
});

test('a rotation wraps every key anew, of all tenants and sessions, and destroys the old master key', async () => {
  const { vaults, store, master, credential, broker, secrets, data, now } = vaultWorld();
  const [mine, theirs] = [await vaults.create(ACME, {}), await vaults.create(RIVAL, {})];
  await credential(mine.id, bearerAuth('hush-1'));
  await credential(theirs.id, bearerAuth('hush-1'), RIVAL);
  await secrets.keep(ACME.tenant, SESSION, [inline('docs', 'Bearer hush-3')], true);
  for (let i = 0; i < 150; i++) await vaults.create(ACME, {});
  const before = master.madeAt;
  const old = readFileSync(join(data, 'vault.key'), 'utf8');
  expect(await rotateMaster(store, master, entry)).toBe(153);
  expect(await finishRotation(store, master)).toBe(0);
  expect(master.madeAt).toBeGreaterThan(before);
  expect(master.unfinished).toBe(false);
  const file = readFileSync(join(data, 'vault.key'), 'utf8');
  expect(file.trim().split('\n')).toHaveLength(1);
  expect(file).not.toContain(old.trim().split(' ')[1]);
  // By the process that did it, and by another.
  for (const one of [
    broker,
    makeBroker({ store, master: openMasterKey(data, now), now, ask: async () => ({ status: 500, body: null }) }),
  ])
    for (const [{ tenant }, { id }] of [
      [ACME, mine],
      [RIVAL, theirs],
    ] as const)
      expect(await one.mcpHeaders({ tenant, vaults: [id], credential: null, serverUrl: MCP })).toEqual(header);
  expect(await secrets.of(ACME.tenant, SESSION, server('docs'))).toMatchObject({ authorization: 'Bearer hush-3' });
  const audit = await store.audit(0, 1000);
  expect(audit.filter(({ action }) => action === 'vault.key_rotated')).toHaveLength(1);
  // The old key opens nothing any more.
  const { by } = (
    JSON.parse((await store.resource('vault', ACME.tenant, mine.id))?.body ?? '') as { key: { by: number } }
  ).key;
  expect(by).toBe(master.madeAt);
});

test('a rotation that was cut off is finished by the next process, and nothing is lost meanwhile', async () => {
  const world = vaultWorld();
  const { vaults, store, master, credential, data, now } = world;
  const made = await vaults.create(ACME, {});
  await credential(made.id, bearerAuth('hush-1'));
  master.begin();
  const next = openMasterKey(data, now);
  expect(next.unfinished).toBe(true);
  const ask = async () => ({ status: 500, body: null });
  const broker = makeBroker({ store, master: next, now, ask });
  const of = { tenant: ACME.tenant, vaults: [made.id], credential: null, serverUrl: MCP };
  expect(await broker.mcpHeaders(of)).toEqual(header);
  expect(await finishRotation(store, next)).toBe(1);
  expect(next.unfinished).toBe(false);
  expect(await broker.mcpHeaders(of)).toEqual(header);
  expect(await finishRotation(store, next)).toBe(0);
});

test('a rotation goes on though vaults are changed under it', async () => {
  const { vaults, store, master, credential, broker } = vaultWorld();
  const made = await vaults.create(ACME, {});
  await credential(made.id, bearerAuth('hush-1'));
  const changes = Array.from({ length: 5 }, (_, i) => vaults.update(ACME, made.id, { name: `n${i}` }));
  const [done] = await Promise.all([rotateMaster(store, master, entry), ...changes]);
  expect(done).toBe(1);
  const of = { tenant: ACME.tenant, vaults: [made.id], credential: null, serverUrl: MCP };
  expect(await broker.mcpHeaders(of)).toEqual(header);
});

test('a master key that is gone is told of at the start', async () => {
  const { vaults, store, now } = vaultWorld();
  const fresh = openMasterKey(folder(), now);
  expect(await finishRotation(store, fresh)).toBe(0);
  await vaults.create(ACME, {});
  // Made at the same moment it would be taken for the same: keys are told apart by when they were made.
  const later = openMasterKey(folder(), () => now() + 1);
  await expect(finishRotation(store, later)).rejects.toThrow('put the older vault.key back');
  await expect(rotateMaster(store, later, entry)).rejects.toThrow('put it back');
});

test('what was wrapped before a rotation and is committed after it is not lost', async () => {
  const world = vaultWorld();
  const { store, master, vaults } = world;
  await vaults.create(ACME, {});
  let rotated = -1;
  // Somebody rotates just before the commit.
  const late: typeof store = {
    ...store,
    async changeResources(changes, noted) {
      if (rotated < 0) rotated = await rotateMaster(store, master, entry);
      return store.changeResources(changes, noted);
    },
  };
  const secrets = makeSessionSecrets({ store: late, master, now: world.now });
  await secrets.keep(ACME.tenant, SESSION, [inline('docs', 'Bearer hush-1')], true);
  expect(rotated).toBe(1);
  expect(await finishRotation(store, master)).toBe(1);
  expect(master.unfinished).toBe(false);
  expect(await secrets.of(ACME.tenant, SESSION, server('docs'))).toMatchObject({ authorization: 'Bearer hush-1' });
});

test('a rotation that begins while another ends keeps its own older key', async () => {
  const { store, master, vaults, broker, credential, pass } = vaultWorld();
  const made = await vaults.create(ACME, {});
  await credential(made.id, bearerAuth('hush-1'));
  await rotateMaster(store, master, entry);
  pass(10);
  const [, again] = await Promise.all([finishRotation(store, master), rotateMaster(store, master, entry)]);
  expect(again).toBe(1);
  expect(master.unfinished).toBe(true);
  await finishRotation(store, master);
  const of = { tenant: ACME.tenant, vaults: [made.id], credential: null, serverUrl: MCP };
  expect(await broker.mcpHeaders(of)).toEqual(header);
});

test('L9: secrets of a session are kept with it, for the server that they came with, and nobody else finds them', async () => {
  const { secrets, store, vaults } = vaultWorld();
  const { tenant } = ACME;
  await secrets.keep(tenant, SESSION, [], true);
  expect(await store.countResources({ kind: 'vault', tenant })).toBe(0);
  await secrets.keep(tenant, SESSION, [inline('docs', 'Bearer hush-1'), inline('more', 'Bearer hush-2')], true);
  const rows = [...(await rowsOf(store, 'vault')), ...(await rowsOf(store, 'session_vault'))];
  expect(rows).toHaveLength(2);
  expect(JSON.stringify(rows)).not.toContain('hush');
  expect(await secrets.of(tenant, SESSION, server('docs'))).toEqual({
    authorization: 'Bearer hush-1',
    env: {},
    version: 1,
  });
  expect(await secrets.of(tenant, SESSION, server('more'))).toMatchObject({ authorization: 'Bearer hush-2' });
  // B1: another server under the same label, or the same under another.
  expect(await secrets.of(tenant, SESSION, { ...server('docs'), url: 'https://evil.example/mcp' })).toBeNull();
  expect(await secrets.of(tenant, SESSION, { ...server('docs'), label: 'more' })).toBeNull();
  expect(await secrets.of(RIVAL.tenant, SESSION, server('docs'))).toBeNull();
  // It is no vault of the tenant's own: not listed, not counted, not read.
  const id = `vault_${SESSION.slice(5)}`;
  expect((await vaults.list(ACME, ALL)).data).toEqual([]);
  await expect(vaults.read(ACME, id)).rejects.toMatchObject({ code: 'vault_not_found' });
  await expect(vaults.delete(ACME, id)).rejects.toMatchObject({ code: 'vault_not_found' });
  // Beside what is there, and in the place of what is for the same server.
  await secrets.keep(tenant, SESSION, [inline('docs', 'Bearer hush-3')], false);
  expect(await secrets.of(tenant, SESSION, server('docs'))).toMatchObject({
    authorization: 'Bearer hush-3',
    version: 2,
  });
  expect(await secrets.of(tenant, SESSION, server('more'))).toMatchObject({ authorization: 'Bearer hush-2' });
  // Other tools: what was there before is gone.
  await secrets.keep(tenant, SESSION, [inline('docs', 'Bearer x')], true);
  expect(await secrets.of(tenant, SESSION, server('more'))).toBeNull();
  expect(await secrets.of(tenant, SESSION, server('docs'))).toMatchObject({ authorization: 'Bearer x' });
  await secrets.forget(tenant, SESSION);
  await secrets.forget(tenant, SESSION);
  expect(await secrets.of(tenant, SESSION, server('docs'))).toBeNull();
  expect([...(await rowsOf(store, 'vault')), ...(await rowsOf(store, 'session_vault'))]).toEqual([]);
});

test('secrets of a session that is gone go too, whatever it ended by; those of others stay', async () => {
  const { secrets, store, pass } = vaultWorld();
  const { tenant } = ACME;
  const sessions = Array.from({ length: 230 }, (_, i) => `sess_${String(i).padStart(26, '0')}` as SessionId);
  for (const session of sessions) await secrets.keep(tenant, session, [inline('docs', 'Bearer hush-1')], true);
  const gone = new Set(sessions.filter((_, i) => i % 2 === 0));
  const look = async (_: unknown, session: SessionId): Promise<boolean> => gone.has(session);
  expect(await secrets.sweep(look)).toBe(0);
  pass(SESSION_LOOK_MS);
  expect(await secrets.sweep(look)).toBe(230);
  expect(await rowsOf(store, 'vault')).toHaveLength(115);
  expect(await secrets.sweep(look)).toBe(0);
  expect(await secrets.of(tenant, sessions[0] as SessionId, server('docs'))).toBeNull();
  expect(await secrets.of(tenant, sessions[1] as SessionId, server('docs'))).not.toBeNull();
  pass(SESSION_LOOK_MS);
  expect(await secrets.sweep(async () => true)).toBe(115);
  expect(await rowsOf(store, 'session_vault')).toEqual([]);
});

const server = (label: string) => ({ label, url: `https://${label}.example/mcp` });
const inline = (label: string, authorization: string) => ({ tool: 0, ...server(label), authorization, env: {} });
const rowsOf = (store: Resources, kind: 'vault' | 'session_vault') =>
  store.resources({ kind, tenant: ACME.tenant, order: 'asc', limit: 1000, after: null });
