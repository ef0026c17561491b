/** The command as a process: what it prints, how it ends. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { perdure } from './cli/captured-io.test-support.ts';

const program = fileURLToPath(new URL('../../bin/perdure.mjs', import.meta.url));
let cwd = '';
const children: ChildProcess[] = [];
beforeEach(() => {
  cwd = mkdtempSync(join(tmpdir(), 'perdure-up-'));
});
afterEach(async () => {
  for (const child of children.splice(0)) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  }
  rmSync(cwd, { recursive: true, force: true });
});

interface Running {
  readonly child: ChildProcess;
  readonly line: string;
  readonly stderr: () => string;
  readonly ended: () => Promise<number | null>;
}

/** Resolves at its first line. */
async function start(...args: readonly string[]): Promise<Running> {
  const child = spawn(process.execPath, [program, 'up', ...args], {
    cwd,
    env: { PATH: process.env['PATH'] },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  children.push(child);
  let stdout = '';
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', chunk => (stderr += chunk));
  child.stdout.setEncoding('utf8');
  const exit = once(child, 'exit') as Promise<[number | null]>;
  const line = await new Promise<string>((resolve, reject) => {
    child.stdout.on('data', (chunk: string) => {
      stdout += chunk;
      const end = stdout.indexOf('\n');
      if (end >= 0) resolve(stdout.slice(0, end));
    });
    exit.then(([code]) => reject(new Error(`ended with ${code}: ${stderr}`)), reject);
  });
  return { child, line, stderr: () => stderr, ended: async () => (await exit)[0] };
}

const config = (more = ''): void =>
  writeFileSync(
    join(cwd, 'perdure.yaml'),
    `targets: [{id: a, vendor: o, model: m, cloud: c, region: r, base_url: "http://127.0.0.1:1/v1", api_key: "never-shown"}]\n${more}`,
  );

describe('perdure up', () => {
  test('says where it listens in one JSON line, serves, drains at SIGTERM', async () => {
    config();
    const { child, line, stderr, ended } = await start('--port', '0', '--json', '--data', 'elsewhere');
    const said = JSON.parse(line) as { url: string };
    expect(said).toEqual({
      url: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/),
      pid: child.pid,
      data: join(cwd, 'elsewhere'),
      config: join(cwd, 'perdure.yaml'),
      targets: [{ id: 'a', model: 'm', cloud: 'c', region: 'r', emulated: false }],
    });
    expect(existsSync(join(cwd, 'elsewhere', 'local.db'))).toBe(true);
    expect((await fetch(`${said.url}/healthz`)).status).toBe(200);
    child.kill('SIGTERM');
    expect(await ended()).toBe(0);
    expect(stderr()).toContain('draining');
    expect(stderr()).not.toContain('never-shown');
    await expect(fetch(`${said.url}/healthz`)).rejects.toThrow();
  }, 60_000);

  test('holds its folder alone, and lends its keys over HTTP', async () => {
    const { child, line, stderr, ended } = await start('--port', '0', '--emulated');
    expect(line).toMatch(/^perdure listening on http:\/\/127\.0\.0\.1:\d+$/);
    expect(stderr()).toContain('EMULATED');
    const env = { PERDURE_URL: line.slice('perdure listening on '.length) };

    const second = await perdure(['up', '--emulated', '--port', '0'], { cwd });
    expect(second).toMatchObject({ code: 3, out: '' });
    expect(second.err).toContain('another Perdure process is using');

    const lone = await perdure(['keys', 'create', '--name', 'ada'], { cwd, env });
    expect(lone).toMatchObject({ code: 3, out: '', err: expect.stringContaining('--scope admin') });
    const made = await perdure(['keys', 'create', '--name', 'ops', '--scope', 'admin'], { cwd, env });
    expect(made.err).toContain('It is the first key');
    expect(made.out).toMatch(/^pdr_/);
    expect(await perdure(['keys', 'list'], { cwd, env })).toMatchObject({
      code: 3,
      err: expect.stringContaining('PERDURE_API_KEY'),
    });
    const keyed = { ...env, PERDURE_API_KEY: made.out.trim() };
    const listed = await perdure(['keys', 'list', '--json'], { cwd, env: keyed });
    const { data } = JSON.parse(listed.out) as { data: { id: string; name: string }[] };
    expect(data.map(({ name }) => name)).toEqual(['ops']);
    expect(await perdure(['keys', 'revoke', 'key_none'], { cwd, env: keyed })).toMatchObject({ code: 1 });
    expect(await perdure(['keys', 'revoke', data[0]?.id ?? ''], { cwd, env: keyed })).toMatchObject({ code: 0 });
    expect(await perdure(['keys', 'list'], { cwd, env: keyed })).toMatchObject({ code: 3 });
    child.kill('SIGINT');
    expect(await ended()).toBe(0);
  }, 90_000);

  test('answers beyond loopback only with keys', async () => {
    config();
    const { code, err } = await perdure(['up', '--host', '0.0.0.0', '--port', '0'], { cwd });
    expect(code).not.toBe(0);
    expect(err).toContain('loopback');
    expect(err).toContain('perdure: Without API keys');
    config('listen: {port: 0, host: 0.0.0.0}\n');
    expect((await perdure(['up'], { cwd })).err).toContain('perdure.yaml:2:19: error: listen.host: Without API keys');
    config('keys: [{name: k, secret: "a-secret-of-the-test"}]\n');
    const { child, line, ended } = await start('--host', '0.0.0.0', '--port', '0', '--json');
    expect((JSON.parse(line) as { url: string }).url).toMatch(/^http:/);
    child.kill('SIGTERM');
    expect(await ended()).toBe(0);
  }, 90_000);

  test('a port that is taken is an error of one line, and lets go of the folder', async () => {
    config();
    const { line } = await start('--port', '0', '--json', '--data', 'first');
    const { port } = new URL((JSON.parse(line) as { url: string }).url);
    const { code, err } = await perdure(['up', '--port', port, '--data', 'second'], { cwd });
    expect(code).toBe(1);
    expect(err).toContain('EADDRINUSE');
    expect(err).toContain('choose another --port');
    expect(err).not.toMatch(/\n {4}at /);
    const json = await perdure(['up', '--port', port, '--data', 'second', '--json'], { cwd });
    expect(JSON.parse(json.out)).toMatchObject({ object: 'error', code: 'EADDRINUSE', message: expect.any(String) });
    const held = await perdure(['up', '--port', '0', '--data', 'first', '--json'], { cwd });
    expect(JSON.parse(held.out)).toMatchObject({ code: 'store_locked' });
    config('nonsense: 1\n');
    expect(JSON.parse((await perdure(['up', '--json'], { cwd })).out)).toMatchObject({ code: 'config_invalid' });
    config();
    expect(await perdure(['doctor', '--data', 'second'], { cwd })).toMatchObject({ code: 0 });
  }, 90_000);

  test('--emulated and a configuration exclude each other', async () => {
    config();
    expect(await perdure(['up', '--emulated'], { cwd })).toMatchObject({
      code: 2,
      err: expect.stringContaining('--emulated goes without'),
    });
  });
});
