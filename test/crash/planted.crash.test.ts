/** The harness must be able to fail: with each of these defects planted, a short run ends with violations of the law that the defect breaks. */
import { rmSync } from 'node:fs';
import { expect, test } from 'vitest';
import { runHarness } from './harness.ts';
import { PLANTED } from './planted/defects.ts';

/** One short run; a violation of the law ends it early: a defect may break others on its way. */
const RUN = { seconds: 150, timeoutMs: 300_000 };

test.each(PLANTED)('$name is found', { timeout: RUN.timeoutMs }, async ({ options, law }) => {
  const { violations, shimMissing, tally, folder } = await runHarness({
    ...options,
    stopAt: law,
    seconds: RUN.seconds,
  });
  if (folder !== null) rmSync(folder, { recursive: true, force: true });
  if (options.shimShare > 0) {
    expect(shimMissing).toBeNull();
    expect(tally.loss.undone).toBeGreaterThan(0);
  }
  expect(violations.laws()).toContain(law);
});
