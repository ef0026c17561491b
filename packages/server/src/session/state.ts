/**
 * The state of one session: what its log says, folded.
 *
 * S1  State is made from envelopes alone. Erasing a payload changes no state (L13).
 * S2  State does not grow with the history: it holds counts, positions and what is open, never a list of the past (L11).
 * S3  `position` counts the items of the context. A failed or cancelled turn gives its positions back: its input stays
 *     readable, but no later call sees it.
 */
import type { HomeId, ResponseId, SessionId, TenantId } from '../kernel/ids.ts';
import type {
  CompactionRef,
  DocumentRef,
  EnvironmentNow,
  ProgramCaller,
  Reservation,
  SessionOrigin,
  SharedPrefix,
  SubagentPlace,
  Usage,
  Work,
} from '../log/events.ts';

/** Where a session stands. The table in `table.ts` says which events each phase takes. */
export type Phase =
  | 'none'
  | 'idle'
  | 'turn_open'
  | 'calling'
  | 'called'
  | 'waiting'
  | 'sealed'
  | 'ended'
  | 'stateless_open'
  | 'stateless_calling'
  | 'stateless_done';

/** The wire's word for a phase. */
export type SessionStatus = 'idle' | 'in_progress' | 'requires_action' | 'failed';

export interface ToolState {
  readonly callId: string;
  readonly idempotent: boolean;
  /** Digest of its exact arguments, which an approval binds (L7). */
  readonly arguments: string;
  /** `refused`: its approval was denied or has expired; all that can follow is `tool.failed`. `suspended`: a program whose calls wait for people. `yielded`: it waits for sub-agents. */
  readonly status: 'requested' | 'started' | 'suspended' | 'outcome_unknown' | 'refused' | 'yielded';
  /** The approval that was given and that its start has yet to consume (L7). */
  readonly granted: string | null;
  /** Whoever drives the session runs it: the turn waits for its result. Absent: this server runs it. */
  readonly client?: true;
  readonly definition?: string;
  /** The id of the item that asks for it. */
  readonly item?: string;
  /** The model goes on without its result. */
  readonly async?: true;
  /** The program that calls it. */
  readonly caller?: ProgramCaller;
  /** Of a program: calls that it has made. Absent: none. */
  readonly made?: number;
  /** It waits for a worker of the session's environment. */
  readonly parked?: true;
  /** What it waits for while it is yielded: the turns of these sessions, or that time (ms since 1970). */
  readonly yielded?: { readonly on: readonly SessionId[]; readonly until: number };
  /** It ran before and was yielded: nobody is asked about it again. */
  readonly again?: true;
}

/** A call that was postponed: whoever drives the session may still send its result. */
export interface PendingCall {
  /** seq of its `tool.postponed`. */
  readonly seq: number;
  readonly callId: string;
  readonly tool: string;
  readonly item: string;
  /** The turn that made it. */
  readonly turn: ResponseId;
  /** ms since 1970. */
  readonly expiresAt: number;
  /** seq of its `tool.answered`, if it was answered: then it waits for a turn that takes it. */
  readonly result?: number;
}

export interface TurnState {
  readonly response: ResponseId;
  readonly model: string;
  readonly background: boolean;
  readonly streamed: boolean;
  /** seq of its `input.accepted`. */
  readonly inputSeq: number;
  /** Position before its input: where a failure returns to. */
  readonly from: number;
  readonly openCallsBefore: readonly string[];
  /** Calls placed so far. */
  readonly calls: number;
  /** Calls in a row that failed. */
  readonly failures: number;
  /** The call in flight. */
  readonly call: {
    readonly index: number;
    readonly seq: number;
    readonly target: string;
    readonly reserved: Reservation;
    /** Whether it is made to compact the context: it answers nobody. */
    readonly compacts: boolean;
  } | null;
  /** `due`: a call was placed to compact the context, and it has not been compacted yet. */
  readonly compaction: 'none' | 'due' | 'done';
  /** The compaction in force before the turn: where a failure returns to. */
  readonly compactedBefore: CompactionRef | null;
  readonly outcome: { readonly status: 'completed' | 'incomplete'; readonly reason: string | null } | null;
  readonly tools: readonly ToolState[];
  readonly approvals: readonly OpenApproval[];
  /** Tool calls requested so far. Absent: none. */
  readonly toolCalls?: number;
  /** Input that waits for its place in the context, oldest first. Absent: none. */
  readonly queued?: readonly QueuedInput[];
  /** Calls whose results are in the context since this turn. If it fails they wait again. Absent: none. */
  readonly took?: readonly PendingCall[];
  /** seq of the `agent.configured` that it runs, if the session was changed since it began. */
  readonly runs?: number;
  /** The worker that parked tools wait for; ms since 1970. Absent: none does. */
  readonly awaits?: { readonly environment: string; readonly expiresAt: number };
  /** How often tools were parked so far. Absent: never. */
  readonly awaited?: number;
}

