/** `perdure usage` and `perdure commitments`: calls through a real server, then the same questions to it and to the folder it leaves. */
import { existsSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CommitmentsResource } from '@perdure/protocol';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { monthOf, monthSpan } from '../money/calendar.ts';
import { CONTRACT_COMMITMENT, COST_AND_USAGE, type FocusRow } from '../money/focus/columns.ts';
import { chargeFaults, columnFaults, commitmentFaults, pico } from '../money/focus/validate.test-support.ts';
import { EVENT_STREAM, type RawUpstream, rawUpstream } from '../provider/raw-upstream.test-support.ts';
import { ADDED, delta, event } from '../provider/responses-upstream.test-support.ts';
import { type Outcome, perdure } from './cli/captured-io.test-support.ts';
import { composeServer, type ComposedServer } from './compose.ts';
import { readConfigFile } from './configured.ts';
import { keepClose } from './money/closes.ts';
import { csvLine, parseCsv } from './money/csv.ts';

let cwd = '';
let upstream: RawUpstream;
let server: ComposedServer;
let asked = 0;
const run = (...argv: readonly string[]): Promise<Outcome> => perdure(argv, { cwd });
const json = async (...argv: readonly string[]): Promise<unknown> => {
  const { code, out, err } = await run(...argv, '--json');
  // It says which server it works with, if there is one.
  expect([code, err.replace(/^perdure: works with the server at .*\n/, '')]).toEqual([0, '']);
  return JSON.parse(out);
};
const call = async (): Promise<number> => {
  const response = await fetch(`${server.url}/v1/responses`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'gpt', input: 'Hi', store: false, stream: true, max_output_tokens: 1000 }),
  });
  await response.text();
  // Its meter follows the answer.
  while (server.engine.busy > 0) await new Promise(resolve => setImmediate(resolve));
  return response.status;
};

let based: CommitmentsResource['basis'] | undefined;
const boot = async (): Promise<void> => {
  const io = { out: () => undefined, err: () => undefined, env: {}, cwd };
  server = await composeServer(readConfigFile('perdure.yaml', io), { log: () => undefined });
  await server.recovered;
};

beforeAll(async () => {
  cwd = mkdtempSync(join(tmpdir(), 'perdure-usage-'));
  upstream = await rawUpstream(response => {
    asked += 1;
    const usage = {
      input_tokens: 1000,
      input_tokens_details: { cached_tokens: 200, cache_write_tokens: 300 },
      output_tokens: 50,
    };
    const done = event({
      type: 'response.completed',
      response: { id: `resp_up_${asked}`, status: 'completed', usage },
    });
    response.writeHead(200, { ...EVENT_STREAM, 'x-request-id': `req_${asked}` }).end(ADDED + delta('a') + done);
  });
  const target = (id: string, cloud: string): string =>
    `{id: ${id}, vendor: openai, model: gpt, cloud: ${cloud}, region: eastus2, base_url: "${upstream.baseUrl}", ` +
    'price_book: [{input: 100, output: 100}, {from: 2026-01-01, input: 1.25, cached_input: 0.125, cache_write: 1.5625, output: 10}]}';
  writeFileSync(
    join(cwd, 'perdure.yaml'),
    `listen: {port: 0}\ntargets:\n  - ${target('azure-east', 'azure')}\ncontracts: [openai-2025-10, openai-2026-02, openai-2026-04]\nas_of: 2026-03-20\n` +
      'rates:\n  - {input: 2, cached_input: 1, output: 20}\n  - {product: api, channel: direct, input: 3, cached_input: 1, output: 30}\n' +
      'caps:\n  - {id: all, period: month, amount_usd: 0.019}\nledger: {interval_ms: 100}\n',
  );
  await boot();
});

afterAll(async () => {
  await server.close();
  await upstream[Symbol.asyncDispose]();
  rmSync(cwd, { recursive: true, force: true });
});

