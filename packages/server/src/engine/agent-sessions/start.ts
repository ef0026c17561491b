/**
 * Beginning sessions: their agent put together, their environment made, their first turn begun.
 *
 * N5  Under a key a session is begun once: whoever repeats the request finds it, also where a process died in the middle of it.
 */
import {
  AGENT_DEFAULTS,
  type AgentConfig,
  agentToolResource,
  type CreateSession,
  perdureError,
  toPerdureError,
} from '@perdure/protocol';
import { idBody, type ResponseId, type SessionId } from '../../kernel/ids.ts';
import type { JsonObject } from '../../log/events.ts';
import type { Caller } from '../caller.ts';
import type { EngineContext } from '../engine-context.ts';
import { type Idempotent, reserveForAgents } from '../idempotency.ts';
import { makeInTurn } from '../in-turn.ts';
import type { LiveSession } from '../live-session.ts';
import { mustState } from '../plan.ts';
import { createSession, deleteSession } from './create.ts';
import { findSession } from './find.ts';
import type { AgentHost } from './host.ts';
import { drawTurn, takeMessage } from './input.ts';
import { messageItem } from './message-item.ts';
import { findKeyed, maySucceedLater } from './keyed.ts';
import { readConfig, type SessionConfig } from './session-config.ts';
import { turnRows } from './turns.ts';
import { type SessionView, viewSession } from './view.ts';

/** A session that has begun, and its first turn; null if it has none. */
export interface Begun {
  readonly view: SessionView;
  readonly turn: ResponseId | null;
}

/** The same, before anyone looks at it. */
interface Started {
  readonly live: LiveSession;
  readonly turn: ResponseId | null;
}

export interface SessionStart {
  create(caller: Caller, given: CreateSession, idempotency?: Idempotent | null): Promise<Begun>;
  createOnce(caller: Caller, given: CreateSession, seed: string): Promise<{ readonly id: string }>;
  readonly remove: (caller: Caller, id: string) => Promise<void>;
}

