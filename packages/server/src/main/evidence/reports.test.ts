import type { LockInReport, StatefulnessReport, VisibilityReport } from '@perdure/protocol';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { perdure } from '../cli/captured-io.test-support.ts';
import { layFolder } from './recorded-folder.test-support.ts';

/** 35 sessions: every third of one turn, the others of ten; products and channels by turns of five and seven. */
const SESSIONS = 35;
const KINDS = Array.from({ length: SESSIONS }, (_, i) => ({
  turns: i % 3 === 0 ? 1 : 10,
  product: i % 5 < 2 ? 'api' : 'frontier',
  // Stored API calls go to Azure, and so does Frontier sold direct; Frontier sold by Amazon stays on AWS.
  cloud: i % 5 >= 2 && i % 7 >= 3 ? 'aws' : 'azure',
  tenant: i % 2 === 0 ? 'acme' : 'rival',
}));

let folder = '';
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'perdure-reports-'));
  await layFolder(folder, SESSIONS);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function reported<R>(name: string, ...options: readonly string[]): Promise<R> {
  const { code, out, err } = await perdure(['report', name, '--data', folder, '--json', ...options], { cwd: folder });
  expect([code, err]).toEqual([0, '']);
  return JSON.parse(out) as R;
}
const calls = (kinds: typeof KINDS): number => kinds.reduce((sum, { turns }) => sum + turns, 0);

test('sessions that never used their state are counted by their logs, with what they carry', async () => {
  const found = await reported<StatefulnessReport>('statefulness');
  const idle = KINDS.filter(({ turns }) => turns === 1);
  expect(found).toMatchObject({
    sessions: SESSIONS,
    in_name_only: idle.length,
    carried: { calls: calls(KINDS) },
    carried_in_name_only: { calls: calls(idle) },
    share: { calls: Math.floor((calls(idle) * 10_000) / calls(KINDS)) },
    rules: [{ rule: 'openai-2026-02@2026-02-27:substance', sessions: SESSIONS, in_name_only: idle.length }],
    left_out: { placements_without_snapshot: 0, sessions_without_log: 0 },
  });
  expect(found.named).toHaveLength(idle.length);
  expect(found.named.every(({ use }) => use.turns === 1 && use.items_read === 0)).toBe(true);
  const sum = found.products.reduce((total, { carried }) => total + BigInt(carried.cost_micro_usd), 0n);
  expect(String(sum)).toBe(found.carried.cost_micro_usd);
  const own = await reported<StatefulnessReport>('statefulness', '--tenant', 'acme');
  expect(own.sessions).toBe(KINDS.filter(({ tenant }) => tenant === 'acme').length);
});

test('what they carry is rated as usage is: cost by price books, revenue by rate cards', async () => {
  const file = join(folder, 'rated.yaml');
  const target = (id: string, cloud: string, price: number): string =>
    `  - {id: ${id}, vendor: openai, model: gpt, cloud: ${cloud}, region: us, base_url: "http://127.0.0.1:9", price_book: [{input: ${price}, cached_input: 0.3, output: 7.7}]}\n`;
  writeFileSync(
    file,
    `data: ${folder}\ncontracts: [none]\ntargets:\n${target('azure', 'azure', 1.3)}${target('aws', 'aws', 2.9)}` +
      'rates:\n  - {input: 3.1, cached_input: 0.7, output: 9.9}\n  - {product: frontier, channel: bedrock, input: 5.3, output: 11.1}\n',
  );
  const found = await reported<StatefulnessReport>('statefulness', '--config', file);
  const summed = await perdure(['usage', '--data', folder, '--config', file, '--from', '2026-03-01', '--json'], {
    cwd: folder,
  });
  expect([summed.code, summed.err]).toEqual([0, '']);
  const { data } = JSON.parse(summed.out) as { data: { cost_micro_usd: string; revenue_micro_usd: string }[] };
  const [cost, revenue] = (['cost_micro_usd', 'revenue_micro_usd'] as const).map(of =>
    String(data.reduce((sum, group) => sum + BigInt(group[of]), 0n)),
  );
  expect(found).toMatchObject({ money: 'revenue', carried: { cost_micro_usd: cost, revenue_micro_usd: revenue } });
  expect(BigInt(revenue ?? 0)).toBeGreaterThan(0n);
  const idle = BigInt(found.carried_in_name_only.revenue_micro_usd);
  expect(found.share.revenue).toBe(Number((idle * 10_000n) / BigInt(revenue ?? 1)));
  const { out } = await perdure(['report', 'statefulness', '--data', folder, '--config', file], { cwd: folder });
  expect(out).toContain('% of the revenue ($');
  const unrated = await perdure(['report', 'statefulness', '--data', folder], { cwd: folder });
  expect(unrated.out).toContain('an unknown share of the revenue: no rate card is configured');
});

