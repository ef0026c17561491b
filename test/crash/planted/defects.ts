/** The defects that the harness must find: with each of them planted, a short run has to end with violations. */
import { join } from 'node:path';
import { DEFAULTS, type HarnessOptions } from '../harness.ts';

const SHORT: HarnessOptions = {
  ...DEFAULTS,
  kills: 12,
  killsPerGeneration: 4,
  stopAtViolation: true,
  points: false,
  shimShare: 0,
  diskFull: false,
};

export const PLANTED: { readonly [name: string]: HarnessOptions } = {
  /** Commits that never reach the disk, and a power cut at the end of every life. */
  'synchronous off': { ...SHORT, shimShare: 1, env: { PERDURE_UNSAFE_SYNCHRONOUS: 'off' } },
  'release before commit': { ...SHORT, preload: [join(import.meta.dirname, 'release-before-commit.ts')] },
  'no fence': {
    ...SHORT,
    kills: 2,
    killsPerGeneration: 1,
    twin: true,
    preload: [join(import.meta.dirname, 'no-fence.ts')],
  },
};
