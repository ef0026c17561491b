/** A what-if that is killed half-way goes on, and comes to the totals of one that was not; and they are those of a slow reference. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { replaySlowly } from '../../placement/replay.ts';
import { emptyTally, wireTally } from '../../placement/tally.ts';
import type { PlacementRecord } from '../../placement/record.ts';
import { perdure } from '../cli/captured-io.test-support.ts';
import { configWith } from '../discover.ts';
import { type LaidFolder, layFolder } from '../evidence/recorded-folder.test-support.ts';
import { openRecorded } from '../evidence/recorded.ts';
import { booksOf } from '../money/books.ts';
import type { PlacementLine } from './lines.ts';
import type { WhatIfReport } from './report.ts';
import { makeSuppositions } from './suppose.ts';

let folder = '';
let laid: LaidFolder;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'perdure-whatif-'));
  laid = await layFolder(folder, 2000);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const whatIf = async (...options: readonly string[]): Promise<WhatIfReport> => {
  const { code, out, err } = await perdure(['whatif', '--data', folder, '--json', ...options], { cwd: folder });
  expect([code, err.includes('perdure')]).toEqual([0, false]);
  return JSON.parse(out) as WhatIfReport;
};
const figures = ({ cells, changes, money, breaches, skipped, first, last }: WhatIfReport): unknown => ({
  cells,
  changes,
  money,
  breaches,
  skipped,
  first,
  last,
});

test.each(['microsoft', 'substance'])('under the reading %s', async reading => {
  const told = join(folder, `${reading}.whole.jsonl`);
  const whole = await whatIf('--reading', reading, '--placements', told);
  expect(whole.placements).toBe(laid.placements);
  expect(whole.changes.moved).toBeGreaterThan(100);

  const state = join(folder, `${reading}.state`);
  const goneOn = join(folder, `${reading}.jsonl`);
  const child = fileURLToPath(new URL('./killed.test-support.ts', import.meta.url));
  for (const after of ['5200', '9800']) {
    const { signal } = spawnSync(process.execPath, [child, folder, state, reading, after, goneOn]);
    expect(signal).toBe('SIGKILL');
    expect(existsSync(state)).toBe(true);
  }
  const kept = JSON.parse(readFileSync(state, 'utf8')) as { done: number; written: number };
  // What was written after the state was kept is cut off.
  expect(statSync(goneOn).size).toBeGreaterThan(kept.written);
  expect(kept.written).toBeGreaterThan(0);
  expect(kept.done).toBeGreaterThan(4000);
  expect(kept.done).toBeLessThan(laid.placements);
  const goOn = ['--state', state, '--placements', goneOn];
  expect(figures(await whatIf('--reading', reading, ...goOn))).toEqual(figures(whole));
  expect(readFileSync(goneOn).equals(readFileSync(told))).toBe(true);
  // Asked again it goes on from its end, and says the same.
  expect(figures(await whatIf('--reading', reading, ...goOn))).toEqual(figures(whole));
  expect(readFileSync(goneOn).equals(readFileSync(told))).toBe(true);
  checkLines(readFileSync(told, 'utf8'), whole);

  const config = configWith([], folder);
  const data = await openRecorded({ ...config, data: folder });
  const slow = emptyTally();
  const suppositions = makeSuppositions(
    { contracts: null, reading, events: [] },
    version => data.document(version),
    booksOf(config),
  );
  for await (const { placements } of data.pages({ from: null, to: null, tenant: null }, null)) {
    for (const placement of placements) {
      const record = placement.record as unknown as PlacementRecord;
      const supposition = await suppositions.of(record.s);
      if (supposition === null) throw new Error(`nothing is kept of ${record.s}`);
      const use = reading === 'substance' ? await data.use(placement, null) : null;
      replaySlowly(slow, { id: placement.id, at: placement.at, record, usage: placement.call.usage, use }, supposition);
    }
  }
  await data.close();
  expect(whole.cells).toEqual(JSON.parse(JSON.stringify(wireTally(slow).cells)));
});

/** A line for each that differs or is a breach, and their money is that of the moves. */
function checkLines(text: string, { changes, moves, breaches }: WhatIfReport): void {
  const lines = text
    .trimEnd()
    .split('\n')
    .map(line => JSON.parse(line) as PlacementLine);
  const count = (of: (line: PlacementLine) => boolean): number => lines.filter(of).length;
  for (const change of ['moved', 'refused', 'freed', 'other'] as const)
    expect(count(line => line.change === change)).toBe(changes[change]);
  expect(count(({ breach }) => breach)).toBe(changes.breaches);
  expect(count(({ change, breach }) => change === 'same' && !breach)).toBe(0);
  expect(new Set(lines.map(({ id }) => id)).size).toBe(lines.length);
  expect(count(({ id }) => !id.startsWith('plc_'))).toBe(0);
  const cites = new Set(lines.flatMap(({ clauses }) => clauses.map(({ clause, cite }) => `${clause}: ${cite}`)));
  expect([...cites].join('\n')).toMatch(/^openai-2026-02\/[a-z.]+: joint statement 2026-02-27/m);
  const named = lines.filter(({ breach }) => breach).map(({ id }) => id);
  expect(breaches.map(({ id }) => id)).toEqual(named.slice(0, breaches.length));
  for (const key of ['recorded_micro_usd', 'supposed_micro_usd'] as const) {
    const changed = lines.filter(({ change }) => change !== 'same');
    const sum = (list: readonly Record<typeof key, string>[]) =>
      list.reduce((total, one) => total + BigInt(one[key]), 0n);
    expect(sum(changed)).toBe(sum(moves));
  }
}
