/** Shadow prices on a running server: they move calls, are in each placement, and are told. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { EVENT_STREAM, type RawUpstream, rawUpstream } from '../../provider/raw-upstream.test-support.ts';
import { ADDED, event } from '../../provider/responses-upstream.test-support.ts';
import { perdure } from '../cli/captured-io.test-support.ts';
import { composeServer, type ComposedServer } from '../compose.ts';
import { parseConfig } from '../config/load.ts';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

let dir = '';
let upstream: RawUpstream;
let server: ComposedServer | null = null;
const reported: string[] = [];

const day = (ahead: number): string => new Date(Date.now() + ahead * 86_400_000).toISOString().slice(0, 10);

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'perdure-shadow-'));
  upstream = await rawUpstream(response => {
    const usage = { input_tokens: 1000, output_tokens: 100 };
    const done = event({ type: 'response.completed', response: { id: 'resp_up', status: 'completed', usage } });
    response.writeHead(200, EVENT_STREAM).end(ADDED + done);
  });
  const folder = join(dir, 'own');
  mkdirSync(folder);
  writeFileSync(
    join(folder, 'contract.yaml'),
    'id: own\nversion: "1"\nkind: house-rules\ntitle: Own rules.\nsources:\n  own: {title: Ours}\nclauses:\n  all: {source: own, confidence: A, summary: All.}\n' +
      `commitments:\n  - {id: edp, payer: us, payee: amazon, amount_usd: 100, from: ${day(-3)}, to: ${day(30)}, counts: {cloud: aws}, shortfall: owed}\n`,
  );
  writeFileSync(join(folder, 'rules.cedar'), '@id("all")\n@cite("ours")\npermit (principal, action, resource);\n');
});

afterAll(async () => {
  await server?.close();
  await upstream[Symbol.asyncDispose]();
  rmSync(dir, { recursive: true, force: true });
});

async function boot(more: string): Promise<void> {
  await server?.close();
  const target = (id: string, cloud: string, price: number): string =>
    `  - {id: ${id}, vendor: openai, model: gpt, cloud: ${cloud}, region: r, base_url: "${upstream.baseUrl}", prices: {input: ${price}, output: ${price}}}`;
  const text = [
    'listen: {port: 0}',
    `data: ${join(dir, 'data')}`,
    'contracts: [none, ./own]',
    'weights: {latency: 0}',
    'targets:',
    target('cheap', 'azure', 1),
    target('dear', 'aws', 2),
    more,
  ].join('\n');
  writeFileSync(join(dir, 'perdure.yaml'), text);
  const { config } = parseConfig(text, { file: 'perdure.yaml', env: {}, base: dir });
  server = await composeServer(config, { log: line => reported.push(line) });
  await server.recovered;
}

async function call(): Promise<{ readonly target: string; readonly explanation: string }> {
  const response = await fetch(`${server?.url ?? ''}/v1/responses`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'gpt', input: 'Hi', max_output_tokens: 100 }),
  });
  await response.text();
  const placement = response.headers.get('perdure-placement') ?? '';
  const shown = await fetch(`${server?.url ?? ''}/perdure/v1/placements/${placement}`);
  return (await shown.json()) as { readonly target: string; readonly explanation: string };
}

async function shadowPpm(): Promise<unknown> {
  const answer = await fetch(`${server?.url ?? ''}/perdure/v1/commitments`);
  const { commitments } = (await answer.json()) as {
    readonly commitments: readonly { readonly shadow_ppm: unknown }[];
  };
  return commitments[0]?.shadow_ppm;
}

test('calls go by price alone, then by what the commitment asks for; each placement explains itself either way', async () => {
  await boot('');
  const plain = await call();
  expect(plain.explanation).toContain('placed on cheap');
  expect(await shadowPpm()).toBeNull();

  await boot('shadow_prices: {}');
  const end = Date.now() + 30_000;
  while ((await shadowPpm()) === null && Date.now() < end) await new Promise(resolve => setTimeout(resolve, 50));
  // A few calls cannot come to $100: each dollar there saves one.
  expect(await shadowPpm()).toBe(1_000_000);
  const steered = await call();
  expect(steered.explanation).toContain('placed on dear');
  expect(steered.explanation).toMatch(/shadow prices:\n +dear: \$0\.\d+ of its \$0\.\d+ is saved elsewhere/);
  const { out } = await perdure(['commitments'], { cwd: dir, env: { PERDURE_URL: server?.url ?? '' } });
  expect(out).toMatch(/SHORTFALL +SHADOW/);
  expect(out).toMatch(/\(owed\) +\$1\.00/);

  // What a call saw is in its placement: it is explained so where nothing is computed any more.
  await boot('');
  const shown = await fetch(`${server?.url ?? ''}/perdure/v1/placements?limit=2&order=desc`);
  const { data } = (await shown.json()) as { readonly data: readonly { readonly id: string }[] };
  const again = await Promise.all(
    data.map(async ({ id }) => (await fetch(`${server?.url ?? ''}/perdure/v1/placements/${id}`)).json()),
  );
  expect(JSON.stringify(again)).toContain('is saved elsewhere');
  expect((await call()).explanation).toContain('placed on cheap');
  expect(reported).toEqual([]);
});
