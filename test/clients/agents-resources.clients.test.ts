/** Agents, vaults and credentials as the official client has them: every method of `client.beta.agents` itself, `.vaults` and `.vaults.credentials`. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type OpenAI from 'openai';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { filesWith } from '../support/data-bytes.ts';
import { failureOf } from '../support/failure.ts';
import { type Stack, startStack } from '../support/stack.ts';

const KEYS = {
  acme: 'agents-acme-key-0123456789',
  rival: 'agents-rival-key-0123456789',
  reader: 'agents-reader-key-0123456789',
  auditor: 'agents-auditor-key-0123456789',
  operator: 'agents-operator-key-0123456789',
};

let stack: Stack;
let acme: OpenAI;
let rival: OpenAI;
beforeAll(async () => {
  stack = await startStack({
    clouds: ['aws'],
    config: {
      ledger: { interval_ms: 100 },
      keys: [
        { name: 'acme', secret: KEYS.acme, tenant: 'acme' },
        { name: 'rival', secret: KEYS.rival, tenant: 'rival' },
        { name: 'reader', secret: KEYS.reader, tenant: 'acme', scopes: ['read'] },
        { name: 'auditor', secret: KEYS.auditor, tenant: 'acme', scopes: ['auditor'] },
        { name: 'operator', secret: KEYS.operator, tenant: 'ops', scopes: ['operator'] },
      ],
    },
  });
  acme = stack.openai(KEYS.acme);
  rival = stack.openai(KEYS.rival);
});
afterAll(() => stack.close());

const ask = async (method: string, path: string, body?: unknown, key: string = KEYS.acme) => {
  const response = await stack.request(method, path, { key, ...(body !== undefined && { body }) });
  return { status: response.status, headers: response.headers, body: (await response.json()) as Json };
};
type Json = { readonly [name: string]: unknown };

describe('agents', () => {
  test('create, retrieve, update, list and delete', async () => {
    const { agents } = acme.beta;
    const made = await agents.create({
      model: 'gpt-5.5',
      name: 'Librarian',
      instructions: 'Answer from the documents.',
      reasoning: { effort: 'high' },
      tools: [
        { type: 'function', name: 'look_up', description: 'Looks up.', parameters: { type: 'object' }, async: true },
        {
          type: 'mcp',
          server_label: 'docs',
          transport: { type: 'http', server_url: 'https://docs.example/mcp', headers: { 'x-team': 'docs' } },
          allowed_tools: ['search'],
          credential_id: 'cred_1',
        },
        { type: 'mcp', server_label: 'files', transport: { type: 'stdio', command: 'files', cwd: '/w' } },
        { type: 'web_search', location: { country: 'DE' } },
        { type: 'computer_use' },
        { type: 'programmatic_tool_calling' },
        { type: 'automations' },
        { type: 'tool_search' },
      ],
      multi_agent: { enabled: true },
      metadata: { team: 'docs' },
    });
    expect(made).toEqual({
      id: expect.stringMatching(/^agent_[0-9a-z]{28}$/),
      object: 'agent',
      created_at: expect.any(Number),
      updated_at: made.created_at,
      name: 'Librarian',
      metadata: { team: 'docs' },
      model: 'gpt-5.5',
      instructions: 'Answer from the documents.',
      reasoning: { effort: 'high', summary: null },
      service_tier: 'auto',
      text: { format: { type: 'text' }, verbosity: 'medium' },
      multi_agent: { enabled: true, max_concurrent_subagents: 6 },
      compaction: { async: true },
      experimental: { time_awareness: false },
      tools: [
        {
          type: 'function',
          name: 'look_up',
          description: 'Looks up.',
          parameters: { type: 'object' },
          defer_loading: false,
          async: true,
        },
        {
          type: 'mcp',
          server_label: 'docs',
          transport: { type: 'http', server_url: 'https://docs.example/mcp', headers: { 'x-team': 'docs' } },
          allowed_tools: ['search'],
          connection_origin: 'service',
          credential_id: 'cred_1',
          request_metadata: {},
          required: false,
        },
        {
          type: 'mcp',
          server_label: 'files',
          transport: { type: 'stdio', command: 'files', args: [], cwd: '/w', env_vars: [] },
          allowed_tools: null,
          connection_origin: 'service',
          credential_id: null,
          request_metadata: {},
          required: false,
        },
        {
          type: 'web_search',
          allowed_domains: null,
          context_size: 'medium',
          location: { city: null, country: 'DE', region: null, timezone: null },
          mode: 'live',
        },
        { type: 'computer_use', include_screenshots: false },
        { type: 'programmatic_tool_calling', enabled: true },
        { type: 'automations' },
        { type: 'tool_search' },
      ],
    });
    expect(await agents.retrieve(made.id)).toEqual(made);
    const updated = await agents.update(made.id, { instructions: null, tools: null, compaction: { async: false } });
    expect(updated).toMatchObject({ instructions: null, tools: [], name: 'Librarian', compaction: { async: false } });
    // No body at all, as the client has it.
    expect(await agents.update(made.id)).toEqual(updated);
    const others = [await agents.create({ model: 'a' }), await agents.create({ model: 'b' })];
    const listed: string[] = [];
    for await (const agent of agents.list({ limit: 1 })) listed.push(agent.id);
    expect(listed).toEqual([...others.map(({ id }) => id).toReversed(), made.id]);
    const page = await agents.list({ order: 'asc', limit: 2 });
    expect([page.data.map(({ id }) => id), page.has_more]).toEqual([[made.id, others[0]?.id], true]);
    for (const { id } of [made, ...others])
      expect(await agents.delete(id)).toEqual({ id, object: 'agent.deleted', deleted: true });
    expect((await agents.list()).data).toEqual([]);
    expect(await failureOf(agents.retrieve(made.id))).toMatchObject({ status: 404, code: 'agent_not_found' });
    expect(await failureOf(agents.delete(made.id))).toMatchObject({ status: 404, code: 'agent_not_found' });
  });

  test('versions, a rollback, and what the audit and the ledger keep of them', async () => {
    const { agents } = acme.beta;
    const { id } = await agents.create({ model: 'gpt-5.5', instructions: 'First hush-words-51.' });
    await agents.update(id, { instructions: 'Second hush-words-51.' });
    expect((await ask('GET', `/v1/agents/${id}`)).headers.get('perdure-agent-version')).toBe('2');
    const back = await ask('POST', `/perdure/v1/agents/${id}/rollback`, { version: 1 });
    expect(back.body).toMatchObject({ id, object: 'agent', instructions: 'First hush-words-51.' });
    expect(back.headers.get('perdure-agent-version')).toBe('3');
    const listed = await ask('GET', `/perdure/v1/agents/${id}/versions?limit=2`);
    expect(listed.body).toMatchObject({ object: 'list', has_more: true, data: [{ version: 3 }, { version: 2 }] });
    const rest = await ask('GET', `/perdure/v1/agents/${id}/versions?after=${String(listed.body['last_id'])}`);
    expect(rest.body).toMatchObject({ has_more: false, data: [{ version: 1, rolled_back_to: null }] });
    await agents.delete(id);
    const kept = await ask('GET', `/perdure/v1/agents/${id}/versions/3`);
    expect(kept.body).toMatchObject({
      agent_id: id,
      version: 3,
      rolled_back_to: 1,
      created_by: 'config:acme',
      instructions: 'First hush-words-51.',
    });
    for (const wrong of ['4', '0', '01', 'x', '99999999999'])
      expect((await ask('GET', `/perdure/v1/agents/${id}/versions/${wrong}`)).body).toMatchObject({
        error: { code: 'agent_version_not_found' },
      });
    const audit = await ask('GET', '/perdure/v1/audit?limit=1000', undefined, KEYS.auditor);
    const rows = (audit.body['data'] as readonly Json[]).filter(({ subject }) => subject === id);
    expect(rows.map(({ action }) => action)).toEqual([
      'agent.created',
      'agent.updated',
      'agent.rolled_back',
      'agent.deleted',
    ]);
    expect(JSON.stringify(audit.body)).not.toContain('hush-words');
    expect(rows[2]).toMatchObject({ actor: 'key:config:acme', tenant: 'acme' });
    expect(JSON.stringify(rows[2])).toContain(String(kept.body['digest']));
    const digests = rows.map(row => String(row['digest']));
    await expect.poll(() => digests.filter(digest => leaves().includes(digest)), { timeout: 10_000 }).toEqual(digests);
  });

  test('bad requests are refused with a clear error', async () => {
    const refused = async (body: unknown) => {
      const { status, body: answer } = await ask('POST', '/v1/agents', body);
      const { code, param } = answer['error'] as Json;
      return [status, code, param];
    };
    const http = { type: 'http', server_url: 'https://docs.example/mcp' };
    const mcp = (transport: object) => ({ model: 'm', tools: [{ type: 'mcp', server_label: 'docs', transport }] });
    expect(await refused({})).toEqual([400, 'invalid_request', 'model']);
    expect(await refused(mcp({ ...http, authorization: 'Bearer x' }))).toEqual([
      400,
      'unsupported_parameter',
      'tools[0].transport.authorization',
    ]);
    expect(
      await refused({ model: 'm', metadata: Object.fromEntries(Array.from({ length: 17 }, (_, i) => [i, ''])) }),
    ).toEqual([400, 'invalid_request', 'metadata']);
    const made = await acme.beta.agents.create({ model: 'm' });
    expect(await failureOf(acme.beta.agents.list({ limit: 101 }))).toMatchObject({ status: 400, param: 'limit' });
    const none = await ask('POST', `/perdure/v1/agents/${made.id}/rollback`, { version: 2 });
    expect(none.body).toMatchObject({ error: { code: 'agent_version_not_found' } });
    await acme.beta.agents.delete(made.id);
  });
});

/** The entries of the sealed log, as text. */
function leaves(): string {
  const folder = join(stack.data, 'ledger');
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter(entry => entry.isFile());
  return files.map(entry => readFileSync(join(entry.parentPath, entry.name), 'latin1')).join('\n');
}

