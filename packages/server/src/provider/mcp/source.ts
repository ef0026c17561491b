/**
 * Tools of MCP servers, as the engine asks for them.
 *
 * S1  A connection belongs to one session, and ends with its turn (L4).
 * S2  What a server says of its tools is believed only where the operator trusts it (L6).
 * S3  A list is shared between sessions of one tenant that ask the same server with the same credential, and with nobody else (L10).
 */
import { isPerdureError } from '@perdure/protocol';
import type { ToolDefinition, ToolOutcome, ToolRun, ToolScope, ToolSource } from '../../engine/tools/ports.ts';
import type { SessionId } from '../../kernel/ids.ts';
import type { JsonObject } from '../../log/events.ts';
import type { Resolve } from '../transport/address.ts';
import { admitServers } from './admit.ts';
import type { McpConnection, ServerTool } from './connection.ts';
import { callFailure, failed, isForgotten, isLost, unavailable, whyUnreached } from './failure.ts';
import { OlderServers } from './eras.ts';
import type { McpLimits } from './limits.ts';
import { ListCache } from './list-cache.ts';
import { toolNames } from './names.ts';
import type { McpCredential, McpSecrets, ServerEnvironments } from './ports.ts';
import { isTrusted, type McpRules } from './rules.ts';
import { type McpServerSpec, mcpServersOf } from './server-spec.ts';
import { toolsOf } from '../../tool/configured.ts';

export interface McpSourceOptions {
  readonly rules: McpRules;
  readonly limits: McpLimits;
  /** Null: servers are asked without credentials. */
  readonly secrets: McpSecrets | null;
  /** Null: sessions have no workspaces. */
  readonly environments: ServerEnvironments | null;
  readonly version: string;
  /** Monotonic, ms. */
  readonly now: () => number;
  /** A server that was left out, or a tool. Names and reasons, never content. */
  readonly report: (what: McpReport) => void;
  /** Finds the addresses of names; for tests. */
  readonly resolve?: Resolve | undefined;
}

export interface McpReport {
  readonly session: SessionId;
  readonly server: string;
  /** Null: the server as a whole. */
  readonly tool: string | null;
  readonly why: string;
}

export interface McpSource extends ToolSource {
  /** Whether a configuration may name the servers that it names: see `admitServers`. */
  admit(agent: JsonObject): void;
}

/** Connections of one session, from its first use to its release, by server. */
type Held = Map<string, Promise<McpConnection>>;

interface Asking {
  readonly scope: ToolScope;
  readonly signal: AbortSignal;
  readonly held: Held;
}

