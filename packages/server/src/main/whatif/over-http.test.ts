/** A what-if over the placements of a running server, as its keys may read them, beside the same over its data folder. */
import type { WhatIfResult } from '@perdure/protocol';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { shippedFiles } from '../../placement/fixture.test-support.ts';
import { rawUpstream, type RawUpstream } from '../../provider/raw-upstream.test-support.ts';
import { answered } from '../../provider/responses-upstream.test-support.ts';
import { perdure } from '../cli/captured-io.test-support.ts';
import { composeServer, type ComposedServer } from '../compose.ts';
import { parseConfig } from '../config/load.ts';
import { keyLine, secretOf } from '../keys/key-lines.test-support.ts';
import type { PlacementLine } from './lines.ts';
import type { WhatIfReport } from './report.ts';

/** A server is started: on a busy machine that takes a while. */
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

let dir = '';
let server: ComposedServer;
let upstream: RawUpstream;
const CALLS = 130;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'perdure-whatif-http-'));
  upstream = await rawUpstream(answered);
  const target = (cloud: string): string =>
    `  - { id: ${cloud}-gpt, vendor: openai, model: gpt, cloud: ${cloud}, region: r, base_url: "${upstream.baseUrl}", prices: { input: 1, output: 2 } }`;
  const text = [
    'listen: { port: 0 }',
    'data: ./data',
    'homes: [{ id: azure-us, cloud: azure, region: eastus2 }]',
    'contracts: [openai-2026-02]',
    'reading: as-written',
    'as_of: 2026-03-20',
    'targets:',
    target('azure'),
    target('aws'),
    'keys:',
    keyLine('app', 'inference, read', 'acme'),
    keyLine('other', 'inference, read', 'rival'),
    keyLine('auditor', 'auditor', 'acme'),
    keyLine('rival-auditor', 'auditor', 'rival'),
    keyLine('ops', 'operator', 'acme'),
  ].join('\n');
  await writeFile(join(dir, 'perdure.yaml'), text);
  const { config } = parseConfig(text, { file: 'perdure.yaml', env: {}, base: dir });
  server = await composeServer(config, { log: () => undefined });
  await server.recovered;
  for (let i = 0; i < CALLS; i++) await call('app');
  for (let i = 0; i < 3; i++) await call('other');
  const waiver = {
    contract: 'openai-2026-02',
    clause: 'joint.stateless',
    tenant: 'rival',
    until: '2026-03-25',
    reason: 'x',
  };
  expect((await ask('ops', 'POST', '/perdure/v1/waivers', waiver)).status).toBe(200);
  await call('app');
});
afterAll(async () => {
  await server.close();
  await upstream[Symbol.asyncDispose]();
  await rm(dir, { recursive: true, force: true });
});

async function ask(name: string, method: string, path: string, body?: unknown) {
  const headers = { authorization: `Bearer ${secretOf(name)}`, 'content-type': 'application/json' };
  const sent = body === undefined ? {} : { body: JSON.stringify(body) };
  const response = await fetch(new URL(path, server.url), { method, headers, ...sent });
  return { status: response.status, text: await response.text() };
}

const call = async (name: string): Promise<void> => {
  const { status } = await ask(name, 'POST', '/v1/responses', { model: 'gpt', input: 'a secret word', store: false });
  expect(status).toBe(200);
};

async function whatIf(key: string | null, ...options: readonly string[]) {
  const env = key === null ? {} : { PERDURE_API_KEY: secretOf(key) };
  const args = key === null ? ['--data', join(dir, 'data')] : ['--url', server.url];
  return perdure(['whatif', ...args, '--reading', 'amazon-openai', '--json', ...options], { cwd: dir, env });
}

const reportOf = async (...args: Parameters<typeof whatIf>): Promise<WhatIfReport> => {
  const { code, out, err } = await whatIf(...args);
  expect([code, code === 0 ? '' : err]).toEqual([0, '']);
  return JSON.parse(out) as WhatIfReport;
};

test('comes to the figures of the data folder, for the own tenant and, with the scope operator, for another', async () => {
  for (const [key, tenant, options, placements] of [
    ['auditor', 'acme', [], CALLS + 1],
    ['ops', 'rival', ['--tenant', 'rival'], 3],
  ] as const) {
    const there = await reportOf(key, ...options);
    const here = await reportOf(null, '--tenant', tenant);
    expect(there.placements).toBe(placements);
    expect([there.cells, there.days, there.breaches, there.commitments, there.shares]).toEqual([
      here.cells,
      here.days,
      here.breaches,
      here.commitments,
      here.shares,
    ]);
    expect(BigInt(there.money.recorded_micro_usd)).toBeGreaterThan(0n);
  }
});

