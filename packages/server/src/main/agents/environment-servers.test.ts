/** MCP servers as processes in environments: real bubblewrap, real servers. */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { setTimeout as sleep } from 'node:timers/promises';
import { rolldown } from 'rolldown';
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import type { EnvironmentsApi } from '../../engine/environments/environments-api.ts';
import type { ServedProcess, ToolOutcome, Workspace, WorkspaceSpec } from '../../engine/tools/ports.ts';
import type { SessionId, TenantId } from '../../kernel/ids.ts';
import type { JsonObject } from '../../log/events.ts';
import type { McpLimits } from '../../provider/mcp/limits.ts';
import {
  type Bench,
  benchOf,
  named,
  never,
  runOf,
  scopeOf,
  stdioTool,
  textOf,
} from '../../provider/mcp/source.test-support.ts';
import type { WorkspaceLimits } from '../../workspace/limits.ts';
import { closeAll, noBubblewrap, openTest, run, specOf, text } from '../../workspace/workspace.test-support.ts';
import { parseConfig } from '../config/load.ts';
import { serverEnvironments, whyNoServers } from './server-environments.ts';
import { SERVER_FILE, STDIO_SERVER } from './stdio-server.test-support.ts';

/** Of the host commands see /usr alone. */
const node = ['/usr/bin/node', '/usr/local/bin/node'].some(path => existsSync(path));
const missing = node ? await noBubblewrap() : 'no node in /usr';
const { config } = parseConfig(
  'targets: [{ id: a, vendor: v, model: m, cloud: c, region: r, base_url: "http://127.0.0.1:1/v1" }]\ncontracts: [none]\n',
  { file: 'test', env: {}, base: '/base' },
);
afterAll(closeAll);

interface Given {
  readonly limits?: Partial<WorkspaceLimits>;
  readonly mcp?: Partial<McpLimits>;
  readonly spec?: Partial<Omit<WorkspaceSpec, 'tenant'>>;
  readonly placeholders?: { readonly [name: string]: string };
  readonly tool?: JsonObject;
  readonly transport?: JsonObject;
  readonly isolation?: 'none';
}

const open: Bench[] = [];
afterEach(async () => void (await Promise.all(open.splice(0).map(({ source }) => source.close()))));

