/** Agents and vaults over a real store, a real key file and a real token endpoint. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseCreateCredential } from '@perdure/protocol';
import { expect, onTestFinished, test } from 'vitest';
import type { SessionId, TenantId } from '../kernel/ids.ts';
import type { EgressRules } from '../provider/egress/rules.ts';
import { openDataFolder } from './data-folder.ts';
import { DEFAULT_EGRESS } from './config/egress.ts';
import { openRegistry, type Registry } from './registry.ts';

const ACME = { tenant: 'acme' as TenantId, principal: 'local' };
const SESSION = 'sess_01jxq0v6w0local4z8k2m6r1t5y' as SessionId;
const homes = [{ id: 'local' }] as never;

async function opened(data: string, egress: EgressRules = DEFAULT_EGRESS) {
  const folder = await openDataFolder({ data, homes }, 'make');
  if (folder === null) throw new Error('the folder is held');
  const failed: unknown[] = [];
  const { control: store, clock, ids } = folder;
  const registry: Registry = openRegistry({
    store,
    clock,
    ids,
    config: { data, egress },
    report: (_, error) => void failed.push(error),
  });
  const close = async (): Promise<void> => {
    await registry.close();
    await folder.close();
  };
  return { registry, store, failed, close };
}

function dataFolder(): string {
  const data = mkdtempSync(join(tmpdir(), 'perdure-registry-'));
  onTestFinished(() => rmSync(data, { recursive: true, force: true }));
  return data;
}

const bytes = (data: string): string =>
  readdirSync(data)
    .map(file => readFileSync(join(data, file), 'latin1'))
    .join('\n');

test('L9: a token is refreshed over HTTP, stored sealed, and used by the next process; inline secrets go with their session', async () => {
  const forms: string[] = [];
  const endpoint = createServer((req, res) => {
    void text(req).then(body => {
      forms.push(body);
      res.end(JSON.stringify({ access_token: `planted-access-${forms.length}`, refresh_token: 'planted-refresh-2' }));
    });
  });
  endpoint.listen(0, '127.0.0.1');
  await once(endpoint, 'listening');
  onTestFinished(() => void endpoint.close());
  const host = `127.0.0.1:${(endpoint.address() as AddressInfo).port}`;
  const egress: EgressRules = { ...DEFAULT_EGRESS, mode: 'allow-list', hosts: [host], privateHosts: [host] };
  const data = dataFolder();
  const parsed = parseCreateCredential({
    name: 'n',
    auth: {
      type: 'mcp_oauth',
      mcp_server_url: 'https://docs.example/mcp',
      access_token: 'planted-access-0',
      expires_at: '2020-01-01T00:00:00Z',
      refresh: {
        client_id: 'c',
        refresh_token: 'planted-refresh-1',
        token_endpoint: `http://${host}/token`,
        token_endpoint_auth: { type: 'none' },
      },
    },
  });
  if (!parsed.ok) throw parsed.error;

  const first = await opened(data, egress);
  const { vaults, broker, sessionSecrets } = first.registry;
  const { id } = await vaults.create(ACME, {});
  await vaults.credentials.create(ACME, id, parsed.value);
  const query = { tenant: ACME.tenant, vaults: [id], credential: null, serverUrl: 'https://docs.example/mcp' };
  expect(await broker.mcpHeaders(query)).toEqual({ authorization: 'Bearer planted-access-1' });
  expect(forms).toEqual(['grant_type=refresh_token&refresh_token=planted-refresh-1&client_id=c']);
  const server = { label: 'docs', url: 'https://docs.example/mcp' };
  const inline = [{ tool: 0, ...server, authorization: 'Bearer planted-inline', env: {} }];
  await sessionSecrets.keep(ACME.tenant, SESSION, inline, true);
  await first.close();
  expect(bytes(data)).toContain(id);
  expect(bytes(data)).not.toContain('planted-');

  const second = await opened(data, egress);
  expect(await second.registry.finishRotation()).toBe(0);
  expect(await second.registry.broker.mcpHeaders(query)).toEqual({ authorization: 'Bearer planted-access-1' });
  expect(await second.registry.broker.mcpHeaders({ ...query, refused: true })).toEqual({
    authorization: 'Bearer planted-access-2',
  });
  expect(forms[1]).toContain('planted-refresh-2');
  expect(await second.registry.sessionSecrets.of(ACME.tenant, SESSION, server)).toMatchObject({
    authorization: 'Bearer planted-inline',
  });
  await second.registry.sessionSecrets.forget(ACME.tenant, SESSION);
  expect(await second.registry.sessionSecrets.of(ACME.tenant, SESSION, server)).toBeNull();
  await second.close();
  expect(bytes(data)).not.toContain('planted-');

  // By default nothing is asked.
  const third = await opened(data);
  await expect(third.registry.broker.mcpHeaders({ ...query, refused: true })).rejects.toMatchObject({
    code: 'egress_denied',
  });
  await third.close();
  expect([...first.failed, ...second.failed, ...third.failed]).toEqual([]);
});

test('a rotation in a server leaves the older key a while, and the next start ends it', async () => {
  const data = dataFolder();
  const first = await opened(data);
  await first.registry.vaults.create(ACME, {});
  expect((await first.registry.rotateMaster('local')).vaults).toBe(1);
  const keys = (): number => readFileSync(join(data, 'vault.key'), 'utf8').trim().split('\n').length;
  expect(keys()).toBe(2);
  await first.close();
  const second = await opened(data);
  expect(await second.registry.finishRotation()).toBe(0);
  expect(keys()).toBe(1);
  // The key that a data folder lost.
  await second.close();
  rmSync(join(data, 'vault.key'));
  const third = await opened(data);
  await expect(third.registry.finishRotation()).rejects.toThrow('put the older vault.key back');
  await third.close();
});
