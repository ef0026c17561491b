/** How this server compacts. */
import { randomBytes } from 'node:crypto';
import type { LoggedItem } from '../../log/events.ts';
import type { Selection, SelectionOptions } from '../../session/compaction/select.ts';
import { makeSeals, SEAL_KEY_BYTES, type Seals } from './seal.ts';

export interface CompactionOptions {
  /** `extractive` needs no model; `model` asks the turn's own, and extracts if that fails. */
  readonly strategy: 'extractive' | 'model';
  /** Percentage of the model's window at which a stored turn compacts without being asked to; null: never. */
  readonly at: number | null;
  readonly seals: Seals;
  /** `selectContent` beside the thread that serves, for what is large. Absent: all is selected here. */
  readonly selectApart?: SelectApart;
}

/** Says what `selectContent` says. Rejects if it cannot, or not in time. */
export type SelectApart = (items: readonly LoggedItem[], options: SelectionOptions) => Promise<Selection>;

/** Sealed items die with the process: for tests, and for who gives no key. */
export function defaultCompaction(): CompactionOptions {
  return { strategy: 'extractive', at: null, seals: makeSeals(randomBytes(SEAL_KEY_BYTES)) };
}
