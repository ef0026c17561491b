/** Limits of environments, of what they leave, and of the workers that serve them: part of `limits` of perdure.yaml. */
import type { Bound } from './limits.ts';

/** Times in ms unless the name says otherwise; sizes in bytes. */
export interface EnvironmentServerLimits {
  readonly tenantEnvironments: number;
  readonly tenantTemplates: number;
  readonly environmentSetupMs: number;
  readonly environmentSuspendMs: number;
  readonly environmentExpireMs: number;
  readonly environmentSweepMs: number;
  readonly artifactBytes: number;
  readonly artifactFiles: number;
  readonly workerGraceMs: number;
  readonly workerWaitMs: number;
  readonly environmentConnectionMs: number;
}

const MIB = 1024 * 1024;
const SECOND = 1000;
const MINUTE = 60 * SECOND;
const DAY = 24 * 60 * MINUTE;

export const ENVIRONMENT_BOUNDS: { readonly [name in keyof EnvironmentServerLimits]: Bound } = {
  tenantEnvironments: {
    name: 'tenant_environments',
    unit: 'environments',
    default: 10_000,
    min: 0,
    max: 10_000_000,
    what: 'Environments of one tenant, those that expired among them until their session goes.',
  },
  tenantTemplates: {
    name: 'tenant_environment_templates',
    unit: 'templates',
    default: 1_000,
    min: 0,
    max: 1_000_000,
    what: 'Environment templates of one tenant.',
  },
  environmentSetupMs: {
    name: 'environment_setup_ms',
    unit: 'ms',
    default: 5 * MINUTE,
    min: 100,
    max: 60 * MINUTE,
    what: 'One setup command of an environment.',
  },
  environmentSuspendMs: {
    name: 'environment_suspend_ms',
    unit: 'ms',
    default: 20 * MINUTE,
    min: 50,
    max: 365 * DAY,
    what: 'Without use for so long a hosted environment is suspended.',
  },
  environmentExpireMs: {
    name: 'environment_expire_ms',
    unit: 'ms',
    default: 30 * DAY,
    min: 50,
    max: 3650 * DAY,
    what: 'Without use for so long a hosted environment expires, and its files go. Artifacts stay.',
  },
  environmentSweepMs: {
    name: 'environment_sweep_ms',
    unit: 'ms',
    default: MINUTE,
    min: 50,
    max: DAY,
    what: 'Between two looks at environments that are idle, half made, or to be removed.',
  },
  artifactBytes: {
    name: 'artifact_bytes',
    unit: 'bytes',
    default: 64 * MIB,
    min: 1,
    max: 512 * MIB,
    what: 'One artifact. A larger file of the outputs stays in its environment alone.',
  },
  artifactFiles: {
    name: 'artifact_files',
    unit: 'files',
    default: 500,
    min: 1,
    max: 2_000,
    what: 'Files of the outputs that are looked at when a turn ends.',
  },
  workerGraceMs: {
    name: 'worker_grace_ms',
    unit: 'ms',
    default: 10 * SECOND,
    min: 50,
    max: 5 * MINUTE,
    what: 'How long a worker may be silent before its environment counts as disconnected.',
  },
  workerWaitMs: {
    name: 'worker_wait_ms',
    unit: 'ms',
    default: MINUTE,
    min: 50,
    max: 60 * MINUTE,
    what: 'Beyond its own time, how long a request waits for a worker that went to come back.',
  },
  environmentConnectionMs: {
    name: 'environment_connection_ms',
    unit: 'ms',
    default: DAY,
    min: 50,
    max: 365 * DAY,
    what: 'How long a session waits for a worker of its environment to connect, before its tools fail.',
  },
};
