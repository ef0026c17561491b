import { mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { ToolDefinition } from '../../engine/tools/ports.ts';
import type { SessionId } from '../../kernel/ids.ts';
import {
  type Bench,
  benchOf,
  named,
  never,
  npmCommand,
  runOf,
  scopeOf,
  stdioTool,
  textOf,
} from './source.test-support.ts';

const EVERYTHING = npmCommand('everything', '@modelcontextprotocol/server-everything', ['stdio']);

describe('the server "everything" over stdio', () => {
  const bench = benchOf({
    rules: {
      stdio: [{ ...EVERYTHING, env: { SHOWN: 'what the operator wrote', API_KEY: 'key-of-the-operator' } }],
      trusted: ['everything'],
    },
  });
  const scope = scopeOf([stdioTool('all', 'everything')]);
  let tools: readonly ToolDefinition[] = [];
  beforeAll(async () => void (tools = await bench.source.list(scope, never)));
  afterAll(() => bench.source.close());
  const call = (name: string, args = {}, over = {}) =>
    bench.source.run(scope, named(tools, `all__${name}`), runOf(args, over));

  it('offers its tools under its label', () => {
    expect(tools.map(tool => tool.name)).toContain('all__echo');
    expect(named(tools, 'all__echo')).toMatchObject({
      origin: { kind: 'mcp', server: 'all', tool: 'echo' },
      idempotent: true,
      deferred: false,
      parameters: { type: 'object', required: ['message'] },
    });
  });

  it('answers with text', async () => {
    expect(await call('echo', { message: 'hello' })).toEqual({ ok: true, output: 'Echo: hello' });
  });

  it('answers with images as models take them', async () => {
    const outcome = await call('get-tiny-image');
    const output = outcome.ok === true ? outcome.output : '';
    expect(output).toContainEqual({
      type: 'input_image',
      image_url: expect.stringMatching(/^data:image\/png;base64,/),
    });
  });

  it('says the same once where structure and words agree', async () => {
    const text = textOf(await call('get-structured-content', { location: 'New York' }));
    expect(Object.keys(JSON.parse(text) as object)).toEqual(['temperature', 'conditions', 'humidity']);
  });

  it('shows links and resources as text', async () => {
    const outcome = await call('get-resource-links', { count: 2 });
    expect(outcome).toMatchObject({ ok: true, output: expect.stringContaining('[A resource: demo://') });
  });

  it('makes an error of the tool an outcome', async () => {
    const outcome = await call('echo', { wrong: 1 });
    expect(outcome).toMatchObject({ ok: false, code: expect.stringMatching(/^mcp_(tool_)?error$/) });
  });

  it('declines what is asked in the middle of a call, and says so', async () => {
    const text = textOf(await call('trigger-elicitation-request'));
    expect(text).toContain('was declined: nobody could answer. It asked: Please provide inputs');
  });

  it('takes an approval of the call for no answer to a question of the server', async () => {
    const approval = { answer: { granted: true, value: null, resume: null } };
    expect(textOf(await call('trigger-elicitation-request', {}, approval))).toContain('was declined');
  });

  it('P1: gives the process what the operator wrote, and nothing of its own environment', async () => {
    process.env['PERDURE_TEST_SECRET'] = 'do not tell';
    try {
      await bench.source.release(scope.session);
      const text = textOf(await call('get-env'));
      const env = JSON.parse(text) as Record<string, string>;
      expect(Object.keys(env).filter(name => name !== 'PATH')).toEqual(['SHOWN', 'API_KEY']);
      expect(env).toMatchObject({ SHOWN: 'what the operator wrote', API_KEY: '[redacted]' });
    } finally {
      delete process.env['PERDURE_TEST_SECRET'];
    }
  });

  it('ends a call when the turn is cancelled', async () => {
    const stop = new AbortController();
    const began = performance.now();
    const running = call('trigger-long-running-operation', { duration: 20, steps: 2 }, { signal: stop.signal });
    setTimeout(() => stop.abort(), 100);
    expect(await running).toMatchObject({ ok: false, code: 'cancelled' });
    expect(performance.now() - began).toBeLessThan(5_000);
  });
});

describe('the server "filesystem" over stdio', () => {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'perdure-mcp-')));
  writeFileSync(join(folder, 'note.txt'), 'what the note says');
  const files = npmCommand('files', '@modelcontextprotocol/server-filesystem', [folder]);
  const open: Bench[] = [];
  const bench = (options: Parameters<typeof benchOf>[0]): Bench => {
    const made = benchOf(options);
    open.push(made);
    return made;
  };
  afterEach(async () => void (await Promise.all(open.splice(0).map(one => one.source.close()))));
  afterAll(() => rmSync(folder, { recursive: true }));

  it('reads files', async () => {
    const { source } = bench({ rules: { stdio: [files] } });
    const scope = scopeOf([stdioTool('fs', 'files')]);
    const tools = await source.list(scope, never);
    const read = named(tools, 'fs__read_text_file');
    expect(await source.run(scope, read, runOf({ path: join(folder, 'note.txt') }))).toEqual({
      ok: true,
      output: 'what the note says',
    });
    expect(await source.run(scope, read, runOf({ path: '/etc/passwd' }))).toMatchObject({
      ok: false,
      code: 'mcp_tool_error',
    });
  });

  it('S2: believes the hints of a server only where the operator trusts it', async () => {
    const hinted = async (trusted: readonly string[]): Promise<boolean> => {
      const { source } = bench({ rules: { stdio: [files], trusted } });
      const tools = await source.list(scopeOf([stdioTool('trusted-by-nobody', 'files')]), never);
      return named(tools, 'trusted-by-nobody__read_text_file').idempotent;
    };
    expect(await hinted(['files'])).toBe(true);
    expect(await hinted([])).toBe(false);
    // A label is the caller's word.
    expect(await hinted(['trusted-by-nobody'])).toBe(false);
  });

  it('offers what the session allows and no more, and runs nothing else', async () => {
    const { source } = bench({ rules: { stdio: [files] } });
    const all = scopeOf([stdioTool('fs', 'files')]);
    const some = scopeOf([stdioTool('fs', 'files', { allowed_tools: ['read_text_file'] })]);
    expect((await source.list(some, never)).map(tool => tool.name)).toEqual(['fs__read_text_file']);
    const write = named(await source.list(all, never), 'fs__write_file');
    expect(await source.run(some, write, runOf({ path: join(folder, 'x'), content: '' }))).toMatchObject({
      code: 'mcp_tool_not_allowed',
    });
  });

  it('holds back the tool over the bound, and says so', async () => {
    const of = async (tools: number) => {
      const { source, reports } = bench({ rules: { stdio: [files] }, limits: { tools } });
      return { listed: (await source.list(scopeOf([stdioTool('fs', 'files')]), never)).length, left: reports.length };
    };
    const { listed: all } = await of(100);
    expect(await of(all)).toEqual({ listed: all, left: 0 });
    expect(await of(all - 1)).toEqual({ listed: all - 1, left: 1 });
  });

  it('P2: ends the process with the session, and with the source', async () => {
    const { source } = bench({ rules: { stdio: [files] } });
    const scope = (session: string) => scopeOf([stdioTool('fs', 'files')], { session: session as SessionId });
    const [one, two] = [scope('sess_1'), scope('sess_2')];
    const tools = await source.list(one, never);
    await source.run(two, named(tools, 'fs__list_allowed_directories'), runOf({}));
    expect(await processesOf(folder)).toBe(2);
    await source.release(one.session);
    expect(await processesOf(folder)).toBe(1);
    await source.close();
    expect(await processesOf(folder)).toBe(0);
  });

  it('leaves out a server that cannot be reached, and fails if the session requires it', async () => {
    const gone = { name: 'gone', command: '/nowhere/at/all', args: [], env: {}, cwd: null };
    const { source, reports } = bench({ rules: { stdio: [gone, files] } });
    const tools = await source.list(scopeOf([stdioTool('g', 'gone'), stdioTool('fs', 'files')]), never);
    expect(tools.every(tool => tool.name.startsWith('fs__'))).toBe(true);
    expect(reports).toEqual([
      {
        session: 'sess_1',
        server: 'g',
        tool: null,
        why: "The MCP server 'g' cannot be started: the command is not there.",
      },
    ]);
    await expect(source.list(scopeOf([stdioTool('g', 'gone', { required: true })]), never)).rejects.toMatchObject({
      code: 'mcp_server_unavailable',
      message: "The MCP server 'g' cannot be started: the command is not there.",
    });
  });

  it('gives up on a server that says nothing', async () => {
    const mute = {
      name: 'mute',
      command: process.execPath,
      args: ['-e', 'process.stdin.resume()'],
      env: {},
      cwd: null,
    };
    const { source } = bench({ rules: { stdio: [mute] }, limits: { connectMs: 400 } });
    const began = performance.now();
    await expect(source.list(scopeOf([stdioTool('m', 'mute', { required: true })]), never)).rejects.toMatchObject({
      message: "The MCP server 'm' did not answer within 400 ms.",
    });
    expect(performance.now() - began).toBeLessThan(5_000);
  });
});

/** Processes whose command line names a folder. */
async function processesOf(folder: string): Promise<number> {
  const { execFileSync } = await import('node:child_process');
  await sleep(50);
  const lines = execFileSync('ps', ['-eo', 'args'], { encoding: 'utf8' }).split('\n');
  return lines.filter(line => line.includes(folder) && line.includes('server-filesystem')).length;
}