const linesOf = (file: string): readonly PlacementLine[] =>
  readFileSync(file, 'utf8')
    .trimEnd()
    .split('\n')
    .map(line => JSON.parse(line) as PlacementLine);

test('which placements would differ is the same line by line', async () => {
  const [there, here] = [join(dir, 'there.jsonl'), join(dir, 'here.jsonl')];
  // Not in force yet: without the reading, which it has not.
  const ask = async (key: string | null, ...options: readonly string[]) => {
    const env = key === null ? {} : { PERDURE_API_KEY: secretOf(key) };
    const from = key === null ? ['--data', join(dir, 'data')] : ['--url', server.url];
    const args = ['whatif', ...from, '--contracts', 'openai-2026-04', '--json', '--placements', ...options];
    expect((await perdure(args, { cwd: dir, env })).code).toBe(0);
  };
  await ask('auditor', there);
  await ask(null, here, '--tenant', 'acme');
  const lines = linesOf(here);
  expect(linesOf(there)).toEqual(lines);
  expect(lines.length).toBe(CALLS + 1);
  expect(lines[0]).toMatchObject({
    id: expect.stringMatching(/^plc_/),
    session: expect.stringMatching(/^sess_/),
    tenant: 'acme',
    action: 'infer',
    change: 'refused',
    breach: true,
    from: 'azure-gpt',
    to: null,
    clauses: [{ clause: 'no-contract-in-force', cite: null }],
    supposed_micro_usd: '0',
  });
});

test('a tenant of whom nothing is recorded is said to be none', async () => {
  for (const key of ['ops', null]) {
    const { code, err } = await whatIf(key, '--tenant', 'acmee');
    expect([code, err]).toEqual([2, expect.stringContaining('--tenant acmee: no placement of it is recorded there')]);
  }
});

test('goes on from its state', async () => {
  const state = ['--tenant', 'acme', '--state', join(dir, 'http.state')];
  const first = await reportOf('auditor', ...state);
  const { code, err } = await whatIf(null, ...state);
  expect([code, err]).toEqual([2, expect.stringContaining('another what-if: it differs in --data or --url\n')]);
  await call('app');
  // The end of the window was fixed by the first run.
  expect((await reportOf('auditor', ...state)).cells).toEqual(first.cells);
});

test('L10: a key reads its own tenant, waivers too; content is nowhere', async () => {
  const page = await ask('rival-auditor', 'GET', '/perdure/v1/replay/placements?limit=100');
  const { data } = JSON.parse(page.text) as { data: { record: { n: string; s: string } }[] };
  expect(data.map(({ record }) => record.n)).toEqual(['rival', 'rival', 'rival']);
  expect((await ask('auditor', 'GET', '/perdure/v1/replay/placements?tenant=rival')).status).toBe(403);
  expect((await whatIf('auditor', '--tenant', 'rival')).code).not.toBe(0);
  const own = await ask('auditor', 'GET', '/perdure/v1/replay/placements?limit=100');
  expect(own.text).not.toContain('secret word');
  const last = await ask('auditor', 'GET', '/perdure/v1/replay/placements?limit=100&after=' + nextOf(own.text));
  const { s: version } = (JSON.parse(last.text) as { data: { record: { s: string } }[] }).data.at(-1)?.record ?? {
    s: '',
  };
  const path = `/perdure/v1/replay/snapshots/${version}`;
  const seen = async (name: string) => (await ask(name, 'GET', path)).text.includes('\\"tenant\\":\\"rival\\"');
  expect([await seen('ops'), await seen('rival-auditor'), await seen('auditor')]).toEqual([true, true, false]);
  expect((await ask('ops', 'GET', '/perdure/v1/replay/snapshots/none')).status).toBe(404);
});

const nextOf = (text: string): string => encodeURIComponent((JSON.parse(text) as { next: string }).next);

test('keys for inference replay nothing; a reading that looks back needs the folder', async () => {
  const refused = await whatIf('app');
  expect([refused.code === 0, refused.err]).toEqual([false, expect.stringContaining('auditor or operator')]);
  const { code, err } = await whatIf('auditor', '--reading', 'substance');
  expect([code, err]).toEqual([2, expect.stringContaining('replay the data folder')]);
});

