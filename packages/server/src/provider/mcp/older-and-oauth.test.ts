import { spawn } from 'node:child_process';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { withClients } from './clients.ts';
import { startHttpServer } from './http-server.test-support.ts';
import { startOAuthServer } from './oauth-server.test-support.ts';
import { benchOf, httpTool, named, never, NO_EGRESS, npmCommand, runOf, scopeOf } from './source.test-support.ts';

const ends: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).toReversed()) await end();
});

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>(resolve => server.listen(0, resolve));
  const address = server.address();
  await new Promise(resolve => server.close(resolve));
  return typeof address === 'object' && address !== null ? address.port : 0;
}

/** The server "everything" as npm has it, over HTTP. */
async function everything(mode: 'sse' | 'streamableHttp'): Promise<string> {
  const port = await freePort();
  const { command, args } = npmCommand('everything', '@modelcontextprotocol/server-everything', [mode]);
  const child = spawn(command, [...args], { env: { PATH: process.env['PATH'], PORT: String(port) }, stdio: 'ignore' });
  const exited = new Promise(resolve => child.once('exit', resolve));
  ends.push(async () => {
    child.kill('SIGKILL');
    await exited;
  });
  const path = mode === 'sse' ? '/sse' : '/mcp';
  for (let i = 0; i < 200; i++) {
    const up = await fetch(`http://127.0.0.1:${port}/nothing`).then(
      () => true,
      () => false,
    );
    if (up) return `127.0.0.1:${port}${path}`;
    await sleep(50);
  }
  throw new Error('it did not start');
}

describe.each(['sse', 'streamableHttp'] as const)('the server "everything" over HTTP: %s', mode => {
  it('is listed and called', async () => {
    const where = await everything(mode);
    const host = where.split('/')[0] ?? '';
    const { source, reports } = benchOf({
      rules: { egress: { ...NO_EGRESS, mode: 'allow-list', hosts: [host], privateHosts: [host] } },
    });
    ends.push(() => source.close());
    const scope = scopeOf([httpTool('all', `http://${where}`)]);
    const tools = await source.list(scope, never);
    expect(reports).toEqual([]);
    expect(await source.run(scope, named(tools, 'all__get-sum'), runOf({ a: 2, b: 3 }))).toMatchObject({
      ok: true,
      output: expect.stringContaining('5'),
    });
  });
});

describe('client credentials', () => {
  const world = async (issuerHost: boolean) => {
    const oauth = await startOAuthServer('token-of-the-client');
    const http = await startHttpServer({ bearer: () => 'token-of-the-client', authorization: oauth.issuer });
    ends.push(oauth.close, http.close);
    const hosts = [new URL(http.url).host, ...(issuerHost ? [new URL(oauth.issuer).host] : [])];
    const bench = benchOf({
      rules: { egress: { ...http.egress, hosts, privateHosts: hosts } },
      secrets:
        withClients(null, [
          {
            host: new URL(http.url).host,
            clientId: 'perdure',
            clientSecret: 'secret-of-the-client',
            issuer: oauth.issuer,
            scope: null,
          },
        ]) ?? undefined,
    });
    ends.push(() => bench.source.close());
    return { ...bench, oauth, http, scope: scopeOf([httpTool('web', http.url)]) };
  };

  it('are exchanged for a token at their issuer, and neither comes back', async () => {
    const { source, scope, oauth, http } = await world(true);
    const tools = await source.list(scope, never);
    expect(oauth.asked).toEqual([`Basic ${Buffer.from('perdure:secret-of-the-client').toString('base64')}`]);
    expect(await source.run(scope, named(tools, 'web__whoami'), runOf({}))).toEqual({
      ok: true,
      output: 'you sent Bearer [redacted]',
    });
    expect(http.asked.every(({ headers }) => !(headers.authorization ?? '').startsWith('Basic'))).toBe(true);
  });

  it('go to no authorization server that egress does not allow', async () => {
    const { source, scope, oauth, reports } = await world(false);
    expect(await source.list(scope, never)).toEqual([]);
    expect(oauth.asked).toEqual([]);
    expect(reports).toHaveLength(1);
    expect(JSON.stringify(reports)).not.toContain('secret-of-the-client');
  });
});