describe('vaults', () => {
  const list = async (query: object) => (await acme.beta.agents.vaults.list(query)).data;

  test('create, retrieve, update, list and delete, with filters', async () => {
    const { vaults } = acme.beta.agents;
    const bare = await vaults.create();
    expect(bare).toEqual({
      id: expect.stringMatching(/^vault_[0-9a-z]{28}$/),
      object: 'vault',
      created_at: expect.any(Number),
      name: null,
      metadata: {},
    });
    const named = await vaults.create({ name: '  Servers  ', metadata: { team: 'docs', env: 'prod' } });
    expect(named.name).toBe('Servers');
    expect(await vaults.retrieve(named.id)).toEqual(named);
    expect(await list({ metadata: { team: 'docs', env: 'prod' } })).toEqual([named]);
    expect(await list({ metadata: { team: 'docs', env: 'test' } })).toEqual([]);
    expect(await list({ status: 'active' })).toEqual([named, bare]);
    expect(await list({ status: ['active', 'archived'], order: 'asc' })).toEqual([bare, named]);
    expect(await list({ status: 'archived' })).toEqual([]);
    expect(await failureOf(vaults.list({ status: 'gone' as 'active' }))).toMatchObject({ status: 400 });
    const listed: string[] = [];
    for await (const vault of vaults.list({ limit: 1, order: 'asc' })) listed.push(vault.id);
    expect(listed).toEqual([bare.id, named.id]);
    expect(await vaults.update(named.id, { name: null, metadata: {} })).toMatchObject({ name: null, metadata: {} });
    expect(await vaults.update(bare.id, { name: 'x'.repeat(256) })).toMatchObject({ name: 'x'.repeat(256) });
    for (const name of ['', '   ', 'ü'.repeat(129)])
      expect(await failureOf(vaults.update(bare.id, { name }))).toMatchObject({ status: 400, param: 'name' });
    for (const { id } of [bare, named])
      expect(await vaults.delete(id)).toEqual({ id, object: 'vault.deleted', deleted: true });
    expect(await list({})).toEqual([]);
    expect(await failureOf(vaults.retrieve(bare.id))).toMatchObject({ status: 404, code: 'vault_not_found' });
  });

  test('credentials of the three kinds: create, retrieve, update, list and delete', async () => {
    const { vaults } = acme.beta.agents;
    const { credentials } = vaults;
    const vault = await vaults.create({ name: 'Kinds' });
    const expires = '2030-01-01T00:00:00Z';
    const oauth = await credentials.create(vault.id, {
      name: ' Documents ',
      metadata: { a: 'b' },
      auth: {
        type: 'mcp_oauth',
        mcp_server_url: 'https://docs.example/mcp',
        access_token: 'hush-1',
        expires_at: expires,
        refresh: {
          client_id: 'client-1',
          refresh_token: 'hush-2',
          token_endpoint: 'https://auth.example/token',
          token_endpoint_auth: { type: 'client_secret_basic', client_secret: 'hush-3' },
          scope: 'read write',
        },
      },
    });
    expect(oauth).toEqual({
      id: expect.stringMatching(/^cred_[0-9a-z]{28}$/),
      object: 'vault.credential',
      vault_id: vault.id,
      created_at: expect.any(Number),
      updated_at: oauth.created_at,
      name: 'Documents',
      metadata: { a: 'b' },
      auth: {
        type: 'mcp_oauth',
        mcp_server_url: 'https://docs.example/mcp',
        expires_at: expires,
        refresh: {
          client_id: 'client-1',
          resource: null,
          scope: 'read write',
          token_endpoint: 'https://auth.example/token',
          token_endpoint_auth: { type: 'client_secret_basic' },
        },
      },
    });
    const bearer = await credentials.create(vault.id, {
      name: 'Bearer',
      auth: { type: 'static_bearer', mcp_server_url: 'https://other.example/mcp', token: 'hush-4' },
    });
    expect(bearer.auth).toEqual({ type: 'static_bearer', mcp_server_url: 'https://other.example/mcp' });
    const variable = await credentials.create(vault.id, {
      name: 'Variable',
      auth: {
        type: 'environment_variable',
        secret_name: 'SERVICE_API_KEY',
        secret_value: 'hush 5',
        networking: { type: 'limited', allowed_hosts: ['API.example', '192.0.2.7'] },
      },
    });
    expect(variable.auth).toEqual({
      type: 'environment_variable',
      secret_name: 'SERVICE_API_KEY',
      networking: { type: 'limited', allowed_hosts: ['api.example', '192.0.2.7'] },
    });
    const at = { vault_id: vault.id };
    expect(await credentials.retrieve(oauth.id, at)).toEqual(oauth);
    const listed: string[] = [];
    for await (const one of credentials.list(vault.id, { limit: 1, order: 'asc' })) listed.push(one.id);
    expect(listed).toEqual([oauth.id, bearer.id, variable.id]);
    expect((await credentials.list(vault.id, { metadata: { a: 'b' } })).data).toEqual([oauth]);
    expect((await credentials.list(vault.id, { status: ['archived'] })).data).toEqual([]);
    // Rotation: what is left out stays, and a new token's end is not that of the old one.
    const rotated = await credentials.update(oauth.id, {
      ...at,
      auth: { type: 'mcp_oauth', access_token: 'hush-6', refresh: { scope: null } },
    });
    expect(rotated.auth).toEqual({
      ...oauth.auth,
      expires_at: null,
      refresh: { ...(oauth.auth as { refresh: object }).refresh, scope: null },
    });
    expect(rotated.metadata).toEqual({ a: 'b' });
    expect((await credentials.update(bearer.id, { ...at, metadata: { c: 'd' } })).metadata).toEqual({ c: 'd' });
    await credentials.update(bearer.id, { ...at, auth: { type: 'static_bearer', token: 'hush-7' } });
    await credentials.update(variable.id, { ...at, auth: { type: 'environment_variable', secret_value: 'hush-8' } });
    const other = credentials.update(bearer.id, { ...at, auth: { type: 'mcp_oauth', access_token: 'hush-9' } });
    expect(await failureOf(other)).toMatchObject({ status: 400, param: 'auth.type' });
    expect(await credentials.delete(bearer.id, at)).toEqual({
      id: bearer.id,
      object: 'vault.credential.deleted',
      deleted: true,
    });
    expect(await failureOf(credentials.retrieve(bearer.id, at))).toMatchObject({ code: 'credential_not_found' });
    const apart = await vaults.create();
    expect(await failureOf(credentials.retrieve(oauth.id, { vault_id: apart.id }))).toMatchObject({
      status: 404,
      code: 'credential_not_found',
    });
    await vaults.delete(vault.id);
    expect(await failureOf(credentials.list(vault.id))).toMatchObject({ status: 404, code: 'vault_not_found' });
    expect(await failureOf(credentials.retrieve(oauth.id, at))).toMatchObject({ status: 404 });
    await vaults.delete(apart.id);
  });

  test('bad credentials are refused, and their secrets not repeated', async () => {
    const { vaults } = acme.beta.agents;
    const { id } = await vaults.create();
    const refused = async (auth: object, name: unknown = 'n') => {
      const { status, body } = await ask('POST', `/v1/vaults/${id}/credentials`, { name, auth });
      expect(JSON.stringify(body)).not.toContain('hush');
      return status === 400 ? (body['error'] as Json)['param'] : status;
    };
    const bearer = { type: 'static_bearer', mcp_server_url: 'https://a.example/mcp', token: 'hush' };
    const variable = {
      type: 'environment_variable',
      secret_name: 'KEY',
      secret_value: 'hush',
      networking: { type: 'unrestricted' },
    };
    const limited = (allowed_hosts: unknown) => ({ ...variable, networking: { type: 'limited', allowed_hosts } });
    const host = (count: number) => Array.from({ length: count }, (_, i) => `h${i}.example`);
    expect(await refused(bearer)).toBe(200);
    expect(await refused({ ...bearer, mcp_server_url: 'http://127.0.0.1:1/mcp' })).toBe(200);
    expect(await refused({ ...bearer, mcp_server_url: 'http://a.example/mcp' })).toBe('auth.mcp_server_url');
    expect(await refused({ ...bearer, mcp_server_url: 'https://u:hush@a.example/' })).toBe('auth.mcp_server_url');
    expect(await refused({ ...bearer, mcp_server_url: 'hush' })).toBe('auth.mcp_server_url');
    expect(await refused({ ...bearer, token: 'hush hush' })).toBe('auth.token');
    expect(await refused({ ...bearer, token: 'hush\r\nx: y' })).toBe('auth.token');
    expect(await refused({ ...bearer, token: '' })).toBe('auth.token');
    expect(await refused({ ...bearer, token: 'x'.repeat(16_384) })).toBe(200);
    expect(await refused({ ...bearer, token: `hush${'x'.repeat(16_381)}` })).toBe('auth.token');
    expect(await refused(bearer, '  ')).toBe('name');
    expect(await refused({ type: 'password', value: 'hush' })).toBe('auth.type');
    expect(await refused(variable)).toBe(200);
    for (const secret_name of ['CODEX_A', 'https_proxy', 'SSL_CERT_FILE', '1A', 'A-B', '', 'X'.repeat(129)])
      expect([secret_name, await refused({ ...variable, secret_name })]).toEqual([secret_name, 'auth.secret_name']);
    expect(await refused({ ...variable, secret_name: 'X'.repeat(128) })).toBe(200);
    for (const secret_value of ['', 'hush\n', 'hush\0', 'hush\r'])
      expect(await refused({ ...variable, secret_value })).toBe('auth.secret_value');
    expect(await refused(limited(host(16)))).toBe(200);
    for (const hosts of [[], host(17), ['a.example', 'A.example']])
      expect(await refused(limited(hosts))).toBe('auth.networking.allowed_hosts');
    for (const one of ['*.a.example', 'https://a.example', 'a.example/x', 'a.example:443', '[::1]', '::1'])
      expect([one, await refused(limited([one]))]).toEqual([one, 'auth.networking.allowed_hosts[0]']);
    await vaults.delete(id);
  });
});

