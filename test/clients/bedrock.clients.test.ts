import { createdKeySchema } from '@perdure/protocol';
import OpenAI from 'openai';
import { bedrock as byBearer } from 'openai/providers/bedrock';
import { bedrock as bySignature } from 'openai/providers/bedrock/aws';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { presign, sign } from '../../packages/server/src/http/sigv4/signed-request.test-support.ts';
import { filesWith } from '../support/data-bytes.ts';
import { failureOf } from '../support/failure.ts';
import { MODEL, type Stack, startStack } from '../support/stack.ts';

/** What Bedrock Managed Agents documents, by the official client with its own provider for Bedrock: signed, and by bearer. */
const OPERATOR = 'secret-of-the-operator';
const SESSIONS = '/openai/v1/agents/sessions';
const NONE = { type: 'none' } as const;

interface Key {
  readonly id: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}
let stack: Stack;
let acme: Key;
let rival: Key;
let bearer: string;

beforeAll(async () => {
  stack = await startStack({
    clouds: ['aws'],
    config: {
      keys: [{ name: 'ops', tenant: 'house', secret: OPERATOR, scopes: ['operator', 'inference', 'read'] }],
      sigv4: { regions: ['us-east-1'] },
    },
  });
  [acme, rival] = [await makeKey('acme'), await makeKey('rival')];
  const made = await stack.request('POST', '/perdure/v1/keys', { key: OPERATOR, body: { name: 'b', tenant: 'acme' } });
  bearer = createdKeySchema.parse(await made.json()).secret;
}, 60_000);
afterAll(() => stack.close());

async function makeKey(tenant: string, scopes: readonly string[] = ['inference', 'read']): Promise<Key> {
  const body = { name: 'boto', tenant, scopes, auth: 'sigv4' };
  const made = await stack.request('POST', '/perdure/v1/keys', { key: OPERATOR, body });
  const { id, secret, access_key_id: accessKeyId = '' } = createdKeySchema.parse(await made.json());
  return { id, accessKeyId, secretAccessKey: secret };
}

const openai = (provider: ReturnType<typeof byBearer>): OpenAI =>
  new OpenAI({ provider, maxRetries: 0, fetch: stack.wire.fetch });
const signing = (
  { accessKeyId, secretAccessKey }: Omit<Key, 'id'> = acme,
  over: { readonly region?: string; readonly sessionToken?: string } = {},
): OpenAI =>
  openai(
    bySignature({
      endpoint: 'mantle',
      region: 'us-east-1',
      baseURL: `${stack.url}/openai/v1`,
      accessKeyId,
      secretAccessKey,
      ...over,
    }),
  );
const bearing = (): OpenAI =>
  openai(byBearer({ endpoint: 'mantle', region: 'us-east-1', baseURL: `${stack.url}/openai/v1`, apiKey: bearer }));

async function idle(client: OpenAI, id: string): Promise<void> {
  for (let tries = 0; tries < 400; tries++) {
    if ((await client.beta.agents.sessions.retrieve(id)).status === 'idle') return;
    await new Promise(resolve => setTimeout(resolve, 20));
  }
  throw new Error('the session never came to rest');
}

describe.each([
  ['signed', () => signing()],
  ['by bearer', () => bearing()],
])('the seven operations, %s', (_, made) => {
  test('create, list, get, post events, stream events, list items, delete', async () => {
    const client = made();
    const { sessions } = client.beta.agents;
    const session = await sessions.create({
      environment: NONE,
      agent: { model: MODEL, instructions: 'Be brief.' },
      input: 'My name is Zoë.',
      metadata: { 'a key': 'a b+c' },
    });
    await idle(client, session.id);
    expect((await sessions.list({ limit: 100 })).data.map(({ id }) => id)).toContain(session.id);
    expect((await sessions.list({ metadata: { 'a key': 'a b+c' } })).data.length).toBeGreaterThan(0);
    expect((await sessions.retrieve(session.id)).id).toBe(session.id);
    // The stream is opened first, and then input is posted: both are operations of Bedrock.
    const result = await sessions.stream(session.id, { input: 'What is my name?' }).finalResult();
    expect(JSON.stringify(result.messages)).toContain('Zoë');
    const items = await sessions.items.list(session.id, { order: 'asc', limit: 100 });
    expect(items.data.map(item => item.type)).toContain('message');
    await idle(client, session.id);
    expect(await sessions.delete(session.id)).toMatchObject({ id: session.id, deleted: true });
    expect(await failureOf(sessions.retrieve(session.id))).toMatchObject({ status: 404, code: 'session_not_found' });
  });
});

