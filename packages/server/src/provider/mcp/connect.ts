/** Opens a connection: the newer protocol first, then the older one; over HTTP also the transport that came before it. */
import { setTimeout as sleep } from 'node:timers/promises';
import {
  Client,
  type OAuthClientProvider,
  SSEClientTransport,
  StreamableHTTPClientTransport,
  type Transport,
} from '@modelcontextprotocol/client';
import { ClientCredentialsProvider } from '@modelcontextprotocol/client';
import { isPerdureError } from '@perdure/protocol';
import type { ToolScope } from '../../engine/tools/ports.ts';
import type { Resolve } from '../transport/address.ts';
import { McpConnection } from './connection.ts';
import { isMissing, MissingProgramError, statusIn } from './failure.ts';
import { guardedFetch } from './guarded-fetch.ts';
import { startHostProcess } from './host-process.ts';
import type { McpLimits } from './limits.ts';
import type { McpCredential, ServerEnvironments } from './ports.ts';
import { ProcessTransport } from './process-transport.ts';
import { hostCommandOf, type McpRules } from './rules.ts';
import type { McpServerSpec } from './server-spec.ts';

export interface ConnectOptions {
  readonly scope: ToolScope;
  readonly spec: McpServerSpec;
  readonly rules: McpRules;
  readonly limits: McpLimits;
  readonly environments: ServerEnvironments | null;
  readonly version: string;
  /** Resolved for this server; `fresh`: what it was given was refused. */
  readonly credential: (fresh: boolean) => Promise<McpCredential | null>;
  /** It spoke the older protocol when it was last asked: it is not asked for its version again. */
  readonly older: boolean;
  /** Told what it speaks. */
  readonly learnt: (older: boolean) => void;
  readonly toolsChanged: () => void;
  readonly resolve?: Resolve | undefined;
}

/** How long a server may be silent when it is asked for its version: an older one may not answer at all. */
const PROBE_MS = 3_000;
/** For a server to be told that its session is over. */
const GOODBYE_MS = 1_000;
/** Variables whose values must not come back: a path or a region may. */
const SECRET_NAME = /KEY|TOKEN|SECRET|PASS|CREDENTIAL|AUTH/i;
type Era = 'auto' | 'legacy';

interface Way {
  readonly transport: Transport;
  readonly era: Era;
  readonly secrets: () => readonly string[];
  /** Tells the server that its session is over, where it keeps one. */
  readonly goodbye: () => Promise<void>;
  readonly close: () => Promise<void>;
  /** Of a process: whether its program is not there. */
  readonly missing?: () => boolean;
}

/** @param signal ends the attempt; it is bounded by `limits.connectMs` too */
export async function connect(options: ConnectOptions, signal: AbortSignal): Promise<McpConnection> {
  const late = AbortSignal.timeout(options.limits.connectMs);
  const stop = AbortSignal.any([late, signal]);
  let failure: unknown = new Error('no way to the server');
  for (const way of await waysTo(options)) {
    try {
      return await attempt(options, way, stop);
    } catch (error) {
      failure = stop.aborted ? stop.reason : error;
      if (stop.aborted || !mayHelp(options.spec, error)) break;
    }
  }
  throw failure;
}

/** What servers of the transport before say to the one of today. */
const OLDER_STATUS: ReadonlySet<number> = new Set([400, 404, 405, 406, 415, 501]);

/** Whether the next way may reach what this one did not. */
function mayHelp({ transport }: McpServerSpec, error: unknown): boolean {
  if (transport.type === 'stdio') return !isMissing(error) && !isPerdureError(error);
  const status = statusIn(error);
  return status !== null && OLDER_STATUS.has(status);
}

async function attempt(
  options: ConnectOptions,
  make: (connection: () => McpConnection | null) => Way,
  signal: AbortSignal,
): Promise<McpConnection> {
  let connection: McpConnection | null = null;
  const way = make(() => connection);
  const { limits, spec } = options;
  const client = new Client(
    { name: 'perdure', version: options.version },
    {
      capabilities: { elicitation: { form: {}, url: {} } },
      versionNegotiation: { mode: way.era, probe: { timeoutMs: Math.min(PROBE_MS, Math.ceil(limits.connectMs / 2)) } },
      inputRequired: { autoFulfill: false },
      listChanged: { tools: { autoRefresh: false, debounceMs: 0, onChanged: options.toolsChanged } },
    },
  );
  client.setRequestHandler(
    'elicitation/create',
    async ({ params }) => connection?.elicited(params.message) ?? { action: 'decline' as const },
  );
  const close = async (): Promise<void> => {
    await Promise.race([way.goodbye().catch(() => undefined), sleep(GOODBYE_MS, undefined, { ref: false })]);
    await client.close().catch(() => undefined);
    await way.close();
  };
  connection = new McpConnection({ client, label: spec.label, meta: spec.meta, limits, secrets: way.secrets, close });
  const aborted = new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
  });
  try {
    signal.throwIfAborted();
    await Promise.race([client.connect(way.transport, { signal, timeout: limits.connectMs }), aborted]);
    options.learnt(client.getProtocolEra() === 'legacy');
    return connection;
  } catch (error) {
    await close();
    throw way.missing?.() === true ? new MissingProgramError('no such command', { cause: error }) : error;
  }
}

