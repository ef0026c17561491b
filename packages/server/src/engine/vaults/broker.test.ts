import { expect, test } from 'vitest';
import type { AskTokenEndpoint, ProxyNetwork } from './ports.ts';
import { ACME, bearerAuth, MCP, oauthAuth, RIVAL, vaultWorld } from './world.test-support.ts';

const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
const granting =
  (token: string, more: object = {}): AskTokenEndpoint =>
  async () => ({ status: 200, body: { access_token: token, token_type: 'bearer', expires_in: 3600, ...more } });

async function withVault() {
  const world = vaultWorld();
  const { id } = await world.vaults.create(ACME, {});
  const query = { tenant: ACME.tenant, vaults: [id], credential: null, serverUrl: MCP };
  return { ...world, id, query };
}

test('B1: the one credential for a server is found among the attached vaults', async () => {
  const { broker, vaults, credential, query, id } = await withVault();
  expect(await broker.mcpHeaders(query)).toBeNull();
  await credential(id, bearerAuth('one'));
  expect(await broker.mcpHeaders(query)).toEqual(bearer('one'));
  expect(await broker.mcpHeaders({ ...query, serverUrl: 'HTTPS://DOCS.example:443/mcp' })).toEqual(bearer('one'));
  for (const serverUrl of ['https://docs.example/mcp/', 'https://docs.example.evil/mcp', 'https://docs.example', 'x'])
    expect(await broker.mcpHeaders({ ...query, serverUrl })).toBeNull();
  const other = await vaults.create(ACME, {});
  const both = { ...query, vaults: [id, other.id, id, 'vault_none'] };
  expect(await broker.mcpHeaders(both)).toEqual(bearer('one'));
  const second = await credential(other.id, bearerAuth('two'));
  await expect(broker.mcpHeaders(both)).rejects.toMatchObject({ code: 'credential_ambiguous', status: 400 });
  expect(await broker.mcpHeaders({ ...both, credential: second.id })).toEqual(bearer('two'));
  expect(await broker.mcpHeaders(query)).toEqual(bearer('one'));
});

test('B1: a credential that is named goes to no other server, and is not found where it is not attached', async () => {
  const { broker, vaults, credential, query, id } = await withVault();
  const elsewhere = await credential(id, bearerAuth('secret', 'https://other.example/mcp'));
  const missing = { code: 'credential_not_found', status: 404 };
  await expect(broker.mcpHeaders({ ...query, credential: elsewhere.id })).rejects.toMatchObject(missing);
  const apart = await vaults.create(ACME, {});
  const one = await credential(apart.id, bearerAuth('secret'));
  await expect(broker.mcpHeaders({ ...query, credential: one.id })).rejects.toMatchObject(missing);
  await expect(
    broker.mcpHeaders({ ...query, tenant: RIVAL.tenant, vaults: [apart.id], credential: one.id }),
  ).rejects.toMatchObject(missing);
  expect(await broker.mcpHeaders({ ...query, tenant: RIVAL.tenant, vaults: [apart.id] })).toBeNull();
  const variable = await credential(id, {
    type: 'environment_variable',
    secret_name: 'A',
    secret_value: 'secret',
    networking: { type: 'unrestricted' },
  });
  await expect(broker.mcpHeaders({ ...query, credential: variable.id })).rejects.toMatchObject(missing);
});

test('vaults that are attached must be there, and there are not too many', async () => {
  const { broker, id } = await withVault();
  const check = (vaults: readonly string[], tenant = ACME.tenant) => broker.checkAttached({ tenant, vaults });
  await check([id]);
  await check(Array.from({ length: 10 }, () => id));
  await expect(check(Array.from({ length: 11 }, () => id))).rejects.toMatchObject({ param: 'vault_ids' });
  await expect(check([id, 'vault_none'])).rejects.toMatchObject({ code: 'vault_not_found' });
  await expect(check([id], RIVAL.tenant)).rejects.toMatchObject({ code: 'vault_not_found' });
});

