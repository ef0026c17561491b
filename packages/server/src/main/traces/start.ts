/** Puts traces together: what is read of them, and, if the configuration names a receiver, what sends them. */
import { perdureError } from '@perdure/protocol';
import type { Engine } from '../../engine/engine.ts';
import { Homes } from '../../engine/homes.ts';
import { within } from '../../engine/deadline.ts';
import type { Sha256 } from '../../engine/ports.ts';
import { listTraces, type TraceDesk } from '../../engine/traces/list.ts';
import type { HttpDeps } from '../../http/types.ts';
import type { HomeStore } from '../../store/home-store.ts';
import type { Config } from '../config/config.ts';
import { targetFactsOf } from '../money/target-facts.ts';
import type { RunningExporter } from './exporter.ts';

export interface TraceParts {
  readonly stores: readonly HomeStore[];
  readonly engine: Pick<Engine, 'placing'>;
  readonly sha256: Sha256;
  /** ms since 1970. */
  readonly now: () => number;
  readonly startedAt: number;
  readonly log: (line: string) => void;
  readonly report: (what: string, error: unknown) => void;
}

export interface Traces {
  readonly view: HttpDeps['traces'];
  /** Begins to send, if there is a receiver. */
  start(): Promise<void>;
  close(): Promise<void>;
}

export function openTraces(config: Config, parts: TraceParts): Traces {
  const { stores, sha256, engine } = parts;
  const desk: TraceDesk = {
    homes: new Homes(stores),
    sha256,
    wait: work => within(config.limits.storeMs, work, () => perdureError('store_unavailable')),
    target: targetFactsOf(config),
    server: serversOf(config),
    content: config.traces.content,
  };
  let running: RunningExporter | null = null;
  return {
    view: {
      list: ({ tenant }, session, query) => listTraces(desk, tenant, session, query, ['agent'], 'session_not_found'),
    },
    async start() {
      const { otlp } = config.traces;
      if (otlp === null) return;
      const [{ startExporter }, { openCursors }, { makeOtlpSender }] = await Promise.all([
        import('./exporter.ts'),
        import('./cursor.ts'),
        import('../../provider/otlp/send.ts'),
      ]);
      running = startExporter({
        ...parts,
        source: desk,
        placing: engine.placing,
        host: new URL(otlp.url).hostname,
        sender: makeOtlpSender(otlp, otlp.timeoutMs, parts.now),
        cursors: await openCursors(config.data),
        intervalMs: otlp.intervalMs,
        retryMs: otlp.retryMs,
      });
    },
    close: async () => running?.close(),
  };
}

/** Of each target's address the host and the port: no path, no query, nothing secret (L9). */
function serversOf({ targets }: Pick<Config, 'targets'>): TraceDesk['server'] {
  const servers = new Map(
    targets.map(({ id, baseUrl }) => {
      const { hostname, port, protocol } = new URL(baseUrl);
      return [id, { address: hostname, port: port === '' ? (protocol === 'https:' ? 443 : 80) : Number(port) }];
    }),
  );
  return target => servers.get(target) ?? null;
}