test('what a cloud could see is told apart by inference and state', async () => {
  const found = await reported<VisibilityReport>('visibility');
  expect(found).toMatchObject({ calls: calls(KINDS), sessions: SESSIONS });
  for (const cloud of ['aws', 'azure']) {
    const there = KINDS.filter(kind => kind.cloud === cloud);
    const view = found.clouds.find(one => one.cloud === cloud);
    expect(view?.inference).toMatchObject({ calls: calls(there), sessions: there.length });
  }
  expect(found.clouds.reduce((sum, { state }) => sum + state.sessions, 0)).toBe(SESSIONS);
});

test('calls that had one legal target are counted, with the clauses that left them there', async () => {
  const found = await reported<LockInReport>('lock-in');
  const azure = KINDS.filter(({ cloud }) => cloud === 'azure');
  expect(found).toMatchObject({ calls: calls(KINDS), one_legal: calls(azure), one_configured: 0, none_legal: 0 });
  expect(found.clauses.find(({ clause }) => clause === 'openai-2026-02/joint.stateless')?.calls).toBeGreaterThan(0);
});

test('a window of recording is kept to, and bad options are told', async () => {
  expect(await reported('statefulness', '--to', '2026-03-20')).toMatchObject({ sessions: 0, share: { calls: null } });
  expect(await reported('lock-in', '--from', '2026-03-20T00:00:01Z', '--to', '2026-03-20T00:00:03Z')).toMatchObject({
    calls: 2,
  });
  for (const name of ['statefulness', 'visibility', 'lock-in']) {
    const nobody = await perdure(['report', name, '--data', folder, '--tenant', 'nobody'], { cwd: folder });
    expect([nobody.code, nobody.out, nobody.err]).toEqual([
      2,
      '',
      `perdure report ${name}: --tenant nobody: no placement of it is recorded there\n`,
    ]);
  }
  const bad = await perdure(['report', 'lock-in', '--data', folder, '--from', 'yesterday'], { cwd: folder });
  expect([bad.code, bad.err]).toEqual([2, expect.stringContaining('--from takes a day as 2026-03-20')]);
  const nowhere = await perdure(['report', 'lock-in', '--data', join(folder, 'none')], { cwd: folder });
  expect([nowhere.code, nowhere.err]).toEqual([1, expect.stringContaining('there is no data at')]);
});

test('a what-if is refused where nothing, or what cannot be, is supposed', async () => {
  const tried = async (...options: readonly string[]): Promise<readonly [number, string]> => {
    const { code, err } = await perdure(['whatif', '--data', folder, ...options], { cwd: folder });
    return [code, err];
  };
  expect(await tried()).toEqual([2, expect.stringContaining('nothing is supposed')]);
  expect(await tried('--reading', 'mircosoft')).toEqual([2, expect.stringContaining('Did you mean microsoft?')]);
  expect(await tried('--event', 'agi-verified')).toEqual([2, expect.stringContaining('agi-verified=2026-03-01')]);
  expect(await tried('--event', 'agi-verified=2026-02-30')).toEqual([
    2,
    expect.stringContaining('--event takes an id and a day'),
  ]);
  const state = join(folder, 'x.state');
  expect((await tried('--reading', 'microsoft', '--state', state))[0]).toBe(0);
  expect(await tried('--reading', 'substance', '--state', state)).toEqual([
    2,
    expect.stringContaining('another what-if'),
  ]);
});