test('a token is refreshed before its end, and what is given is kept', async () => {
  const { broker, credential, query, id, asked, answers, pass, vaults, now } = await withVault();
  const made = await credential(id, oauthAuth(600));
  answers(granting('access-2', { refresh_token: 'refresh-2' }));
  expect(await broker.mcpHeaders(query)).toEqual(bearer('access-1'));
  pass(539_000);
  expect(await broker.mcpHeaders(query)).toEqual(bearer('access-1'));
  expect(asked).toEqual([]);
  pass(1_000);
  expect(await broker.mcpHeaders(query)).toEqual(bearer('access-2'));
  expect(asked).toEqual([
    {
      url: 'https://auth.example/token',
      form: {
        grant_type: 'refresh_token',
        refresh_token: 'refresh-1',
        client_id: 'client 1',
        scope: 'read',
        resource: MCP,
      },
      basic: null,
    },
  ]);
  expect(await broker.mcpHeaders(query)).toEqual(bearer('access-2'));
  expect(asked).toHaveLength(1);
  const shown = await vaults.credentials.read(ACME, id, made.id);
  expect(shown.auth).toMatchObject({ expires_at: new Date(now() + 3_600_000).toISOString() });
  // The next time with the new refresh token; one that is not given again stays.
  pass(3_600_000);
  answers(granting('access-3'));
  expect(await broker.mcpHeaders(query)).toEqual(bearer('access-3'));
  pass(3_600_000);
  await broker.mcpHeaders(query);
  expect(asked.slice(1).map(({ form }) => form['refresh_token'])).toEqual(['refresh-2', 'refresh-2']);
});

test('the client says who it is as it was told to', async () => {
  for (const [type, basic, form] of [
    ['client_secret_basic', { user: 'client 1', password: 'hush' }, {}],
    ['client_secret_post', null, { client_id: 'client 1', client_secret: 'hush' }],
  ] as const) {
    const { broker, credential, query, id, asked, answers } = await withVault();
    await credential(id, oauthAuth(0, { type, client_secret: 'hush' }));
    answers(granting('access-2'));
    expect(await broker.mcpHeaders(query)).toEqual(bearer('access-2'));
    expect(asked[0]?.basic).toEqual(basic);
    const { client_id, client_secret } = asked[0]?.form ?? {};
    expect({ ...(client_id && { client_id }), ...(client_secret && { client_secret }) }).toEqual(form);
  }
});

test('B2: of many who need a fresh token one asks for it', async () => {
  const { broker, credential, query, id, asked, answers } = await withVault();
  await credential(id, oauthAuth(0));
  let count = 0;
  answers(async () => {
    count += 1;
    await new Promise(resolve => setImmediate(resolve));
    return { status: 200, body: { access_token: `access-${count + 1}`, expires_in: 3600 } };
  });
  const all = await Promise.all(Array.from({ length: 50 }, () => broker.mcpHeaders(query)));
  expect(new Set(all.map(one => one?.['authorization']))).toEqual(new Set(['Bearer access-2']));
  expect(asked).toHaveLength(1);
  // The same for those whose token was refused: who comes late takes what the first has got.
  const again = await Promise.all(Array.from({ length: 50 }, () => broker.mcpHeaders({ ...query, refused: true })));
  expect(new Set(again.map(one => one?.['authorization']))).toEqual(new Set(['Bearer access-3']));
  expect(asked).toHaveLength(2);
});

test('B2: what its owner changes while a refresh is under way stands', async () => {
  const { broker, credential, query, id, answers, rotate, vaults } = await withVault();
  const made = await credential(id, oauthAuth(0));
  answers(async () => {
    await vaults.credentials.update(ACME, id, made.id, { metadata: { a: 'b' } });
    return { status: 200, body: { access_token: 'access-2', refresh_token: 'refresh-2', expires_in: 3600 } };
  });
  expect(await broker.mcpHeaders(query)).toEqual(bearer('access-2'));
  expect((await vaults.credentials.read(ACME, id, made.id)).metadata).toEqual({ a: 'b' });
  expect(await broker.mcpHeaders(query)).toEqual(bearer('access-2'));
  answers(async () => {
    await rotate(id, made.id, { type: 'mcp_oauth', access_token: 'by-hand' });
    return { status: 200, body: { access_token: 'access-3', expires_in: 3600 } };
  });
  await broker.mcpHeaders({ ...query, refused: true });
  expect(await broker.mcpHeaders(query)).toEqual(bearer('by-hand'));
});

test('B3: a refusal is told by its status and a known word, never by what the endpoint wrote', async () => {
  const { broker, credential, query, id, answers } = await withVault();
  await credential(id, oauthAuth(0, { type: 'client_secret_post', client_secret: 'hush-1' }));
  const failure = async (status: number, body: unknown): Promise<string> => {
    answers(async () => ({ status, body }));
    const error = await broker.mcpHeaders(query).then(
      () => new Error('it was given'),
      (thrown: unknown) => thrown as Error & { code: string },
    );
    expect(error).toMatchObject({ code: 'credential_unusable', status: 400 });
    return error.message;
  };
  expect(await failure(400, { error: 'invalid_grant', error_description: 'hush-1 is wrong' })).toBe(
    'The token endpoint refused to refresh the credential (status 400, invalid_grant).',
  );
  for (const body of [{ error: 'hush-1' }, 'hush-1', null, ['hush-1'], { error: { toString: 'hush-1' } }])
    expect(await failure(503, body)).toBe('The token endpoint refused to refresh the credential (status 503).');
  for (const body of [{}, null, { access_token: 'two words' }, { access_token: 7 }, { access_token: 'x\r\ny: z' }])
    expect(await failure(200, body)).toBe('The token endpoint answered without an access token.');
});