export function makeMcpSource(options: McpSourceOptions): McpSource {
  const { rules, limits, secrets, environments } = options;
  const admission = { rules, limits, environments: environments !== null, processes: environments?.spawn != null };
  const cache = new ListCache(options.now, limits);
  const older = new OlderServers(options.now, limits.lists);
  /** Until it is released, what a session has open. */
  const open = new Map<SessionId, Held>();
  let closed = false;

  function resolve(scope: ToolScope, spec: McpServerSpec, fresh: boolean): Promise<McpCredential | null> {
    if (spec.transport.type !== 'http' || spec.origin === 'environment' || secrets === null)
      return Promise.resolve(null);
    const { tenant, owner: session = scope.session, vaults } = scope;
    const { label, credential } = spec;
    return secrets.resolve({ tenant, session, vaults, label, url: spec.transport.url, credential, fresh });
  }

  async function openTo(scope: ToolScope, spec: McpServerSpec, signal: AbortSignal): Promise<McpConnection> {
    if (closed) throw unavailable(spec.label, 'is not asked: this server is closing.');
    admitServers({ tools: agentTool(scope, spec) }, admission);
    const { connect } = await import('./connect.ts');
    const server = JSON.stringify([scope.tenant, specKey(spec)]);
    return connect(
      {
        ...options,
        scope,
        spec,
        older: older.has(server),
        learnt: is => older.learn(server, is),
        credential: fresh => resolve(scope, spec, fresh),
        toolsChanged: () => {
          keyOf(scope, spec).then(
            key => cache.drop(key),
            () => undefined,
          );
        },
      },
      signal,
    ).catch((error: unknown) => {
      older.learn(server, false);
      throw error;
    });
  }

  /** Asked for before anything is waited for: what began before a release opens nothing after it. */
  function heldBy(session: SessionId): Held {
    const held: Held = open.get(session) ?? new Map();
    open.set(session, held);
    return held;
  }

  /** The session's connection to a server; one that has ended is opened anew. */
  async function connectionTo({ scope, held: mine, signal }: Asking, spec: McpServerSpec): Promise<McpConnection> {
    const key = specKey(spec);
    if (open.get(scope.session) !== mine) throw unavailable(spec.label, 'is not asked: the turn has ended.');
    const known = mine.get(key);
    if (known !== undefined) {
      const connection = await known.catch(() => null);
      if (connection !== null && !connection.closed) return connection;
      if (mine.get(key) === known) mine.delete(key);
      else return connectionTo({ scope, held: mine, signal }, spec);
    }
    const opened = openTo(scope, spec, signal);
    mine.set(key, opened);
    opened.catch(() => {
      if (mine.get(key) === opened) mine.delete(key);
    });
    return opened;
  }

  /** Whom a list is kept for (S3). */
  async function keyOf(scope: ToolScope, spec: McpServerSpec): Promise<string> {
    const credential = await resolve(scope, spec, false);
    const whose = spec.origin === 'environment' ? scope.session : null;
    return JSON.stringify([scope.tenant, whose, specKey(spec), credential?.id ?? null]);
  }

  /** A server in an environment that is still being made has all of its own time afterwards. */
  async function environmentOf({ scope, signal }: Asking, { origin, transport }: McpServerSpec): Promise<void> {
    if (origin !== 'environment' || transport.type !== 'stdio' || environments?.ready === undefined) return;
    const { promise: aborted, resolve: stop } = Promise.withResolvers<void>();
    const ended = (): void => stop();
    signal.addEventListener('abort', ended, { once: true });
    await Promise.race([environments.ready(scope), aborted]);
    signal.removeEventListener('abort', ended);
    signal.throwIfAborted();
  }

  async function toolsOf(asking: Asking, spec: McpServerSpec): Promise<readonly ServerTool[]> {
    const { scope, held } = asking;
    await environmentOf(asking, spec);
    const signal = AbortSignal.any([asking.signal, AbortSignal.timeout(limits.connectMs)]);
    try {
      const key = await keyOf(scope, spec);
      const known = cache.get(key);
      if (known !== null) return known.tools;
      const connection = await connectionTo({ scope, held, signal }, spec);
      const listed = await connection.list(spec.allowed, signal);
      cache.set(key, listed);
      for (const { tool, why } of listed.left)
        options.report({ session: scope.session, server: spec.label, tool, why });
      return listed.tools;
    } catch (error) {
      asking.signal.throwIfAborted();
      if (isPerdureError(error) && error.code === 'mcp_server_unavailable') throw error;
      throw unavailable(spec.label, whyUnreached(error, limits.connectMs));
    }
  }

  async function list(scope: ToolScope, signal: AbortSignal): Promise<readonly ToolDefinition[]> {
    const specs = mcpServersOf(scope.agent).slice(0, limits.servers);
    const asking = { scope, signal, held: heldBy(scope.session) };
    const asked = await Promise.allSettled(specs.map(spec => toolsOf(asking, spec)));
    const found = specs.flatMap((spec, i) => {
      const answer = asked[i];
      if (answer?.status === 'fulfilled') return answer.value.map(tool => ({ spec, tool }));
      const why: unknown = answer?.reason;
      if (spec.required || !isPerdureError(why)) throw why;
      options.report({ session: scope.session, server: spec.label, tool: null, why: why.message });
      return [];
    });
    const names = toolNames(found.map(({ spec, tool }) => ({ label: spec.label, tool: tool.name })));
    return found.map(({ spec, tool }, i) => ({
      name: names[i] ?? '',
      description: tool.description,
      parameters: tool.schema,
      idempotent: tool.says.idempotent && isTrusted(spec, rules),
      origin: { kind: 'mcp' as const, server: spec.label, tool: tool.name },
      deferred: false,
      ...(spec.origin === 'environment' && { inEnvironment: true as const }),
    }));
  }

  async function run(scope: ToolScope, tool: ToolDefinition, how: ToolRun): Promise<ToolOutcome> {
    const { origin } = tool;
    const spec = mcpServersOf(scope.agent).find(one => origin.kind === 'mcp' && one.label === origin.server);
    if (origin.kind !== 'mcp' || spec === undefined)
      return failed('mcp_server_gone', 'The session no longer has this server.');
    if (spec.allowed !== null && !spec.allowed.has(origin.tool))
      return failed('mcp_tool_not_allowed', 'The session no longer allows this tool.');
    const named = { name: origin.tool, schema: tool.parameters };
    const asking = { scope, signal: how.signal, held: heldBy(scope.session) };
    for (let attempt = 0; ; attempt++) {
      let connection: McpConnection;
      try {
        connection = await connectionTo(asking, spec);
      } catch (error) {
        if (how.signal.aborted) return cancelled();
        return failed(
          'mcp_server_unavailable',
          `The server ${whyUnreached(error, limits.connectMs)} The tool has not run.`,
        );
      }
      try {
        return await connection.call(named, how);
      } catch (error) {
        if (how.signal.aborted) return cancelled();
        const again = isForgotten(error) || (tool.idempotent && isLost(error) && !connection.tooLarge);
        if (attempt === 0 && again) {
          await connection.close();
          continue;
        }
        const { tooLarge } = connection;
        return callFailure(error, {
          scrub: connection.scrub(),
          callMs: limits.callMs,
          tooLarge,
          idempotent: tool.idempotent,
        });
      }
    }
  }

  async function release(session: SessionId): Promise<void> {
    const mine = open.get(session);
    open.delete(session);
    await Promise.all(
      [...(mine?.values() ?? [])].map(opened => opened.then(connection => connection.close()).catch(() => undefined)),
    );
  }

  return {
    kind: 'mcp',
    admit: agent => admitServers(agent, admission),
    list,
    run,
    release,
    async close() {
      closed = true;
      await Promise.all([...open.keys()].map(release));
    },
  };
}

/** What makes two servers one. */
function specKey({ label, transport, origin, allowed, credential, meta }: McpServerSpec): string {
  return JSON.stringify([
    label,
    transport,
    origin,
    allowed === null ? null : [...allowed].toSorted(),
    credential,
    meta,
  ]);
}

/** The tool of the configuration that a server came from: rules may have changed since the session began. */
function agentTool(scope: ToolScope, spec: McpServerSpec): JsonObject[] {
  return toolsOf(scope.agent).filter(tool => tool['type'] === 'mcp' && tool['server_label'] === spec.label);
}

function cancelled(): ToolOutcome {
  return failed('cancelled', 'The call was cancelled. It is not known whether the tool has run.');
}
