/** Placements: where a call or a state went, by which clauses, and what else there was to choose from. */
import * as z from 'zod';
import { LIMITS } from '../limits.ts';
import { fault, parseQuery, type Parsed } from '../parse.ts';
import { parseOwnBody } from './own-body.ts';
import type { ListPage, ListQuery, RawQuery } from '../lists.ts';
import { parseListQuery } from '../lists.ts';
import { isRealDate, moment, MOMENT_FORM } from '../moment.ts';

export const PLACEMENT_ACTIONS = ['infer', 'place_state', 'distribute', 'execute', 'egress'] as const;
export type PlacementAction = (typeof PLACEMENT_ACTIONS)[number];
export const PLACEMENT_PURPOSES = [
  'turn',
  'subagent',
  'review',
  'compaction',
  'memory',
  'embedding',
  'eval',
  'lab',
  'shadow',
  'probe',
  'state',
] as const;
export type PlacementPurpose = (typeof PLACEMENT_PURPOSES)[number];
/** `placed`: a target was chosen. `refused`: clauses exclude all. `unavailable`: the allowed ones are down or full. */
export const PLACEMENT_OUTCOMES = ['placed', 'refused', 'unavailable'] as const;
export type PlacementOutcome = (typeof PLACEMENT_OUTCOMES)[number];

/**
 * What was recorded and not enforced. `flagged`: an enforced decision in which a clause was ambiguous or waived; `would-refuse`, `would-move`: monitor mode,
 * and what enforcing would have done.
 */
export const RECORDED_ONLY = ['flagged', 'would-refuse', 'would-move'] as const;
export type RecordedOnly = (typeof RECORDED_ONLY)[number];

/** A clause that spoke: where it stands in the contract, as its annotation cites it. */
export type ClauseRef = {
  readonly id: string;
  readonly cite: string;
  readonly contract: string;
  /** What it said of the call. */
  readonly effect?: 'permit' | 'forbid';
};

/** Why a target was not chosen; `chosen` for the one that was. */
export type RowVerdict = 'chosen' | 'allowed' | 'denied' | 'unfit' | 'unhealthy' | 'full' | 'error';

/** One target that was considered. */
export type PlacementRow = {
  readonly id: string;
  readonly cloud: string;
  readonly region: string;
  readonly verdict: RowVerdict;
  /** One line in words. */
  readonly reason: string;
  readonly clauses: readonly ClauseRef[];
  /** Estimate for this call, in millionths of a US dollar; null if the target has no price. */
  readonly cost_micro_usd: number | null;
  readonly latency_ms: number | null;
  /** Lower is better; null for targets that were excluded before scoring. */
  readonly score: number | null;
};

/** For a refusal: the smallest set of clauses that leaves nothing, and what would free the call. */
export type PlacementConflict = {
  readonly clauses: readonly ClauseRef[];
  /** One sentence per way out. */
  readonly remedies: readonly string[];
};

export type PlacementUsage = {
  readonly input: number;
  readonly cached: number;
  readonly output: number;
  readonly reasoning: number;
  readonly written?: number;
};

