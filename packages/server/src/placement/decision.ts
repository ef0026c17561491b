/** What a placement decided, and why, for every place that could have been. */
import type { Action } from './facts.ts';
import type { CallClass, Clause } from './ports.ts';

export type Verdict =
  | 'chosen'
  | 'eligible'
  /** By a contract. */
  | 'excluded'
  | 'down'
  | 'full'
  /** It serves another model, or is no place for this action. */
  | 'wrong-model'
  /** It cannot do what the call needs. */
  | 'unable';

/** A reason against a place. */
export type Exclusion =
  | Clause
  /** The clause could not be evaluated: we deny where stock Cedar would skip it. */
  | { readonly kind: 'error'; readonly contract: string; readonly clause: string; readonly message: string }
  /** A contract that binds the call permits it nowhere here. */
  | { readonly kind: 'no-permit'; readonly contract: string }
  /** These contracts have the call in their scope, and none is in force. */
  | { readonly kind: 'no-contract-in-force'; readonly contracts: readonly string[] };

/** A clause that would have excluded a place, and the waiver by which it does not. */
export interface Waived {
  readonly exclusion: Clause;
  readonly waiver: string;
}

export interface Row {
  readonly place: string;
  readonly cloud: string;
  readonly region: string;
  readonly verdict: Verdict;
  /** Every reason against the place; empty unless excluded. */
  readonly exclusions: readonly Exclusion[];
  /** Reasons that were recorded and not enforced. */
  readonly flagged: readonly Exclusion[];
  readonly waived: readonly Waived[];
  /** The clauses that permit it. */
  readonly permits: readonly Clause[];
  /** For `unable`: what is missing. */
  readonly lacks: string | null;
  /** Micro-USD, at the output bound, rounded up. Null where no score was computed. */
  readonly cost: number | null;
  readonly latencyMs: number | null;
  /** 0 (near and warm) to 3. */
  readonly distance: number | null;
  readonly score: number | null;
  /** Parts per million of the cost that it saves elsewhere. Absent: none. */
  readonly shadow?: number;
}

export interface Flag {
  readonly why: 'ambiguous' | 'monitor' | 'waived';
  readonly exclusion: Exclusion;
  readonly places: readonly string[];
  /** For `waived`: by which waiver. */
  readonly waiver?: string;
}

/** A single change that would leave a place. */
export type Freedom =
  | { readonly kind: 'clause'; readonly contract: string; readonly clause: string; readonly frees: readonly string[] }
  | {
      readonly kind: 'reading';
      readonly contract: string;
      readonly reading: string;
      readonly frees: readonly string[];
    };

export interface Conflict {
  /** A smallest set of clauses (or other reasons) that together exclude every place. */
  readonly between: readonly Exclusion[];
  readonly frees: readonly Freedom[];
}

export interface InForce {
  readonly contract: string;
  readonly version: string;
  readonly reading: string | null;
}

/**
 * What enforcing would have done, in monitor mode: `nothing`, send the call elsewhere (`moved`), or refuse it.
 * A call that no place could take counts as `refused` if clauses alone exclude every place.
 */
export type WouldBe = 'nothing' | 'moved' | 'refused';

export type DecisionCode =
  /** Clauses exclude every place (HTTP 403). */
  | 'placement_refused'
  | 'no_contract_in_force'
  /** Places are allowed, and all down or full (503). */
  | 'no_target_available'
  /** Places are allowed, and none can do what the call needs. */
  | 'no_capable_target'
  /** No target serves the model, or there is no home. */
  | 'no_such_target';

export interface Decision {
  readonly action: Action;
  /** The time that contracts saw. */
  readonly at: number;
  readonly outcome: 'placed' | 'refused' | 'unavailable';
  /** Null if placed. */
  readonly code: DecisionCode | null;
  readonly chosen: string | null;
  /** Every candidate, in the snapshot's order. */
  readonly rows: readonly Row[];
  /** Of each contract with readings that binds the call; null if a definition failed. */
  readonly classes: Readonly<Record<string, CallClass | null>>;
  readonly inForce: readonly InForce[];
  readonly flagged: readonly Flag[];
  /** Null if the decision was enforced. */
  readonly monitored: WouldBe | null;
  /** If refused. */
  readonly conflict: Conflict | null;
  /** If unavailable, and a place said. */
  readonly retryAfterMs: number | null;
  /** Of the snapshot. */
  readonly version: string;
}

/** One string per distinct reason. */
export function exclusionKey(exclusion: Exclusion): string {
  switch (exclusion.kind) {
    case 'clause':
      return `${exclusion.contract}/${exclusion.clause}`;
    case 'error':
      return `${exclusion.contract}/${exclusion.clause}!`;
    case 'no-permit':
      return `${exclusion.contract}/?`;
    case 'no-contract-in-force':
      return '-';
  }
}
