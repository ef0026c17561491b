/** From a Cedar policy that asks, through an approval and a webhook, to the tool's result: the whole server, driven by the official client. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ApprovalDetail, ApprovalPage } from '@perdure/protocol';
import { createPerdureClient } from '@perdure/client';
import type OpenAI from 'openai';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { perdure } from '../../packages/server/src/main/cli/captured-io.test-support.ts';
import { MODEL, type Stack, startStack } from '../support/stack.ts';

const SECRET = `whsec_${Buffer.alloc(32, 3).toString('base64')}`;
const KEYS = { agent: 'agent-key-0123456789', boss: 'boss-key-0123456789', audit: 'audit-key-0123456789' };
const POLICY = `
@id("weather-asks")
@cite("house rule 1")
permit (principal, action == Action::"ask_for_tool", resource == Tool::"get_weather");
@id("no-moon")
@cite("house rule 2")
forbid (principal, action == Action::"call_tool", resource == Tool::"get_weather")
when { context.args.text.hasTag("city") && context.args.text.getTag("city") == "Moon" };
@id("small-town")
permit (principal, action == Action::"auto_approve", resource == Tool::"get_weather")
when { context.args.text.hasTag("city") && context.args.text.getTag("city") == "Ulm" };
`;
const WEATHER = {
  type: 'function',
  name: 'get_weather',
  description: 'The weather of a city.',
  parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
} as const;

let dir = '';
let receiver: Server;
let stack: Stack;
let client: OpenAI;
const taken: { headers: Headers; body: string }[] = [];

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'perdure-approvals-'));
  mkdirSync(join(dir, 'rules'));
  writeFileSync(join(dir, 'rules', 'rules.cedar'), POLICY);
  receiver = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const headers = new Headers(Object.entries(request.headers).map(([name, value]) => [name, String(value)]));
      taken.push({ headers, body: Buffer.concat(chunks).toString() });
      response.writeHead(204).end();
    });
  });
  await new Promise<void>(resolve => receiver.listen(0, '127.0.0.1', resolve));
  const { port } = receiver.address() as AddressInfo;
  stack = await startStack({
    clouds: ['azure'],
    config: {
      permissions: [join(dir, 'rules')],
      approvals: { second_person: true },
      webhooks: [{ id: 'ops', url: `http://127.0.0.1:${port}/`, secret: SECRET, allow_private: true }],
      keys: [
        { name: 'agent', secret: KEYS.agent, scopes: ['inference', 'read', 'approve'] },
        { name: 'boss', secret: KEYS.boss, scopes: ['approve'] },
        { name: 'audit', secret: KEYS.audit, scopes: ['auditor'] },
      ],
    },
  });
  client = stack.openai(KEYS.agent);
}, 60_000);

afterAll(async () => {
  await stack.close();
  receiver.closeAllConnections();
  await new Promise(resolve => receiver.close(resolve));
  rmSync(dir, { recursive: true, force: true });
});

type Session = OpenAI.Beta.AgentSession;

async function until<T>(what: () => Promise<T | null>): Promise<T> {
  for (let tries = 0; tries < 800; tries++) {
    const found = await what();
    if (found !== null) return found;
    await new Promise(resolve => setTimeout(resolve, 20));
  }
  throw new Error('it never came');
}

const reached = (id: string, status: Session['status']): Promise<Session> =>
  until(async () => {
    const session = await client.beta.agents.sessions.retrieve(id);
    return session.status === status ? session : null;
  });

const asks = (city: string, review: 'none' | 'auto_review' = 'none'): Promise<Session> =>
  client.beta.agents.sessions.create({
    environment: { type: 'none' },
    agent: { model: MODEL, tools: [WEATHER] },
    review,
    input: `Call get_weather {"city":"${city}"} please.`,
  } as Parameters<typeof client.beta.agents.sessions.create>[0]) as Promise<Session>;

async function items(id: string): Promise<string> {
  const page = await client.beta.agents.sessions.items.list(id);
  return JSON.stringify(page.data);
}

async function call<T>(method: string, path: string, key: string, body?: object): Promise<{ status: number; body: T }> {
  const response = await stack.request(method, `/perdure/v1/approvals${path}`, { key, ...(body && { body }) });
  return { status: response.status, body: (await response.json()) as T };
}

test('a call that a policy asks about waits over a restart, is granted by a second person, and is told to the webhook', async () => {
  const { id } = await asks('Paris');
  const waiting = await reached(id, 'requires_action');
  expect(waiting.required_actions.map(action => action.type)).toEqual(['perdure.approval_request']);
  await stack.restart();
  client = stack.openai(KEYS.agent);
  const listed = await call<ApprovalPage>('GET', `?status=waiting&session_id=${id}`, KEYS.audit);
  expect(listed.body.data).toMatchObject([{ tool: 'get_weather', status: 'waiting', why: 'policy', session_id: id }]);
  const approval = listed.body.data[0]?.id ?? '';
  expect((await call('GET', `/${approval}`, KEYS.audit)).body).not.toHaveProperty('arguments');
  const shown = await call<ApprovalDetail>('GET', `/${approval}`, KEYS.boss);
  expect(shown.body.arguments).toEqual({ city: 'Paris' });
  expect(await call('POST', `/${approval}/grant`, KEYS.agent)).toMatchObject({
    status: 403,
    body: { error: { code: 'second_person_required' } },
  });
  expect(await call('POST', `/${approval}/grant`, KEYS.audit)).toMatchObject({ status: 403 });
  const { binding } = shown.body;
  expect(await call('POST', `/${approval}/grant`, KEYS.boss, { binding: 'other' })).toMatchObject({ status: 400 });
  expect(await call('POST', `/${approval}/grant`, KEYS.boss, { binding })).toMatchObject({
    status: 200,
    body: { status: 'granted', decided_by: 'key:config:boss' },
  });
  expect(await call('POST', `/${approval}/grant`, KEYS.boss, { binding })).toMatchObject({
    status: 409,
    body: { error: { code: 'approval_not_open' } },
  });
  const acting = await reached(id, 'requires_action');
  const [action] = acting.required_actions;
  expect(action?.type).toBe('function_call');
  const { call_id: callId, turn_id: turnId } = action as { readonly call_id: string; readonly turn_id: string };
  await client.beta.agents.sessions.events.create(id, {
    events: [
      {
        type: 'agent.session.input.tool_result',
        turn_id: turnId,
        call_id: callId,
        success: true,
        output: 'sunny in Paris',
      },
    ],
  });
  await reached(id, 'idle');
  expect(await items(id)).toContain('sunny in Paris');
  await until(async () =>
    taken.some(({ body }) => body.includes('agent.session.idle') && body.includes(id)) ? 1 : null,
  );
  const told = await Promise.all(taken.map(({ body, headers }) => client.webhooks.unwrap(body, headers, SECRET)));
  const types = told.map(event => (event as { type: string }).type);
  for (const type of ['perdure.approval.requested', 'perdure.approval.granted', 'agent.session.action_required'])
    expect(types).toContain(type);
  expect(taken.map(({ body }) => body).join('')).not.toMatch(/Paris|sunny/);
}, 60_000);

test('a forbidden call is told to the model, a denied one with its reason', async () => {
  const moon = await asks('Moon');
  await reached(moon.id, 'idle');
  expect(await items(moon.id)).toContain('Permission denied by policy');
  const rome = await asks('Rome');
  await reached(rome.id, 'requires_action');
  const boss = createPerdureClient({ baseURL: stack.url, apiKey: KEYS.boss });
  const [waiting] = (await boss.approvals.list({ status: 'waiting', session_id: rome.id })).data;
  const denied = await boss.approvals.deny(waiting?.id ?? '', { reason: 'Too far.' });
  expect(denied).toMatchObject({ status: 'denied', reason: 'Too far.' });
  await reached(rome.id, 'idle');
  expect(await items(rome.id)).toContain('Too far.');
}, 60_000);

test('under auto_review rules say yes, and what no rule speaks of is denied', async () => {
  const ulm = await asks('Ulm', 'auto_review');
  const waiting = await until(async () => {
    const session = await client.beta.agents.sessions.retrieve(ulm.id);
    return session.status === 'in_progress' ? null : session;
  });
  expect(waiting.required_actions.map(action => action.type)).toEqual(['function_call']);
  const oslo = await asks('Oslo', 'auto_review');
  await reached(oslo.id, 'idle');
  expect(await items(oslo.id)).toContain('Permission denied');
}, 60_000);

test('the command line lists, shows and decides', async () => {
  const { id } = await asks('Bonn');
  await reached(id, 'requires_action');
  const run = (...args: readonly string[]): ReturnType<typeof perdure> =>
    perdure(['approvals', ...args], { cwd: dir, env: { PERDURE_URL: stack.url, PERDURE_API_KEY: KEYS.boss } });
  const listed = await run('list', '--session', id);
  const [approval = ''] = /appr_\w+/.exec(listed.out) ?? [];
  expect(listed.out).toMatch(/^APPROVAL +STATUS +WHY +TOOL/);
  expect(listed.out).not.toContain('Bonn');
  expect((await run('show', approval)).out).toMatch(/arguments +\{"city":"Bonn"\}/);
  const denied = await run('deny', approval, '--reason', 'Rain.', '--json');
  expect(JSON.parse(denied.out)).toMatchObject({ id: approval, status: 'denied', reason: 'Rain.' });
  expect((await run('grant', approval)).code).not.toBe(0);
  expect((await run('list', '--session', id)).out).toBe('There are no such approvals.\n');
}, 60_000);