/** 500 x 1.25 + 200 x 0.125 + 300 x 1.5625 + 50 x 10, rounded, and 800 x 3 + 200 x 1 + 50 x 30, in micro-dollars. */
const [COST, REVENUE] = [1619, 4100];

describe('of a running server', () => {
  it('counts what calls cost and brought, until a cap is reached', async () => {
    // A call may come to 10 micro-dollars a token of output: 10,000 and a little.
    for (let i = 0; i < 6; i++) expect(await call()).toBe(200);
    const { data } = (await json('usage', '--by', 'product,cloud,month')) as { data: object[] };
    expect(data).toMatchObject([
      {
        group: { product: 'api', cloud: 'azure', month: monthOf(Date.now()) },
        calls: 6,
        bound_calls: 0,
        tokens: { input: 3000, cached_input: 1200, cache_write: 1800, output: 300, reasoning: 0 },
        cost_micro_usd: String(6 * COST),
        revenue_micro_usd: String(6 * REVENUE),
      },
    ]);
    expect(await call()).toBe(429);
    expect((await run('usage')).out).toContain(
      `api      azure  6      3000   1200    1800     300     0          $0.009714  $0.0246`,
    );
  });

  it('states the terms of the contracts, and the caps', async () => {
    const stated = (await json('commitments')) as { [part: string]: { id: string }[] };
    expect(stated['commitments']?.find(({ id }) => id === 'azure-250')).toMatchObject({
      spent_micro_usd: String(6 * COST),
      remaining_micro_usd: String(250_000_000_000n * 1_000_000n - BigInt(6 * COST)),
      trend_micro_usd: null,
    });
    expect(stated['commitments']?.find(({ id }) => id === 'aws-8y')).toMatchObject({ spent_micro_usd: '0' });
    expect(stated['shares']).toMatchObject([
      // By the words of April, which hold at the real time of the calls; nothing was due by those of October.
      {
        id: 'msft-share',
        contract: 'openai-2026-04',
        due_micro_usd: String((6 * REVENUE) / 5),
        due_before_micro_usd: '0',
      },
    ]);
    expect(stated['prepaid']).toMatchObject([{ id: 'msft-13b', used_micro_usd: String(6 * COST) }]);
    expect(stated['caps']).toMatchObject([{ id: 'all', spent_micro_usd: String(6 * COST), reserved_micro_usd: '0' }]);
    expect((await run('commitments', '--event', 'ipo-filed=2026-03-01')).code).toBe(2);
    const { out } = await run('commitments');
    expect(out).toMatch(/aws-8y +aws +aws-38 +2026-02-27 /);
    expect(out).toMatch(/msft-share .* \$0\.00 +\$37,999,999,999\.99\d+ +2031-01-01 +running/);
    expect(out).toMatch(/msft-13b +- +- +\$13,000,000,000\.00 +\$0\.009714 +\$12,999,999,999\.990286 +running/);
    // Six calls of 1050 tokens ran elsewhere.
    expect(out).toMatch(/trainium-2gw +amazon +aws +trainium +2 GW +2026-02-27 +- +0 +0 +\$0\.00 +0\.0%/);
  });

  it('goes by the contracts of the server, wherever it is asked from, and says so', async () => {
    const elsewhere = mkdtempSync(join(tmpdir(), 'perdure-elsewhere-'));
    const asked = (...more: readonly string[]) =>
      perdure(['commitments', ...more], { cwd: elsewhere, env: { PERDURE_URL: server.url } });
    const { basis } = JSON.parse((await asked('--json')).out) as CommitmentsResource;
    expect(basis).toEqual({
      source: 'active',
      activation: expect.stringMatching(/^act_/),
      since: expect.stringMatching(/^\d{4}-.*Z$/),
      contracts: ['openai-2025-10', 'openai-2026-02', 'openai-2026-04'],
      events: [],
    });
    const { activation, since } = basis;
    expect((await asked()).out).toContain(
      `Money terms of ${activation} (openai-2025-10, openai-2026-02, openai-2026-04), in force at ${server.url} since ${since?.replace('.000Z', 'Z')}.`,
    );
    rmSync(elsewhere, { recursive: true });
    // The folder says the same once the server has left it: looked at below.
    based = basis;
  });

  it('says what is wrong with a question', async () => {
    expect(await run('usage', '--by', 'cloud,produkt')).toMatchObject({
      code: 2,
      err: expect.stringMatching(/--by.*did you mean product\?/),
    });
    expect(await run('usage', '--from', 'yesterday')).toMatchObject({
      code: 2,
      err: expect.stringContaining('--from takes a day'),
    });
    const first = `${monthOf(Date.now())}-01`;
    const since = `Since ${first}, the first of the month: --from asks for another time.\n`;
    const none = new RegExp(`^No calls of the tenant nobody from ${first}T00:00:00.000Z to \\S+Z\\.\n${since}$`);
    expect((await run('usage', '--tenant', 'nobody')).out).toMatch(none);
    expect((await run('usage')).out.endsWith(since)).toBe(true);
    const day = await run('usage', '--from', '2026-01-01', '--to', '2026-01-02');
    expect(day.out).toBe('No calls from 2026-01-01T00:00:00.000Z to 2026-01-02T00:00:00.000Z.\n');
    expect(await run('placements', '--clause', 'joint.statelss', '--cloud', 'azure')).toMatchObject({
      out: 'There are no such placements.\n',
      err: expect.stringMatching(/^No clause .* 'joint.statelss' \(did you mean joint.stateless\?\)\.\n$/m),
    });
    expect((await run('placements', '--cloud', 'azure')).err).not.toContain('did you mean');
    const far = await fetch(`${server.url}/perdure/v1/usage?limit=101`);
    expect(far.status).toBe(400);
    expect((await fetch(`${server.url}/perdure/v1/usage/calls?after=xx`)).status).toBe(400);
  });
});

