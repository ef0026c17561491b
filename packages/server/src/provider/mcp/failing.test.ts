import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import type { ToolScope } from '../../engine/tools/ports.ts';
import type { SessionId } from '../../kernel/ids.ts';
import { ERA_MS } from './eras.ts';
import { startHostProcess } from './host-process.ts';
import { startHttpServer } from './http-server.test-support.ts';
import type { HostCommand } from './rules.ts';
import {
  type Bench,
  benchOf,
  type BenchOptions,
  httpTool,
  named,
  never,
  runOf,
  scopeOf,
  stdioTool,
} from './source.test-support.ts';

const ends: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).toReversed()) await end();
});

function bench(options: BenchOptions): Bench {
  const made = benchOf(options);
  ends.push(() => made.source.close());
  return made;
}

/** A server of a few lines, of the older protocol. `answer` is code over `m`, the request, and `say`. */
function script(name: string, answer: string): HostCommand {
  const code = `
    const say = (id, result) => process.stdout.write(JSON.stringify({ jsonrpc: '2.0', id, result }) + '\\n');
    const tools = [{ name: 'go', inputSchema: { type: 'object' }, annotations: { idempotentHint: true } }];
    require('node:readline').createInterface({ input: process.stdin }).on('line', line => {
      const m = JSON.parse(line);
      ${answer}
      if (m.method === 'initialize') say(m.id, { protocolVersion: m.params.protocolVersion, capabilities: { tools: {} }, serverInfo: { name: 's', version: '1' } });
      else if (m.method === 'tools/list') say(m.id, { tools });
      else if (m.method === 'tools/call') say(m.id, { content: [{ type: 'text', text: 'went' }] });
      else if (m.id !== undefined && m.method !== 'server/discover') say(m.id, {});
    });`;
  return { name, command: process.execPath, args: ['-e', code], env: {}, cwd: null };
}
const run = async ({ source }: Bench, scope: ToolScope) => {
  const tools = await source.list(scope, never);
  return source.run(scope, named(tools, 's__go'), runOf({}));
};

