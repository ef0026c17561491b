/** The configuration of README.md, run as it stands: only the folder, the port and the address of its upstream are this test's. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startEmulator } from '@perdure/emulator';
import { expect, test } from 'vitest';
import { composeServer } from '../../packages/server/src/main/compose.ts';
import { parseConfig } from '../../packages/server/src/main/config/load.ts';

const page = readFileSync(join(import.meta.dirname, '../../README.md'), 'utf8');
const blocks = [...page.matchAll(/```yaml\n(.*?)```/gs)].map(([, text = '']) => text);

test('the configuration of the README places a call, stateful and stateless, and warns of nothing', async () => {
  const [text = '', ...others] = blocks;
  expect(others).toEqual([]);
  const folder = mkdtempSync(join(tmpdir(), 'perdure-readme-'));
  const upstream = await startEmulator({ port: 0 });
  const here = text.replace(/base_url: .*/, `base_url: ${upstream.url}/v1`);
  expect(here).not.toBe(text);
  const read = parseConfig(here, { file: 'README.md', env: { AZURE_OPENAI_API_KEY: 'k' }, base: folder });
  expect(read.warnings).toEqual([]);
  expect(read.config.contracts.length).toBeGreaterThan(0);
  expect(read.config.asOf).toBeNull();
  const config = { ...read.config, listen: { host: '127.0.0.1', port: 0 } };
  const server = await composeServer(config, { log: () => undefined });
  try {
    expect(server.warnings).toEqual([]);
    for (const store of [true, false]) {
      const body = JSON.stringify({ model: config.targets[0]?.model, input: 'hello', store });
      const headers = { 'content-type': 'application/json' };
      const answer = await fetch(`${server.url}/v1/responses`, { method: 'POST', headers, body });
      expect([answer.status, await answer.json()]).toMatchObject([200, { status: 'completed' }]);
    }
  } finally {
    await server.close();
    await upstream.close();
    rmSync(folder, { recursive: true, force: true });
  }
}, 60_000);