test('L10: agents, vaults and credentials of another tenant do not exist, on every verb', async () => {
  const agent = await acme.beta.agents.create({ model: 'm' });
  const vault = await acme.beta.agents.vaults.create();
  const at = { vault_id: vault.id };
  const credential = await acme.beta.agents.vaults.credentials.create(vault.id, {
    name: 'n',
    auth: { type: 'static_bearer', mcp_server_url: 'https://a.example', token: 't' },
  });
  const { agents } = rival.beta;
  const { vaults } = agents;
  const own = await vaults.create();
  const gone = await Promise.all(
    [
      agents.retrieve(agent.id),
      agents.update(agent.id, { model: 'x' }),
      agents.delete(agent.id),
      vaults.retrieve(vault.id),
      vaults.update(vault.id, { name: 'x' }),
      vaults.delete(vault.id),
      vaults.credentials.list(vault.id),
      vaults.credentials.create(vault.id, {
        name: 'n',
        auth: { type: 'static_bearer', mcp_server_url: 'https://a.example', token: 't' },
      }),
      vaults.credentials.retrieve(credential.id, at),
      vaults.credentials.retrieve(credential.id, { vault_id: own.id }),
      vaults.credentials.update(credential.id, { ...at, metadata: {} }),
      vaults.credentials.update(credential.id, { vault_id: own.id, metadata: {} }),
      vaults.credentials.delete(credential.id, at),
      vaults.credentials.delete(credential.id, { vault_id: own.id }),
    ].map(work => failureOf(Promise.resolve(work))),
  );
  expect(gone.map(({ status }) => status)).toEqual(gone.map(() => 404));
  for (const path of [`agents/${agent.id}/versions`, `agents/${agent.id}/versions/1`])
    expect((await ask('GET', `/perdure/v1/${path}`, undefined, KEYS.rival)).status).toBe(404);
  expect((await ask('POST', `/perdure/v1/agents/${agent.id}/rollback`, { version: 1 }, KEYS.rival)).status).toBe(404);
  expect((await agents.list()).data).toEqual([]);
  expect((await vaults.list()).data.map(({ id }) => id)).toEqual([own.id]);
  // Nothing of it changed.
  expect(await acme.beta.agents.retrieve(agent.id)).toEqual(agent);
  expect(await acme.beta.agents.vaults.credentials.retrieve(credential.id, at)).toEqual(credential);
  // Who may only read reads, and changes nothing; an auditor reads neither.
  const reader = stack.openai(KEYS.reader).beta.agents;
  expect(await reader.retrieve(agent.id)).toEqual(agent);
  expect(await reader.vaults.credentials.retrieve(credential.id, at)).toEqual(credential);
  const auditor = stack.openai(KEYS.auditor).beta.agents;
  const refused = [
    reader.create({ model: 'm' }),
    reader.vaults.delete(vault.id),
    auditor.retrieve(agent.id),
    auditor.vaults.retrieve(vault.id),
  ].map(work => failureOf(Promise.resolve(work)));
  for (const failure of await Promise.all(refused))
    expect(failure).toMatchObject({ status: 403, code: 'insufficient_scope' });
  expect((await ask('POST', '/perdure/v1/vaults/rotate-key')).status).toBe(403);
});