test('a window that crosses an activation: what was decided without the reading stays as recorded', async () => {
  const april = { name: 'openai-2026-04', files: shippedFiles('openai-2026-04') };
  const active = { contracts: [april], enforce: false };
  expect((await ask('ops', 'POST', '/perdure/v1/contracts/activations', active)).status).toBe(200);
  for (let i = 0; i < 2; i++) await call('app');
  for (const key of ['auditor', null]) {
    const options = [...(key === null ? ['--tenant', 'acme'] : []), '--reading', 'microsoft'];
    const report = await reportOf(key, ...options);
    const later = report.cells.filter(({ stays }) => stays);
    expect(report.as_recorded).toBe(2);
    expect(later.reduce((sum, { placements }) => sum + placements, 0)).toBe(2);
    for (const { was, would, breach, was_cost_micro_usd: before, would_cost_micro_usd: after } of later)
      expect([would, breach, after, was.outcome]).toEqual([was, false, before, 'placed']);
    const { code, err } = await whatIf(key, '--reading', 'microsft');
    expect([code, err]).toEqual([2, expect.stringContaining('--reading microsft: no contract')]);
    expect(err).toContain('there are: amazon-openai, as-written, microsoft, substance');
    expect(err).toContain('Did you mean microsoft?');
  }
  const supposed = await ask('auditor', 'POST', '/perdure/v1/whatif', { reading: 'microsoft' });
  const { rows, ...told } = JSON.parse(supposed.text) as WhatIfResult;
  expect(told).toMatchObject({
    as_recorded: 2,
    notice: '2 of them stay as they were recorded: their contracts have no reading microsoft',
  });
  const later = rows.filter(({ as_recorded: stays }) => stays);
  expect(later.length).toBe(2);
  for (const { was, would_be: would, changed } of later) expect([changed, would]).toEqual([false, was]);
  expect(rows.length).toBeGreaterThan(2);
  const slip = await ask('auditor', 'POST', '/perdure/v1/whatif', { reading: 'microsft' });
  expect([slip.status, JSON.parse(slip.text)]).toMatchObject([
    400,
    { error: { code: 'invalid_request', param: 'reading' } },
  ]);
  expect(slip.text).toContain('there are: amazon-openai, as-written, microsoft, substance');
  expect(slip.text).toContain('Did you mean microsoft?');
});

test('over HTTP, contracts that one of several activations does not have are supposed of the others', async () => {
  const run = async (suppose: object): Promise<WhatIfResult> => {
    const { status, text } = await ask('auditor', 'POST', '/perdure/v1/whatif', suppose);
    expect([suppose, status, status === 200 ? '' : text]).toEqual([suppose, 200, '']);
    return JSON.parse(text) as WhatIfResult;
  };
  const february = await run({ contracts: ['openai-2026-02'] });
  expect(february).toMatchObject({
    contracts: ['openai-2026-02'],
    as_recorded: 2,
    notice: '2 of them stay as they were recorded: their contracts lack openai-2026-02',
  });
  const [out, ...more] = february.left_out;
  expect([out, more]).toMatchObject([
    { contracts: ['openai-2026-04'], lacks: ['openai-2026-02'], without_reading: false, placements: 2 },
    [],
  ]);
  const { from = 0, to = 0 } = out ?? {};
  expect(from).toBeLessThanOrEqual(to);
  expect(Math.abs(Date.now() / 1000 - to)).toBeLessThan(600);

  // Of the other set too, of which the first has none; and both at once.
  const april = await run({ contracts: ['openai-2026-04'] });
  expect([april.contracts, april.as_recorded, april.rows.length - april.as_recorded]).toEqual([
    ['openai-2026-04'],
    february.rows.length - 2,
    2,
  ]);
  expect(april.rows.filter(row => row.as_recorded).every(row => !row.changed)).toBe(true);
  expect((await run({ contracts: [] })).left_out).toEqual([]);
  expect((await run({ reading: 'microsoft' })).left_out).toMatchObject([
    { contracts: ['openai-2026-04'], lacks: [], without_reading: true, placements: 2 },
  ]);
  const both = await run({ contracts: ['openai-2026-02'], reading: 'microsoft' });
  expect(both.left_out).toMatchObject([{ lacks: ['openai-2026-02'], without_reading: true, placements: 2 }]);
  expect(both.notice).toBe('2 of them stay as they were recorded: their contracts lack openai-2026-02');
  for (const [contracts, message] of [
    [
      ['openai-2026-20'],
      "is called 'openai-2026-20' (there are: openai-2026-02, openai-2026-04). Did you mean openai-2026-02?",
    ],
    [['openai-2026-02', 'openai-2026-04'], 'has all of openai-2026-02, openai-2026-04 (there are: '],
  ] as const) {
    const none = await ask('auditor', 'POST', '/perdure/v1/whatif', { contracts });
    expect([none.status, JSON.parse(none.text)]).toMatchObject([
      400,
      { error: { code: 'invalid_request', param: 'contracts', message: expect.stringContaining(message) } },
    ]);
  }
});
