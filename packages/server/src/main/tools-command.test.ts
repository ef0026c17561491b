import { mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { perdure } from './cli/captured-io.test-support.ts';
import { parseConfig } from './config/load.ts';
import { ConfigError } from './config/problem.ts';

const EXAMPLE = fileURLToPath(new URL('../../../../examples/server-tools/perdure.yaml', import.meta.url));
const FILES = join(
  dirname(createRequire(import.meta.url).resolve('@modelcontextprotocol/server-filesystem/package.json')),
  'dist/index.js',
);
const TARGETS =
  'targets: [{id: em, vendor: openai, model: gpt, cloud: aws, region: us-east-1, base_url: "http://127.0.0.1:1/v1"}]\n';
const MAKER =
  "export default ({ defineTool, z }) => defineTool({ name: 'add', description: 'Adds.', input: z.object({ a: z.number(), b: z.number() }), run: ({ a, b }) => a + b });";

let cwd = '';
beforeEach(() => {
  cwd = realpathSync(mkdtempSync(join(tmpdir(), 'perdure-tools-')));
  writeFileSync(join(cwd, 'own.mjs'), MAKER);
  writeFileSync(join(cwd, 'note.txt'), 'what it says');
});
afterEach(() => rmSync(cwd, { recursive: true, force: true }));

const configure = (text: string): void => writeFileSync(join(cwd, 'perdure.yaml'), TARGETS + text);
const WITH_FILES = (): string =>
  `tools: [./own.mjs]\nmcp: {stdio: [{name: fs, command: "${process.execPath}", args: ["${FILES}", .], cwd: .}], trusted: [fs]}\n`;

describe('perdure tools', () => {
  test('lists what sessions are offered: modules and processes', async () => {
    configure(WITH_FILES());
    const { code, out } = await perdure(['tools', 'list'], { cwd });
    expect(code).toBe(0);
    expect(out).toMatch(/^add +\.\/own\.mjs +no +Adds\.$/m);
    expect(out).toMatch(/^fs__read_text_file +mcp fs +yes +/m);
  });

  test('runs one of them', async () => {
    configure(WITH_FILES());
    expect(await perdure(['tools', 'run', 'add', '{"a":1,"b":2}'], { cwd })).toMatchObject({ code: 0, out: '3\n' });
    const read = await perdure(['tools', 'run', 'fs__read_text_file', '{"path":"note.txt"}', '--json'], { cwd });
    expect(JSON.parse(read.out)).toEqual({ ok: true, output: 'what it says' });
    const wrong = await perdure(['tools', 'run', 'add', '{"a":1}'], { cwd });
    expect(wrong.code).toBe(1);
    expect(wrong.out).toMatch(/^invalid_arguments: /);
  });

  test('says what is wrong, and how to go on', async () => {
    configure('tools: ./missing.mjs\n');
    expect(await perdure(['tools', 'list'], { cwd })).toMatchObject({
      code: 2,
      err: expect.stringContaining('./missing.mjs cannot be loaded'),
    });
    configure('');
    expect(await perdure(['tools', 'list'], { cwd })).toMatchObject({
      code: 0,
      out: expect.stringContaining('no tools'),
    });
    expect(await perdure(['tools', 'run', 'x'], { cwd })).toMatchObject({
      code: 2,
      err: expect.stringContaining("there is no tool 'x'"),
    });
    expect(await perdure(['tools', 'run', 'x', '[]'], { cwd })).toMatchObject({ code: 2 });
    const denied = await perdure(['tools', 'list', '--server', 'http://127.0.0.1:9/mcp'], { cwd });
    expect(denied).toMatchObject({ code: 3, err: expect.stringContaining('egress.mode is none') });
  });

  test('the example works as it is', async () => {
    const run = (args: string) =>
      perdure(['tools', 'run', 'tide', args, '--config', EXAMPLE], { cwd: dirname(EXAMPLE) });
    expect(await run('{"port":"Harwich"}')).toMatchObject({ code: 0, out: 'High water at Harwich is at 14:20.\n' });
    expect(await run('{"port":"Rome"}')).toMatchObject({ code: 1, out: 'unknown_port: No tides are known of Rome.\n' });
  });
});

describe('tools and mcp of perdure.yaml', () => {
  const parse = (text: string, env = {}) =>
    parseConfig(TARGETS + text, { file: 'perdure.yaml', env, base: cwd }).config.tools;
  const problem = (text: string): string => {
    try {
      parse(text);
      return '';
    } catch (error) {
      return error instanceof ConfigError ? error.message : String(error);
    }
  };

  test('a module is named by a text or by a list, relative to the file', () => {
    expect(parse('tools: ./a.ts').modules).toEqual([{ shown: './a.ts', path: join(cwd, 'a.ts') }]);
    expect(parse('tools: [./a.ts, ./b.ts]').modules).toHaveLength(2);
    expect(parse('').modules).toEqual([]);
  });

  test('servers over HTTP follow egress, unless mcp says its own', () => {
    const egress = 'egress: {mode: allow-list, hosts: [a.example], private_hosts: [a.example]}\n';
    expect(parse(egress).mcp.egress).toMatchObject({
      mode: 'allow-list',
      hosts: ['a.example'],
      privateHosts: ['a.example'],
    });
    expect(parse(`${egress}mcp: {mode: allow-list, hosts: [b.example]}`).mcp.egress).toMatchObject({
      hosts: ['b.example'],
      privateHosts: [],
    });
    expect(parse('egress: {mode: passthrough}').mcp.egress.mode).toBe('none');
    expect(parse('').mcp.egress.mode).toBe('none');
  });

  test('limits are taken on both sides of their bounds', () => {
    expect(parse('mcp: {limits: {call_ms: 50, servers: 128}}').limits).toMatchObject({
      callMs: 50,
      servers: 128,
      tools: 256,
    });
    expect(problem('mcp: {limits: {call_ms: 49}}')).toContain('mcp.limits.call_ms');
    expect(problem('mcp: {limits: {servers: 129}}')).toContain('mcp.limits.servers');
  });

  test('a command is named once, and its environment may come from ours', () => {
    const two = 'mcp: {stdio: [{name: a, command: x}, {name: a, command: y}]}';
    expect(problem(two)).toContain('mcp.stdio[1].name: is there twice');
    expect(
      parse('mcp: {stdio: [{name: a, command: x, env: {TOKEN: "${T}"}}]}', { T: 'secret' }).mcp.stdio[0]?.env,
    ).toEqual({ TOKEN: 'secret' });
  });
});