test('L9: no secret is in an answer, in what the server tells its operator, or readable on the disk; and it outlives a restart', async () => {
  const { vaults } = acme.beta.agents;
  const secrets = Array.from({ length: 6 }, (_, i) => `planted-${i}-9b1d7c4e2f60a835`);
  const [access = '', refresh = '', client = '', bearer = '', value = '', next = ''] = secrets;
  const vault = await vaults.create({ name: 'planted-name-of-a-vault' });
  const answers = [
    await vaults.credentials.create(vault.id, {
      name: 'a',
      auth: {
        type: 'mcp_oauth',
        mcp_server_url: 'https://a.example/mcp',
        access_token: access,
        refresh: {
          client_id: 'c',
          refresh_token: refresh,
          token_endpoint: 'https://auth.example/token',
          token_endpoint_auth: { type: 'client_secret_post', client_secret: client },
        },
      },
    }),
    await vaults.credentials.create(vault.id, {
      name: 'b',
      auth: { type: 'static_bearer', mcp_server_url: 'https://b.example/mcp', token: bearer },
    }),
    await vaults.credentials.create(vault.id, {
      name: 'c',
      auth: {
        type: 'environment_variable',
        secret_name: 'C',
        secret_value: value,
        networking: { type: 'unrestricted' },
      },
    }),
  ];
  const [, second] = answers;
  answers.push(
    await vaults.credentials.update(second?.id ?? '', {
      vault_id: vault.id,
      auth: { type: 'static_bearer', token: next },
    }),
  );
  const audit = await ask('GET', '/perdure/v1/audit?limit=1000', undefined, KEYS.auditor);
  const told = JSON.stringify([answers, audit.body, (await vaults.credentials.list(vault.id)).data, stack.notes]);
  expect(secrets.filter(secret => told.includes(secret))).toEqual([]);
  // That a name is found shows that what is looked at is what is written.
  expect(filesWith(stack.data, 'planted-name-of-a-vault').length).toBeGreaterThan(0);
  expect(secrets.flatMap(secret => filesWith(stack.data, secret))).toEqual([]);
  const rotated = await ask('POST', '/perdure/v1/vaults/rotate-key', undefined, KEYS.operator);
  expect(rotated.body).toMatchObject({ object: 'perdure.vault_key_rotated' });
  expect(rotated.body['vaults']).toBeGreaterThanOrEqual(1);
  await stack.restart();
  acme = stack.openai(KEYS.acme);
  rival = stack.openai(KEYS.rival);
  expect((await acme.beta.agents.vaults.credentials.list(vault.id)).data).toHaveLength(3);
  expect(secrets.flatMap(secret => filesWith(stack.data, secret))).toEqual([]);
  const sealed = sealedIn(vault.id);
  expect(sealed).toHaveLength(3);
  expect(sealed.every(text => filesWith(stack.data, text).length > 0)).toBe(true);
  await acme.beta.agents.vaults.delete(vault.id);
  // Deleted, not even what was sealed is there.
  await expect
    .poll(() => [...sealed, 'planted-name-of-a-vault'].flatMap(text => filesWith(stack.data, text)), {
      timeout: 20_000,
      interval: 200,
    })
    .toEqual([]);
});

function sealedIn(vault: string): readonly string[] {
  const db = new DatabaseSync(join(stack.data, 'local.db'), { readOnly: true });
  try {
    const rows = db.prepare('SELECT body FROM resources WHERE parent = ?').all(vault);
    return rows.map(({ body }) => (JSON.parse(String(body)) as { readonly sealed: string }).sealed);
  } finally {
    db.close();
  }
}
