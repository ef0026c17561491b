/** A workspace with a network: what goes through the proxy and what does not, tried from inside. */
import { createServer } from 'node:http';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { type AddressInfo, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ExecResult } from '../../engine/tools/ports.ts';
import { matchesAny } from '../../provider/egress/rules.ts';
import { checkedLookup } from '../../provider/transport/address.ts';
import { closeAll, noBubblewrap, openTest, PUBLIC_EGRESS, run, specOf } from '../workspace.test-support.ts';
import { type Egress, SOCKET_NAME, startProxy } from './proxy.ts';

const missing = await noBubblewrap();
const host = createServer((req, res) => {
  res.end(`${req.method} ${req.headers.host} ${req.url}\n`);
});
/** Every name is this machine; an address of it may be asked. */
const HERE: Egress = {
  matches: matchesAny,
  addressAllowed: address => address === '127.0.0.1',
  lookup: () =>
    checkedLookup(
      address => address === '127.0.0.1',
      (_, __, tell) => tell(null, [{ address: '127.0.0.1', family: 4 }]),
    ),
};
let port = 0;

beforeAll(async () => {
  host.listen(0, '127.0.0.1');
  await once(host, 'listening');
  ({ port } = host.address() as AddressInfo);
});
afterAll(async () => {
  host.close();
  await closeAll();
});

/** Speaks HTTP to the proxy by bash alone: no program of the network need be there. */
const ask = (head: string): string =>
  `exec 3<>/dev/tcp/127.0.0.1/3128; printf '${head}\\r\\n\\r\\n' >&3; timeout 3 cat <&3`;
const get = (url: string, headers = ''): string =>
  ask(`GET ${url} HTTP/1.1\\r\\nHost: x\\r\\nConnection: close${headers}`);

async function inside(
  command: string,
  given: {
    readonly allowed?: readonly string[];
    readonly blocked?: readonly string[];
    readonly egress?: Egress;
    readonly access?: 'restricted' | 'enabled';
  } = {},
): Promise<ExecResult> {
  const { allowed = [`*.example:${port}`], blocked = [], egress = HERE, access = 'restricted' } = given;
  const workspaces = await openTest({
    isolation: 'required',
    network: { most: 'enabled', egress },
  });
  const workspace = await workspaces.open(specOf('env_1', { network: { access, allowed, blocked } }));
  return run(workspace, command);
}

describe.skipIf(missing !== null)(
  `the network of a workspace${missing === null ? '' : ` (left out: ${missing})`}`,
  () => {
    it('forwards to hosts that are allowed, and holds back the others', async () => {
      const result = await inside(`${get(`http://a.example:${port}/x`)}; ${get(`http://evil.test:${port}/`)}; exit 6`);
      expect(result.output).toContain(`GET a.example:${port} /x\n`);
      expect(result.output).toContain('403 Forbidden');
      expect(result).toMatchObject({ exitCode: 6, refusedHosts: ['evil.test'] });
    });

    it('tunnels likewise', async () => {
      const tunnel = `exec 3<>/dev/tcp/127.0.0.1/3128; printf 'CONNECT a.example:${port} HTTP/1.1\\r\\n\\r\\n' >&3; read -r line <&3; echo "$line"; read -r line <&3
printf 'GET /through HTTP/1.1\\r\\nHost: y\\r\\nConnection: close\\r\\n\\r\\n' >&3; timeout 3 cat <&3`;
      expect((await inside(tunnel)).output).toMatch(/^HTTP\/1.1 200 [^]*GET y \/through\n$/);
      const refused = await inside(ask('CONNECT evil.test:443 HTTP/1.1'));
      expect(refused.output).toMatch(/^HTTP\/1.1 403 /);
      expect(refused.refusedHosts).toEqual(['evil.test']);
      for (const target of ['nonsense', 'a.example', 'a.example:99999', 'http://a.example/'])
        expect((await inside(ask(`CONNECT ${target} HTTP/1.1`))).output, target).toMatch(/^HTTP\/1.1 400 /);
    });

    it('asks no address that is not public: by number, by name, or the one of metadata', async () => {
      const metadata = 'http://169.254.169.254/latest/meta-data/';
      const everywhere = { access: 'enabled' as const, allowed: [], egress: PUBLIC_EGRESS };
      for (const url of [
        metadata,
        'http://127.0.0.1/',
        'http://[::1]/',
        'http://10.0.0.1/',
        'http://0x7f000001/',
        'http://localhost/',
      ]) {
        const result = await inside(get(url), everywhere);
        expect(result.output, url).toContain('403 Forbidden');
        expect(result.refusedHosts, url).toHaveLength(1);
      }
      // Without that rule the request would go out: to this machine's own port 80, likely closed.
      const open = { ...PUBLIC_EGRESS, addressAllowed: () => true };
      expect((await inside(get('http://127.0.0.1/'), { ...everywhere, egress: open })).output).not.toContain(
        '403 Forbidden',
      );
    });

    it('has no other way out than the proxy', async () => {
      const result = await inside(`exec 3<>/dev/tcp/127.0.0.1/${port} && cat <&3; ls /run/perdure/net`);
      expect(result.output).toContain('Connection refused');
      expect(result.output).toContain(SOCKET_NAME);
      expect((await inside(get('file:///etc/passwd'))).output).toContain('400 Bad Request');
    });

    it('names the proxy to programs that look for one', async () => {
      expect((await inside('echo $HTTPS_PROXY $http_proxy')).output).toBe(
        'http://127.0.0.1:3128 http://127.0.0.1:3128\n',
      );
    });

    it('leaves nothing behind', async () => {
      const left = (): number => readdirSync(tmpdir()).filter(name => name.startsWith('perdure-net-')).length;
      const before = left();
      await inside(get(`http://a.example:${port}/`));
      expect(left()).toBe(before);
    });
  },
);

it('ends tunnels with the command', async () => {
  const rules = { allowed: [`a.example:${port}`], blocked: [] };
  const proxy = await startProxy({ rules, egress: HERE, owner: null });
  const client = connect(join(proxy.folder, SOCKET_NAME));
  client.write(`CONNECT a.example:${port} HTTP/1.1\r\n\r\n`);
  await once(client, 'data');
  const closed = once(client, 'close');
  await proxy.close();
  await closed;
  expect(client.destroyed).toBe(true);
});
