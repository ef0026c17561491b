/** What the parts of the engine share. Made once by `createEngine`. */
import type { PerdureError } from '@perdure/protocol';
import type { ResponseId } from '../kernel/ids.ts';
import type { SessionState } from '../session/state.ts';
import type { CompactionOptions } from './compaction/options.ts';
import type { EnvironmentDesk } from './environments/desk.ts';
import type { EnvironmentsApi } from './environments/environments-api.ts';
import type { AgentHost } from './agent-sessions/host.ts';
import type { FileDesk } from './files/desk.ts';
import type { ResolvedCache } from './files/resolved-cache.ts';
import type { Homes } from './homes.ts';
import type { Lease } from './lease.ts';
import type { LiveSession, Sessions } from './live-session.ts';
import type { InferRequest, Placing } from './placing.ts';
import type { Clock, ControlStore, Ids, Sha256 } from './ports.ts';
import type { Retention } from './retention.ts';
import type { SpendDesk } from './spend.ts';
import type { SessionHub } from './agent-sessions/hub.ts';
import type { SubagentHooks } from './subagents/hooks.ts';
import type { ToolDesk } from './tools/desk.ts';
import type { TailCommits } from './tail-commits.ts';
import type { RunningTurn } from './turn.ts';
import type { CallLimits } from './upstream-call.ts';

/** Every wait and every size of the engine. Times in ms. */
export interface EngineLimits extends CallLimits {
  /** One store operation. */
  readonly storeMs: number;
  /** Calls of one turn, or tries of one stateless call, that may fail in a row. */
  readonly turnAttempts: number;
  /** The longest wait before targets that have all failed are asked again; 0: they are not. */
  readonly retryWaitMs: number;
  /** One turn, from its first commit. */
  readonly turnMs: number;
  /** How long a turn waits for a reader that has fallen behind before it cuts it. */
  readonly patienceMs: number;
  /** Readers of one running response at once. */
  readonly readers: number;
  /** How long a reader waits for a response whose process died to be taken up again. */
  readonly resumeMs: number;
  /** Bytes of session context kept in memory. */
  readonly cacheBytes: number;
  /** Turns and stateless calls at once. */
  readonly concurrent: number;
  /** How long an `Idempotency-Key` holds. */
  readonly idempotencyMs: number;
  /** How long another process must be silent before its sessions are taken over. */
  readonly leaseMs: number;
}

export interface EngineContext {
  readonly homes: Homes;
  readonly control: ControlStore;
  readonly placing: Placing;
  readonly spend: SpendDesk;
  readonly compaction: CompactionOptions;
  readonly sessions: Sessions;
  readonly lease: Lease;
  readonly retention: Retention;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly sha256: Sha256;
  /** 16 unpredictable bytes. */
  readonly salt: () => Uint8Array;
  readonly tools: ToolDesk;
  readonly hub: SessionHub;
  readonly subagents: SubagentHooks;
  /** A session is to be looked at no later than then, ms since 1970. */
  nudge(at: number): void;
  readonly limits: EngineLimits;
  /** This process, as sessions name their holder. */
  readonly owner: string;
  /** Stored turns that run in this process. */
  readonly running: Map<ResponseId, RunningTurn>;
  /** Commits that go on after their client was answered. */
  readonly finishing: { count: number };
  readonly tail: TailCommits;
  /** Whether nothing is to be taken up any more: the process ends. */
  stopping(): boolean;
  readonly files: FileDesk;
  /** What sessions of agents have beside them. */
  readonly agentHost: AgentHost;
  readonly environments: EnvironmentDesk;
  /** Of environments of sessions: whether a worker is connected, and how their sessions' logs are told. */
  readonly workers: Pick<EnvironmentsApi['sessions'], 'connected' | 'tell'>;
  readonly resolved: ResolvedCache;
  /** Tells the operator; never the client, and never with content. */
  report(what: string, error: PerdureError): void;
  /** Has recovery look at the session again in a while. */
  recoverLater(live: Pick<LiveSession, 'tenant' | 'session' | 'store'>): void;
  inferRequest(state: SessionState, turn: RunningTurn): InferRequest;
}
