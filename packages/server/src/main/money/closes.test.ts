/** Months that are closed and restated, by the commands and through a server: what was billed stands, whatever is configured later. */
import { cpSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { composeServer } from '../compose.ts';
import { readConfigFile } from '../configured.ts';
import { COST_AND_USAGE, type FocusRow } from '../../money/focus/columns.ts';
import { chargeFaults, columnFaults, pico } from '../../money/focus/validate.test-support.ts';
import { type ClosedFolder, closedFolder, termsFolder } from './closed-folder.test-support.ts';
import { closedMonths, RESTATEMENTS_MOST, restatementFile } from './closes.ts';

// Each asks the command line many times over.
vi.setConfig({ testTimeout: 120_000 });

let folder: ClosedFolder;
beforeEach(async () => {
  folder = await closedFolder(12);
  folder.configure({});
});
afterEach(() => rmSync(folder.cwd, { recursive: true, force: true }));

type Row = { readonly [column: string]: string };
const MARCH = ['--from', '2026-03-01', '--to', '2026-04-01'];
const SINCE = ['--from', '2026-03-01', '--to', '2027-12-01'];
const sumOf = (rows: readonly Row[], column: string): bigint =>
  rows.reduce((all, row) => all + pico(row[column] === '' ? null : row[column]), 0n);
const file = (name: string): string => join(folder.data, 'usage-closed', name);
interface Sum {
  readonly cost_micro_usd: string;
  readonly revenue_micro_usd: string;
}
const usage = async (...more: readonly string[]): Promise<readonly Sum[]> =>
  ((await folder.json('usage', ...MARCH, ...more)) as { data: readonly Sum[] }).data;
const spentOf = (stated: unknown): string | undefined =>
  (stated as { commitments: { spent_micro_usd: string }[] }).commitments[0]?.spent_micro_usd;
const whatIf = async (): Promise<unknown> =>
  ((await folder.json('whatif', '--contracts', 'none')) as { money: unknown }).money;
const statefulness = (): Promise<unknown> => folder.json('report', 'statefulness');

test('a closed month is rated by the books of its close, whoever asks', async () => {
  const asked = async () => ({
    usage: await usage('--by', 'target,day'),
    spent: spentOf(await folder.json('commitments')),
    whatIf: await whatIf(),
    report: await statefulness(),
    rows: await folder.exported(...MARCH),
  });
  const before = await asked();
  await folder.json('usage', 'close', '2026-03');
  folder.configure({ price: 4, revenue: 30 });
  expect(await asked()).toEqual(before);
  rmSync(file('2026-03.json'));
  const open = await asked();
  for (const key of ['usage', 'spent', 'whatIf', 'report', 'rows'] as const)
    expect(open[key], key).not.toEqual(before[key]);
});

test('shares and commitments of a closed month stand, and its cap knows what came before', async () => {
  folder.configure({ cap: 1 });
  const before = await folder.exported(...MARCH);
  expect(sumOf(before, 'x_RevenueShare')).toBeGreaterThan(0n);
  expect(before.some(row => row['ContractApplied'] !== '')).toBe(true);
  expect(await folder.json('usage', 'close', '2026-03')).toMatchObject({ terms_kept: true, closed_by: 'local' });
  for (const said of [{ percent: 50 }, { cloud: 'azure' }, { cloud: null }] as const) {
    folder.configure(said);
    expect(await folder.exported(...MARCH)).toEqual(before);
  }
  // Of one tenant alone it is as it was, too.
  folder.configure({ cap: 1 });
  const own = await folder.exported(...MARCH, '--tenant', 'acme');
  folder.configure({ percent: 50 });
  expect(await folder.exported(...MARCH, '--tenant', 'acme')).toEqual(own);
});

test('a month of form 1 goes by the terms that hold, until it is restated', async () => {
  await folder.json('usage', 'close', '2026-03');
  const { period, cutoff, closedAt, books } = JSON.parse(readFileSync(file('2026-03.json'), 'utf8')) as Row;
  writeFileSync(file('2026-03.json'), JSON.stringify({ form: 1, period, cutoff, closedAt, books }));
  const before = await folder.exported(...MARCH);
  folder.configure({ percent: 50 });
  const other = await folder.exported(...MARCH);
  expect(sumOf(other, 'x_RevenueShare')).toBeGreaterThan(sumOf(before, 'x_RevenueShare'));
  expect(sumOf(other, 'BilledCost')).toBe(sumOf(before, 'BilledCost'));
  folder.configure({ percent: 50, price: 5 });
  await folder.json('usage', 'restate', '2026-03', '--reason', 'dearer');
  folder.configure({ percent: 10, price: 5 });
  expect(await folder.exported(...MARCH)).toEqual(other);
  expect(await folder.json('usage', 'closes')).toMatchObject({
    data: [{ id: null, closed_by: null, terms_kept: false, restatements: [{ number: 1, reason: 'dearer' }] }],
  });
});

test('a file that knows no price of writing to a cache has that of input', async () => {
  await folder.json('usage', 'close', '2026-03');
  const before = await folder.json('usage', '--by', 'target', ...MARCH);
  const kept = readFileSync(file('2026-03.json'), 'utf8');
  const old = kept.replaceAll(/"written":\d+,?/g, '');
  expect(old).not.toBe(kept);
  writeFileSync(file('2026-03.json'), old);
  expect(await folder.json('usage', '--by', 'target', ...MARCH)).toEqual(before);
});

test('a torn file is named, with what helps, and nothing is rated until it is put back', async () => {
  await folder.json('usage', 'close', '2026-03');
  const whole = readFileSync(file('2026-03.json'), 'utf8');
  // What a process that died left beside it is nothing.
  writeFileSync(`${file('2026-03.json')}.1.1.tmp`, '{');
  expect((await folder.run('usage', ...MARCH)).code).toBe(0);
  writeFileSync(file('2026-03.json'), whole.slice(0, 40));
  for (const argv of [
    ['usage'],
    ['usage', 'export'],
    ['commitments'],
    ['whatif', '--contracts', 'none'],
    ['usage', 'close', '2026-02'],
  ]) {
    const { code, err } = await folder.run(...argv);
    expect([code, err], argv.join(' ')).toEqual([
      1,
      expect.stringMatching(/usage-closed\/2026-03\.json of the data folder cannot be read: .*JSON.* from a backup/),
    ]);
  }
  for (const [text, why] of [
    ['', /JSON/],
    [whole.replace('"form":2', '"form":3'), /of no form of this version/],
    [whole.replaceAll('2026-03', '2026-02'), /it is of 2026-02/],
    [whole.replace('"cutoff":', '"cut":'), /of no form/],
  ] as const) {
    writeFileSync(file('2026-03.json'), text);
    expect(() => closedMonths(folder.data)).toThrow(why);
  }
  writeFileSync(file('2026-03.json'), whole);
  expect((await folder.run('usage', ...MARCH)).code).toBe(0);
});

test('a restatement lays the difference into the month that is open; a second one without change is refused', {
  timeout: 120_000,
}, async () => {
  const original = await folder.exported(...SINCE);
  await folder.json('usage', 'close', '2026-03');
  expect(await folder.run('usage', 'restate', '2026-02', '--reason', 'x')).toMatchObject({
    code: 3,
    err: expect.stringContaining('2026-02 is not closed'),
  });
  expect((await folder.run('usage', 'restate', '2026-13', '--reason', 'x')).code).toBe(2);
  expect(await folder.run('usage', 'restate', '2026-03', '--reason', ' ')).toMatchObject({ code: 2 });
  expect(await folder.run('usage', 'restate', '2026-03', '--reason', 'nothing')).toMatchObject({
    code: 3,
    err: expect.stringContaining('nothing would change'),
  });
  expect(readdirSync(join(folder.data, 'usage-closed'))).toEqual(['2026-03.json']);

  const steps = [
    { price: 3, revenue: 5, percent: 30, cloud: 'azure' },
    { price: 1, revenue: 4, percent: 10, cloud: null },
  ] as const;
  for (const [i, said] of steps.entries()) {
    folder.configure(said);
    const made = (await folder.json('usage', 'restate', '2026-03', '--reason', `step ${i}`)) as {
      readonly id: string;
      readonly billed_in: string;
      readonly changed: { readonly rows: number; readonly cost_micro_usd: string };
    };
    expect(made.billed_in).toBe(new Date().toISOString().slice(0, 7));
    const all = await folder.exported(...SINCE);
    expect(all.slice(0, original.length)).toEqual(original);
    const laid = all.filter(row => row['x_Restatement'] === made.id);
    expect(laid).toHaveLength(made.changed.rows);
    expect(sumOf(laid, 'BilledCost')).toBe(BigInt(made.changed.cost_micro_usd) * 1_000_000n);
    for (const row of laid) {
      expect(row).toMatchObject({ ChargeClass: 'Correction', BillingPeriodStart: `${made.billed_in}-01T00:00:00Z` });
      const cells: FocusRow = Object.fromEntries(
        Object.entries(row).map(([name, cell]) => [name, cell === '' ? null : cell]),
      );
      expect([...columnFaults(cells, COST_AND_USAGE), ...chargeFaults(cells)]).toEqual([]);
    }
    // As if it had been so from the beginning.
    const anew = await anewOf();
    for (const column of ['BilledCost', 'EffectiveCost', 'x_Revenue', 'x_RevenueShare', 'x_Tokens'])
      for (const by of ['BillingAccountId', 'ResourceId', 'HostProviderName', 'SkuMeter', 'x_PlacementId', 'Tags'])
        expect(grouped(all, by, column), `${by} ${column} ${i}`).toEqual(grouped(anew, by, column));
    expect(applied(all)).toEqual(applied(anew));
    expect((await usage('--by', ''))[0]?.cost_micro_usd).toBe(String(sumOf(anew, 'BilledCost') / 1_000_000n));
    expect((await folder.run('usage', 'restate', '2026-03', '--reason', 'again')).code).toBe(3);
    expect(await folder.exported(...SINCE)).toEqual(all);
  }
  // Closed, the month with the corrections stands as well, and the first one too.
  expect(await folder.json('usage', 'closes')).toMatchObject({
    data: [
      {
        period: '2026-03',
        restatements: steps.map((_, i) => ({ number: i + 1, reason: `step ${i}`, restated_by: 'local' })),
      },
    ],
  });
});

test('a month is restated so often and no more', async () => {
  await folder.json('usage', 'close', '2026-03');
  const kept = JSON.parse(readFileSync(file('2026-03.json'), 'utf8')) as object;
  const restated = (number: number) =>
    writeFileSync(
      restatementFile(folder.data, '2026-03', number),
      JSON.stringify({ ...kept, number, id: `rst_${number}`, billedIn: '2026-05', restatedAt: '-', reason: 'r' }),
    );
  for (let number = 1; number < RESTATEMENTS_MOST; number++) restated(number);
  folder.configure({ price: 9 });
  expect((await folder.run('usage', 'restate', '2026-03', '--reason', 'the last')).code).toBe(0);
  folder.configure({ price: 10 });
  expect(await folder.run('usage', 'restate', '2026-03', '--reason', 'one more')).toMatchObject({
    code: 3,
    err: expect.stringContaining(`${RESTATEMENTS_MOST} times`),
  });
  rmSync(restatementFile(folder.data, '2026-03', 2));
  expect(() => closedMonths(folder.data)).toThrow(
    '2026-03.restated-2.json of the data folder cannot be read: it is gone',
  );
});

test('through the server that holds the folder: the same, audited and sealed', async () => {
  const io = { out: () => undefined, err: () => undefined, env: {}, cwd: folder.cwd };
  const start = async () => {
    const server = await composeServer(readConfigFile('perdure.yaml', io), { log: () => undefined });
    await server.recovered;
    return server;
  };
  const before = await folder.exported(...MARCH);
  let server = await start();
  const at = async (said: Parameters<ClosedFolder['configure']>[0]): Promise<void> => {
    await server.close();
    folder.configure(said);
    server = await start();
    folder.configure({ ...said, port: server.port });
  };
  await at({});
  const closed = (await folder.json('usage', 'close', '2026-03')) as { readonly id: string };
  expect(await folder.run('usage', 'close', '2026-03')).toMatchObject({ code: 3 });
  await at({ price: 3 });
  expect((await usage('--by', ''))[0]?.cost_micro_usd).toBe(String(sumOf(before, 'BilledCost') / 1_000_000n));
  const made = (await folder.json('usage', 'restate', '2026-03', '--reason', 'a discount')) as { readonly id: string };
  expect(await folder.run('usage', 'restate', '2026-03', '--reason', 'a discount')).toMatchObject({ code: 3 });
  expect(await folder.exported(...MARCH)).toEqual(before);
  const through = await folder.exported(...SINCE);
  expect(through.filter(row => row['x_Restatement'] === made.id).length).toBeGreaterThan(0);

  const answer = await fetch(`${server.url}/perdure/v1/audit?limit=1000`);
  const { data } = (await answer.json()) as {
    data: { action: string; subject: string; actor: string; body: string }[];
  };
  const told = data.filter(({ action }) => action.startsWith('month.'));
  expect(told).toMatchObject([
    { action: 'month.closed', subject: closed.id },
    { action: 'month.restated', subject: made.id },
  ]);
  expect(JSON.parse(told[1]?.body ?? '')).toMatchObject({ period: '2026-03', reason: 'a discount', number: 1 });
  for (const id of [closed.id, made.id])
    await expect
      .poll(async () => (await folder.run('ledger', 'prove', id, '--json')).code, { timeout: 20_000 })
      .toBe(0);
  await server.close();
  folder.configure({ price: 3 });
  const leafless = (rows: readonly Row[]) => rows.map(row => ({ ...row, x_PlacementLeafIndex: '' }));
  expect(leafless(await folder.exported(...SINCE))).toEqual(leafless(through));
});

test('a cap over all time, and what a tenant has spent, are what calls are rated at: over a close, a restatement and a restart', async () => {
  const io = { out: () => undefined, err: () => undefined, env: {}, cwd: folder.cwd };
  const configure = (price: number, port = 0): void => {
    folder.configure({ price, port });
    const caps = ['total', 'month'].map(period => `  - {id: ${period}, period: ${period}, amount_usd: 100}\n`).join('');
    const yaml = join(folder.cwd, 'perdure.yaml');
    writeFileSync(yaml, `${readFileSync(yaml, 'utf8')}caps:\n${caps}`);
  };
  const started = async (price: number) => {
    configure(price);
    const server = await composeServer(readConfigFile('perdure.yaml', io), { log: () => undefined });
    await server.recovered;
    configure(price, server.port);
    return server;
  };
  const rated = async (): Promise<string | undefined> => (await usage('--by', ''))[0]?.cost_micro_usd;
  // The calls were all made in March: nothing of them is spent in the month that runs.
  const counted = ({ engine }: Awaited<ReturnType<typeof started>>): readonly string[] =>
    engine.spend.balances().map(({ cap, spent }) => `${cap.id} ${spent}`);
  let server = await started(2);
  const before = await rated();
  expect(counted(server)).toEqual([`total ${before}`, 'month 0']);
  await folder.json('usage', 'close', '2026-03');
  expect(counted(server)).toEqual([`total ${before}`, 'month 0']);
  await server.close();
  server = await started(3);
  expect(counted(server)).toEqual([`total ${before}`, 'month 0']);
  await folder.json('usage', 'restate', '2026-03', '--reason', 'a dearer book');
  const after = await rated();
  expect(BigInt(after ?? 0) > BigInt(before ?? 0)).toBe(true);
  expect(counted(server)).toEqual([`total ${after}`, 'month 0']);
  await server.close();
  server = await started(5);
  expect([await rated(), ...counted(server)]).toEqual([after, `total ${after}`, 'month 0']);
  await server.close();
});

test('exports and statements go by the contracts in force, and say so', async () => {
  termsFolder(folder.cwd, 'other', { percent: 40, cap: null, cloud: 'azure' });
  const commitments = async () =>
    (await folder.exported('--dataset', 'contract-commitment')).map(row => row['ContractCommitmentId']);
  expect(await commitments()).toEqual(['own/edp']);
  expect((await folder.run('usage', 'export')).err).toContain('contracts of the configuration');
  const shared = sumOf(await folder.exported(...MARCH), 'x_RevenueShare');
  const activated = await folder.run('contracts', 'activate', './other');
  // Of the same ids: nothing is dropped.
  expect([activated.code, activated.out.includes('Warning')]).toEqual([0, false]);
  expect(await commitments()).toEqual(['other/edp']);
  const doubled = sumOf(await folder.exported(...MARCH), 'x_RevenueShare') - 2n * shared;
  // Each is rounded once, by half a micro-dollar at most.
  expect([-1_000_000n, 0n, 1_000_000n]).toContain(doubled);
  expect(await folder.json('commitments')).toMatchObject({
    commitments: [{ contract: 'other', cloud: 'azure' }],
    basis: { source: 'active', activation: expect.stringMatching(/^act_/) },
  });
  expect((await folder.run('commitments')).out).toMatch(/Money terms of act_\w+ \(other\), in force/);
  expect((await folder.run('usage', 'export')).err).toMatch(/money terms of act_\w+ \(other\)/);
  expect(existsSync(join(folder.data, 'local.db'))).toBe(true);
});

test('an activation that drops running money terms names them, with their amounts', async () => {
  await folder.run('contracts', 'activate', './own');
  const { out } = await folder.run('contracts', 'activate', 'none');
  expect(out).toMatch(
    /Warning: .*money terms[\s\S]*commitment +edp +own +\$1,000\.00 +- +2028-01-01[\s\S]*share +part +own +- +20\/100/,
  );
  await folder.run('contracts', 'activate', './own');
  expect(await folder.json('contracts', 'activate', 'none')).toMatchObject({
    dropped_terms: [
      { kind: 'commitment', id: 'edp', contract: 'own', amount_micro_usd: '1000000000', rate: null, to: '2028-01-01' },
      { kind: 'share', id: 'part', contract: 'own', amount_micro_usd: null, rate: '20/100', to: null },
    ],
  });
});

/** The export of March as it comes out if it is closed by what is configured now. */
async function anewOf(): Promise<readonly Row[]> {
  const moved = `${folder.cwd}/away`;
  cpSync(join(folder.data, 'usage-closed'), moved, { recursive: true });
  rmSync(join(folder.data, 'usage-closed'), { recursive: true });
  const rows = await folder.exported(...MARCH);
  cpSync(moved, join(folder.data, 'usage-closed'), { recursive: true });
  rmSync(moved, { recursive: true });
  return rows;
}

function grouped(rows: readonly Row[], by: string, column: string): ReadonlyMap<string, bigint> {
  const sums = new Map<string, bigint>();
  for (const row of rows) {
    const key = row[by] ?? '';
    sums.set(key, (sums.get(key) ?? 0n) + pico(row[column]));
  }
  return sums;
}

/** By commitment: what burned it down; nothing is left out. */
function applied(rows: readonly Row[]): { readonly [commitment: string]: number } {
  const sums: { [id: string]: number } = {};
  for (const row of rows) {
    const elements =
      row['ContractApplied'] === ''
        ? []
        : (
            JSON.parse(row['ContractApplied'] ?? '') as {
              Elements: { ContractCommitmentID: string; ContractCommitmentAppliedCost: number }[];
            }
          ).Elements;
    for (const { ContractCommitmentID: id, ContractCommitmentAppliedCost: cost } of elements)
      sums[id] = (sums[id] ?? 0) + Math.round(cost * 1e6);
  }
  return Object.fromEntries(Object.entries(sums).filter(([, sum]) => sum !== 0));
}