test('an endpoint that is away does no harm before the end of the token', async () => {
  const { broker, credential, query, id, answers, pass } = await withVault();
  await credential(id, oauthAuth(600));
  answers(async () => {
    throw new Error('away');
  });
  pass(590_000);
  expect(await broker.mcpHeaders(query)).toEqual(bearer('access-1'));
  await expect(broker.mcpHeaders({ ...query, refused: true })).rejects.toThrow('away');
  pass(10_000);
  await expect(broker.mcpHeaders(query)).rejects.toThrow('away');
});

test('without a way to refresh, a token that is over is unusable', async () => {
  const { broker, credential, query, id, pass, rotate } = await withVault();
  const auth = { ...oauthAuth(600), refresh: null };
  const made = await credential(id, auth);
  pass(599_000);
  expect(await broker.mcpHeaders(query)).toEqual(bearer('access-1'));
  await expect(broker.mcpHeaders({ ...query, refused: true })).rejects.toMatchObject({ code: 'credential_unusable' });
  pass(1_000);
  await expect(broker.mcpHeaders(query)).rejects.toMatchObject({ code: 'credential_unusable' });
  await expect(rotate(id, made.id, { type: 'mcp_oauth', refresh: { scope: 'x' } })).rejects.toMatchObject({
    code: 'invalid_request',
    param: 'auth.refresh',
  });
  await rotate(id, made.id, { type: 'mcp_oauth', access_token: 'access-2' });
  expect(await broker.mcpHeaders(query)).toEqual(bearer('access-2'));
});

test('a sandbox is given placeholders, and a proxy the values for allowed hosts only', async () => {
  const { broker, credential, id, rotate, vaults } = await withVault();
  const attached = { tenant: ACME.tenant, vaults: [id] };
  const network: ProxyNetwork = { access: 'restricted', allowed: ['api.example', 'any.example'] };
  const variable = (secret_name: string, secret_value: string, networking: object) =>
    credential(id, { type: 'environment_variable', secret_name, secret_value, networking });
  const one = await variable('ONE', 'value-1', { type: 'limited', allowed_hosts: ['API.example', '192.0.2.7'] });
  await variable('TWO', 'value-2', { type: 'unrestricted' });
  await credential(id, bearerAuth('never-here'));
  const held = await broker.placeholders(attached);
  expect(Object.keys(held).toSorted()).toEqual(['ONE', 'TWO']);
  expect(Object.values(held).every(text => /^perdure_[0-9a-f]{48}$/.test(text))).toBe(true);
  const given = async (host: string, over: Partial<ProxyNetwork> = {}) =>
    Object.fromEntries(await broker.substitutions(attached, host, { ...network, ...over }));
  const [first = '', second = ''] = [held['ONE'], held['TWO']];
  expect(await given('api.example')).toEqual({ [first]: 'value-1', [second]: 'value-2' });
  expect(await given('API.EXAMPLE')).toEqual({ [first]: 'value-1', [second]: 'value-2' });
  expect(await given('192.0.2.7')).toEqual({ [first]: 'value-1', [second]: 'value-2' });
  expect(await given('any.example')).toEqual({ [second]: 'value-2' });
  expect(await given('sub.api.example')).toEqual({ [second]: 'value-2' });
  // One that is for no host in particular wants a network that names its hosts.
  for (const over of [{ access: 'enabled' }, { access: 'disabled' }, { allowed: [] }] as const)
    expect(await given('api.example', over)).toEqual({ [first]: 'value-1' });
  expect(await broker.substitutions({ ...attached, tenant: RIVAL.tenant }, 'api.example', network)).toEqual(new Map());
  // The placeholder stays when the value is another.
  await rotate(id, one.id, { type: 'environment_variable', secret_value: 'value-3' });
  expect(await broker.placeholders(attached)).toEqual(held);
  expect((await given('api.example'))[first]).toBe('value-3');
  const other = await vaults.create(ACME, {});
  await credential(other.id, {
    type: 'environment_variable',
    secret_name: 'ONE',
    secret_value: 'x',
    networking: { type: 'unrestricted' },
  });
  const both = { ...attached, vaults: [id, other.id] };
  await expect(broker.placeholders(both)).rejects.toMatchObject({ code: 'credential_ambiguous' });
});
