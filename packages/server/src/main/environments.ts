/** Environments as this deployment has them: where workspaces are, how workers reach it, a sweep from time to time. */
import type { Engine } from '../engine/engine.ts';
import type { EnvironmentDesk, WorkspaceHost } from '../engine/environments/desk.ts';
import type { Config } from './config/config.ts';

export interface OpenEnvironments {
  readonly desk: EnvironmentDesk;
  /** Where this server listens: what workers are told, unless the configuration says otherwise. */
  at(url: string): void;
  /** Sweeps now and again, one sweep at a time. */
  start(engine: Pick<Engine, 'environments'>, report: (what: string, error: unknown) => void): void;
  close(): Promise<void>;
}

export function openEnvironments(
  { limits, publicUrl }: Config,
  workspaces: WorkspaceHost,
  checkVaults: NonNullable<EnvironmentDesk['checkVaults']>,
): OpenEnvironments {
  let url: string | null = publicUrl;
  let timer: NodeJS.Timeout | null = null;
  let under: Promise<unknown> | null = null;
  return {
    desk: {
      workspaces,
      checkVaults,
      limits: {
        tenantEnvironments: limits.tenantEnvironments,
        tenantTemplates: limits.tenantTemplates,
        setupMs: limits.environmentSetupMs,
        suspendMs: limits.environmentSuspendMs,
        expireMs: limits.environmentExpireMs,
        artifactBytes: limits.artifactBytes,
        artifactFiles: limits.artifactFiles,
        workerGraceMs: limits.workerGraceMs,
        workerWaitMs: limits.workerWaitMs,
        connectionMs: limits.environmentConnectionMs,
      },
      url: () => url,
    },
    at(listening) {
      url ??= listening;
    },
    start(engine, report) {
      const sweep = (): void => {
        under ??= engine.environments
          .sweep()
          .catch((error: unknown) => report('environment.sweep', error))
          .finally(() => (under = null));
      };
      sweep();
      timer = setInterval(sweep, limits.environmentSweepMs).unref();
    },
    async close() {
      if (timer !== null) clearInterval(timer);
      await under;
    },
  };
}
