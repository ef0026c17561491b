import { expect, test } from 'vitest';
import { ACME, RIVAL, vaultWorld } from '../../engine/vaults/world.test-support.ts';
import { makeBroker } from '../../engine/vaults/broker.ts';
import { edgeCredentials, vaultCheck } from './edge-credentials.ts';

const NETWORK = { access: 'restricted', allowed: ['api.example', 'more.example'], blocked: [] } as const;
const auth = (secret_value: string, networking: object = { type: 'limited', allowed_hosts: ['api.example'] }) => ({
  type: 'environment_variable',
  secret_name: 'KEY',
  secret_value,
  networking,
});
const spec = (vaults: readonly string[], over: object = {}) => ({
  tenant: ACME.tenant,
  id: 'env_1',
  env: {},
  network: NETWORK,
  vaults,
  ...over,
});

test('a placeholder stays over rotation and restart; what it stands for is what it is now', async () => {
  const world = vaultWorld();
  const { vaults, broker, credential, rotate } = world;
  const { id } = await vaults.create(ACME, {});
  const made = await credential(id, auth('hush-first'));
  const of = edgeCredentials(broker);
  const now = of(spec([id]));
  const variables = await now?.variables();
  expect(variables).toEqual({ KEY: expect.stringMatching(/^perdure_[0-9a-f]{48}$/) });
  const placeholder = variables?.['KEY'] ?? '';
  expect(await now?.values('api.example')).toEqual(new Map([[placeholder, 'hush-first']]));
  expect(await now?.values('more.example')).toEqual(new Map());
  await rotate(id, made.id, { type: 'environment_variable', secret_value: 'hush-second' });
  // Another process, over the same store.
  const { store, master } = world;
  const next = edgeCredentials(
    makeBroker({ store, master, now: world.now, ask: async () => ({ status: 500, body: null }) }),
  );
  for (const one of [now, next(spec([id]))]) {
    expect(await one?.variables()).toEqual(variables);
    expect(await one?.values('api.example')).toEqual(new Map([[placeholder, 'hush-second']]));
  }
  await vaults.credentials.delete(ACME, id, made.id);
  expect([await now?.variables(), await now?.values('api.example')]).toEqual([{}, new Map()]);
  const again = await credential(id, auth('hush-third'));
  expect(await now?.variables()).not.toEqual(variables);
  await vaults.delete(ACME, id);
  expect([await now?.variables(), await now?.values('api.example')]).toEqual([{}, new Map()]);
  expect(again.id).not.toBe(made.id);
});

test('a workspace without vaults has none, and L10: neither has another tenant', async () => {
  const { vaults, broker, credential } = vaultWorld();
  const { id } = await vaults.create(ACME, {});
  await credential(id, auth('hush-first'));
  const of = edgeCredentials(broker);
  expect(of(spec([]))).toBeNull();
  const theirs = of(spec([id], { tenant: RIVAL.tenant }));
  expect([await theirs?.variables(), await theirs?.values('api.example')]).toEqual([{}, new Map()]);
});

test('one that is for every host is put in only where the network lists its hosts', async () => {
  const { vaults, broker, credential } = vaultWorld();
  const { id } = await vaults.create(ACME, {});
  await credential(id, auth('hush-first', { type: 'unrestricted' }));
  const of = edgeCredentials(broker);
  const size = async (network: object): Promise<number | undefined> =>
    (await of(spec([id], { network }))?.values('any.example'))?.size;
  expect(await size(NETWORK)).toBe(1);
  expect(await size({ ...NETWORK, allowed: [] })).toBe(0);
  expect(await size({ ...NETWORK, access: 'enabled' })).toBe(0);
});

test('vaults that cannot be attached together are refused before anything runs', async () => {
  const { vaults, broker, credential } = vaultWorld();
  const [one, two] = [await vaults.create(ACME, {}), await vaults.create(ACME, {})];
  await credential(one.id, auth('hush-first'));
  await credential(two.id, auth('hush-second'));
  const check = vaultCheck(broker);
  await check(ACME.tenant, [one.id]);
  await expect(check(ACME.tenant, [one.id, two.id])).rejects.toMatchObject({ code: 'credential_ambiguous' });
  await expect(check(RIVAL.tenant, [one.id])).rejects.toMatchObject({ code: 'vault_not_found' });
});
