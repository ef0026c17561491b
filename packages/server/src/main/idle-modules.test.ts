/** What an idle server does not hold: a guard of its memory that measures nothing (bench/README.md has the figures). */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Noted } from './idle-modules.test-support.ts';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

/** Of dependencies, what is not loaded; and folders and files of ours. */
const NOT_LOADED = [
  '/undici/',
  '/node-server/',
  '/ws/',
  '/@smithy/',
  '/@aws-crypto/',
  '/@fastify/busboy/',
  '/@modelcontextprotocol/',
  '/croner/',
  '/fflate/',
  '/highs/',
  '/just-bash/',
  '/minisearch/',
  '/openai/',
  '/papaparse/',
  '/cedar-wasm/',
  '/protocol/src/openapi/',
  '/src/provider/otlp/',
  '/src/provider/mcp/connect',
  '/src/workspace/sandbox/',
  '/src/workspace/network/',
  '/src/main/demo/',
  '/src/main/whatif/',
  '/src/main/worker/',
  '/src/main/shadow/',
  '/src/main/money/focus',
  '/src/main/money/csv',
];

/** Of node itself: what `fetch` and the web's `Request` are made of takes 5 MB. */
const NOT_BUILT = ['internal/deps/undici/undici', 'http2', 'internal/http2/core'];

let folder = '';
let server: ChildProcess;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'perdure-idle-'));
  const config = join(folder, 'perdure.yaml');
  writeFileSync(
    config,
    'targets:\n  - {id: a, vendor: v, model: m, cloud: c, region: r, jurisdiction: us, dialect: openai-responses, base_url: "http://127.0.0.1:9"}\n',
  );
  const path = (relative: string): string => fileURLToPath(new URL(relative, import.meta.url));
  const args = ['--import', path('./idle-modules.test-support.ts'), path('../../bin/perdure.mjs'), 'up', '--json'];
  server = spawn(process.execPath, [...args, '--config', config, '--data', join(folder, 'data'), '--port', '0'], {
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  });
  if (server.stdout === null) throw new Error('no output to read');
  await once(createInterface({ input: server.stdout }), 'line');
});

afterEach(async () => {
  const ended = once(server, 'exit');
  server.kill('SIGTERM');
  await ended;
  rmSync(folder, { recursive: true, force: true });
});

async function noted(): Promise<Noted> {
  const answer = once(server, 'message');
  server.send('ask');
  const [said] = (await answer) as [Noted];
  return said;
}

test('an idle server has loaded nothing that it does not use, and one thread beside its own', async () => {
  const until = async (wanted: (threads: readonly string[]) => void): Promise<void> =>
    vi.waitFor(async () => wanted((await noted()).threads), { timeout: 60_000, interval: 100 });
  await until(threads => expect(threads).toContain('ledger'));
  await until(threads => expect(threads).toEqual(['store-writer']));
  const { modules, builtins } = await noted();
  expect(builtins).toContain('http');
  expect(NOT_BUILT.filter(name => builtins.includes(name))).toEqual([]);
  for (const loaded of ['/hono/', '/src/main/compose.ts']) expect(modules.some(url => url.includes(loaded))).toBe(true);
  expect(NOT_LOADED.filter(part => modules.some(url => url.includes(part)))).toEqual([]);
});
