/** The harness must be able to fail: with each of these defects planted, a short run ends with violations. */
import { rmSync } from 'node:fs';
import { expect, test } from 'vitest';
import { runHarness } from './harness.ts';
import { PLANTED } from './planted/defects.ts';

/** One short run; a violation ends it early. */
const RUN_MS = 180_000;

test.each(Object.keys(PLANTED))(
  '%s is found',
  async name => {
    const options = PLANTED[name];
    if (options === undefined) throw new Error(`no planted defect ${name}`);
    const { violations, shimMissing, folder } = await runHarness({ ...options, seconds: 150 });
    if (folder !== null) rmSync(folder, { recursive: true, force: true });
    if (options.shimShare > 0) expect(shimMissing).toBeNull();
    expect(violations.total).toBeGreaterThan(0);
  },
  RUN_MS,
);