describe('a process that does not do as it should', () => {
  it('is an older one if it is silent, or ends, when it is asked for its version', async () => {
    const silent = script('silent', '');
    const leaves = script('leaves', "if (m.method === 'server/discover') process.exit(1);");
    const one = bench({ rules: { stdio: [silent, leaves] }, limits: { connectMs: 2_000 } });
    expect(await run(one, scopeOf([stdioTool('s', 'silent')]))).toEqual({ ok: true, output: 'went' });
    expect(await run(one, scopeOf([stdioTool('s', 'leaves')], { session: 'sess_2' as SessionId }))).toEqual({
      ok: true,
      output: 'went',
    });
  });

  it('is remembered to be an older one, for a while', async () => {
    // It tells the newest question that it was asked first.
    const tells = script(
      'tells',
      "globalThis.first ??= m.method; if (m.method === 'tools/call') { say(m.id, { content: [{ type: 'text', text: globalThis.first }] }); return; }",
    );
    const one = bench({ rules: { stdio: [tells] }, limits: { connectMs: 2_000 } });
    const scope = scopeOf([stdioTool('s', 'tells')]);
    expect(await run(one, scope)).toEqual({ ok: true, output: 'server/discover' });
    await one.source.release(scope.session);
    expect(await run(one, scope)).toEqual({ ok: true, output: 'initialize' });
    await one.source.release(scope.session);
    one.later(ERA_MS);
    expect(await run(one, scope)).toEqual({ ok: true, output: 'server/discover' });
  });

  it('is heard in spite of what else it prints', async () => {
    const chatty = script('chatty', "process.stdout.write('listening...\\n{\\n');");
    expect(await run(bench({ rules: { stdio: [chatty] } }), scopeOf([stdioTool('s', 'chatty')]))).toEqual({
      ok: true,
      output: 'went',
    });
  });

  it('L6: that ends in the middle of a call is begun anew for a tool that may run twice, and for no other', async () => {
    const dies = script('dies', "if (m.method === 'tools/call') process.exit(1);");
    const scope = scopeOf([stdioTool('s', 'dies')]);
    expect(await run(bench({ rules: { stdio: [dies] } }), scope)).toEqual({
      ok: false,
      code: 'mcp_connection_lost',
      message: 'The connection to the server was lost. It is not known whether the tool has run.',
    });
    const once = script(
      'once',
      "if (m.method === 'tools/call' && !require('node:fs').existsSync(process.env.MARK)) { require('node:fs').writeFileSync(process.env.MARK, ''); process.exit(1); }",
    );
    const { mkdtempSync, rmSync } = await import('node:fs');
    const { tmpdir } = await import('node:os');
    for (const trusted of [true, false]) {
      const folder = mkdtempSync(`${tmpdir()}/perdure-mcp-`);
      ends.push(async () => rmSync(folder, { recursive: true }));
      const made = bench({
        rules: { stdio: [{ ...once, env: { MARK: `${folder}/mark` } }], trusted: trusted ? ['once'] : [] },
      });
      expect((await run(made, scopeOf([stdioTool('s', 'once')]))).ok).toBe(trusted);
    }
  });

  it('is ended if a line is longer than is read', async () => {
    const long = script(
      'long',
      "if (m.method === 'tools/call') { say(m.id, { content: [{ type: 'text', text: 'x'.repeat(m.params.arguments.bytes) }] }); return; }",
    );
    const one = bench({ rules: { stdio: [long] }, limits: { wireBytes: 100_000 } });
    const scope = scopeOf([stdioTool('s', 'long')]);
    const go = named(await one.source.list(scope, never), 's__go');
    expect(await one.source.run(scope, go, runOf({ bytes: 200_000 }))).toMatchObject({
      ok: false,
      code: 'mcp_result_too_large',
    });
    expect(await one.source.run(scope, go, runOf({ bytes: 2 }))).toEqual({ ok: true, output: 'xx' });
  });

  it('takes no more room than there is: one process over the bound is not begun', async () => {
    const one = bench({ rules: { stdio: [script('s', '')] }, limits: { processes: 1, connectMs: 2_000 } });
    const first = scopeOf([stdioTool('s', 's')]);
    const second = scopeOf([stdioTool('s', 's', { request_metadata: { other: true } })], {
      session: 'sess_2' as SessionId,
    });
    expect(await one.source.list(first, never)).toHaveLength(1);
    expect(await one.source.list(second, never)).toEqual([]);
    expect(one.reports[0]?.why).toBe("The MCP server 's' cannot be reached: 1 MCP servers run on this host at most.");
    await one.source.release(first.session);
    expect(await one.source.list(second, never)).toHaveLength(1);
  });

  it('has its tools left out whose schema is too large, and its descriptions cut', async () => {
    const schema = (bytes: number): string =>
      JSON.stringify({ type: 'object', title: 'x'.repeat(bytes - '{"type":"object","title":""}'.length) });
    const tools = `[{ name: 'fits', description: 'aä', inputSchema: ${schema(1_000)} }, { name: 'over', inputSchema: ${schema(1_001)} }]`;
    const wide = script('wide', `if (m.method === 'tools/list') { say(m.id, { tools: ${tools} }); return; }`);
    const listed = async (descriptionBytes: number) => {
      const one = bench({
        rules: { stdio: [wide] },
        limits: { schemaBytes: 1_000, descriptionBytes, connectMs: 4_000 },
      });
      return { found: await one.source.list(scopeOf([stdioTool('s', 'wide')]), never), reports: one.reports };
    };
    const { found, reports } = await listed(3);
    expect(found).toMatchObject([{ name: 's__fits', description: 'aä' }]);
    expect(reports).toMatchObject([
      { server: 's', tool: 'over', why: 'its schema has 1001 bytes, 1000 are read at most' },
    ]);
    expect((await listed(2)).found).toMatchObject([{ description: 'a' }]);
  });

  it('is not listed for longer than a connection may take, however many pages it has', async () => {
    const endless = script(
      'endless',
      "if (m.method === 'tools/list') { setTimeout(() => say(m.id, { tools: [], nextCursor: String(Math.random()) }), 100); return; }",
    );
    const one = bench({ rules: { stdio: [endless] }, limits: { connectMs: 2_000 } });
    const began = performance.now();
    await expect(
      one.source.list(scopeOf([stdioTool('s', 'endless', { required: true })]), never),
    ).rejects.toMatchObject({
      message: "The MCP server 's' did not answer within 2000 ms.",
    });
    expect(performance.now() - began).toBeLessThan(4_000);
  });

  it('P2: that heeds no request to end is ended, with what it began', async () => {
    const stubborn = `
      process.on('SIGTERM', () => {});
      const child = require('node:child_process').spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
      process.stdout.write(String(child.pid) + '\\n');
      setInterval(() => {}, 1000);`;
    const server = await startHostProcess(
      { name: 'x', command: process.execPath, args: ['-e', stubborn], env: {}, cwd: null },
      100,
    );
    const pid = await new Promise<number>(resolve =>
      server.output.once('data', (said: Buffer) => resolve(Number(said.toString()))),
    );
    expect(isAlive(pid)).toBe(true);
    await server.end();
    for (let i = 0; i < 100 && isAlive(pid); i++) await new Promise(resolve => setTimeout(resolve, 20));
    expect(isAlive(pid)).toBe(false);
  });
});

