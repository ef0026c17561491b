/** What a placement is decided from: places, the access that was sold, the call, and the health of the places. Plain data. */

/** Of what clauses are told: a decision is recorded with it. Contracts are written against the same. */
export const FACTS_VERSION = 4;

/** What is done at a place. */
export type Action = 'infer' | 'place_state' | 'execute' | 'egress';

/** Shared by targets (model deployments) and homes (where state lives). Never changed after a snapshot is made of it. */
interface PlaceBase {
  readonly id: string;
  readonly cloud: string;
  readonly region: string;
  /** Whose law: `us`, `eu`, ... */
  readonly jurisdiction: string;
  /** `commercial`, `gov`, or a word of the operator's. */
  readonly sovereignty: string;
  /** Labels that the place may see and hold. */
  readonly clearances: readonly string[];
}

/** Integers: micro-USD per million tokens, which is also pico-USD per token. */
export interface Prices {
  readonly inputPerMtok: number;
  readonly cachedInputPerMtok: number;
  readonly outputPerMtok: number;
  /** Of input that is written to the upstream's cache. Default: as input. */
  readonly cacheWritePerMtok?: number;
  /** Default: as output. Neither is known before the call: they rate, and do not choose. */
  readonly reasoningPerMtok?: number;
}

export interface TargetPlace extends PlaceBase {
  readonly kind: 'target';
  readonly vendor: string;
  /** The public name that callers ask for. */
  readonly model: string;
  readonly prices: Prices;
  readonly accelerator: string | null;
  readonly capacity: { readonly maxConcurrent: number | null };
  /** What the deployment can do (`tools`, `json_schema`, ...); null if it was not declared and anything may be tried. */
  readonly capabilities: readonly string[] | null;
  /** Tokens of input and output together; null if unknown. */
  readonly contextTokens: number | null;
}

export interface HomePlace extends PlaceBase {
  readonly kind: 'home';
}

export type Place = TargetPlace | HomePlace;

/** What was sold. */
export interface Product {
  readonly id: string;
  readonly vendor: string;
  readonly kind: 'api' | 'runtime';
}

/** Who sold it. */
export interface Channel {
  readonly id: string;
  readonly seller: string;
  readonly kind: 'direct' | 'third-party';
}

export type Segment = 'commercial' | 'us-gov' | 'us-natsec';

export type Purpose =
  | 'turn'
  | 'subagent'
  | 'review'
  | 'compaction'
  | 'memory'
  | 'embedding'
  | 'eval'
  | 'lab'
  | 'shadow'
  | 'probe';

/** What a session did with its state: in all, for retrospective readings, or before a call. */
export interface Use {
  readonly turns: number;
  readonly itemsRead: number;
  readonly memoryReads: number;
  readonly toolsRun: number;
  readonly filesTouched: number;
}

/** What calls that ended came to, in micro-USD: safe integers, at least 0. More than fits is told as the most that does. */
export interface Spend {
  /** In the calendar month (UTC) in which the call is placed. */
  readonly month: number;
  readonly total: number;
}

/** Something that no date of a contract could tell: `agi-verified`, `ipo-filed`, `injunction`, or any id. */
export interface RecordedEvent {
  readonly id: string;
  /** A day in UTC (YYYY-MM-DD), from its first moment on; or a moment. */
  readonly date: string;
  readonly source: string;
}

/** An offer under a right of first refusal, and its answer. Days in UTC. */
export interface FirstRefusal {
  /** Of the right, as clauses name it. */
  readonly id: string;
  /** The product that was offered; null: all of them. */
  readonly product: string | null;
  readonly offered: string;
  /** The last day on which it can be answered. */
  readonly deadline: string;
  readonly answer: { readonly kind: 'accepted' | 'declined'; readonly date: string } | null;
  readonly source: string;
}

/** What was recorded, whenever: a decision sees of it what had happened by its time. */
export interface Recorded {
  readonly events: readonly RecordedEvent[];
  readonly firstRefusals: readonly FirstRefusal[];
}

/** Fixed when a session starts, and kept for all its calls. */
export interface SessionFacts {
  readonly tenant: string;
  readonly product: Product;
  readonly channel: Channel;
  readonly segment: Segment;
  /** Whether the runtime holds state for the caller. */
  readonly stateHeld: boolean;
  /** Milliseconds since 1970. */
  readonly startedAt: number;
  /** Contract id -> the reading in force when the session started. A contract that is not named has the snapshot's reading. */
  readonly reading: Readonly<Record<string, string>>;
  /** Absent: none yet. */
  readonly use?: Use;
}

/** A tool that runs, of `execute`. */
export interface ToolFacts {
  /** As the model calls it. */
  readonly name: string;
  readonly origin: 'builtin' | 'module' | 'mcp';
}

/** Where data goes, of `egress`. */
export interface DestinationFacts {
  /** As it is named, or as the pattern that lets it through: `*` is any. */
  readonly host: string;
  readonly use: 'mcp' | 'web' | 'command' | 'file' | 'traces';
}

/** The agent of a session. */
export interface AgentFacts {
  readonly id: string;
  /** 1 for one that came with the session. */
  readonly version: number;
}

/** The key in whose name it is asked: its id, which is no secret. */
export interface PrincipalFacts {
  readonly key: string;
  /** Absent: not known, or no contract asks. */
  readonly scopes?: readonly string[];
}

export interface CallFacts {
  readonly session: SessionFacts;
  readonly sessionId: string;
  /** Of the model that was asked for. */
  readonly vendor: string;
  readonly model: string;
  readonly purpose: Purpose;
  /** Every label of what the session has read (L8). */
  readonly sessionLabels: readonly string[];
  readonly requestLabels: readonly string[];
  /** The time that contracts see, ms since 1970. */
  readonly at: number;
  /** Of the tenant, before this call. Absent: not known, and a clause that asks for it denies. */
  readonly spend?: Spend;
  /** Absent: the session is of no agent. */
  readonly agent?: AgentFacts;
  /** Absent: not known, and a clause that asks for it denies. So it is with the next. */
  readonly principal?: PrincipalFacts;
  /** What the session had done before the call, as its log says. */
  readonly soFar?: Use;
  readonly tool?: ToolFacts;
  readonly destination?: DestinationFacts;
  /** An estimate; the answer's length is bounded by `outputBound`. Integers. */
  readonly inputTokens: number;
  readonly outputBound: number;
  /** Capabilities that the call cannot do without. Absent: none. */
  readonly requires?: readonly string[];
}

export interface PlaceHealth {
  readonly state: 'up' | 'down' | 'full';
  /** When to ask again, if the place said so. */
  readonly retryAfterMs?: number;
  readonly inFlight: number;
  readonly expectedLatencyMs: number;
}

/** By place id. A place that is missing is taken to be up, idle and without known latency. */
export type Health = Readonly<Record<string, PlaceHealth>>;

/** By target id, of what is spent there: the parts per million that it saves elsewhere, as the shortfall of a commitment. At most 1,000,000. */
export type ShadowPrices = Readonly<Record<string, number>>;

export interface DecideOptions {
  /** Only these places are candidates: the home of a session that already has one, say. */
  readonly only?: readonly string[];
  /** The place that is good to be near to: the session's home for a call, the likely target for a home. */
  readonly near?: string;
  /** The target of the session's last call: its prompt cache is warm. */
  readonly previous?: string;
  /** Absent: none. A target that is not named has none. */
  readonly shadow?: ShadowPrices;
}