describe('of the folder that it leaves', () => {
  it('is the same, and a new server goes on from there', async () => {
    const before = await json('usage', '--by', 'target,key,metered');
    // What is not sealed yet by then is when the server has ended.
    const exported = async (): Promise<string> =>
      (await run('usage', 'export', '--format', 'jsonl')).out.replaceAll(/"x_PlacementLeafIndex":(null|\d+)/g, '');
    const rows = await exported();
    expect(rows).not.toContain('LeafIndex');
    await server.close();
    expect(await json('usage', '--by', 'target,key,metered')).toEqual(before);
    expect(await json('commitments')).toMatchObject({ basis: based });
    expect((await run('commitments')).out).toContain(`, in force in ${join(cwd, 'data', 'local.db')} since `);
    expect(await exported()).toBe(rows);
    expect((await run('commitments', '--event', 'ipo-filed=2026-03-02')).out).toMatch(/amzn-2 .* payable +2026-03-09/);
    await boot();
    expect(await call()).toBe(429);
    expect(server.engine.spend.balances()).toMatchObject([{ spent: BigInt(6 * COST), reserved: 0n }]);
  });

  it('exports FOCUS rows that sum to the usage, as CSV and as JSON lines', async () => {
    const { out } = await run('usage', 'export');
    const rows = (parseCsv(out) ?? []).map(row =>
      Object.fromEntries(Object.entries(row).map(([name, cell]) => [name, cell === '' ? null : cell])),
    ) as FocusRow[];
    expect(rows).toHaveLength(24);
    for (const row of rows) expect([...columnFaults(row, COST_AND_USAGE), ...chargeFaults(row)]).toEqual([]);
    const summed = (name: string): bigint => rows.reduce((all, row) => all + pico(row[name]), 0n);
    expect(summed('BilledCost')).toBe(BigInt(6 * COST) * 1_000_000n);
    expect(summed('x_RevenueShare')).toBe(BigInt((6 * REVENUE) / 5) * 1_000_000n);
    const lines = (await run('usage', 'export', '--format', 'jsonl')).out.trimEnd().split('\n');
    const objects = lines.map(line => JSON.parse(line) as { BilledCost: number; Tags: { [key: string]: string } });
    expect(objects.map(({ BilledCost }) => String(BilledCost))).toEqual(rows.map(row => row['BilledCost']));
    expect(objects[0]?.Tags['perdure/product']).toBe('api');
    const terms = parseCsv((await run('usage', 'export', '--dataset', 'contract-commitment')).out) ?? [];
    expect(terms.map(row => row['ContractCommitmentId'])).toEqual(
      ['2025-10/azure-250', '2025-10/aws-38', '2026-02/aws-8y', '2026-02/trainium-2gw'].map(id => `openai-${id}`),
    );
    for (const row of terms) {
      const cells = Object.fromEntries(Object.entries(row).map(([name, cell]) => [name, cell === '' ? null : cell]));
      expect([...columnFaults(cells, CONTRACT_COMMITMENT), ...commitmentFaults(cells)]).toEqual([]);
    }
    expect((await run('usage', 'export', '--format', 'xml')).code).toBe(2);
  });

  it('names the leaf of each placement, from the ledger; nothing where there is none', async () => {
    const rows = async (): Promise<readonly { x_PlacementId: string; x_PlacementLeafIndex: number | null }[]> =>
      (await run('usage', 'export', '--format', 'jsonl')).out
        .trimEnd()
        .split('\n')
        .map(line => JSON.parse(line) as Awaited<ReturnType<typeof rows>>[number]);
    await expect
      .poll(async () => (await rows()).every(row => row.x_PlacementLeafIndex !== null), { timeout: 20_000 })
      .toBe(true);
    const proven = new Map<string, number>();
    for (const { x_PlacementId: id, x_PlacementLeafIndex: leaf } of await rows()) {
      if (!proven.has(id))
        proven.set(id, (JSON.parse((await run('ledger', 'prove', id, '--json')).out) as { index: number }).index);
      expect([id, leaf]).toEqual([id, proven.get(id)]);
    }
    expect(new Set(proven.values()).size).toBe(6);
    // The places are derived: without them the leaf is searched for.
    rmSync(join(cwd, 'data', 'ledger-places', 'local'));
    expect((await rows()).map(row => row.x_PlacementLeafIndex)).toEqual(
      (await rows()).map(row => proven.get(row.x_PlacementId)),
    );
    // A server that runs would make the folder again.
    await server.close();
    renameSync(join(cwd, 'data', 'ledger', 'local'), join(cwd, 'data', 'ledger', 'away'));
    expect(new Set((await rows()).map(row => row.x_PlacementLeafIndex))).toEqual(new Set([null]));
    renameSync(join(cwd, 'data', 'ledger', 'away'), join(cwd, 'data', 'ledger', 'local'));
    await boot();
  });

  it('reconciles a bill', async () => {
    const lines = ['req_1', 'req_2', 'resp_up_3', 'req_5', 'req_99'].map(
      (id, i) => `${id},${i === 1 ? '0.002' : '0.001619'},1000,50`,
    );
    writeFileSync(
      join(cwd, 'bill.csv'),
      ['request_id,amount_usd,input_tokens,output_tokens', ...lines, ''].join('\r\n'),
    );
    const { code, out } = await run('usage', 'reconcile', 'bill.csv', '--json');
    expect(code).toBe(3);
    expect(JSON.parse(out)).toMatchObject({
      matched: { lines: 3, amount_usd: '0.004857' },
      differing: [{ request_id: 'req_2', difference_usd: '0.000381' }],
      missing_in_bill: [{ request_id: 'req_6' }, { request_id: 'req_4' }],
      missing_in_record: [{ request_id: 'req_99', billed_usd: '0.001619' }],
    });
    const all = Array.from({ length: 6 }, (_, i) =>
      JSON.stringify({ request_id: `req_${i + 1}`, amount_usd: 0.001619 }),
    );
    writeFileSync(join(cwd, 'bill.jsonl'), all.join('\n'));
    expect(await run('usage', 'reconcile', 'bill.jsonl')).toMatchObject({
      code: 0,
      out: expect.stringContaining('6 lines match, $0.009714.'),
    });
    writeFileSync(join(cwd, 'bad.csv'), 'request_id,amount_usd\nreq_1,1e3\n');
    expect(await run('usage', 'reconcile', 'bad.csv')).toMatchObject({
      code: 2,
      err: expect.stringContaining('bad.csv:2: amount_usd'),
    });
    expect((await run('usage', 'reconcile', 'none.csv')).code).toBe(2);
  });
});

