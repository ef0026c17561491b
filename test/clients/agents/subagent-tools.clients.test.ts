/** Sub-agents with the tools of their session, by the official client: an MCP server over HTTP with a credential of the session's, and its hosted environment. */
import { spawnSync } from 'node:child_process';
import type OpenAI from 'openai';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  type HttpServer,
  startHttpServer,
} from '../../../packages/server/src/provider/mcp/http-server.test-support.ts';
import { MODEL, type Stack, startStack } from '../../support/stack.ts';

const BUBBLEWRAP = spawnSync('bwrap', ['--version']).status === 0;
const TOKEN = 'family-token-55210';
const multi = { enabled: true, max_concurrent_subagents: 3 };

let server: HttpServer;
let stack: Stack;
beforeAll(async () => {
  server = await startHttpServer();
  const hosts = [new URL(server.url).host];
  stack = await startStack({
    clouds: ['azure'],
    config: {
      permissions_default: 'permit',
      mcp: { mode: 'allow-list', hosts, private_hosts: hosts },
      workspaces: { isolation: BUBBLEWRAP ? 'required' : 'preferred' },
    },
  });
});
afterAll(async () => {
  await stack.close();
  await server.close();
});

const sessions = (): OpenAI['beta']['agents']['sessions'] => stack.openai().beta.agents.sessions;

const create = (task: string): string => `create_subagent ${JSON.stringify({ task })}`;
const WAIT = 'wait_for_subagents {"agent_ids":["{{1.agent_id}}","{{2.agent_id}}"]}';

async function idle(id: string): Promise<void> {
  await expect.poll(async () => (await sessions().retrieve(id)).status, { timeout: 60_000, interval: 50 }).toBe('idle');
}

/** What each of its sub-agents did, oldest first. */
async function done(id: string): Promise<readonly (readonly { readonly type: string }[])[]> {
  const { data } = await sessions().subagents.list(id, { order: 'asc' });
  return Promise.all(
    data.map(async one => (await sessions().subagents.items.list(one.id, { session_id: id, order: 'asc' })).data),
  );
}

test('each calls the MCP server of the session, with its credential; over a restart too', async () => {
  const tool = {
    type: 'mcp' as const,
    server_label: 'docs',
    transport: { type: 'http' as const, server_url: server.url, authorization: TOKEN },
  };
  const { id } = await sessions().create({
    environment: { type: 'none' },
    agent: { model: MODEL, tools: [tool], multi_agent: multi },
    input: `Use ${create('Use docs__add_row {}')} and ${create('Use docs__add_row {}')} >>> ${WAIT}`,
  });
  await idle(id);
  expect(server.ran.get('add_row')).toBe(2);
  expect((await done(id)).map(items => items.map(item => item.type))).toEqual([
    ['agent_message', 'mcp_call', 'message'],
    ['agent_message', 'mcp_call', 'message'],
  ]);
  expect(new Set(server.asked.map(({ headers }) => headers.authorization))).toEqual(new Set([`Bearer ${TOKEN}`]));

  await stack.restart();
  const [first] = (await sessions().subagents.list(id, { order: 'asc' })).data;
  const more = { agent_id: first?.id, input: 'Use docs__add_row {}' };
  await sessions().events.create(id, {
    events: [
      {
        type: 'agent.session.input.message',
        input: [
          {
            role: 'user',
            content: [
              {
                type: 'input_text',
                text: `Use send_subagent_input ${JSON.stringify(more)} >>> wait_for_subagents {"agent_ids":["${first?.id ?? ''}"]}`,
              },
            ],
          },
        ],
      },
    ],
  });
  await idle(id);
  expect(server.ran.get('add_row')).toBe(3);
  expect(new Set(server.asked.map(({ headers }) => headers.authorization))).toEqual(new Set([`Bearer ${TOKEN}`]));
  await sessions().delete(id);
}, 120_000);

test.skipIf(!BUBBLEWRAP)(
  'they work in the environment of their session: one reads what another wrote',
  async () => {
    const shell = (command: string): string => `shell ${JSON.stringify({ command })}`;
    const { id } = await sessions().create({
      environment: { type: 'openai_hosted' },
      agent: { model: MODEL, multi_agent: multi },
      input:
        `Use ${create(`Use ${shell('echo from alpha > alpha.txt')}`)} and ${create(`Use ${shell('echo from beta > beta.txt')}`)} >>> ` +
        `${WAIT} >>> ${shell('cat alpha.txt beta.txt')}`,
    });
    await idle(id);
    const { data } = await sessions().items.list(id, { order: 'asc' });
    expect(JSON.stringify(data.findLast(item => item.type === 'message'))).toContain('from alpha\\nfrom beta');
    expect((await done(id)).map(items => items.map(item => item.type))).toEqual([
      ['agent_message', 'command_execution', 'message'],
      ['agent_message', 'command_execution', 'message'],
    ]);
    await sessions().delete(id);
  },
  120_000,
);
