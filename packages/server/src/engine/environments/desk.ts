/** What environments need of the world: where workspaces are, and the bounds. */
import type { TenantId } from '../../kernel/ids.ts';
import type { Workspaces } from '../tools/ports.ts';

export interface EnvironmentLimits {
  /** Environments that a tenant has at once; those that expired are counted until they are forgotten. */
  readonly tenantEnvironments: number;
  readonly tenantTemplates: number;
  /** One setup command, ms. */
  readonly setupMs: number;
  /** Without use for so long a hosted environment is suspended, ms. */
  readonly suspendMs: number;
  /** Without use for so long it expires: its files go, ms. */
  readonly expireMs: number;
  /** Bytes of one artifact. */
  readonly artifactBytes: number;
  /** Files below `outputs` that are looked at. */
  readonly artifactFiles: number;
  /** How long a worker may be silent before it counts as gone, ms. */
  readonly workerGraceMs: number;
  /** How long a request waits for a worker to come back, ms. */
  readonly workerWaitMs: number;
  /** How long tools of a session wait for a worker to connect, ms. */
  readonly connectionMs: number;
}

export const DEFAULT_ENVIRONMENT_LIMITS: EnvironmentLimits = {
  tenantEnvironments: 10_000,
  tenantTemplates: 1_000,
  setupMs: 300_000,
  suspendMs: 20 * 60_000,
  expireMs: 30 * 86_400_000,
  artifactBytes: 64 * 1024 * 1024,
  artifactFiles: 500,
  workerGraceMs: 10_000,
  workerWaitMs: 60_000,
  connectionMs: 86_400_000,
};

/** Where hosted environments have their files and commands. */
export type WorkspaceHost = Pick<Workspaces, 'open' | 'destroy' | 'serving'>;

export interface EnvironmentDesk {
  /** Null: this server hosts no environments. */
  readonly workspaces: WorkspaceHost | null;
  /** Whether a new environment may have them; those of a session are checked with it. @throws PerdureError */
  readonly checkVaults?: (tenant: TenantId, vaults: readonly string[]) => Promise<void>;
  readonly limits: EnvironmentLimits;
  /** Where workers reach this server, without a slash at the end; null if nobody knows yet. */
  readonly url: () => string | null;
}

export const NO_ENVIRONMENTS: EnvironmentDesk = {
  workspaces: null,
  limits: DEFAULT_ENVIRONMENT_LIMITS,
  url: () => null,
};
