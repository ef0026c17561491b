/** Spend as a fact of clauses and contracts' own caps, on a running server: followed without a restart, counted again after one. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { EVENT_STREAM, type RawUpstream, rawUpstream } from '../../provider/raw-upstream.test-support.ts';
import { ADDED, delta, event } from '../../provider/responses-upstream.test-support.ts';
import { composeServer, type ComposedServer } from '../compose.ts';
import { parseConfig } from '../config/load.ts';
import { contractFolder, readContractFolder } from '../contracts.ts';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

let dir = '';
let server: ComposedServer;
let upstream: RawUpstream;

/** A call costs 1000 x $1 + 50 x $10 a million: $0.0015. */
const COST = 1500;
const UNTIL = 3 * COST;

function writeContract(name: string, yaml: string, cedar: string): void {
  const folder = join(dir, name);
  mkdirSync(folder, { recursive: true });
  writeFileSync(
    join(folder, 'contract.yaml'),
    `id: ${name}\nversion: "1"\nkind: house-rules\ntitle: Rules.\nsources:\n  own: {title: Ours}\n${yaml}`,
  );
  writeFileSync(join(folder, 'rules.cedar'), cedar);
}

const allow = '@id("all")\n@cite("ours")\npermit (principal, action, resource);\n';

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'perdure-spend-'));
  upstream = await rawUpstream(response => {
    const usage = { input_tokens: 1000, output_tokens: 50 };
    const done = event({ type: 'response.completed', response: { id: 'resp_up', status: 'completed', usage } });
    response.writeHead(200, EVENT_STREAM).end(ADDED + delta('a') + done);
  });
  writeContract(
    'frugal',
    'clauses:\n  all: {source: own, confidence: A, summary: All.}\n  enough: {source: own, confidence: A, summary: Enough.}\n',
    `${allow}@id("enough")\n@cite("ours")\nforbid (principal, action == Action::"infer", resource)\nwhen { context.call.spend.month >= ${UNTIL} };\n`,
  );
  writeContract(
    'capped',
    'clauses:\n  all: {source: own, confidence: A, summary: All.}\ncaps:\n  - {id: day, amount_usd: 1, per: day, scope: {cloud: local}}\n',
    allow,
  );
  await boot();
});

afterAll(async () => {
  await server.close();
  await upstream[Symbol.asyncDispose]();
  rmSync(dir, { recursive: true, force: true });
});

async function boot(): Promise<void> {
  const text = [
    'listen: { port: 0 }',
    'data: ./data',
    'contracts: [none, ./frugal]',
    'targets:',
    `  - { id: one, vendor: openai, model: gpt, cloud: local, region: here, base_url: "${upstream.baseUrl}", prices: {input: 1, output: 10} }`,
  ].join('\n');
  const { config } = parseConfig(text, { file: 'perdure.yaml', env: {}, base: dir });
  server = await composeServer(config, { log: () => undefined });
  await server.recovered;
}

interface Told {
  readonly status: number;
  readonly placement: string | null;
  readonly body: { readonly error?: { readonly code: string; readonly details?: { readonly cap?: string } } };
}

async function call(fields: object = {}): Promise<Told> {
  const response = await fetch(`${server.url}/v1/responses`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'gpt', input: 'Hi', max_output_tokens: 100, ...fields }),
  });
  const text = await response.text();
  const body = (
    response.headers.get('content-type')?.startsWith('text/event-stream') ? {} : JSON.parse(text)
  ) as Told['body'];
  while (server.engine.busy > 0) await new Promise(resolve => setImmediate(resolve));
  return { status: response.status, placement: response.headers.get('perdure-placement'), body };
}

async function activate(names: readonly string[]): Promise<void> {
  const contracts = names.map(name => ({
    name,
    files: readContractFolder(name === 'none' ? contractFolder('none', dir) : join(dir, name)),
  }));
  const answer = await fetch(`${server.url}/perdure/v1/contracts/activations`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ contracts }),
  });
  expect([answer.status, answer.status === 200 ? '' : await answer.text()]).toEqual([200, '']);
}

async function explained(
  placement: string | null,
): Promise<{ readonly outcome: string; readonly explanation: string }> {
  const answer = await fetch(`${server.url}/perdure/v1/placements/${placement ?? ''}`);
  return (await answer.json()) as { readonly outcome: string; readonly explanation: string };
}

test('a clause sees what was spent, records it, and sees the same after a restart', async () => {
  const made = [await call(), await call({ store: false, stream: true }), await call()];
  expect(made.map(({ status }) => status)).toEqual([200, 200, 200]);
  const refused = await call({ store: false, stream: true });
  expect([refused.status, refused.body.error?.code]).toEqual([403, 'placement_refused']);
  await server.close();
  await boot();
  const again = await call();
  expect([again.status, again.body.error?.code]).toEqual([403, 'placement_refused']);
  // Decided again from the record alone, each comes out as it did: what had been spent is in it.
  for (const { placement } of made) expect(await explained(placement)).toMatchObject({ outcome: 'placed' });
  const why = await explained(refused.placement);
  expect(why.outcome).toBe('refused');
  expect(why.explanation).toContain('enough');
});

test('a cap that a contract states holds from its activation on, over what was spent before, and across restarts', async () => {
  await activate(['none', 'capped']);
  expect((await call()).status).toBe(200);
  // The bound of an answer of 100,000 tokens is more than a dollar.
  const long = await call({ max_output_tokens: 100_000 });
  expect([long.status, long.body.error?.code, long.body.error?.details?.cap]).toEqual([
    429,
    'spend_cap_reached',
    'capped/day',
  ]);
  const spent = String(4 * COST);
  const balances = async (): Promise<unknown> =>
    ((await (await fetch(`${server.url}/perdure/v1/commitments`)).json()) as { readonly caps: unknown }).caps;
  expect(await balances()).toMatchObject([{ id: 'capped/day', spent_micro_usd: spent, reserved_micro_usd: '0' }]);
  await server.close();
  await boot();
  expect(await balances()).toMatchObject([{ id: 'capped/day', spent_micro_usd: spent, reserved_micro_usd: '0' }]);
  expect((await call({ max_output_tokens: 100_000 })).body.error?.code).toBe('spend_cap_reached');
  // Each of 64 at once may come to a little more than $0.1: nine fit at most.
  const codes = await Promise.all(
    Array.from({ length: 64 }, () => call({ max_output_tokens: 10_000, store: false, stream: true })),
  );
  const through = codes.filter(({ status }) => status === 200).length;
  expect(through).toBeGreaterThan(0);
  expect(codes.filter(({ body }) => body.error?.code === 'spend_cap_reached')).toHaveLength(64 - through);
  await activate(['none']);
  expect((await call({ max_output_tokens: 100_000 })).status).toBe(200);
  expect(await balances()).toEqual([]);
});
