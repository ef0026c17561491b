/** The scope auditor: all evidence of its tenant, or of every tenant (decision 0017), and content nowhere. */
import { ROUTES } from '@perdure/protocol/openapi';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { perdure } from '../../packages/server/src/main/cli/captured-io.test-support.ts';
import { MODEL, type Stack, startStack } from '../support/stack.ts';

const PLANTED = 'The password of the vault is swordfish';
const secretOf = (name: string): string => `auditor-${name}-key-0123456789`;
const key = (
  name: string,
  tenant: string,
  scopes: readonly ('inference' | 'read' | 'admin' | 'operator' | 'auditor')[],
) => ({
  name,
  tenant,
  scopes,
  secret: secretOf(name),
});

let stack: Stack;
/** Of every tenant: made by an operator, as no line of a file can. */
let everyone: string;
let agent: string;
let digest: string;
let placement: string;

interface Told {
  readonly status: number;
  readonly text: string;
  readonly code: unknown;
  readonly data: readonly { readonly [field: string]: unknown }[];
}

async function get(path: string, secret: string): Promise<Told> {
  const response = await fetch(new URL(path, stack.url), { headers: { authorization: `Bearer ${secret}` } });
  const text = await response.text();
  const body = (text.startsWith('{') ? JSON.parse(text) : {}) as { data?: Told['data']; error?: { code?: unknown } };
  return { status: response.status, text, code: body.error?.code ?? null, data: body.data ?? [] };
}

beforeAll(async () => {
  stack = await startStack({
    clouds: ['aws'],
    config: {
      contracts: ['none'],
      keys: [
        key('app', 'acme', ['inference', 'read']),
        key('other', 'rival', ['inference', 'read']),
        key('audit', 'acme', ['auditor']),
        key('rival', 'rival', ['auditor']),
        key('ops', 'ops', ['operator']),
      ],
    },
  });
  const app = stack.openai(secretOf('app'));
  const made = await app.beta.agents.create({
    model: MODEL,
    name: 'Librarian',
    instructions: `${PLANTED}.`,
    metadata: { note: PLANTED },
    multi_agent: { enabled: true, max_concurrent_subagents: 3 },
    tools: [
      { type: 'function', name: 'look_up', description: PLANTED, parameters: { type: 'object', description: PLANTED } },
      {
        type: 'mcp',
        server_label: 'docs',
        transport: { type: 'http', server_url: 'https://docs.example/mcp', headers: { 'x-note': PLANTED } },
        allowed_tools: ['search'],
      },
      { type: 'tool_search' },
    ],
  });
  agent = made.id;
  await app.beta.agents.update(agent, { name: 'Archivist' });
  await app.responses.create({ model: MODEL, input: PLANTED, instructions: PLANTED });
  await app.conversations.create({ items: [{ type: 'message', role: 'user', content: PLANTED }] });
  const issued = await stack.request('POST', '/perdure/v1/keys', {
    key: secretOf('ops'),
    body: { name: 'everyone', tenant: '*', scopes: ['auditor'] },
  });
  everyone = ((await issued.json()) as { secret: string }).secret;
  const [contract] = (await get('/perdure/v1/contracts', secretOf('audit'))).data;
  digest = String(contract?.['digest']);
  placement = String((await get('/perdure/v1/placements', secretOf('audit'))).data[0]?.['id']);
});
afterAll(() => stack.close());

test('reads the texts of contracts by digest', async () => {
  for (const secret of [secretOf('audit'), everyone]) {
    const { data } = await get('/perdure/v1/contracts', secret);
    expect(data).toMatchObject([{ object: 'perdure.contract', id: 'none', in_force: true, digest }]);
    const one = JSON.parse((await get(`/perdure/v1/contracts/${digest}`, secret)).text) as {
      texts: Record<string, string>;
    };
    expect(one.texts['contract.yaml']).toContain('id: none');
    expect(await get('/perdure/v1/contracts/none', secret)).toMatchObject({ status: 404, code: 'not_found' });
    const env = { PERDURE_URL: stack.url, PERDURE_API_KEY: secret };
    const shown = await perdure(['contracts', 'show', 'none'], { env });
    expect([shown.code, shown.out]).toEqual([0, expect.stringContaining(`none@1 ${digest} (in force)`)]);
    expect(shown.out).toContain('==> contract.yaml ');
  }
});

