/** Credentials that came inline go with their session, also where the process died between the two, or retention ended it. */
import { isPerdureError } from '@perdure/protocol';
import type { Engine } from '../../engine/engine.ts';
import type { SessionSecrets } from '../../engine/vaults/ports.ts';
import type { SessionId, TenantId } from '../../kernel/ids.ts';
import { LOCAL_CALLER } from '../keys.ts';

export interface SecretSweep {
  start(engine: Pick<Engine, 'agentSessions'>, everyMs: number): void;
  close(): Promise<void>;
}

export function makeSecretSweep(
  secrets: Pick<SessionSecrets, 'sweep'>,
  report: (what: string, error: unknown) => void,
): SecretSweep {
  let timer: NodeJS.Timeout | null = null;
  let under: Promise<unknown> | null = null;
  return {
    start({ agentSessions }, everyMs) {
      const gone = (tenant: TenantId, session: SessionId): Promise<boolean> =>
        agentSessions.view({ ...LOCAL_CALLER, tenant }, session).then(
          () => false,
          (error: unknown) => {
            if (isPerdureError(error) && error.code === 'session_not_found') return true;
            throw error;
          },
        );
      const sweep = (): void => {
        under ??= secrets
          .sweep(gone)
          .catch((error: unknown) => report('session secrets', error))
          .finally(() => (under = null));
      };
      sweep();
      timer = setInterval(sweep, everyMs).unref();
    },
    async close() {
      if (timer !== null) clearInterval(timer);
      await under;
    },
  };
}