export interface QueuedInput {
  readonly seq: number;
  readonly count: number;
  /** The call whose result it is. Absent: it is a message. */
  readonly call?: PendingCall;
}

/** An approval that nobody has given yet. */
export interface OpenApproval {
  readonly approval: string;
  readonly callId: string;
  /** ms since 1970: what wakes the session if nobody answers. */
  readonly expiresAt: number;
}

/** What the session has done so far: the facts of the `substance` reading, and of clauses that ask for it. There is no memory to read yet. */
export interface SessionUse {
  readonly turns: number;
  readonly itemsRead: number;
  readonly memoryReads: number;
  readonly toolsRun: number;
  readonly filesTouched: number;
}

/** Of a session that has not begun. */
export const NO_USE: SessionUse = { turns: 0, itemsRead: 0, memoryReads: 0, toolsRun: 0, filesTouched: 0 };

export interface SessionState {
  readonly tenant: TenantId;
  readonly session: SessionId;
  readonly kind: 'responses' | 'conversation' | 'stateless' | 'agent';
  readonly home: HomeId;
  readonly origin: SessionOrigin;
  readonly createdAt: number;
  readonly updatedAt: number;
  readonly seq: number;
  readonly epoch: number;
  /** The process that holds it; null for a stateless call, which nobody takes over. */
  readonly owner: string | null;
  readonly phase: Phase;
  readonly labels: readonly string[];
  readonly lineage: readonly SharedPrefix[];
  /** Items of the context, the shared prefix included. */
  readonly position: number;
  /** The last finished response, which a continuation extends; older ones fork. */
  readonly head: ResponseId | null;
  readonly openCalls: readonly string[];
  /** From where the context is read; null: from its beginning. */
  readonly compacted: CompactionRef | null;
  /** Compactions whose content is there, oldest first: what holds extracts of a deleted item goes with it. Absent: none. */
  readonly compactions?: readonly Pick<CompactionRef, 'seq' | 'to'>[];
  /** Texts written once: the last `MAX_DOCUMENTS` that a turn used, oldest first. */
  readonly documents: readonly DocumentRef[];
  readonly turn: TurnState | null;
  /** The response of an `input.accepted` whose `turn.started` has not come yet. */
  readonly accepted: {
    readonly response: ResponseId;
    readonly seq: number;
    readonly from: number;
    readonly openCallsBefore: readonly string[];
    readonly took?: readonly PendingCall[];
  } | null;
  readonly use: SessionUse;
  /** seq of the event that holds the current metadata; 0 if none. */
  readonly metadataSeq: number;
  /** Payloads of events after this seq are erased (and before the next append). */
  readonly erasedAfter: number | null;
  /** Whether something was deleted that is not erased yet. */
  readonly unerased?: boolean;
  /** Of an agent's session: what it runs. Its configuration is in the event at `seq`. */
  readonly agent?: { readonly id: string; readonly version: number; readonly seq: number };
  /** Of an agent's session: what its calls used, by target. */
  readonly used?: { readonly [target: string]: Usage };
  /** Calls that the model went on without, oldest first: those that wait for a result, and those whose result waits for a turn. Absent: none. */
  readonly pending?: readonly PendingCall[];
  /** Messages that a turn ended without: the next takes them. `since`: when it failed, for then one is begun for them; null: it was cancelled. Absent: none. */
  readonly unheard?: { readonly inputs: readonly QueuedInput[]; readonly since: number | null };
  /** Deferred tools that searches found, latest last. Absent: none. */
  readonly found?: readonly string[];
  /** Its environment, as was last said, and the event that said so. `changes`: how often since a turn last began or ended. */
  readonly environment?: EnvironmentNow & { readonly seq: number; readonly at: number; readonly changes: number };
  /** Of an agent's session: model calls that ended. Absent: none. */
  readonly callsMade?: number;
  /** Of an agent's session: what it and its sub-agents had done when its last turn began. Absent: nothing. */
  readonly before?: Work;
  /** Of a sub-agent: whose it is. */
  readonly subagent?: SubagentPlace;
  /** Of a sub-agent: the keys of the last `MAX_TOLD_KEYS` inputs that waited. Absent: none. */
  readonly told?: readonly string[];
  /** Of an agent's session: the sub-agents that it owns, in the order in which they were made, at most `MAX_SUBAGENTS`. Absent: none. */
  readonly subagents?: {
    readonly all: readonly SubagentEntry[];
    /** seq of the last event that tells of them. */
    readonly last: number;
  };
}

