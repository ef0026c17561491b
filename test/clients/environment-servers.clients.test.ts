/** MCP servers as processes in hosted environments, by the official client against a real server; and where they are refused. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type OpenAI from 'openai';
import { afterAll, afterEach, expect, test } from 'vitest';
import { SERVER_FILE, STDIO_SERVER } from '../../packages/server/src/main/agents/stdio-server.test-support.ts';
import { failureOf } from '../support/failure.ts';
import { MODEL, type Stack, startStack } from '../support/stack.ts';

/** Of the host commands see /usr alone. */
const NODE = ['/usr/bin/node', '/usr/local/bin/node'].some(path => existsSync(path));
const BUBBLEWRAP = NODE && spawnSync('bwrap', ['--unshare-all', '--ro-bind', '/', '/', 'true']).status === 0;
const rules = mkdtempSync(join(tmpdir(), 'perdure-rules-'));
writeFileSync(join(rules, 'rules.cedar'), '@id("all")\npermit (principal, action == Action::"call_tool", resource);\n');

let stack: Stack | null = null;
afterEach(async () => {
  await stack?.close();
  stack = null;
});
afterAll(() => rmSync(rules, { recursive: true, force: true }));

const tool: OpenAI.Beta.AgentToolParam = {
  type: 'mcp',
  server_label: 'own',
  connection_origin: 'environment',
  required: true,
  transport: { type: 'stdio', command: 'node', args: [SERVER_FILE], cwd: '/workspace', env_vars: ['YEAR'] },
};

async function becomes(client: OpenAI, id: string, status: string): Promise<void> {
  await expect
    .poll(async () => (await client.beta.agents.sessions.retrieve(id)).status, { timeout: 60_000, interval: 50 })
    .toBe(status);
}

test.skipIf(!BUBBLEWRAP)(
  'a server of the workspace answers the model, and is gone when the session rests',
  async () => {
    const config = { workspaces: { isolation: 'required' as const }, permissions: [rules] };
    stack = await startStack({ clouds: ['azure'], config });
    const client = stack.openai();
    const made: OpenAI.Beta.AgentSession = await client.beta.agents.sessions.create({
      environment: {
        type: 'openai_hosted',
        env: { YEAR: '2026', OTHER: 'not named' },
        // The server is there only once this has run: the turn waits for it.
        setup_commands: [{ command: `sleep 1; mv given.txt ${SERVER_FILE}` }],
        files: [{ type: 'inline', path: '/workspace/given.txt', data: Buffer.from(STDIO_SERVER).toString('base64') }],
      },
      agent: { model: MODEL, tools: [tool] },
      input: 'Use own__echo {"message":"from within"} and then own__env.',
    });
    const { id } = made;
    await becomes(client, id, 'idle');
    const { data } = await client.beta.agents.sessions.items.list(id, { order: 'asc', limit: 100 });
    const [echoed, env] = data.filter(item => item.type === 'mcp_call');
    expect(echoed).toMatchObject({ server_label: 'own', name: 'echo', output: 'from within' });
    expect(JSON.stringify(env)).toContain('2026');
    expect(JSON.stringify(env)).not.toContain('not named');
    const processes = () => spawnSync('ps', ['-eo', 'args'], { encoding: 'utf8' }).stdout.split('\n');
    await expect.poll(() => processes().filter(line => line === `node ${SERVER_FILE}`)).toEqual([]);
  },
  120_000,
);

test('where there is no sandbox to start it in, the session is not made', async () => {
  stack = await startStack({ clouds: ['azure'], config: { workspaces: { isolation: 'none' } } });
  const client = stack.openai();
  const { sessions } = client.beta.agents;
  const create = (environment: Parameters<typeof sessions.create>[0]['environment']) =>
    sessions.create({ environment, agent: { model: MODEL, tools: [tool] }, input: 'Hello.', stream: false });
  const refused = { status: 403, code: 'mcp_server_not_allowed', param: 'tools[0].transport.type' };
  expect(await failureOf(create({ type: 'openai_hosted' }))).toMatchObject({
    ...refused,
    message: expect.stringContaining('bubblewrap'),
  });
  expect(await failureOf(create({ type: 'none' }))).toMatchObject(refused);
  const own = { type: 'self_hosted', workspace_directory: '/workspace' } as const;
  expect(await failureOf(create(own))).toMatchObject({ ...refused, message: expect.stringContaining('Workers') });
  const { id } = await sessions.create({ environment: own, agent: { model: MODEL } });
  expect(await failureOf(sessions.update(id, { agent: { tools: [tool] } }))).toMatchObject(refused);
}, 60_000);