export type PlacementResource = {
  readonly id: string;
  readonly object: 'perdure.placement';
  /** Seconds since 1970. */
  readonly created_at: number;
  readonly tenant: string;
  readonly session: string;
  readonly response: string | null;
  readonly action: PlacementAction;
  readonly purpose: PlacementPurpose;
  /** The tool that ran, of `execute`. */
  readonly tool: { readonly name: string; readonly origin: string } | null;
  /** Where data went, of `egress`. */
  readonly destination: { readonly host: string; readonly use: string } | null;
  /** Of the session; null: it is of none, or the record is of a version that did not say. */
  readonly agent: { readonly id: string; readonly version: number } | null;
  /** The id of the key in whose name it was asked, no secret; null: not known. */
  readonly key: string | null;
  /** What the session had done before; null: not told to clauses. */
  readonly use: {
    readonly turns: number;
    readonly items_read: number;
    readonly memory_reads: number;
    readonly tools_run: number;
    readonly files_touched: number;
  } | null;
  readonly outcome: PlacementOutcome;
  readonly target: {
    readonly id: string;
    readonly cloud: string;
    readonly region: string;
    readonly vendor: string;
    readonly model: string;
  } | null;
  /** The home that holds the session's state; for `place_state`, the one chosen. */
  readonly home: string | null;
  /** The class of the call under the reading, as `stateless`; null where no contract defines one. */
  readonly class: string | null;
  readonly reading: string | null;
  /** The date that the contracts saw, if it was set; null for the real time. */
  readonly as_of: string | null;
  /** Ids of the contracts in force. */
  readonly in_force: readonly string[];
  /** Clauses that decided for the target, or against all. */
  readonly clauses: readonly ClauseRef[];
  readonly rows: readonly PlacementRow[];
  /** Clauses that spoke and were recorded only: ambiguous ones, waived ones, and in monitor mode all. */
  readonly flagged: readonly ClauseRef[];
  /** False in monitor mode. */
  readonly enforced: boolean;
  /** In monitor mode, what enforcing would have done; else null. */
  readonly would_be: 'nothing' | 'moved' | 'refused' | null;
  /** Ids of the waivers that took a reason away. */
  readonly waivers: readonly string[];
  readonly conflict: PlacementConflict | null;
  /** The decision in words. */
  readonly explanation: string;
  readonly usage: PlacementUsage | null;
  /** `unknown`: the process died between the call and its record; it is charged at its bound. */
  readonly call: { readonly status: 'open' | 'completed' | 'failed' | 'unknown' };
};

/** A page of placements. */
export type PlacementPage = ListPage<PlacementResource> & {
  /**
   * Where the next page begins, as its `after`; null after the last one. One request looks at a bounded number of placements: a page that
   * finds few matches among them, or none, still says here where to go on.
   */
  readonly next: string | null;
};

/** What placements can be asked for by, besides a page. */
export type PlacementFilters = {
  readonly session?: string;
  readonly response?: string;
  readonly outcome?: PlacementOutcome | RecordedOnly;
  /** Of the recording: a day, or a moment, in UTC; inclusive. */
  readonly from?: string;
  /** Exclusive. */
  readonly to?: string;
  /** Another tenant's, with the scope `operator`. */
  readonly tenant?: string;
  readonly product?: string;
  readonly channel?: string;
  /** The place that was chosen, and its cloud. */
  readonly target?: string;
  readonly cloud?: string;
  /** A clause that excluded a place, or was flagged: `joint.stateless`, or `openai-2026-02/joint.stateless`. */
  readonly clause?: string;
  readonly action?: PlacementAction;
  readonly purpose?: PlacementPurpose;
};

export type PlacementQuery = ListQuery & PlacementFilters;

const id = z.string().min(1).max(LIMITS.idChars);
const filters = z.object({
  session: id.exactOptional(),
  response: id.exactOptional(),
  outcome: z.enum([...PLACEMENT_OUTCOMES, ...RECORDED_ONLY]).exactOptional(),
  from: moment.exactOptional(),
  to: moment.exactOptional(),
  tenant: id.exactOptional(),
  product: id.exactOptional(),
  channel: id.exactOptional(),
  target: id.exactOptional(),
  cloud: id.exactOptional(),
  clause: id.exactOptional(),
  action: z.enum(PLACEMENT_ACTIONS).exactOptional(),
  purpose: z.enum(PLACEMENT_PURPOSES).exactOptional(),
});
export const PLACEMENT_FILTERS: readonly (keyof PlacementFilters)[] = filters.keyof().options;

export function parsePlacementQuery(query: RawQuery): Parsed<PlacementQuery> {
  const list = parseListQuery(query);
  if (!list.ok) return list;
  const single = Object.fromEntries(
    Object.entries(query).map(([name, values]) => [name, values?.length === 1 ? values[0] : values]),
  );
  const found = parseQuery(filters, single);
  if (!found.ok) return found;
  return { ok: true, value: { ...list.value, ...found.value } };
}

