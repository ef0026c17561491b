/** Credentials that come inline with MCP servers: used by the session, kept over restarts, replaced and forgotten with its tools. */
import type OpenAI from 'openai';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type HttpServer, startHttpServer } from '../../packages/server/src/provider/mcp/http-server.test-support.ts';
import { failureOf } from '../support/failure.ts';
import { MODEL, type Stack, startStack } from '../support/stack.ts';

const TOKEN = 'inline-token-88121';
let server: HttpServer;
let other: HttpServer;
let stack: Stack;
beforeAll(async () => {
  [server, other] = [await startHttpServer(), await startHttpServer()];
  const hosts = [server, other].map(({ url }) => new URL(url).host);
  stack = await startStack({
    clouds: ['azure'],
    config: { permissions_default: 'permit', mcp: { mode: 'allow-list', hosts, private_hosts: hosts } },
  });
});
afterAll(async () => {
  await stack.close();
  await Promise.all([server.close(), other.close()]);
});

const sessions = (): OpenAI['beta']['agents']['sessions'] => stack.openai().beta.agents.sessions;
const tool = (of: HttpServer, authorization?: string) => ({
  type: 'mcp' as const,
  server_label: 'docs',
  transport: { type: 'http' as const, server_url: of.url, ...(authorization !== undefined && { authorization }) },
});
async function idle(id: string): Promise<void> {
  await expect.poll(async () => (await sessions().retrieve(id)).status, { timeout: 30_000, interval: 20 }).toBe('idle');
}
async function made(...tools: ReturnType<typeof tool>[]): Promise<string> {
  const session = await sessions().create({
    agent: { model: MODEL, tools },
    environment: { type: 'none' },
    input: 'Use docs__add_row {}',
  });
  expect(JSON.stringify(session)).not.toContain(TOKEN);
  await idle(session.id);
  return session.id;
}
/** One more turn, which calls the server. @returns what it was sent meanwhile */
async function sent(id: string, of: HttpServer): Promise<ReadonlySet<string | undefined>> {
  const before = of.asked.length;
  await stack.request('POST', `/v1/agents/sessions/${id}/events`, {
    body: {
      events: [
        {
          type: 'agent.session.input.message',
          input: [{ role: 'user', content: [{ type: 'input_text', text: 'Use docs__add_row {}' }] }],
        },
      ],
    },
  });
  await expect
    .poll(() => of.asked.slice(before).some(({ rpc }) => rpc === 'tools/call'), { timeout: 30_000 })
    .toBe(true);
  await idle(id);
  return new Set(of.asked.slice(before).map(({ headers }) => headers.authorization));
}

test('is sent as it was given, also after a restart; one word is a bearer token', async () => {
  const id = await made(tool(server, TOKEN));
  expect(await sent(id, server)).toEqual(new Set([`Bearer ${TOKEN}`]));
  const basic = await made(tool(server, `Basic ${TOKEN}`));
  await stack.restart();
  expect(await sent(id, server)).toEqual(new Set([`Bearer ${TOKEN}`]));
  expect(await sent(basic, server)).toEqual(new Set([`Basic ${TOKEN}`]));
});

test('goes to the server that it came with: another under its label is sent nothing', async () => {
  const id = await made(tool(server, TOKEN));
  await sessions().update(id, { agent: { tools: [tool(other)] } });
  expect(await sent(id, other)).toEqual(new Set([undefined]));
  // Tools that bring none have none, the same server too.
  await sessions().update(id, { agent: { tools: [tool(server)] } });
  expect(await sent(id, server)).toEqual(new Set([undefined]));
});

test('a change that is refused leaves the older one in use; one that changes no tools does too', async () => {
  const id = await made(tool(server, TOKEN));
  const refused = sessions().update(id, {
    agent: { model: 'nobody-serves-this', tools: [tool(other, 'Bearer other-1')] },
  });
  expect(await failureOf(refused)).toMatchObject({ code: 'model_not_found' });
  expect(await sent(id, server)).toEqual(new Set([`Bearer ${TOKEN}`]));
  await sessions().update(id, { metadata: { a: 'b' } });
  expect(await sent(id, server)).toEqual(new Set([`Bearer ${TOKEN}`]));
  await sessions().update(id, { agent: { tools: [tool(server, 'Bearer other-2')] } });
  expect(await sent(id, server)).toEqual(new Set(['Bearer other-2']));
});

test('a session that is refused leaves none behind', async () => {
  const before = server.asked.length;
  const refused = sessions().create({
    agent: { model: 'nobody-serves-this', tools: [tool(server, TOKEN)] },
    environment: { type: 'none' },
    input: 'Hello.',
  });
  expect(await failureOf(refused)).toMatchObject({ code: 'model_not_found' });
  expect(server.asked).toHaveLength(before);
});

test('values for the environment of a process, and credentials for servers of an environment, are refused', async () => {
  const of = (given: object) =>
    failureOf(
      sessions().create({
        agent: { model: MODEL, tools: [given as ReturnType<typeof tool>] },
        environment: { type: 'none' },
        input: 'Hello.',
      }),
    );
  const inside = { ...tool(server, TOKEN), connection_origin: 'environment' };
  expect((await of(inside)).code).toMatch(/mcp_server_not_allowed|unsupported_parameter/);
  const stdio = { type: 'stdio', command: 'x', cwd: '/w', env: { KEY: TOKEN } };
  expect(JSON.stringify(await of({ ...tool(server), transport: stdio }))).not.toContain(TOKEN);
});
