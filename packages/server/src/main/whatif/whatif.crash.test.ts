/** A what-if that is killed half-way goes on, and comes to the totals of one that was not; and they are those of a slow reference. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
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
  const whole = await whatIf('--reading', reading);
  expect(whole.placements).toBe(laid.placements);
  expect(whole.changes.moved).toBeGreaterThan(100);

  const state = join(folder, `${reading}.state`);
  const child = fileURLToPath(new URL('./killed.test-support.ts', import.meta.url));
  for (const after of ['5200', '9800']) {
    const { signal } = spawnSync(process.execPath, [child, folder, state, reading, after]);
    expect(signal).toBe('SIGKILL');
    expect(existsSync(state)).toBe(true);
  }
  const kept = JSON.parse(readFileSync(state, 'utf8')) as { done: number };
  expect(kept.done).toBeGreaterThan(4000);
  expect(kept.done).toBeLessThan(laid.placements);
  expect(figures(await whatIf('--reading', reading, '--state', state))).toEqual(figures(whole));
  // Asked again it goes on from its end, and says the same.
  expect(figures(await whatIf('--reading', reading, '--state', state))).toEqual(figures(whole));

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
