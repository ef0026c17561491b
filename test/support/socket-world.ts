/** WebSockets over an engine whose upstream follows a script: for what the emulated clouds do not do, and for limits that no file can set. */
import { makePrompts } from '../../packages/server/src/engine/prompts/prompts.ts';
import { Rates } from '../../packages/server/src/engine/rate/rates.ts';
import type { RateRule } from '../../packages/server/src/engine/rate/rules.ts';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { perdureError } from '@perdure/protocol';
import {
  ACME,
  RIVAL,
  type Booted,
  World,
  type WorldOptions,
} from '../../packages/server/src/engine/world.test-support.ts';
import type { HttpDeps, HttpLimits } from '../../packages/server/src/http/types.ts';
import type { WebSocketLimits } from '../../packages/server/src/http/websocket/limits.ts';
import { serveWebSockets, type WebSockets } from '../../packages/server/src/http/websocket/upgrade.ts';
import type { Served } from './socket.ts';
import { WireCheck } from './wire-check.ts';

export interface SocketWorld extends Served {
  readonly world: World;
  readonly booted: Booted;
  readonly sockets: WebSockets;
  /** Ends all. Throws if anything that was sent broke its schema, or the engine had something to report. */
  close(): Promise<void>;
}

export async function startSocketWorld(
  over: {
    readonly limits?: Partial<HttpLimits>;
    readonly websocket?: Partial<WebSocketLimits>;
    readonly rates?: readonly RateRule[];
    readonly world?: WorldOptions;
  } = {},
): Promise<SocketWorld> {
  const world = new World(over.world);
  const booted = world.boot();
  const wire = new WireCheck();
  const reported: unknown[] = [];
  const MIB = 1024 * 1024;
  const deps = {
    engine: booted.engine,
    prompts: makePrompts([], MIB),
    keyed: () => true,
    authenticate: (bearer: string | null) => {
      const caller = { ACME, RIVAL }[bearer ?? ''];
      if (caller === undefined) throw perdureError('invalid_api_key');
      return { ...caller, scopes: ['inference'] };
    },
    limits: {
      bodyBytes: MIB,
      requestMs: 10_000,
      bodyMs: 10_000,
      heartbeatMs: 15_000,
      patienceMs: 2_000,
      ...over.limits,
    },
    websocket: {
      lifetimeMs: 3_600_000,
      connections: 100,
      connectionsPerKey: 100,
      cacheBytes: MIB,
      ...over.websocket,
    },
    rates: new Rates(over.rates ?? [], { monotonic: () => performance.now() }),
    report: (what: string, error: unknown) => void reported.push([what, error]),
  };
  const server = createServer();
  // Only what sockets need of it.
  const sockets = serveWebSockets(server, deps as unknown as HttpDeps);
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    wire,
    world,
    booted,
    sockets,
    async close() {
      await sockets.close(0);
      await new Promise(resolve => server.close(resolve));
      await booted.engine.drain(2_000);
      wire.assertClean();
      if (reported.length > 0) throw new Error(`reported: ${JSON.stringify(reported)}`);
    },
  };
}
