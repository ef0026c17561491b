/** How this server compacts. */
import { randomBytes } from 'node:crypto';
import { makeSeals, SEAL_KEY_BYTES, type Seals } from './seal.ts';

export interface CompactionOptions {
  /** `extractive` needs no model; `model` asks the turn's own, and extracts if that fails. */
  readonly strategy: 'extractive' | 'model';
  /** Percentage of the model's window at which a stored turn compacts without being asked to; null: never. */
  readonly at: number | null;
  readonly seals: Seals;
}

/** Sealed items die with the process: for tests, and for who gives no key. */
export function defaultCompaction(): CompactionOptions {
  return { strategy: 'extractive', at: null, seals: makeSeals(randomBytes(SEAL_KEY_BYTES)) };
}
