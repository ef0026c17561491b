import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import type { WorkspaceSpec } from '../engine/tools/ports.ts';
import type { TenantId } from '../kernel/ids.ts';
import { DEFAULT_EGRESS } from './config/egress.ts';
import { workspacesOf } from './config/workspaces.ts';
import { makeWorkspaces } from './workspaces.ts';

const data = mkdtempSync(join(tmpdir(), 'perdure-desk-'));
afterAll(() => rmSync(data, { recursive: true, force: true }));
const signal = new AbortController().signal;

test('a private host is reached if the operator names it, by its address and port', async context => {
  const host = createServer(socket => socket.end('HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nmirror\n'));
  host.listen(0, '127.0.0.1');
  await once(host, 'listening');
  const at = `127.0.0.1:${(host.address() as AddressInfo).port}`;
  const reach = async (privateHosts: readonly string[]): Promise<string> => {
    const desk = makeWorkspaces({
      data,
      egress: DEFAULT_EGRESS,
      workspaces: workspacesOf({ private_hosts: privateHosts }, data),
    });
    try {
      const workspaces = await desk.get();
      if (workspaces.isolation !== 'bubblewrap') return context.skip('no bubblewrap');
      const spec: WorkspaceSpec = {
        tenant: 'default' as TenantId,
        id: 'env_1',
        env: {},
        network: { access: 'restricted', allowed: [at], blocked: [] },
      };
      const workspace = await workspaces.open(spec);
      const command = `exec 3<>/dev/tcp/127.0.0.1/3128; printf 'GET http://${at}/ HTTP/1.1\\r\\nHost: x\\r\\nConnection: close\\r\\n\\r\\n' >&3; timeout 5 cat <&3`;
      return (await workspace.exec({ command, cwd: null, timeoutMs: 20_000, signal, show: () => undefined })).output;
    } finally {
      await desk.close();
    }
  };
  try {
    expect(await reach([at])).toContain('mirror');
    expect(await reach([])).toContain('403 Forbidden');
  } finally {
    host.close();
  }
});

test('nothing is made before it is needed', async () => {
  const folder = join(data, 'unused');
  const desk = makeWorkspaces({
    data,
    egress: { ...DEFAULT_EGRESS, mode: 'public' },
    workspaces: workspacesOf({ folder }, data),
  });
  const scope = {
    tenant: 'default' as TenantId,
    session: 'sess_1' as never,
    principal: 'key',
    agent: {},
    environment: { type: 'none' },
    vaults: [],
    labels: [],
  };
  expect((await desk.tools.list(scope, signal)).map(({ name }) => name)).toEqual(['web_fetch']);
  await desk.close();
  expect(existsSync(folder)).toBe(false);
});