/** Calls of a session that may be pending, whatever is configured. */
export const MAX_PENDING_CALLS = 128;

/** Tools that a session remembers to have found: of more, those that were found last. */
export const MAX_FOUND_TOOLS = 128;

export interface SubagentEntry {
  readonly session: SessionId;
  /** The sub-agent that made it; null: the session's own agent. */
  readonly parent: SessionId | null;
  readonly depth: number;
  /** seq of the event that holds its name and its task. */
  readonly seq: number;
  /** ms since 1970. */
  readonly openedAt: number;
  /** Null while it is active. */
  readonly closedAt: number | null;
}

/** Sub-agents that a session ever makes, closed ones too: what state holds of them is bounded (S2). */
export const MAX_SUBAGENTS = 256;

/** Inputs of which a sub-agent remembers that it was told: more than can be on their way to it when a process dies. */
export const MAX_TOLD_KEYS = 64;

/** Messages that may wait for a turn to take them. */
export const MAX_QUEUED_INPUTS = 16;

/** Changes of an environment that are said between two beginnings or ends of turns; those that end a wait are said beyond it. */
export const MAX_ENVIRONMENT_CHANGES = 32;

/** How often the tools of one turn may be parked: a worker that comes and goes must not carry a turn on for ever. */
export const MAX_AWAITS = 16;

/** Distinct tools and instruction texts that a session remembers the place of. */
export const MAX_DOCUMENTS = 16;

/** The position at which the shared prefix ends: 0 for a root. */
export function prefixEnd(lineage: readonly SharedPrefix[]): number {
  return lineage.at(-1)?.to ?? 0;
}

/** Messages that wait for a turn to take them: the open one, or the next. */
export function waitingMessages({ turn, unheard }: SessionState): number {
  return queuedMessages(turn).length + (unheard?.inputs.length ?? 0);
}

/** Those that wait for a turn, without the results of calls, which have a bound of their own. */
export function queuedMessages(turn: TurnState | null): readonly QueuedInput[] {
  return (turn?.queued ?? []).filter(({ call }) => call === undefined);
}

/** Whether it works on, or is about to: nobody needs to ask it. */
export function goesOn(state: SessionState): boolean {
  return state.turn !== null || beginsAt(state) !== null;
}

/** Since when a turn is to begin by itself, ms since 1970; null: none is. */
export function beginsAt({ phase, unheard }: SessionState): number | null {
  return phase === 'idle' ? (unheard?.since ?? null) : null;
}

/** When the session must be looked at again without anyone asking, ms since 1970 (L4: a column, not a timer). */
export function wakeAt(state: SessionState): number | null {
  const begins = beginsAt(state);
  const { approvals = [], tools = [] } = state.turn ?? {};
  const times = [
    ...(begins === null ? [] : [begins]),
    ...approvals.map(approval => approval.expiresAt),
    ...tools.flatMap(({ yielded }) => (yielded === undefined ? [] : [yielded.until])),
    ...(state.turn?.awaits === undefined ? [] : [state.turn.awaits.expiresAt]),
  ];
  return times.length === 0 ? null : Math.min(...times);
}

export function statusOf(phase: Phase): SessionStatus {
  switch (phase) {
    case 'none':
    case 'idle':
    case 'sealed':
    case 'ended':
    case 'stateless_done':
      return 'idle';
    case 'turn_open':
    case 'calling':
    case 'called':
    case 'stateless_open':
    case 'stateless_calling':
      return 'in_progress';
    case 'waiting':
      return 'requires_action';
  }
}
