/** The bound of a report over HTTP: a window at it is answered whole, one above it is refused and told what to do. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { LockInReport } from '@perdure/protocol';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ReportName } from '../http/perdure/explain-view.ts';
import type { HomeId, TenantId } from '../kernel/ids.ts';
import { type HomeReader, openSqliteReader } from '../store/sqlite/open-sqlite-reader.ts';
import { configWith } from './discover.ts';
import { layFolder } from './evidence/recorded-folder.test-support.ts';
import { type ExplainViewOptions, makeExplainView, REPORTED_MOST } from './explain-view.ts';

let dir = '';
let home: HomeReader;
let all = 0;

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'perdure-bound-'));
  all = (await layFolder(dir, 6)).placements;
  const reader = await openSqliteReader(dir, 'local' as HomeId, Date.now());
  if (reader === null) throw new Error('nothing was laid');
  home = reader;
});

afterAll(async () => {
  await home.close();
  rmSync(dir, { recursive: true, force: true });
});

const never = (): never => {
  throw new Error('reports do not ask for it');
};

function reported(name: ReportName, most: number | undefined, tenant: string | null = null, query = {}) {
  const options: ExplainViewOptions = {
    config: configWith([], dir),
    active: never,
    desk: { health: never },
    spend: never,
    shadow: never,
    stores: [home],
    control: null,
    now: never,
    ...(most !== undefined && { reportedMost: most }),
  };
  return makeExplainView(options).report(name, tenant as TenantId | null, query);
}

test.each(['statefulness', 'visibility', 'lock-in'] as const)(
  '%s: at the bound it answers, above it is refused',
  async name => {
    expect(await reported(name, all)).toEqual(await reported(name, undefined));
    await expect(reported(name, all - 1)).rejects.toMatchObject({
      code: 'invalid_request',
      param: 'from',
      message: `The window holds more than ${all - 1} placements: ask for a shorter one, or run "perdure report" on the data folder.`,
    });
  },
);

test('what the window, or the tenant, leaves out does not count', async () => {
  const [acme, rival] = (await home.placementTenants()).map(({ placements }) => placements);
  expect((acme ?? 0) + (rival ?? 0)).toBe(all);
  await reported('lock-in', acme, 'acme');
  await expect(reported('lock-in', (acme ?? 0) - 1, 'acme')).rejects.toMatchObject({ code: 'invalid_request' });
  const window = { from: '2026-03-20T00:00:01Z', to: '2026-03-20T00:00:03Z' };
  // Two calls, and the state of the sessions of each.
  const within = (await reported('lock-in', 4, null, window)) as LockInReport;
  expect(within.calls).toBe(2);
  await expect(reported('lock-in', 3, null, window)).rejects.toMatchObject({ code: 'invalid_request' });
  expect(await reported('lock-in', 0, null, { to: '2026-03-20' })).toMatchObject({ calls: 0 });
});

test('a server’s bound is the one that the guide tells', () => {
  const guide = readFileSync(new URL('../../../../docs/explain.md', import.meta.url), 'utf8');
  expect(guide).toContain(`a window holds ${REPORTED_MOST.toLocaleString('en')} placements at most`);
});
