import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { spawnSync } from 'node:child_process';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { perdure } from './cli/captured-io.test-support.ts';
import { acquireDataLock } from '../store/sqlite/data-lock.ts';
import { configWith } from './discover.ts';
import { composeServer } from './compose.ts';
import { announcedServer, announceServer, holdDataFolder, SERVER_FILE } from './server-file.ts';
import { namedServer, replayedServer, serverAddress, workplace } from './server-address.ts';

let cwd: string;
let data: string;
let there: Server;
let url: string;
/** What `/healthz` says. */
let status: number;

beforeEach(async () => {
  cwd = mkdtempSync(join(tmpdir(), 'perdure-where-'));
  data = join(cwd, 'data');
  status = 200;
  there = createServer((_, response) => void response.writeHead(status).end('{}'));
  await new Promise<void>(listening => void there.listen(0, '127.0.0.1', listening));
  url = `http://127.0.0.1:${(there.address() as AddressInfo).port}`;
});
afterEach(() => {
  there.close();
  rmSync(cwd, { recursive: true, force: true });
});

const NOWHERE = 'http://127.0.0.1:1';
const config = () => ({ ...configWith([], cwd), listen: { host: '127.0.0.1', port: 1 } });

async function placed(
  how: 'look' | 'make',
  { env = {}, flags = {} }: { readonly env?: { [name: string]: string }; readonly flags?: { data?: string } } = {},
) {
  let err = '';
  const io = { cwd, env, out: () => undefined, err: (text: string) => void (err += text) };
  const at = await workplace(config(), flags, io, how);
  await at.folder?.close();
  return { base: at.server?.base ?? null, err };
}

/** A folder as a command leaves it that made something there. */
const used = () => placed('make');

describe('a command', () => {
  test('looks at no folder that is not there, and makes none', async () => {
    await expect(placed('look')).rejects.toMatchObject({
      exitCode: 3,
      message: `there is no data in ${data}`,
      hint: 'Start a server there, set PERDURE_URL to the address of one, or name the data folder with --data.',
    });
    expect(existsSync(data)).toBe(false);
    mkdirSync(data);
    await expect(placed('look')).rejects.toMatchObject({ message: `there is no data in ${data}` });
    expect(existsSync(join(data, 'perdure.lock'))).toBe(false);
  });

  test('that makes something makes the folder, and says so once', async () => {
    expect(await used()).toEqual({ base: null, err: `perdure: there was no data in ${data}: it is made there\n` });
    expect(await used()).toEqual({ base: null, err: '' });
    expect(await placed('look')).toEqual({ base: null, err: '' });
  });

  test('opens no home that has no file, unless it makes something', async () => {
    await used();
    const two = { ...config(), homes: [...config().homes, ...config().homes.map(home => ({ ...home, id: 'other' }))] };
    const io = { cwd, env: {}, out: () => undefined, err: () => undefined };
    const look = await workplace(two, {}, io, 'look');
    expect(look.folder?.stores.map(({ home }) => home)).toEqual(['local']);
    await look.folder?.close();
    expect(existsSync(join(data, 'other.db'))).toBe(false);
    const make = await workplace(two, {}, io, 'make');
    expect(make.folder?.stores.map(({ home }) => home)).toEqual(['local', 'other']);
    await make.folder?.close();
  });

  test('goes by PERDURE_URL before the folder, and says so; no folder is made', async () => {
    for (const how of ['look', 'make'] as const)
      expect(await placed(how, { env: { PERDURE_URL: url } })).toEqual({
        base: url,
        err: `perdure: works with the server at ${url} (PERDURE_URL), not on ${data}\n`,
      });
    expect(existsSync(data)).toBe(false);
  });

  test('goes by --data before PERDURE_URL, and says so', async () => {
    await used();
    expect(await placed('look', { env: { PERDURE_URL: url }, flags: { data } })).toEqual({
      base: null,
      err: `perdure: works on ${data} (--data), not with the server at ${url} (PERDURE_URL)\n`,
    });
  });

  test('of a folder that is held works with its server, wherever that listens', async () => {
    await used();
    const lock = holdDataFolder(data);
    try {
      // Whatever its homes are called.
      rmSync(join(data, 'local.db'));
      expect(await placed('look')).toEqual({ base: NOWHERE, err: '' });
      announceServer(data, url);
      const said = `perdure: works with the server at ${url}, which uses ${data}\n`;
      expect(await placed('look')).toEqual({ base: url, err: said });
      // --data names the folder: its server is meant, not another.
      expect(await placed('look', { env: { PERDURE_URL: NOWHERE }, flags: { data } })).toEqual({
        base: url,
        err: said,
      });
      status = 503;
      expect(await placed('look')).toEqual({ base: NOWHERE, err: '' });
      expect(await placed('look', { env: { PERDURE_URL: `${url}/x` }, flags: { data } })).toMatchObject({
        base: `${url}/x`,
      });
    } finally {
      lock.release();
    }
  });

  test('that only a server can answer finds it so too', async () => {
    const io = (env: { [name: string]: string }) => ({ cwd, env, out: () => undefined, err: () => undefined });
    expect(await serverAddress(config(), io({}))).toBe(NOWHERE);
    mkdirSync(data);
    announceServer(data, url);
    expect(await serverAddress(config(), io({}))).toBe(url);
    expect(await serverAddress(config(), io({ PERDURE_URL: 'https://there.example' }))).toBe('https://there.example');
  });
});

