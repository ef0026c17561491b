/** O1, O2 with real processes: killed while an alert is being delivered, the next process delivers it, under its id, once. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { EVENT_STREAM, type RawUpstream, rawUpstream } from '../../provider/raw-upstream.test-support.ts';
import { ADDED, event } from '../../provider/responses-upstream.test-support.ts';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 60_000 });

const CLI = fileURLToPath(new URL('../../../bin/perdure.mjs', import.meta.url));
const SECRET = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;

let dir = '';
let upstream: RawUpstream;
let receiver: Server;
let child: ChildProcess | null = null;
/** Message ids, with whether they were taken. */
let told: { readonly id: string; readonly taken: boolean }[] = [];
let takes = false;

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'perdure-alerts-crash-'));
  told = [];
  takes = false;
  receiver = createServer((request, response) => {
    told.push({ id: String(request.headers['webhook-id']), taken: takes });
    // Not taken: no answer, so that the process dies with the delivery under way.
    if (takes) response.writeHead(204).end();
  });
  receiver.listen(0, '127.0.0.1');
  await once(receiver, 'listening');
  upstream = await rawUpstream(response => {
    const usage = { input_tokens: 0, output_tokens: 10_000 };
    const done = event({ type: 'response.completed', response: { id: 'resp_up', status: 'completed', usage } });
    response.writeHead(200, EVENT_STREAM).end(ADDED + done);
  });
  const { port } = receiver.address() as AddressInfo;
  writeFileSync(
    join(dir, 'perdure.yaml'),
    [
      'listen: { port: 0 }',
      'contracts: [none]',
      'targets:',
      `  - { id: one, vendor: openai, model: gpt, cloud: local, region: here, base_url: "${upstream.baseUrl}", prices: {input: 1, output: 10} }`,
      'caps: [{ id: budget, period: total, amount_usd: 0.2 }]',
      `alerts: [{ id: finance, url: "http://127.0.0.1:${port}/", secret: "\${ALERT_SECRET}", caps: [50], allow_private: true }]`,
      'limits: { alert_check_ms: 50, alert_retry_ms: 20 }',
    ].join('\n'),
  );
});

afterEach(async () => {
  await kill();
  receiver.closeAllConnections();
  receiver.close();
  await upstream[Symbol.asyncDispose]();
  rmSync(dir, { recursive: true, force: true });
});

async function start(): Promise<string> {
  child = spawn(process.execPath, [CLI, 'up'], {
    cwd: dir,
    env: { ...process.env, ALERT_SECRET: SECRET },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  return new Promise((resolve, reject) => {
    const hear = (chunk: Buffer): void => {
      said += chunk.toString();
      const [url] = /http:\/\/127\.0\.0\.1:\d+/.exec(said) ?? [];
      if (url !== undefined) resolve(url);
    };
    child?.stdout?.on('data', hear);
    child?.stderr?.on('data', hear);
    child?.once('exit', () => reject(new Error(said)));
  });
}

async function kill(): Promise<void> {
  const dying = child;
  child = null;
  if (dying === null || dying.exitCode !== null) return;
  const gone = once(dying, 'exit');
  dying.kill('SIGKILL');
  await gone;
}

async function until(what: () => boolean): Promise<void> {
  const end = Date.now() + 30_000;
  while (!what()) {
    if (Date.now() > end) throw new Error(`it never came: ${JSON.stringify(told)}`);
    await new Promise(resolve => setTimeout(resolve, 10));
  }
}

test('what was under way when the process was killed is delivered by the next one, and by none after it', async () => {
  const url = await start();
  const answer = await fetch(`${url}/v1/responses`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'gpt', input: 'Hi', max_output_tokens: 10_000 }),
  });
  expect(answer.status).toBe(200);
  await until(() => told.length > 0);
  await kill();
  takes = true;
  await start();
  await until(() => told.some(({ taken }) => taken));
  // Struck off, or about to be: a kill in between would bring the same message once more.
  await new Promise(resolve => setTimeout(resolve, 500));
  await kill();
  await start();
  await new Promise(resolve => setTimeout(resolve, 500));
  expect(new Set(told.map(({ id }) => id)).size).toBe(1);
  expect(told.filter(({ taken }) => taken)).toHaveLength(1);
});