type MakeWay = (connection: () => McpConnection | null) => Way;

/** The ways to a server, in the order in which they are tried. */
async function waysTo(options: ConnectOptions): Promise<readonly MakeWay[]> {
  const { spec } = options;
  const eras: readonly Era[] = options.older ? ['legacy', 'auto'] : ['auto', 'legacy'];
  if (spec.transport.type === 'stdio') return eras.map(era => processWay(options, era));
  const credential = await options.credential(false);
  return [httpWay(options, credential, 'streamable'), httpWay(options, credential, 'sse')];
}

/** One that ends when it is asked for its version is an older one, and is begun anew. */
function processWay({ scope, spec, rules, limits, environments }: ConnectOptions, era: Era): MakeWay {
  return () => {
    const { transport: wanted } = spec;
    const command = spec.origin === 'service' ? hostCommandOf(spec, rules) : null;
    const transport = new ProcessTransport(async () => {
      if (command !== null) return startHostProcess(command, limits.processes);
      if (environments?.spawn == null || wanted.type !== 'stdio') throw new Error('no command');
      return environments.spawn(scope, wanted);
    }, limits.wireBytes);
    const secrets = Object.entries(command?.env ?? {}).flatMap(([name, value]) =>
      SECRET_NAME.test(name) ? [value] : [],
    );
    return {
      transport,
      era,
      secrets: () => secrets,
      goodbye: async () => undefined,
      close: () => transport.close(),
      missing: () => transport.missing,
    };
  };
}

function httpWay(options: ConnectOptions, first: McpCredential | null, kind: 'streamable' | 'sse'): MakeWay {
  return connection => {
    const { spec, rules, limits, scope } = options;
    if (spec.transport.type !== 'http') throw new Error('no address');
    const { headers } = spec.transport;
    const url = new URL(spec.transport.url);
    const sent = new Set<string>();
    const provider = first?.kind === 'client_credentials' ? clientCredentials(first) : null;
    if (first?.kind === 'client_credentials') sent.add(first.clientSecret);
    let current = first;
    const inside = spec.origin === 'environment' ? options.environments : null;
    const guarded = guardedFetch({
      via: inside?.fetch(scope) ?? null,
      server: url,
      egress: rules.egress,
      wireBytes: limits.wireBytes,
      connectMs: limits.connectMs,
      userAgent: `perdure/${options.version}`,
      resolve: options.resolve,
      tooLarge: () => connection()?.overflowed(),
      async credentials(fresh) {
        if (fresh && current?.kind === 'headers') current = await options.credential(true);
        if (current?.kind !== 'headers') return {};
        for (const value of Object.values(current.headers)) sent.add(value);
        return current.headers;
      },
    });
    const how = {
      fetch: guarded.fetch,
      requestInit: { headers: { ...headers } },
      ...(provider !== null && { authProvider: provider }),
    };
    const streamable =
      kind === 'streamable' ? new StreamableHTTPClientTransport(url, { ...how, onInsufficientScope: 'throw' }) : null;
    return {
      transport: streamable ?? new SSEClientTransport(url, how),
      goodbye: async () => streamable?.terminateSession(),
      era: kind === 'streamable' && !options.older ? 'auto' : 'legacy',
      secrets: () => [...sent, ...tokensOf(provider)],
      close: () => guarded.close(),
    };
  };
}

function clientCredentials(of: McpCredential & { readonly kind: 'client_credentials' }): ClientCredentialsProvider {
  const { clientId, clientSecret, issuer, scope } = of;
  return new ClientCredentialsProvider({
    clientId,
    clientSecret,
    expectedIssuer: issuer,
    ...(scope !== null && { scope }),
  });
}

function tokensOf(provider: OAuthClientProvider | null): readonly string[] {
  const tokens = provider === null ? undefined : (provider as ClientCredentialsProvider).tokens();
  return tokens === undefined ? [] : [tokens.access_token];
}