describe('where a server listens', () => {
  beforeEach(() => mkdirSync(data));
  const file = () => join(data, SERVER_FILE);

  test('is told to its user alone', () => {
    announceServer(data, url);
    expect(JSON.parse(readFileSync(file(), 'utf8'))).toEqual({ url, pid: process.pid });
    expect(statSync(file()).mode & 0o777).toBe(0o600);
  });

  test('is of no process that ended, and nobody that does not answer', async () => {
    announceServer(data, url);
    expect(await announcedServer(data)).toBe(url);
    const { pid } = spawnSync(process.execPath, ['-e', '']);
    writeFileSync(file(), JSON.stringify({ url, pid }));
    expect(await announcedServer(data)).toBeNull();
    announceServer(data, NOWHERE);
    expect(await announcedServer(data)).toBeNull();
  });

  test.each([
    '',
    'no JSON',
    '[]',
    'null',
    '{"pid": 1}',
    `{"url": "URL", "pid": "${process.pid}"}`,
    `{"url": "URL", "pid": -${process.pid}}`,
    `{"url": "file:///x", "pid": ${process.pid}}`,
    `{"url": "URL", "pid": ${process.pid}, "more": "${'x'.repeat(4096)}"}`,
  ])('is not what %s says', async text => {
    writeFileSync(file(), text.replace('URL', url));
    expect(await announcedServer(data)).toBeNull();
  });

  test('is forgotten by who takes the folder: the one before was killed', () => {
    announceServer(data, url);
    const lock = holdDataFolder(data);
    expect(existsSync(file())).toBe(false);
    announceServer(data, url);
    expect(() => holdDataFolder(data)).toThrow(expect.objectContaining({ storeError: 'store_locked' }));
    expect(existsSync(file())).toBe(true);
    lock.release();
  });
});

test('a server says where it is while it runs: commands find it on any port', async () => {
  const server = await composeServer({ ...config(), listen: { host: '127.0.0.1', port: 0 } }, { log: () => undefined });
  try {
    expect(await announcedServer(data)).toBe(server.url);
    const listed = await perdure(['keys', 'list'], { cwd });
    expect(listed).toMatchObject({ code: 0, out: expect.stringContaining('There are no keys') });
    expect(listed.err).toBe(`perdure: works with the server at ${server.url}, which uses ${data}\n`);
    expect((await perdure(['placements'], { cwd })).code).toBe(0);
    const doctor = await perdure(['doctor'], { cwd });
    expect(doctor.out).toContain(`its server answers at ${server.url}`);
  } finally {
    await server.close();
  }
  expect(existsSync(join(data, SERVER_FILE))).toBe(false);
  acquireDataLock(data).release();
}, 60_000);

test.each([
  ['usage'],
  ['commitments'],
  ['keys', 'list'],
  ['keys', 'revoke', 'key_1'],
  ['usage', 'closes'],
  ['agents', 'list'],
  ['vaults', 'list'],
  ['holds', 'list'],
  ['waivers', 'list'],
  ['contracts', 'active'],
])('%s %s makes no folder', async (...argv) => {
  const { code, err } = await perdure(argv, { cwd });
  expect(code).toBe(3);
  expect(err).toContain(`there is no data in ${data}`);
  expect(existsSync(data)).toBe(false);
  const asked = await perdure(argv, { cwd, env: { PERDURE_URL: NOWHERE } });
  expect(asked.err).toContain(`nobody answers at ${NOWHERE}`);
  expect(existsSync(data)).toBe(false);
});

test('an address that is none is the fault of the command', () => {
  for (const PERDURE_URL of ['localhost:4180', 'ftp://x', 'x'])
    expect(() => namedServer({ env: { PERDURE_URL } })).toThrow(expect.objectContaining({ exitCode: 2 }));
});

test('what was recorded is read of --url, else of PERDURE_URL unless --data names a folder', () => {
  let err = '';
  const io = (env: { [name: string]: string }) => ({
    cwd,
    env,
    out: () => undefined,
    err: (text: string) => void (err += text),
  });
  const named = { PERDURE_URL: url };
  expect(replayedServer({}, config(), io({}))).toBeNull();
  expect(replayedServer({ url: NOWHERE, data }, config(), io(named))).toBe(NOWHERE);
  expect(err).toBe('');
  expect(replayedServer({}, config(), io(named))).toBe(url);
  expect(replayedServer({ data }, config(), io(named))).toBeNull();
  expect(err).toBe(
    `perdure: works with the server at ${url} (PERDURE_URL), not on ${data}\n` +
      `perdure: works on ${data} (--data), not with the server at ${url} (PERDURE_URL)\n`,
  );
  expect(() => replayedServer({ url: 'x' }, config(), io({}))).toThrow(expect.objectContaining({ exitCode: 2 }));
});
