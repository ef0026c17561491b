/** The providers of the dialects that targets speak, each made when it is first asked for; their connections are shared. */
import type { Provider } from '../engine/ports.ts';
import type { ProviderLimits } from '../provider/limits.ts';
import { makeProvider } from '../provider/make-provider.ts';
import { Connections } from '../provider/transport/connections.ts';
import type { Config } from './config/config.ts';
import { VERSION } from './version.ts';

export function makeProviders({ limits }: Config): {
  of(dialect: Config['targets'][number]['dialect']): Provider;
  close(): Promise<void>;
} {
  const { upstream } = limits;
  const bounds: ProviderLimits = {
    connectMs: upstream.connectMs,
    firstByteMs: upstream.firstByteMs,
    idleMs: upstream.idleMs,
    maxEventBytes: upstream.eventBytes,
    maxResponseBytes: upstream.responseBytes,
    maxConnectionsPerOrigin: upstream.connections,
    maxWaitingPerOrigin: upstream.waiting,
  };
  const connections = new Connections(bounds);
  const made = new Map<string, Provider>();
  return {
    of(dialect) {
      let provider = made.get(dialect);
      if (provider === undefined) {
        provider = makeProvider({ dialect, limits: bounds, connections, userAgent: `perdure/${VERSION}` });
        made.set(dialect, provider);
      }
      return provider;
    },
    close: () => connections.close(),
  };
}
