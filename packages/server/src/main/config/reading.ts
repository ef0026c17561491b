/** `reading` of perdure.yaml, against what the configured contracts offer: their manifests alone are looked at, the clauses are not compiled. */
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import * as z from 'zod';
import { chooseReadings, type WithReadings } from '../../contract/contract-set.ts';
import { MAX_FILE_CHARS } from '../../contract/load-with.ts';
import { MANIFEST_FILE } from '../../contract/manifest.ts';
import type { Problem } from './problem.ts';

const offers = z.object({
  id: z.string(),
  readings: z.array(z.object({ id: z.string(), retrospective: z.boolean().default(false) })).default([]),
});

/** @param folders of contracts; one whose manifest cannot be read is told of where contracts are loaded */
export function readingProblems(reading: unknown, folders: readonly string[]): readonly Problem[] {
  if (typeof reading !== 'string') return [];
  const contracts: WithReadings[] = [];
  for (const folder of folders) {
    const found = offers.safeParse(manifestIn(folder));
    if (!found.success) return [];
    contracts.push({ ...found.data, defaultReading: null });
  }
  const chosen = chooseReadings(contracts, reading);
  return chosen.ok ? [] : [{ level: 'error', path: ['reading'], message: chosen.message }];
}

function manifestIn(folder: string): unknown {
  try {
    const file = join(folder, MANIFEST_FILE);
    return statSync(file).size > MAX_FILE_CHARS ? null : parse(readFileSync(file, 'utf8'));
  } catch {
    return null;
  }
}