/** A session whose agent has one server in its environment, and what looks at both. */
async function world(given: Given = {}) {
  const pids = new Set<number>();
  const { placeholders } = given;
  const workspaces = await openTest({
    ...(given.isolation !== undefined && { isolation: given.isolation }),
    limits: given.limits ?? {},
    started: pid => void pids.add(pid),
    network: {
      ...(placeholders !== undefined && {
        credentials: () => ({ variables: async () => placeholders, values: async () => new Map() }),
      }),
    },
  });
  const spec = specOf('env_1', given.spec);
  const workspace: Workspace = await workspaces.open(spec);
  await workspace.write(SERVER_FILE, text(STDIO_SERVER));
  const api = { sessions: { use: async () => ({ workspace }) } } as unknown as EnvironmentsApi;
  const bench = benchOf({
    environments: serverEnvironments({ api: () => api, workspaces: config.workspaces, callMs: 10_000 }),
    limits: given.mcp ?? {},
  });
  open.push(bench);
  const transport = { type: 'stdio', command: 'node', args: [SERVER_FILE], cwd: '/workspace', env_vars: [] };
  const tools = [
    stdioTool('own', '', {
      transport: { ...transport, ...given.transport },
      connection_origin: 'environment',
      required: true,
      ...given.tool,
    }),
  ];
  const scope = scopeOf(tools, { environment: { type: 'openai_hosted', id: 'env_1' } });
  const { source } = bench;
  return {
    bench,
    scope,
    spec,
    workspaces,
    workspace,
    list: () => source.list(scope, never),
    call: async (name: string, args: JsonObject = {}): Promise<ToolOutcome> =>
      source.run(scope, named(await source.list(scope, never), `own__${name}`), runOf(args)),
    alive: () => [...pids].filter(isAlive).length,
    begun: () => pids.size,
  };
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

describe.skipIf(missing !== null)('an MCP server in the environment of a session', () => {
  test('lists its tools and runs them, in one process for the turn; none of its hints is believed', async () => {
    const { list, call, begun } = await world();
    const tools = await list();
    expect(tools.map(({ name }) => name)).toContain('own__echo');
    for (const { inEnvironment, idempotent } of tools)
      expect({ inEnvironment, idempotent }).toEqual({ inEnvironment: true, idempotent: false });
    expect(await call('echo', { message: 'hello' })).toEqual({ ok: true, output: 'hello' });
    await call('served');
    expect(textOf(await call('served'))).toBe('2');
    // One more for the question which protocol it speaks, if it ended on that.
    expect(begun()).toBeLessThanOrEqual(2);
  });

  test('a server from npm works on the files of the workspace', { timeout: 120_000 }, async () => {
    const entry = createRequire(import.meta.url).resolve('@modelcontextprotocol/server-filesystem/dist/index.js');
    const build = await rolldown({ input: entry, platform: 'node', logLevel: 'silent' });
    const { output } = await build.generate({ format: 'esm', codeSplitting: false });
    const { workspace, call } = await world({
      transport: { args: ['files.mjs', '/workspace/notes'] },
      mcp: { connectMs: 60_000 },
    });
    await workspace.write('files.mjs', text(output[0].code));
    await workspace.write('notes/note.txt', text('what the note says'));
    expect(textOf(await call('read_text_file', { path: '/workspace/notes/note.txt' }))).toBe('what the note says');
    expect(await call('read_text_file', { path: '/etc/passwd' })).toMatchObject({ ok: false, code: 'mcp_tool_error' });
  });

  test('it is given the variables that are named, and of this server nothing', async () => {
    process.env['PERDURE_TEST_SECRET'] = 'of the server';
    try {
      const { call } = await world({
        spec: { env: { SHOWN: 'of the environment', OTHER: 'not named' } },
        placeholders: { API_KEY: 'placeholder-1', API_OTHER: 'placeholder-2' },
        transport: { env_vars: ['SHOWN', 'API_KEY', 'PERDURE_TEST_SECRET', 'NOWHERE'] },
      });
      const env = JSON.parse(textOf(await call('env'))) as { readonly [name: string]: string };
      expect(env).toMatchObject({ SHOWN: 'of the environment', API_KEY: 'placeholder-1', HOME: '/workspace' });
      for (const name of ['OTHER', 'API_OTHER', 'PERDURE_TEST_SECRET', 'NOWHERE']) expect(env).not.toHaveProperty(name);
    } finally {
      delete process.env['PERDURE_TEST_SECRET'];
    }
  });

  test('it sees the workspace and nothing else of the host', async () => {
    const { call, workspaces, workspace } = await world();
    await workspace.write('mine.txt', text('mine'));
    expect(textOf(await call('read', { path: '/workspace/mine.txt' }))).toBe('mine');
    expect(textOf(await call('read', { path: `${workspaces.folder}/default/env_1/root/mine.txt` }))).toBe(
      'nothing there',
    );
    expect(textOf(await call('read', { path: import.meta.filename }))).toBe('nothing there');
    const seen = JSON.parse(textOf(await call('list', { path: '/proc' }))) as readonly string[];
    expect(seen.filter(name => /^\d+$/.test(name)).length).toBeLessThan(10);
  });

  test('its way out is that of commands: none, or the proxy of the workspace and what its rules let through', async () => {
    const url = 'http://blocked.example/';
    expect(textOf(await (await world()).call('ask', { url }))).toBe('no proxy');
    const { call } = await world({ spec: { network: { access: 'restricted', allowed: ['a.example'], blocked: [] } } });
    // Refused by the proxy, which was reached.
    expect(textOf(await call('ask', { url }))).toBe('403');
  });

  test('what is in its arguments is read by no shell', async () => {
    const given = `'; touch /workspace/owned; echo "$HOME" '`;
    const { call, workspace } = await world({
      transport: { args: ['-e', `process.argv.push(1);await import('/workspace/${SERVER_FILE}')`, given] },
    });
    expect(await call('echo', { message: 'hello' })).toEqual({ ok: true, output: 'hello' });
    expect(await workspace.read('owned', 10)).toBeNull();
  });

  test('L6: one that dies in the middle of a call is not asked again; the next call begins it anew', async () => {
    const { call, workspace } = await world();
    await call('served');
    expect(await call('die', { after: 'died' })).toEqual({
      ok: false,
      code: 'mcp_connection_lost',
      message: 'The connection to the server was lost. It is not known whether the tool has run.',
    });
    expect(Buffer.from((await workspace.read('died', 100)) ?? []).toString()).toBe('once ');
    expect(textOf(await call('served'))).toBe('1');
  });

  test('one that answers nothing is given up after its time', async () => {
    const { call } = await world({ mcp: { callMs: 300 } });
    expect(await call('mute')).toMatchObject({ ok: false, code: 'mcp_timeout' });
  });

  test('an answer over the bound ends it, and says so', async () => {
    const { call } = await world({ mcp: { wireBytes: 8 * 1024 } });
    expect(textOf(await call('line', { bytes: 4_000 }))).toHaveLength(4_000);
    expect(await call('line', { bytes: 9_000 })).toMatchObject({ ok: false, code: 'mcp_result_too_large' });
  });

  test('one that prints without end is ended', async () => {
    const { call, alive } = await world({ limits: { printedBytes: 1024 * 1024 } });
    expect(await call('lines')).toMatchObject({ ok: false, code: 'mcp_connection_lost' });
    await expect.poll(alive).toBe(0);
    expect(await call('echo', { message: 'anew' })).toEqual({ ok: true, output: 'anew' });
  });

  test('one that fills the workspace is ended', async () => {
    const { call, alive } = await world({ limits: { bytes: 4 * 1024 * 1024 } });
    await call('write', { path: '/workspace/big', bytes: 5 * 1024 * 1024 });
    await expect.poll(alive, { timeout: 5_000 }).toBe(0);
  });

  test('one that runs longer than a command may is ended', async () => {
    const { call, alive } = await world({ limits: { timeoutMs: 1_500 } });
    await call('echo', { message: 'hello' });
    expect(alive()).toBe(1);
    await expect.poll(alive, { timeout: 5_000 }).toBe(0);
  });

  test('L4: it is gone once the session rests, and comes back when it is needed', async () => {
    const { call, alive, bench, scope, workspaces, spec } = await world();
    await call('served');
    expect(alive()).toBe(1);
    expect(await workspaces.serving?.(spec.tenant, spec.id)).toBe(true);
    await bench.source.release(scope.session);
    expect(alive()).toBe(0);
    await expect.poll(() => workspaces.serving?.(spec.tenant, spec.id)).toBe(false);
    expect(textOf(await call('served'))).toBe('1');
  });

  test('it ends with its environment, and with the workspaces', async () => {
    const one = await world();
    await one.call('served');
    await one.workspaces.destroy(one.spec.tenant, one.spec.id);
    expect(one.alive()).toBe(0);
    const other = await world();
    await other.call('served');
    await other.workspaces.close();
    await expect.poll(other.alive).toBe(0);
  });

  test('commands run beside it, and have their own places', async () => {
    const { call, workspace } = await world({ limits: { commands: 1 } });
    await call('served');
    expect((await run(workspace, 'echo beside')).output).toBe('beside\n');
  });

  test('as many run as may, and no more: in a workspace, and on the server', async () => {
    const { workspace: one, workspaces } = await world({ limits: { workspaceServers: 2, servers: 3 } });
    const other = await workspaces.open(specOf('env_2'));
    const request = { command: 'cat', args: [], cwd: '', variables: [] };
    const begin = (of: Workspace): Promise<ServedProcess> => of.serve?.(request) ?? Promise.reject(new Error('none'));
    const begun = [await begin(one), await begin(one)];
    await expect(begin(one)).rejects.toMatchObject({ code: 'rate_limit_exceeded' });
    begun.push(await begin(other));
    await expect(begin(other)).rejects.toMatchObject({ code: 'rate_limit_exceeded' });
    await begun[0]?.end();
    await expect.poll(async () => workspaces.serving?.('default' as TenantId, 'env_1')).toBe(true);
    begun.push(await begin(other));
    await expect(begin(other)).rejects.toMatchObject({ code: 'rate_limit_exceeded' });
    for (const process of begun) await process.end();
    const none = await world({ limits: { servers: 0 } });
    await expect(none.list()).rejects.toMatchObject({ code: 'mcp_server_unavailable' });
  });

  test('what cannot be started says so', async () => {
    const of = (transport: JsonObject) => world({ transport }).then(({ list }) => list());
    await expect(of({ cwd: '/workspace/nowhere' })).rejects.toMatchObject({
      message: expect.stringContaining('no such folder'),
    });
    await expect(of({ cwd: '/etc' })).rejects.toMatchObject({
      message: expect.stringContaining('leads out of the workspace'),
    });
    await expect(of({ command: '-c' })).rejects.toMatchObject({ code: 'mcp_server_unavailable' });
    await expect(of({ command: 'no-such-program' })).rejects.toMatchObject({
      message: "The MCP server 'own' cannot be started: the command is not there.",
    });
  });
});

describe('where none is started', () => {
  test('just-bash starts none', async () => {
    const { list } = await world({ isolation: 'none' });
    await expect(list()).rejects.toMatchObject({ message: expect.stringContaining('only where bubblewrap') });
  });

  test('sessions are told when they are made', async () => {
    const state = (isolation: 'bubblewrap' | 'just-bash') => async () => ({ isolation, why: 'no bwrap' });
    expect(await whyNoServers(state('bubblewrap'))({ type: 'openai_hosted' })).toBeNull();
    expect(await whyNoServers(state('just-bash'))({ type: 'openai_hosted' })).toContain('no bwrap');
    for (const type of ['self_hosted', 'none'])
      expect(await whyNoServers(state('bubblewrap'))({ type })).not.toBeNull();
  });

  test('a turn that begins while the environment is made waits for it, and not longer than the turn', async () => {
    const made = Promise.withResolvers<never>();
    const api = { sessions: { use: () => made.promise } } as unknown as EnvironmentsApi;
    const { source } = benchOf({
      environments: serverEnvironments({ api: () => api, workspaces: config.workspaces, callMs: 1_000 }),
      limits: { connectMs: 50 },
    });
    const tool = stdioTool('own', 'node', { connection_origin: 'environment', required: true });
    const scope = scopeOf([tool], {
      session: 'sess_w' as SessionId,
      environment: { type: 'openai_hosted', id: 'env_1' },
    });
    const stop = new AbortController();
    let over = false;
    const listed = source.list(scope, stop.signal).finally(() => (over = true));
    listed.catch(() => undefined);
    await sleep(200);
    expect(over).toBe(false);
    stop.abort(new Error('the turn has ended'));
    await expect(listed).rejects.toThrow('the turn has ended');
    await source.close();
  });
});
