import { createServer, type Server as HttpServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { errorBody, isErrorCode, perdureError } from '@perdure/protocol';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import * as z from 'zod';
import type { Io } from './cli/io.ts';
import { type Server, serverOf } from './server-requests.ts';

/** Answers `/<code>` with that error, `/plain` with no form, anything else with what it was sent. */
let upstream: HttpServer;
let base: string;

beforeAll(async () => {
  upstream = createServer((request, response) => {
    const path = request.url?.slice(1) ?? '';
    if (path === 'redirect') return void response.writeHead(302, { location: '/ok' }).end();
    if (path === 'plain') return void response.writeHead(502).end('<html>');
    if (path === 'ok' || path === 'made') {
      response.writeHead(path === 'ok' ? 200 : 201, { 'content-type': 'application/json' });
      return void response.end(JSON.stringify({ method: request.method, key: request.headers.authorization ?? null }));
    }
    const error = perdureError(isErrorCode(path) ? path : 'store_unavailable', `it was ${path}`);
    response.writeHead(error.status, { 'content-type': 'application/json' }).end(JSON.stringify(errorBody(error)));
  });
  await new Promise<void>(listening => void upstream.listen(0, '127.0.0.1', listening));
  base = `http://127.0.0.1:${(upstream.address() as AddressInfo).port}`;
});
afterAll(() => void upstream.close());

const io = (env: Io['env']): Io => ({ cwd: '/x', env, out: () => undefined, err: () => undefined });
const at = (url: string, held = true, env: Io['env'] = {}): Server =>
  serverOf(io(env), { base: url, data: '/x/data', scope: 'admin', held });
const asked = (path: string, url: string = base, held = true) => at(url, held).must(z.unknown(), 'GET', `/${path}`);

describe('what a server refused', () => {
  test.each([
    ['invalid_request', 2, null],
    ['missing_api_key', 3, 'Set PERDURE_API_KEY to a key with the scope admin, or stop the server first.'],
    ['invalid_api_key', 3, 'Set PERDURE_API_KEY to a key with the scope admin, or stop the server first.'],
    ['insufficient_scope', 3, 'Set PERDURE_API_KEY to a key with the scope admin, or stop the server first.'],
    ['placement_refused', 3, null],
    ['placement_not_found', 1, null],
    ['store_unavailable', 1, null],
  ] as const)('%s ends with %i', async (code, exitCode, hint) => {
    await expect(asked(code)).rejects.toMatchObject({ name: 'CliError', exitCode, hint, message: `it was ${code}` });
  });

  test('no other server is asked to stop than one that holds the folder', async () => {
    await expect(asked('missing_api_key', base, false)).rejects.toMatchObject({
      hint: 'Set PERDURE_API_KEY to a key with the scope admin.',
    });
  });

  test('what is not in the documented form is told with its status', async () => {
    await expect(asked('plain')).rejects.toMatchObject({ exitCode: 1, message: expect.stringContaining('502') });
  });

  test('is told in the same way by the client', async () => {
    const { client, telling } = at(`${base}/v1`);
    await expect(telling(client.status.get())).rejects.toMatchObject({ name: 'CliError', exitCode: 1 });
  });
});

test('what nobody answers ends with 3, and says what to do', async () => {
  const nowhere = 'http://127.0.0.1:1';
  await expect(asked('ok', nowhere)).rejects.toMatchObject({
    exitCode: 3,
    message: 'another Perdure process is using /x/data, and none answers at http://127.0.0.1:1',
    hint: 'Set PERDURE_URL to the address of that server, or stop it.',
  });
  await expect(asked('ok', nowhere, false)).rejects.toMatchObject({
    exitCode: 3,
    message: 'nobody answers at http://127.0.0.1:1',
    hint: 'Start the server, or set PERDURE_URL to its address.',
  });
});

test('a success is given with its body; the key goes along, and to no other address (L9)', async () => {
  const keyed = at(base, true, { PERDURE_API_KEY: 'sk' });
  expect(await keyed.must(z.unknown(), 'GET', '/ok')).toEqual({ method: 'GET', key: 'Bearer sk' });
  expect(await keyed.must(z.unknown(), 'POST', '/made', {})).toEqual({ method: 'POST', key: 'Bearer sk' });
  await expect(keyed.must(z.unknown(), 'GET', '/redirect')).rejects.toMatchObject({ exitCode: 3 });
});