/** A placement as it was recorded, for whoever decides it again. */
export type ReplayPlacement = {
  readonly id: string;
  /** ms since 1970. */
  readonly at: number;
  readonly session: string;
  /** A model call; else the placing of a session's state. */
  readonly call: boolean;
  /** The compact record: facts, counts and versions, never content. */
  readonly record: Readonly<Record<string, unknown>>;
  /** Null: the call has not ended, or was refused. */
  readonly usage: {
    readonly input: number;
    readonly cached: number;
    readonly output: number;
    readonly reasoning: number;
    readonly written?: number;
  } | null;
};

export type ReplayPage = {
  readonly object: 'list';
  readonly data: readonly ReplayPlacement[];
  readonly next: string | null;
};

/** What placements of a version were decided on, as text: whoever replays makes the same snapshot of it. */
export type ReplaySnapshot = {
  readonly object: 'perdure.replay_snapshot';
  readonly version: string;
  readonly document: string;
};

/** What `POST /perdure/v1/whatif` supposes. What is absent stays as it is. */
export type WhatIfRequest = {
  readonly reading?: string;
  /** Ids of contracts among those that the placements were decided on; the others of them are left away. */
  readonly contracts?: readonly string[];
  /** A day, or a moment, in UTC. */
  readonly as_of?: string;
  /** The sessions to replay; absent: the latest of the tenant. */
  readonly sessions?: readonly string[];
};

export type WhatIfSide = {
  readonly outcome: PlacementOutcome;
  readonly target: string | null;
  readonly cloud: string | null;
  readonly class: string | null;
  readonly clauses: readonly ClauseRef[];
};
export type WhatIfRow = {
  readonly placement: string;
  readonly session: string;
  readonly response: string | null;
  readonly action: PlacementAction;
  readonly was: WhatIfSide;
  readonly would_be: WhatIfSide;
  readonly changed: boolean;
  /** The contracts that it was decided on have no such reading, or are not all that are supposed: both sides are as they were. */
  readonly as_recorded: boolean;
};
/** Placements that were decided on a set of contracts of which this cannot be supposed. Times are seconds since 1970. */
export type WhatIfLeftOut = {
  /** Ids of the set. */
  readonly contracts: readonly string[];
  /** Of those that are supposed, which it does not have. */
  readonly lacks: readonly string[];
  /** It has no such reading. */
  readonly without_reading: boolean;
  readonly placements: number;
  /** Of its first placement, and its last. */
  readonly from: number;
  readonly to: number;
};
export type WhatIfResult = {
  readonly object: 'perdure.whatif';
  readonly reading: string | null;
  readonly contracts: readonly string[];
  readonly as_of: string | null;
  readonly rows: readonly WhatIfRow[];
  readonly changed: number;
  /** Rows that stay as they were recorded. */
  readonly as_recorded: number;
  /** Which those are. */
  readonly left_out: readonly WhatIfLeftOut[];
  /** The same in words; null if there are none. */
  readonly notice: string | null;
  /** True if more placements matched than were replayed. */
  readonly truncated: boolean;
};

export const whatIfBody: z.ZodType<WhatIfRequest> = z
  .strictObject({
    reading: id.nullish(),
    contracts: z.array(id).max(LIMITS.whatIfContracts).nullish(),
    as_of: z.string().regex(MOMENT_FORM).nullish(),
    sessions: z.array(id).min(1).max(LIMITS.whatIfSessions).nullish(),
  })
  .transform((body, ctx): WhatIfRequest => {
    const { reading, contracts, as_of, sessions } = body;
    if (as_of && !isRealDate(as_of))
      return fault(ctx, 'invalid_request', "'as_of' is no date of the calendar.", ['as_of']);
    return {
      ...(reading && { reading }),
      ...(contracts && { contracts }),
      ...(as_of && { as_of }),
      ...(sessions && { sessions }),
    };
  });

export function parseWhatIf(body: unknown): Parsed<WhatIfRequest> {
  return parseOwnBody(whatIfBody, body);
}
