/** What keeps what tenants configure (agents, vaults) needs of the rest. */
import type { HomeId } from '../kernel/ids.ts';
import type { Caller } from './caller.ts';
import type { AuditEntry } from './control-records.ts';
import type { Ids } from '../kernel/ids.ts';
import type { Resources } from './resources.ts';

export interface RegistryDeps {
  readonly store: Resources & { readonly home: HomeId };
  readonly now: () => number;
  readonly ids: Ids;
  /** Fills an array with unpredictable bytes. */
  readonly random: (into: Uint8Array) => Uint8Array;
  /** An entry with its digest; `body` holds no content and no credential. */
  readonly audit: (change: Audited) => AuditEntry;
}

export interface Audited {
  readonly at: number;
  /** The principal. */
  readonly who: string;
  readonly action: string;
  readonly subject: string;
  /** Null for what is of no tenant in particular. */
  readonly tenant: string | null;
  readonly body: object;
}

/** Who asks: of `Caller`, what the registry looks at. */
export type Asking = Pick<Caller, 'tenant' | 'principal'>;

/** How often a change is tried again that lost to another one. */
export const CHANGE_ATTEMPTS = 5;
