/** What sealing needs of a home, and what it says when it cannot go on. */
import type { Blobs } from '../ports.ts';

/** Rows of a source, oldest first, as columns: a row each would cost more than its leaf. */
export interface LeafBatch {
  /** They grow in the order of the commits. */
  readonly positions: Float64Array;
  /** By row, the kind of the leaf that it makes; null if it makes none. */
  readonly kinds: readonly (string | null)[];
  /** The digests, 32 bytes a row. */
  readonly digests: Uint8Array;
}

/** What becomes leaves, in the order of its commits. Not trimmed: the ledger keeps its own cursor. */
export interface LeafSource {
  /** At most `limit` rows after `position`. */
  after(position: number, limit: number): Promise<LeafBatch>;
  /** Null if there is no such row, or it makes no leaf. */
  at(position: number): Promise<{ readonly kind: string; readonly digest: Uint8Array } | null>;
}

/** The two sources of a home's ledger. The audit is empty but in the control home. */
export interface LeafSources {
  readonly events: LeafSource;
  readonly audit: LeafSource;
}

export type SourceName = keyof LeafSources;

/** Where a full bundle of leaves ends: the positions of the last event and of the last entry of the audit that are in it or before it. */
export type BundleEnd = { readonly [source in SourceName]: number };

/**
 * Says in which bundle a position is. Derived: it may lag behind the log, or be wrong after a power cut; what it says is checked by the leaf that is found.
 */
export interface BundleEnds {
  /** How many bundles it knows. */
  count(): number;
  /** Of the bundles from `first` on. What would leave a gap is not taken. */
  append(first: number, ends: readonly BundleEnd[]): void;
  /** @param bundle at least 0, less than `count` */
  end(bundle: number): BundleEnd;
  /** Forgets all. */
  clear(): void;
}

/** New files of a log, many at once. */
export interface FileBatch {
  /** Takes a file. Until `durable` it may be there in part, or not at all; whoever lays much waits here for the disk. */
  lay(key: string, bytes: Uint8Array): Promise<void>;
  /** Resolves once all that was laid is on the disk. */
  durable(): Promise<void>;
  /** Resolves once nothing is under way any more, well or not. */
  ended(): Promise<void>;
}

/** The files of a log. `put` is whole or not at all. */
export interface LogFiles extends Blobs {
  batch(): FileBatch;
}

/**
 * `ledger_key`: the log was signed by another key. `ledger_damaged`: its files contradict each other or are missing.
 * `ledger_diverged`: the log has sealed what the store does not hold: the store was put back to an older state.
 */
export type LedgerFault = 'ledger_key' | 'ledger_damaged' | 'ledger_diverged';

export class LedgerError extends Error {
  override readonly name = 'LedgerError';
  readonly code: LedgerFault;

  constructor(code: LedgerFault, message: string) {
    super(message);
    this.code = code;
  }
}
