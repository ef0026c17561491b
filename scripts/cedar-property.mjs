/** The compiled clauses against Cedar's own engine, on 100,000 random requests. Minutes: CONTRIBUTING.md says when. */
import { spawnSync } from 'node:child_process';

const { status } = spawnSync(
  'vitest',
  ['run', '--project', 'property', 'packages/server/src/contract/policy.property.test.ts'],
  { stdio: 'inherit', env: { ...process.env, PERDURE_PROPERTY_RUNS: '100000' } },
);
process.exitCode = status ?? 1;
