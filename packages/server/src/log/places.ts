/** What heads of events name: places in logs, who runs a tool, what a call used. */
import type { SessionId } from '../kernel/ids.ts';
import type { JsonObject } from './json.ts';

/** Where a shared text (tools, instructions) was first written: once per digest, not once per turn (L11). */
export interface DocumentRef {
  readonly session: SessionId;
  readonly seq: number;
  readonly index: number;
}

/** Where a compaction lies that stands for positions 1..`to`. */
export interface CompactionRef {
  readonly session: SessionId;
  readonly seq: number;
  /** Its own position: it is listed there, and what it stands for is read where it stood. */
  readonly position: number;
  readonly to: number;
}

/** What a failure said beside its code, for whoever asks again. */
export interface FailurePayload {
  readonly message: string;
  /** The request field at fault, if one is. */
  readonly param?: string;
  readonly details?: JsonObject;
  /** How long to wait before another attempt, ms; null: no wait helps. */
  readonly retryAfterMs?: number | null;
  /** The HTTP status, if it is not that of the code. */
  readonly status?: number;
}

/** How a usage was found that the upstream did not say: from what was received, or as the most that the call may have used. */
export type Unsaid = 'estimate' | 'bound';
/** How a usage was found. */
export type Metered = 'exact' | Unsaid;

/** Tokens, as metered. All integers. */
export interface Usage {
  readonly input: number;
  readonly cached: number;
  readonly output: number;
  readonly reasoning: number;
  /** Of `input`, what was written to the upstream's cache. Absent: none, or the upstream does not say. */
  readonly written?: number;
}

export const NO_USAGE: Usage = { input: 0, cached: 0, output: 0, reasoning: 0 };

export function sumUsage(a: Usage | null, b: Usage): Usage {
  if (a === null) return b;
  const written = (a.written ?? 0) + (b.written ?? 0);
  return {
    input: a.input + b.input,
    cached: a.cached + b.cached,
    output: a.output + b.output,
    reasoning: a.reasoning + b.reasoning,
    ...(written > 0 && { written }),
  };
}

/** The largest usage a call can turn out to have had: what a lost call is charged at (L5). */
export interface Reservation {
  readonly input: number;
  readonly output: number;
}

/** The call of a model that gave a verdict on a tool call: its placement, where it went, what it used. */
export interface ReviewedBy {
  readonly placement: string;
  readonly target: string;
  readonly usage: Usage;
}

/** Who runs a tool, as a log names it. `server` and `tool`: of an MCP server. */
export interface ToolPlace {
  readonly kind: 'client' | 'module' | 'mcp' | 'builtin';
  readonly module?: string;
  readonly server?: string;
  readonly tool?: string;
}

/** Where the environment of a session stands. */
export interface EnvironmentNow {
  readonly environment: string;
  readonly kind: 'openai_hosted' | 'self_hosted';
  readonly status: 'pending' | 'ready' | 'connected' | 'disconnected' | 'suspended' | 'expired' | 'failed';
  /** How often it was begun anew with an empty folder. Absent: never. */
  readonly resets?: number;
  /** Whether it was since this was last said. */
  readonly reset?: true;
}

/** Which call of which program a call is. */
export interface ProgramCaller {
  /** The call id of the program. */
  readonly program: string;
  readonly index: number;
}

/** Whose a sub-agent is. */
export interface SubagentPlace {
  /** The session that owns it: it holds the tree of all its sub-agents. */
  readonly owner: SessionId;
  /** The sub-agent that made it; null: the session's own agent. */
  readonly parent: SessionId | null;
  /** 1 for those that the session's own agent made. */
  readonly depth: number;
}

/** Model calls, and the tokens of their input and output. */
export interface Work {
  readonly calls: number;
  readonly tokens: number;
}

/** A stretch of another session's items that a fork shares: positions 1..`to` of `session`. */
export interface SharedPrefix {
  readonly session: SessionId;
  /** The last position shared, inclusive. */
  readonly to: number;
}

/** Facts of the access that opened the session: fixed at its start, kept for all its calls (DESIGN.md part 5). */
export interface SessionOrigin {
  readonly product: string;
  readonly channel: string;
  readonly segment: string;
  /** Whether the store holds state for the caller. */
  readonly stateHeld: boolean;
  /** Contract id -> reading id, as in force when the session started: it fixes the class. */
  readonly readings: { readonly [contract: string]: string };
}

/** What lets a provider's bill be reconciled with our record. */
export interface UpstreamIds {
  readonly response: string | null;
  readonly request: string | null;
}

/** Of an upstream that was not asked, or did not say. */
export const NO_IDS: UpstreamIds = { response: null, request: null };

/** Of an event that files come with, or that tells of some: how many. Absent: none. What counts as one: `contracts/README.md`, facts. */
export interface Files {
  readonly files?: number;
}
