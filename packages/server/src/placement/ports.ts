/** What placement needs of a contract. `contract/` provides it, without either knowing the other. */
import type { Action, CallFacts, Channel, Place, Product, Recorded } from './facts.ts';

export type CallClass = 'stateless' | 'stateful';

export interface Clause {
  /** A clause is its own exclusion: decisions list it as it is. */
  readonly kind: 'clause';
  readonly contract: string;
  readonly clause: string;
  readonly cite: string;
  /** What the sources leave open; null for a clear clause. */
  readonly ambiguous: string | null;
}

export interface ClauseFailure {
  readonly clause: Clause;
  readonly message: string;
}

export interface Judgement {
  readonly permits: readonly Clause[];
  readonly forbids: readonly Clause[];
  readonly errors: readonly ClauseFailure[];
}

export interface Classification {
  /** Null if a definition failed: deny. */
  readonly class: CallClass | null;
  readonly by: readonly Clause[];
  readonly errors: readonly ClauseFailure[];
}

/** A call as contracts are told it: with what was recorded. */
export interface ToldCall extends CallFacts {
  readonly recorded: Recorded;
}

export interface Sale {
  readonly channel: Channel;
  readonly product: Product;
  readonly segment: string;
  readonly at: number;
  readonly recorded: Recorded;
}

export interface ContractRules {
  readonly id: string;
  readonly version: string;
  /** `house-rules` bind, but are no contract that could be in force over a scope. */
  readonly kind: 'agreement' | 'house-rules';
  /** ms since 1970, `to` exclusive, null unbounded. */
  readonly effective: { readonly from: number | null; readonly to: number | null };
  readonly supersedes: readonly string[];
  /** Null: everything. */
  readonly scope: { readonly vendors: readonly string[]; readonly products: readonly string[] } | null;
  readonly readings: readonly { readonly id: string; readonly retrospective: boolean }[];
  readonly defaultReading: string | null;
  /**
   * The moments (ms since 1970) from which on a clause may say another thing, by the time itself or by what was recorded by then: calls between
   * two of them that differ in nothing but their time are decided alike. Null: any moment may be told from any other.
   */
  readonly changesAt: (recorded: Recorded) => readonly number[] | null;
  /** Actions that a `forbid` of it reaches. On tools and on what leaves, a contract without one says nothing. */
  readonly restricts: ReadonlySet<Action>;
  /** Whether a clause asks what the tenant has spent. */
  readonly readsSpend: boolean;
  /** Whether a clause on places asks what the session has done so far. */
  readonly readsUse: boolean;
  /** Whether a clause or definition asks for the key in whose name it is asked, or for its scopes. */
  readonly readsKey: boolean;
  readonly classify: (facts: ToldCall, reading: string | null) => Classification;
  /** One judgement per place, in order. */
  readonly judge: (
    action: Action,
    facts: ToldCall,
    callClass: CallClass,
    places: readonly Place[],
  ) => readonly Judgement[];
  readonly judgeSale: (sale: Sale) => Judgement;
}