describe('a process of a server that is killed', () => {
  it.skipIf(process.platform !== 'linux' || !existsSync('/usr/bin/setpriv'))(
    'P2: ends with it, whatever it keeps to',
    async () => {
      const stubborn =
        "process.on('SIGTERM', () => {}); process.stdout.write(process.pid + '\\n'); setInterval(() => {}, 1000);";
      const code = `
      import { startHostProcess } from '${new URL('host-process.ts', import.meta.url).href}';
      const server = await startHostProcess({ name: 'x', command: process.execPath, args: ['-e', ${JSON.stringify(stubborn)}], env: {}, cwd: null }, 1);
      server.output.pipe(process.stdout);`;
      const parent = spawn(process.execPath, ['--input-type=module', '-e', code], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      const pid = await new Promise<number>(resolve =>
        parent.stdout.once('data', (said: Buffer) => resolve(Number(said.toString()))),
      );
      expect(isAlive(pid)).toBe(true);
      parent.kill('SIGKILL');
      for (let i = 0; i < 150 && isAlive(pid); i++) await sleep(20);
      expect(isAlive(pid)).toBe(false);
    },
  );
});

describe('a connection', () => {
  it('is one for calls at the same time, and its session at the server ends with it', async () => {
    const http = await startHttpServer({ generation: 'older' });
    ends.push(http.close);
    const { source } = bench({ rules: { egress: http.egress } });
    const scope = scopeOf([httpTool('web', http.url)]);
    const echo = named(await source.list(scope, never), 'web__echo');
    await source.release(scope.session);
    const said = await Promise.all(['a', 'b', 'c'].map(text => source.run(scope, echo, runOf({ text }))));
    expect(said).toEqual(['a', 'b', 'c'].map(output => ({ ok: true, output })));
    const count = (what: string): number =>
      http.asked.filter(({ rpc, method }) => rpc === what || method === what).length;
    expect(count('initialize')).toBe(2);
    await source.release(scope.session);
    expect(count('DELETE')).toBe(2);
  });

  it.each(['before it is asked', 'while it answers'])(
    'that is opened while its session is released does not stay: %s',
    async moment => {
      const http = await startHttpServer({ generation: 'older' });
      ends.push(http.close);
      const { source } = bench({ rules: { egress: http.egress } });
      const scope = scopeOf([httpTool('web', http.url)]);
      const listing = source.list(scope, never).catch(() => []);
      if (moment === 'while it answers')
        for (let i = 0; i < 200 && http.asked.length === 0; i++) await new Promise(resolve => setTimeout(resolve, 5));
      await source.release(scope.session);
      await listing;
      const count = (what: string): number =>
        http.asked.filter(({ rpc, method }) => rpc === what || method === what).length;
      for (let i = 0; i < 50 && count('DELETE') < count('initialize'); i++)
        await new Promise(resolve => setTimeout(resolve, 20));
      expect(count('DELETE')).toBe(count('initialize'));
    },
  );
});

describe('a server in the environment of the session', () => {
  it('is begun there, whatever its command, and trusted by nobody', async () => {
    const spawned: unknown[] = [];
    const own = script('s', '');
    const { source } = bench({
      rules: { trusted: ['s', 'anything'] },
      environments: {
        spawn: async ({ session }, { command, args, cwd }) => {
          spawned.push({ session, command, args, cwd });
          return startHostProcess(own, 100);
        },
        fetch: () => async () => new Response(null, { status: 404 }),
      },
    });
    const transport = { type: 'stdio', command: 'anything', args: ['--x'], cwd: '/workspace', env_vars: [] };
    const scope = scopeOf([stdioTool('s', '', { transport, connection_origin: 'environment' })]);
    const tools = await source.list(scope, never);
    expect(tools[0]).toMatchObject({ name: 's__go', idempotent: false });
    expect(spawned).toEqual([{ session: 'sess_1', command: 'anything', args: ['--x'], cwd: '/workspace' }]);
  });

  it('over HTTP is asked from there, under its rules alone and without a credential', async () => {
    const http = await startHttpServer();
    ends.push(http.close);
    const from: string[] = [];
    const { source } = bench({
      limits: { wireBytes: 100_000 },
      secrets: {
        resolve: async () => ({ kind: 'headers', id: 'vc_1', headers: { authorization: 'Bearer secret-token' } }),
      },
      environments: {
        spawn: () => Promise.reject(new Error('no processes')),
        fetch:
          ({ session }) =>
          (url, init) => {
            from.push(session);
            return fetch(url, init);
          },
      },
    });
    const scope = scopeOf([httpTool('web', http.url, { connection_origin: 'environment' })]);
    const tools = await source.list(scope, never);
    expect(await source.run(scope, named(tools, 'web__whoami'), runOf({}))).toEqual({
      ok: true,
      output: 'you sent nothing',
    });
    expect(new Set(from)).toEqual(new Set(['sess_1']));
    const big = named(tools, 'web__big');
    expect(await source.run(scope, big, runOf({ bytes: 200_000 }))).toMatchObject({ code: 'mcp_result_too_large' });
  });
});

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
