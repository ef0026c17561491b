/** Targets with the providers of the dialects that they speak, one each; their connections are shared. */
import type { DeskTarget } from '../engine/placement-desk.ts';
import type { Provider } from '../engine/ports.ts';
import type { ProviderLimits } from '../provider/limits.ts';
import { makeProvider } from '../provider/make-provider.ts';
import { Connections } from '../provider/transport/connections.ts';
import type { Config } from './config/config.ts';
import { VERSION } from './version.ts';

export interface Upstream {
  /** As they are configured, each with the provider that speaks its dialect. */
  readonly targets: readonly DeskTarget[];
  close(): Promise<void>;
}

export function makeProviders({ limits, targets }: Pick<Config, 'limits' | 'targets'>): Upstream {
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
  const providerOf = (dialect: Config['targets'][number]['dialect']): Provider => {
    let provider = made.get(dialect);
    if (provider === undefined) {
      provider = makeProvider({ dialect, limits: bounds, connections, userAgent: `perdure/${VERSION}` });
      made.set(dialect, provider);
    }
    return provider;
  };
  return {
    targets: targets.map(({ id, model, vendor, cloud, region, capacity, contextTokens, ...target }) => ({
      id,
      model,
      vendor,
      cloud,
      region,
      capacity,
      contextTokens,
      provider: providerOf(target.dialect),
      upstream: { target: id, baseUrl: target.baseUrl, model: target.upstreamModel, apiKey: target.apiKey },
    })),
    close: () => connections.close(),
  };
}
