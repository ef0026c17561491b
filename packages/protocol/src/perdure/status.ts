/** What the server is and sees: targets with their health, homes, contracts in force. Without secrets and addresses. */
import type { PlacementResource } from './placements.ts';

export type TargetHealth = 'healthy' | 'degraded' | 'down' | 'unknown';

export type TargetResource = {
  readonly id: string;
  readonly object: 'perdure.target';
  readonly vendor: string;
  /** The public name. */
  readonly model: string;
  readonly cloud: string;
  readonly region: string;
  readonly jurisdiction: string | null;
  readonly sovereignty: string | null;
  readonly accelerator: string | null;
  readonly dialect: string;
  readonly clearances: readonly string[];
  /** US dollars per million tokens; null if not configured. */
  readonly prices: {
    readonly input: number;
    readonly cached_input: number;
    /** Of input that is written to the upstream's cache. */
    readonly cache_write: number;
    readonly output: number;
    readonly reasoning: number;
  } | null;
  /** Calls at once; null for no bound. */
  readonly capacity: number | null;
  /** Calls of all tenants; null for who does not see all tenants. */
  readonly in_flight: number | null;
  readonly health: TargetHealth;
  /** Whether this is an emulated upstream: its answers are made up. */
  readonly emulated: boolean;
};

export type HomeResource = {
  readonly id: string;
  readonly object: 'perdure.home';
  readonly cloud: string;
  readonly region: string;
  readonly jurisdiction: string | null;
  readonly sovereignty: string | null;
  readonly clearances: readonly string[];
  /** `sqlite`, `memory`, `postgres`. */
  readonly store: string;
  readonly health: TargetHealth;
};

export type ContractResource = {
  readonly id: string;
  readonly object: 'perdure.contract';
  readonly title: string;
  /** Days in UTC: from the first on, until before the second; null for no end. */
  readonly from: string | null;
  readonly to: string | null;
  readonly in_force: boolean;
  readonly reading: string | null;
  readonly readings: readonly string[];
};

export type StatusResource = {
  readonly object: 'perdure.status';
  readonly version: string;
  /** Seconds since 1970, of this process. */
  readonly started_at: number;
  readonly now: number;
  readonly targets: readonly TargetResource[];
  readonly homes: readonly HomeResource[];
  readonly contracts: readonly ContractResource[];
  readonly reading: string | null;
  readonly as_of: string | null;
  /** False in monitor mode: refusals are recorded and not enforced. */
  readonly enforce: boolean;
  /** The activation that is in force. */
  readonly activation: string | null;
  /**
   * Decisions of this process, of all tenants, that were not as enforcing would have had them: by monitor mode, and by waivers. Null for who
   * does not see all tenants.
   */
  readonly unenforced: { readonly refused: number; readonly moved: number; readonly waived: number } | null;
  readonly draining: boolean;
  /** What keeps commands of agents in, and why it is not bubblewrap; `unavailable`: none is run. */
  readonly workspaces: {
    readonly isolation: 'bubblewrap' | 'just-bash' | 'unavailable';
    readonly why: string | null;
  };
  /** The latest of the caller's tenant, newest first. */
  readonly placements: readonly PlacementResource[];
};

/** `/healthz`: the process answers. */
export type HealthResource = { readonly status: 'ok' };
/** `/readyz`: 200 if it can take work, else 503. */
export type ReadyResource = {
  readonly status: 'ready' | 'starting' | 'draining' | 'unavailable';
  readonly checks: readonly { readonly name: string; readonly ok: boolean }[];
};