test('both keys of a tenant see the same sessions, another tenant none of them (L10)', async () => {
  const session = await signing().beta.agents.sessions.create({
    environment: NONE,
    agent: { model: MODEL },
    input: 'Hello.',
  });
  expect((await bearing().beta.agents.sessions.retrieve(session.id)).id).toBe(session.id);
  const { sessions } = signing(rival).beta.agents;
  expect(await failureOf(sessions.retrieve(session.id))).toMatchObject({ status: 404, code: 'session_not_found' });
  expect((await sessions.list()).data).toEqual([]);
});

test('only the seven are there, and only there signatures are taken', async () => {
  const { beta, responses } = signing();
  const { id } = await beta.agents.sessions.create({ environment: NONE, agent: { model: MODEL }, input: 'Hello.' });
  for (const work of [
    () => beta.agents.sessions.turns.list(id),
    () => beta.agents.sessions.traces.list(id),
    () => responses.create({ model: MODEL, input: 'Hello' }),
  ])
    expect(await failureOf(Promise.resolve(work()))).toMatchObject({ status: 404, code: 'not_found' });
  const put = await sign(acme, { method: 'PUT', url: `${stack.url}${SESSIONS}` });
  const { host: _own, ...signed } = put.headers;
  expect((await stack.request('PUT', SESSIONS, { headers: signed })).status).toBe(405);
  const { headers } = await sign(acme, { method: 'GET', url: `${stack.url}/v1/agents/sessions` });
  const { host: _host, ...others } = headers;
  const refused = await stack.request('GET', '/v1/agents/sessions', { headers: others });
  expect(refused.status).toBe(401);
  expect(await refused.json()).toMatchObject({ error: { code: 'missing_api_key' } });
});

test('what is wrong with a signature is told in the same envelope as anything else', async () => {
  const wrong = signing({ ...acme, secretAccessKey: rival.secretAccessKey });
  expect(await failureOf(Promise.resolve(wrong.beta.agents.sessions.list()))).toMatchObject({
    status: 401,
    code: 'invalid_signature',
    type: 'authentication_error',
  });
  const elsewhere = signing(acme, { region: 'eu-west-1' });
  expect(await failureOf(Promise.resolve(elsewhere.beta.agents.sessions.list()))).toMatchObject({
    status: 403,
    code: 'signature_not_allowed',
  });
  const temporary = signing(acme, { sessionToken: 'a-token' });
  expect(await failureOf(Promise.resolve(temporary.beta.agents.sessions.list()))).toMatchObject({
    status: 403,
    code: 'signature_not_allowed',
  });
});

test('a presigned address is refused, with a key too', async () => {
  const address = await presign(acme, { method: 'GET', url: `${stack.url}${SESSIONS}` });
  for (const key of [undefined, bearer]) {
    const refused = await stack.request('GET', address.slice(stack.url.length), { ...(key !== undefined && { key }) });
    expect(refused.status).toBe(403);
    expect(await refused.json()).toMatchObject({ error: { code: 'signature_not_allowed' } });
  }
});

test('a key that signs has its scopes, and is refused once it was revoked, after a restart too', async () => {
  const reader = await makeKey('acme', ['read']);
  const { sessions } = signing(reader).beta.agents;
  await sessions.list();
  expect(
    await failureOf(sessions.create({ environment: NONE, agent: { model: MODEL }, input: 'Hello.' })),
  ).toMatchObject({
    status: 403,
    code: 'insufficient_scope',
  });
  await stack.request('DELETE', `/perdure/v1/keys/${reader.id}`, { key: OPERATOR });
  const refused = { status: 401, code: 'invalid_signature' };
  expect(await failureOf(Promise.resolve(sessions.list()))).toMatchObject(refused);
  await stack.restart();
  expect(await failureOf(Promise.resolve(signing(reader).beta.agents.sessions.list()))).toMatchObject(refused);
  await signing().beta.agents.sessions.list();
});

test('L9: the secret is in no listing, no file of the data folder, and no line for the operator; as a bearer it is nothing', async () => {
  const listing = await (await stack.request('GET', '/perdure/v1/keys', { key: OPERATOR })).text();
  expect(listing).toContain(acme.accessKeyId);
  expect(listing).not.toContain(acme.secretAccessKey);
  expect(stack.notes.join()).not.toContain(acme.secretAccessKey);
  const audit = await (await stack.request('GET', '/perdure/v1/audit', { key: OPERATOR })).text();
  expect(audit).toContain(acme.accessKeyId);
  expect(audit).not.toContain(acme.secretAccessKey);
  expect(audit).not.toContain('pdk1.');
  expect(filesWith(stack.data, acme.secretAccessKey)).toEqual([]);
  for (const key of [acme.secretAccessKey, acme.accessKeyId])
    expect((await stack.request('GET', SESSIONS, { key })).status).toBe(401);
});
