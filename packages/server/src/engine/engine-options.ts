/** What an engine is made of. */
import type { PerdureError } from '@perdure/protocol';
import type { AgentHost } from './agent-sessions/host.ts';
import type { CompactionOptions } from './compaction/options.ts';
import type { EngineLimits } from './engine-context.ts';
import type { EnvironmentDesk } from './environments/desk.ts';
import type { FileDesk } from './files/files-api.ts';
import type { Homes } from './homes.ts';
import type { Placing } from './placing.ts';
import type { Clock, ControlStore, Ids, Scheduler, Sha256 } from './ports.ts';
import type { Retention } from './retention.ts';
import type { SpendOptions } from './spend.ts';
import type { ToolDesk } from './tools/desk.ts';
import type { UsageSource } from './usage.ts';

export interface EngineOptions {
  readonly homes: Homes;
  readonly control: ControlStore;
  readonly placing: Placing;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly sha256: Sha256;
  readonly salt: () => Uint8Array;
  readonly owner: string;
  readonly scheduler: Scheduler;
  readonly limits: EngineLimits;
  /** Spend caps and what calls cost; absent: no caps. */
  readonly spend?: Omit<SpendOptions, 'now'>;
  /** How contexts are compacted. Absent: without a model, and only when asked to. */
  readonly compaction?: CompactionOptions;
  /** Where a target was, by the version that a placement saw. Absent: not known. */
  readonly targetFacts?: UsageSource['target'];
  /** Lifetimes and holds; absent: what is stored stays. */
  readonly retention?: Retention;
  readonly report: (what: string, error: PerdureError) => void;
  /** Absent: it holds no files. */
  readonly files?: FileDesk;
  /** Tools that sessions of agents may call, and who permits them. Absent: those that clients run, all permitted. */
  readonly tools?: Partial<ToolDesk>;
  /** Saved agents, environments and vaults of sessions. Absent: none. */
  readonly agentHost?: Partial<AgentHost>;
  /** Absent: it hosts no environments; self-hosted ones it serves. */
  readonly environments?: EnvironmentDesk;
}
