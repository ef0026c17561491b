import { deepEqual, notEqual } from 'node:assert/strict';
import { describe, test } from 'vitest';
import { CONFORMANCE } from '../conformance.ts';
import { LateAnswer, runCase } from '../conformance-case.ts';
import { BAD_CONTROLS } from './bad-controls.ts';
import { BAD_FILES } from './bad-files.ts';
import { BAD_HOMES } from './bad-homes.ts';
import { BAD_LOGS } from './bad-logs.ts';
import { BAD_RESOURCES } from './bad-resources.ts';
import { type Plant, planted } from './plant.ts';

/** ms for a case on a store in memory: much more than it needs, so that only a silent store is late. */
const DEADLINE_MS = 1000;
const SILENT_DEADLINE_MS = 20;

/** The cases that failed because the store broke its promise; being late counts only for a store that is meant to be silent. */
async function failures(plant: Plant): Promise<string[]> {
  const failed: string[] = [];
  for (const one of CONFORMANCE) {
    try {
      await runCase(one, planted(plant), plant.silent === true ? SILENT_DEADLINE_MS : DEADLINE_MS);
    } catch (error) {
      if (error instanceof LateAnswer === (plant.silent === true)) failed.push(one.name);
    }
  }
  return failed;
}

const noticed = new Set<string>();

describe('the conformance cases notice', () => {
  for (const plant of [...BAD_LOGS, ...BAD_HOMES, ...BAD_CONTROLS, ...BAD_FILES, ...BAD_RESOURCES]) {
    test(plant.name, async () => {
      const failed = await failures(plant);
      notEqual(failed.length, 0);
      if (plant.silent !== true) for (const name of failed) noticed.add(name);
    });
  }

  test('nothing about a good store', async () => deepEqual(await failures({ name: 'good' }), []));

  test('each something: none passes on every bad store', () => {
    deepEqual(
      CONFORMANCE.map(one => one.name).filter(name => !noticed.has(name)),
      [],
    );
  });
});
