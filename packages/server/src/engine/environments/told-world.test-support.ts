/** Sessions of agents with environments over an engine in memory: tools that run in the environment, workers by hand. */
import { parseInputEvents, type WorkerSays } from '@perdure/protocol';
import { type JsonObject, textOf } from '../../log/events.ts';
import { DeskInMemory } from '../files/desk.test-support.ts';
import type { Engine } from '../engine.ts';
import { agentEvents } from '../../http/agents/session-events.ts';
import type { SessionPlace } from '../agent-sessions/follow-session.ts';
import { desk, session, TestTools } from '../tools/agent-world.test-support.ts';
import type { ToolDefinition } from '../tools/ports.ts';
import { ACME, type Booted, World } from '../world.test-support.ts';
import { DEFAULT_ENVIRONMENT_LIMITS, type EnvironmentLimits } from './desk.ts';
import { FolderWorkspaces } from './folder-workspaces.test-support.ts';

/** Its tools run in the environment of the session. */
export class PlacedTools extends TestTools {
  override async list(): Promise<readonly ToolDefinition[]> {
    return (await super.list()).map(tool => ({ ...tool, inEnvironment: true }));
  }
}

export class ToldWorld {
  readonly workspaces: FolderWorkspaces = new FolderWorkspaces();
  readonly tools: PlacedTools = new PlacedTools();
  readonly world: World;

  constructor(limits: Partial<EnvironmentLimits> = {}) {
    const environments = {
      workspaces: this.workspaces,
      limits: { ...DEFAULT_ENVIRONMENT_LIMITS, ...limits },
      url: () => 'http://server',
    };
    this.world = new World({ files: new DeskInMemory(), environments });
  }

  boot(how: Parameters<World['boot']>[0] = {}): Booted {
    let booted: Booted | null = null;
    const api = (): Engine['environments'] => {
      if (booted === null) throw new Error('not booted');
      return booted.engine.environments;
    };
    booted = this.world.boot({
      tools: desk(this.tools),
      agentHost: {
        environment: (caller, id, given, vaults) => api().sessions.wire(caller, { given, vaults, session: id }),
        forget: async (tenant, id, environment) => {
          const { id: env } = environment;
          await api().sessions.end(tenant, { session: id, environment: typeof env === 'string' ? env : null });
        },
      },
      ...how,
    });
    return booted;
  }
}

/** A session whose environment is the caller's own. */
export function selfHosted(engine: Engine, more: object = {}): Promise<string> {
  return session(engine, { environment: { type: 'self_hosted', workspace_directory: '/w' }, ...more });
}

/** Without a turn. */
export const NO_INPUT: { readonly input: undefined } = { input: undefined };

export interface ByHand {
  comes(): Promise<unknown>;
  goes(): Promise<unknown>;
}

export async function environmentOf(engine: Engine, id: string): Promise<string> {
  const { config } = await engine.agentSessions.view(ACME, id);
  return textOf(config.environment['id']);
}

/** A worker that says so by hand: connected until it leaves. */
export async function worker(engine: Engine, environment: string, name = 'worker-one'): Promise<ByHand> {
  const { token = '' } = await engine.environments.workers.createToken(ACME, environment);
  const admitted = await engine.environments.workers.admit(environment, token);
  const says = (more: Partial<WorkerSays>): WorkerSays => ({
    protocol: 1,
    worker: name,
    isolation: 'none',
    known: [],
    results: [],
    output: [],
    wait_ms: 0,
    leaving: false,
    ...more,
  });
  const left = new AbortController().signal;
  return {
    comes: () => admitted.exchange(says({}), left),
    goes: () => admitted.exchange(says({ leaving: true }), left),
  };
}

export interface Seen {
  readonly id: string;
  readonly type: string;
  readonly event: JsonObject;
}

/** Follows a session as its stream does; ends when `enough` says so. */
export async function follows(
  engine: Engine,
  id: string,
  enough: (seen: readonly Seen[]) => boolean,
  from: SessionPlace = { turn: null, seq: 0 },
): Promise<readonly Seen[]> {
  const seen: Seen[] = [];
  const left = new AbortController();
  const timer = setTimeout(() => left.abort(), 10_000);
  for await (const batch of engine.agentSessions.follow(ACME, id, from, left.signal)) {
    for (const { id: event, type, json } of agentEvents(batch, id, status => ({ status }))) {
      seen.push({ id: event, type, event: JSON.parse(json) as JsonObject });
    }
    if (enough(seen)) break;
  }
  clearTimeout(timer);
  if (left.signal.aborted) throw new Error(`never came: ${seen.map(({ type }) => type).join(', ')}`);
  return seen;
}

export const has =
  (...types: readonly string[]) =>
  (seen: readonly Seen[]): boolean =>
    types.every(type => seen.some(one => one.type === type));

export async function post(engine: Engine, id: string, event: object): Promise<void> {
  const parsed = parseInputEvents({ events: [event] });
  if (!parsed.ok) throw parsed.error;
  await engine.agentSessions.post(ACME, id, parsed.value.events, null);
}