test('reads what agents are, of its own tenant or of the one that it names, and not what they are told', async () => {
  const card = {
    id: agent,
    object: 'perdure.agent_card',
    tenant: 'acme',
    name: 'Archivist',
    version: 2,
    digest: expect.stringMatching(/^[0-9a-f]{64}$/),
    model: MODEL,
    service_tier: 'auto',
    reasoning_effort: null,
    tools: [
      { type: 'function', name: 'look_up', allowed: null },
      { type: 'mcp', name: 'docs', allowed: ['search'] },
      { type: 'tool_search', name: null, allowed: null },
    ],
    max_concurrent_subagents: 3,
    created_at: expect.any(Number),
    updated_at: expect.any(Number),
    updated_by: 'config:app',
  };
  expect((await get('/perdure/v1/agents', secretOf('audit'))).data).toEqual([card]);
  expect((await get('/perdure/v1/agents?tenant=acme', everyone)).data).toEqual([card]);
  expect((await get('/perdure/v1/agents?tenant=rival', everyone)).data).toEqual([]);
  expect((await get('/perdure/v1/agents', secretOf('rival'))).data).toEqual([]);
  expect((await get('/perdure/v1/agents', everyone)).code).toBe('invalid_request');
  expect((await get('/perdure/v1/agents?tenant=acme', secretOf('rival'))).code).toBe('insufficient_scope');
});

test('reads keys without their secrets and hashes: of its tenant, or of all', async () => {
  const names = async (secret: string) => (await get('/perdure/v1/keys', secret)).data.map(({ name }) => name);
  expect(await names(secretOf('audit'))).toEqual(['app', 'audit']);
  expect(await names(secretOf('rival'))).toEqual(['other', 'rival']);
  expect(await names(everyone)).toEqual(['app', 'other', 'audit', 'rival', 'ops', 'everyone']);
  const { data, text } = await get('/perdure/v1/keys', everyone);
  const fields =
    'access_key_id,channel,created_at,id,name,object,prefix,product,revoked_at,scopes,segment,source,tenant'.split(',');
  for (const row of data) expect(fields).toEqual(expect.arrayContaining(Object.keys(row)));
  for (const secret of [everyone, ...['app', 'ops'].map(secretOf)]) expect(text).not.toContain(secret);
  for (const secret of [secretOf('audit'), everyone]) {
    const made = await stack.request('POST', '/perdure/v1/keys', { key: secret, body: { name: 'x' } });
    const gone = await stack.request('DELETE', `/perdure/v1/keys/${String(data.at(-1)?.['id'])}`, { key: secret });
    expect([made.status, gone.status]).toEqual([403, 403]);
  }
});

test('a plain key is told that it may not', async () => {
  for (const path of ['contracts', `contracts/${digest}`, 'agents', 'keys', 'audit', 'waivers'])
    expect([path, await get(`/perdure/v1/${path}`, secretOf('app'))]).toMatchObject([
      path,
      { status: 403, code: 'insufficient_scope' },
    ]);
});

test('what was planted is in no answer that an auditor can get', async () => {
  const known: { readonly [name: string]: string } = {
    digest,
    placement_id: placement,
    model_id: MODEL,
    agent_id: agent,
  };
  const gets = ROUTES.filter(({ method, open }) => method === 'get' && open !== true);
  let read = 0;
  for (const { path, query = [] } of gets) {
    const address = path.replace(/\{(\w+)\}/g, (_, name: string) => known[name] ?? (name === 'home' ? 'local' : 'x_1'));
    const tenant = query.includes('tenant') ? '?tenant=acme' : '';
    for (const [secret, asked] of [
      [secretOf('audit'), ''],
      [everyone, tenant],
    ] as const) {
      const { status, text } = await get(address + asked, secret);
      expect([address, text.includes(PLANTED)]).toEqual([address, false]);
      if (status === 200) read++;
    }
  }
  expect(read).toBeGreaterThan(40);
  // The search can find it.
  expect((await get(`/v1/agents/${agent}`, secretOf('app'))).text).toContain(PLANTED);
});
