/** What sealing needs of a home, and what it says when it cannot go on. */

/** An event of the home, as far as a leaf is made of it. */
export interface SourceEvent {
  /** Of the home's outbox: grows in the order of the commits. */
  readonly position: number;
  /** The event's type, as it is stored. */
  readonly code: number;
  /** The event's digest: 32 bytes. */
  readonly digest: Uint8Array;
}

/** The home's events, in the order of their commits. Not trimmed: the ledger keeps its own cursor. */
export interface LedgerSource {
  /** Events after `position`, oldest first. */
  after(position: number, limit: number): Promise<readonly SourceEvent[]>;
  at(position: number): Promise<SourceEvent | null>;
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