describe('closing', () => {
  it('is refused while the month lasts, done once, and keeps the price books', async () => {
    const month = monthOf(Date.now());
    expect(await run('usage', 'close', month)).toMatchObject({
      code: 3,
      err: expect.stringContaining('can be closed from'),
    });
    expect((await run('usage', 'close', '2026-13')).code).toBe(2);
    expect(await run('usage', 'close', '2026-01')).toMatchObject({
      code: 0,
      out: expect.stringContaining('2026-01 is closed'),
    });
    expect(await run('usage', 'close', '2026-01')).toMatchObject({
      code: 3,
      err: expect.stringContaining('closed already'),
    });
    const file = join(cwd, 'data', 'usage-closed', '2026-01.json');
    expect(existsSync(file)).toBe(true);
    expect(JSON.parse(readFileSync(file, 'utf8'))).toMatchObject({
      form: 2,
      period: '2026-01',
      books: { currency: 'USD' },
    });
  });

  it('makes of what was metered later a correction, and of what was metered in time what it was', async () => {
    const month = monthOf(Date.now());
    const span = monthSpan(month);
    if (span === null) throw new Error('no month');
    const books = {
      currency: 'USD',
      costs: { 'azure-east': [{ from: null, prices: { input: 7, cached: 7, written: 7, output: 7, reasoning: 7 } }] },
      rates: [],
    };
    const next = monthOf(span.to);
    // As if the month had been closed before its calls came.
    const made = { period: month, cutoff: span.to, closedAt: new Date(span.to).toISOString(), books };
    await keepClose(join(cwd, 'data'), { ...made, contracts: [], opening: {}, id: 'cls_x', by: 'local' });
    const file = join(cwd, 'data', 'usage-closed', `${month}.json`);
    const written = JSON.parse(readFileSync(file, 'utf8')) as { cutoff: number };
    const exported = async (): Promise<readonly { readonly [name: string]: string }[]> =>
      parseCsv((await run('usage', 'export', '--from', `${month}-01`, '--to', `${next}-02`)).out) ?? [];
    const inTime = await exported();
    expect(
      new Set(inTime.map(row => `${row['BillingPeriodStart']} ${row['ChargeClass']} ${row['SkuPriceId']}`)).size,
    ).toBe(4);
    expect(inTime[0]).toMatchObject({
      BillingPeriodStart: `${month}-01T00:00:00Z`,
      ChargeClass: '',
      ListUnitPrice: '0.000000000007',
      SkuPriceId: 'azure-east/gpt/input',
    });
    writeFileSync(file, JSON.stringify({ ...written, cutoff: span.from }));
    const late = await exported();
    expect(late).toHaveLength(24);
    expect(late[0]).toMatchObject({
      BillingPeriodStart: `${next}-01T00:00:00Z`,
      ChargeClass: 'Correction',
      ListUnitPrice: '0.00000125',
      SkuPriceId: 'azure-east/gpt/input',
    });
    expect(late[0]?.['ChargePeriodStart']?.slice(0, 7)).toBe(month);
  });
});

it('CSV keeps formulas from spreadsheets, and numbers numbers', () => {
  const line = csvLine(['=1+1', '-1.5', '-1+1', '@x', 'a,"b"', null, '+49']);
  expect(line).toBe(`"'=1+1",-1.5,"'-1+1","'@x","a,""b""",,"'+49"\r\n`);
});
