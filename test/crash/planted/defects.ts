/** The defects that the harness must find: with each of them planted, a short run has to end with violations. */
import { join } from 'node:path';
import { DEFAULTS, type HarnessOptions } from '../harness.ts';
import type { Law } from '../violations.ts';

export interface Planted {
  readonly name: string;
  /** The law that it breaks. */
  readonly law: Law;
  readonly options: HarnessOptions;
}

const SHORT: HarnessOptions = {
  ...DEFAULTS,
  kills: 12,
  killsPerGeneration: 4,
  lanes: 1,
  points: [],
  shimShare: 0,
  diskFull: false,
};
const preload = (file: string): readonly string[] => [join(import.meta.dirname, file)];

export const PLANTED: readonly Planted[] = [
  // Commits that never reach the disk, and a power cut at the end of every life.
  {
    name: 'synchronous off',
    law: 'L2',
    options: { ...SHORT, shimShare: 1, env: { PERDURE_UNSAFE_SYNCHRONOUS: 'off' } },
  },
  { name: 'release before commit', law: 'L2', options: { ...SHORT, preload: preload('release-before-commit.ts') } },
  {
    name: 'no fence',
    law: 'L3',
    options: { ...SHORT, kills: 2, killsPerGeneration: 1, twin: true, preload: preload('no-fence.ts') },
  },
  {
    name: 'a tool that runs before its start is committed',
    law: 'L6',
    options: { ...SHORT, points: ['tool.before-start'], preload: preload('run-before-start.ts') },
  },
  {
    name: 'a tool that may not run twice and does, after a crash',
    law: 'L6',
    options: { ...SHORT, points: ['tool.before-complete'], preload: preload('run-again.ts') },
  },
  {
    name: 'a program that makes its calls again after a crash',
    law: 'L6',
    options: { ...SHORT, points: ['program.before-request'], preload: preload('program-anew.ts') },
  },
  {
    name: 'an approval that can be used twice',
    law: 'L7',
    options: { ...SHORT, points: ['approval.after-commit'], preload: preload('approval-twice.ts') },
  },
];