export function sessionStart(engine: EngineContext, host: AgentHost): SessionStart {
  const inTurn = makeInTurn();

  async function begin(caller: Caller, given: CreateSession, seed: string | null): Promise<Started> {
    const { tenant } = caller;
    await host.checkVaults(tenant, given.vaultIds);
    const saved = given.agentId === null ? null : await host.savedAgent(tenant, given.agentId);
    const config = merged(saved?.config ?? null, given.agent?.config ?? {});
    mustBeHosted(config);
    const secrets = given.agent?.secrets ?? [];
    await host.admit(config, secrets, given.environment);
    const live = await createSession(engine, caller, {
      metadata: given.metadata,
      seed,
      saved,
      config: async session => {
        return {
          agent: agentOf(saved?.id ?? session.replace(/^sess_/, 'agent_'), saved?.name ?? null, config),
          version: saved?.version ?? 1,
          environment: await host.environment(caller, session, given.environment, given.vaultIds),
          vaultIds: given.vaultIds,
          review: given.review,
          spendLimit: given.spendLimit,
        };
      },
    });
    try {
      // After the session is there: what is kept for one that never came to be nobody would find again.
      await host.keepSecrets(tenant, live.session, secrets, true);
    } catch (error) {
      await remove(caller, live.session).catch(() => undefined);
      throw error;
    }
    await tellEnvironment(engine, live);
    return { live, turn: await beginFirst(caller, live, given, seed) };
  }

  async function beginFirst(
    caller: Caller,
    live: LiveSession,
    given: CreateSession,
    seed: string | null,
  ): Promise<ResponseId | null> {
    if (given.input.length === 0) return null;
    const turn = drawTurn(engine, live);
    try {
      await takeMessage(engine, caller, live, given.input.map(messageItem), turn);
    } catch (error) {
      // A session whose first input was refused did not come to be.
      if (seed === null || !maySucceedLater(error)) await remove(caller, live.session).catch(() => undefined);
      throw error;
    }
    return turn;
  }

  /** The one that was begun with the seed, or begins it. Whoever began it may have died before its first input was there. */
  async function once(caller: Caller, given: CreateSession, seed: string): Promise<LiveSession> {
    const known = await findKeyed(engine, caller, seed);
    if (known === null) return (await begin(caller, given, seed)).live;
    const { phase, turn } = mustState(known);
    if (phase === 'ended' || turn !== null || (await turnRows(engine, known)).length > 0) return known;
    await host.keepSecrets(caller.tenant, known.session, given.agent?.secrets ?? [], true);
    await beginFirst(caller, known, given, seed);
    return known;
  }

  async function keyed(caller: Caller, given: CreateSession, idempotency: Idempotent): Promise<Started> {
    const home = engine.homes.all[0]?.home;
    if (home === undefined) throw perdureError('store_unavailable');
    const route = 'POST /v1/agents/sessions';
    const reserved = await reserveForAgents(engine, caller, { ...idempotency, route, home });
    try {
      const seed = idBody(reserved.id, 'resp') ?? '';
      const live = reserved.type === 'done' ? await findKeyed(engine, caller, seed) : await once(caller, given, seed);
      if (reserved.type !== 'done') await reserved.done();
      if (live === null || mustState(live).phase === 'ended')
        throw perdureError('idempotency_completed', 'The session of this Idempotency-Key was deleted.');
      const [first] = await turnRows(engine, live);
      return { live, turn: first?.id ?? null };
    } catch (error) {
      // What was refused may be asked otherwise; what may succeed later is gone on with.
      if (reserved.type === 'fresh' && !maySucceedLater(error) && toPerdureError(error).status < 500)
        await reserved.release();
      throw error;
    }
  }

  async function remove(caller: Caller, id: string): Promise<void> {
    const { environment } = await readConfig(engine, await findSession(engine, caller, id));
    await deleteSession(engine, caller, id);
    await host.forget(caller.tenant, id as SessionId, environment);
  }

  return {
    create: async (caller, given, idempotency = null) => {
      const { live, turn } =
        idempotency === null
          ? await begin(caller, given, null)
          : await inTurn(slotOf(caller, idempotency), () => keyed(caller, given, idempotency));
      return { view: await viewSession(engine, live), turn };
    },
    createOnce: async (caller, given, seed) => ({ id: (await once(caller, given, seed)).session }),
    remove,
  };
}

function slotOf({ tenant, principal }: Caller, { key }: Idempotent): string {
  return JSON.stringify([tenant, principal, key]);
}

/** Its environment was made before its log was there. */
async function tellEnvironment(engine: EngineContext, live: LiveSession): Promise<void> {
  const { id } = (await readConfig(engine, live)).environment;
  // What fails here is said by a sweep.
  if (typeof id === 'string') await engine.workers.tell(live.tenant, id).catch(() => undefined);
}

function merged(saved: AgentConfig | null, given: Partial<AgentConfig>): AgentConfig {
  const model = given.model ?? saved?.model;
  if (model === undefined)
    throw perdureError('invalid_request', "Missing required parameter: 'agent.model'.", { param: 'agent' });
  return { ...AGENT_DEFAULTS, ...saved, ...given, model };
}

/** @throws unsupported_parameter: a tool that this server cannot run */
export function mustBeHosted({ tools }: Partial<AgentConfig>): void {
  const at = tools?.findIndex(tool => tool.type in NOT_HOSTED && (!('enabled' in tool) || tool.enabled)) ?? -1;
  if (at >= 0)
    throw perdureError(
      'unsupported_parameter',
      `${NOT_HOSTED[tools?.[at]?.type ?? '']} is not offered by this server: leave the tool out.`,
      { param: `agent.tools[${at}]` },
    );
}

/** What an agent may be said to have, and no session here does. */
const NOT_HOSTED: { readonly [type: string]: string } = {
  computer_use: 'Computer use',
  web_search: 'Web search',
};

function agentOf(id: string, name: string | null, config: AgentConfig): SessionConfig['agent'] {
  // In wire form, and nothing of it is undefined.
  return {
    id,
    name,
    ...(config as unknown as JsonObject),
    tools: config.tools.map(agentToolResource),
    model: config.model,
  };
}
