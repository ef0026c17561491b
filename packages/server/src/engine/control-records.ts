/**
 * What the control home keeps beside keys: the activations of contracts, waivers, events that contracts ask for, rights of first refusal, what the configuration settles, alerts, legal holds, what was told of the
 * configuration's keys, what was closed and restated. And one audit of all that was changed, keys too, in the order of the commits: what the ledger makes leaves of.
 *
 * C1  A record and its audit entry are one commit: neither is ever there without the other.
 * C2  A record is changed by who saw its last version. Of two who change it at once, one is told no.
 * C3  Positions of the audit grow in the order of the commits: who has read up to one has missed nothing before it.
 */
export const CONTROL_KINDS = [
  'activation',
  'waiver',
  'contract_event',
  'first_refusal',
  'settings',
  'alert',
  'hold',
  'config_key',
  'usage_close',
] as const;
export type ControlKind = (typeof CONTROL_KINDS)[number];

export interface ControlRecord {
  readonly kind: ControlKind;
  /** No two records share one, whatever their kinds. */
  readonly id: string;
  /** Whose it is; null for what holds for all. */
  readonly tenant: string | null;
  /** 1 for a new record, one more with each change. */
  readonly version: number;
  /** JSON, at most `MAX_RECORD_CHARS`. */
  readonly body: string;
}

export interface AuditEntry {
  /** ms since 1970. */
  readonly at: number;
  /** `key:<id>`, `local` for who has the data folder, `config` for the configuration. */
  readonly actor: string;
  /** Such as `activation.requested`, `waiver.granted`, `key.revoked`. */
  readonly action: string;
  /** The id of what was changed. */
  readonly subject: string;
  readonly tenant: string | null;
  /** JSON: what it is after the change. No credential is in it (L9). */
  readonly body: string;
  /** SHA-256 of the JSON array of the fields above in their order, hexadecimal. */
  readonly digest: string;
}

export interface AuditRow extends AuditEntry {
  readonly position: number;
}

export interface ControlRecords {
  /** All of a kind, in the order in which they were made. */
  records(kind: ControlKind): Promise<readonly ControlRecord[]>;
  /** Durably keeps the record and its audit entry. False, and nothing done, unless its version follows the one in the store (C2). */
  putRecord(record: ControlRecord, entry: AuditEntry): Promise<boolean>;
  /** Rows after `after` (exclusive; 0 for the beginning), oldest first. */
  audit(after: number, limit: number): Promise<readonly AuditRow[]>;
  /** Of the newest row; 0 if there is none. What a process asks to learn whether anything changed. */
  auditPosition(): Promise<number>;
}
