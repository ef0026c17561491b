/** Sessions of agents: what the wire dialect calls. */
import {
  AGENT_DEFAULTS,
  type AgentConfig,
  agentToolResource,
  type CreateSession,
  type NewItem,
  perdureError,
  type SessionInputEvent,
  type SessionMessage,
  type UpdateSession,
} from '@perdure/protocol';
import type { ResponseId, SessionId } from '../../kernel/ids.ts';
import type { JsonObject } from '../../log/events.ts';
import type { Caller } from '../caller.ts';
import type { EngineContext } from '../engine-context.ts';
import type { LiveSession } from '../live-session.ts';
import { mustState } from '../plan.ts';
import { type ListedAs, createSession, deleteSession, updateSession } from './create.ts';
import { findSession, findTurn } from './find.ts';
import { followSession, placeNow, type SessionPlace, type TurnEvents } from './follow-session.ts';
import type { AgentHost } from './host.ts';
import { findKeyed, maySucceedLater } from './keyed.ts';
import { drawTurn, type Idempotent, postInputs, type SessionInput, takeMessage } from './input.ts';
import { readConfig, type SessionConfig } from './session-config.ts';
import { type Paged, turnPage, type TurnListQuery } from './turn-page.ts';
import { readTurnRecord, type TurnRecord, turnRows } from './turns.ts';
import { type SessionView, viewSession } from './view.ts';

export interface SessionListQuery {
  readonly order: 'asc' | 'desc';
  readonly limit: number;
  readonly after: string | null;
  readonly agent: string | null;
  readonly metadata: { readonly [key: string]: string };
}

export interface AgentSessions {
  /** Durable, its first turn begun if there is input. */
  create(
    caller: Caller,
    given: CreateSession,
  ): Promise<{ readonly view: SessionView; readonly turn: ResponseId | null }>;
  /**
   * The same, with the same `seed` once, for ever: it is found again, though it was deleted since.
   * @param seed the body of an id that nothing else has
   */
  createOnce(caller: Caller, given: CreateSession, seed: string): Promise<{ readonly id: string }>;
  view(caller: Caller, id: string): Promise<SessionView>;
  list(caller: Caller, query: SessionListQuery): Promise<Paged<SessionView>>;
  update(caller: Caller, id: string, change: UpdateSession): Promise<SessionView>;
  /** @throws session_running */
  delete(caller: Caller, id: string): Promise<void>;
  /** Takes input events in their order. */
  post(caller: Caller, id: string, events: readonly SessionInputEvent[], idempotency: Idempotent | null): Promise<void>;
  /** Where somebody begins to follow who asks for nothing that was. */
  now(caller: Caller, id: string): Promise<SessionPlace>;
  follow(caller: Caller, id: string, from: SessionPlace, signal: AbortSignal): AsyncGenerator<TurnEvents>;
  turn(caller: Caller, id: string, turn: string): Promise<TurnRecord>;
  turns(caller: Caller, id: string, query: TurnListQuery): Promise<Paged<TurnRecord>>;
}

/** Sessions read for one page of a filtered list: what a filter leaves out is not looked at for ever. */
const LOOKED_AT = 5_000;
const PAGE = 200;

export function agentSessions(engine: EngineContext, host: AgentHost): AgentSessions {
  async function create(
    caller: Caller,
    given: CreateSession,
    seed: string | null = null,
  ): Promise<{ readonly view: SessionView; readonly turn: ResponseId | null }> {
    const { tenant } = caller;
    await host.checkVaults(tenant, given.vaultIds);
    const saved = given.agentId === null ? null : await host.savedAgent(tenant, given.agentId);
    const config = merged(saved?.config ?? null, given.agent?.config ?? {});
    mustBeHosted(config);
    const secrets = given.agent?.secrets ?? [];
    host.admit(config, secrets);
    const live = await createSession(engine, caller, {
      metadata: given.metadata,
      seed,
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
    const turn = await beginFirst(caller, live, given, seed);
    return { view: await viewSession(engine, live), turn };
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
      await takeMessage(engine, caller, live, given.input.map(itemOf), turn);
    } catch (error) {
      // A session whose first input was refused did not come to be.
      if (seed === null || !maySucceedLater(error)) await remove(caller, live.session).catch(() => undefined);
      throw error;
    }
    return turn;
  }

  async function createOnce(caller: Caller, given: CreateSession, seed: string): Promise<{ readonly id: string }> {
    const known = await findKeyed(engine, caller, seed);
    if (known === null) return { id: (await create(caller, given, seed)).view.id };
    const { phase, turn } = mustState(known);
    // Whoever began it died before its first input was there.
    if (phase !== 'ended' && turn === null && (await turnRows(engine, known)).length === 0)
      await beginFirst(caller, known, given, seed);
    return { id: known.session };
  }

  async function remove(caller: Caller, id: string): Promise<void> {
    const { environment } = await readConfig(engine, await findSession(engine, caller, id));
    await deleteSession(engine, caller, id);
    await host.forget(caller.tenant, id as SessionId, environment);
  }

  async function list(caller: Caller, query: SessionListQuery): Promise<Paged<SessionView>> {
    const { tenant } = caller;
    const found: SessionView[] = [];
    let { after } = query;
    for (let seen = 0; seen < LOOKED_AT && found.length <= query.limit; ) {
      const read = { kind: 'agent_session', tenant, order: query.order, limit: PAGE, after } as const;
      const rows = await engine.sessions.wait(engine.control.resources(read));
      for (const row of rows) {
        if (found.length > query.limit) break;
        if (!matches(JSON.parse(row.body) as ListedAs, query)) continue;
        const view = await findSession(engine, caller, row.id).then(
          live => viewSession(engine, live),
          () => null,
        );
        if (view !== null) found.push(view);
      }
      seen += rows.length;
      after = rows.at(-1)?.id ?? after;
      if (rows.length < PAGE) break;
    }
    return { data: found.slice(0, query.limit), hasMore: found.length > query.limit };
  }

  async function update(caller: Caller, id: string, change: UpdateSession): Promise<SessionView> {
    const changes = change.agent?.config ?? {};
    const secrets = change.agent?.secrets ?? [];
    const { tenant } = caller;
    const { session } = await findSession(engine, caller, id);
    if (changes.tools !== undefined) {
      mustBeHosted({ tools: changes.tools });
      host.admit({ tools: changes.tools }, secrets);
      // Before the tools that need them; those of the tools before go once these are in their place.
      await host.keepSecrets(tenant, session, secrets, false);
    }
    const live = await updateSession(engine, caller, id, {
      ...(change.metadata !== undefined && { metadata: change.metadata }),
      config: now => changed(now, change),
    });
    if (changes.tools !== undefined) await host.keepSecrets(tenant, session, secrets, true);
    return viewSession(engine, live);
  }

  return {
    create,
    createOnce,
    view: async (caller, id) => viewSession(engine, await findSession(engine, caller, id)),
    list,
    update,
    delete: remove,
    post: (caller, id, events, idempotency) => postInputs(engine, caller, id, events.map(inputOf), idempotency),
    now: async (caller, id) => placeNow(engine, await findSession(engine, caller, id)),
    follow: (caller, id, from, signal) => followSession(engine, caller, id, from, signal),
    turn: async (caller, id, turn) => {
      const live = await findSession(engine, caller, id);
      return readTurnRecord(engine, live, await findTurn(engine, live, turn));
    },
    turns: async (caller, id, query) => {
      const live = await findSession(engine, caller, id);
      return turnPage(engine, live, query);
    },
  };
}

/** Its environment was made before its log was there. */
async function tellEnvironment(engine: EngineContext, live: LiveSession): Promise<void> {
  const { id } = (await readConfig(engine, live)).environment;
  // What fails here is said by a sweep.
  if (typeof id === 'string') await engine.workers.tell(live.tenant, id).catch(() => undefined);
}

function matches(as: ListedAs, { agent, metadata }: SessionListQuery): boolean {
  if (agent !== null && as.agent !== agent) return false;
  return Object.entries(metadata).every(
    ([key, value]) => Object.hasOwn(as.metadata, key) && as.metadata[key] === value,
  );
}

function merged(saved: AgentConfig | null, given: Partial<AgentConfig>): AgentConfig {
  const model = given.model ?? saved?.model;
  if (model === undefined)
    throw perdureError('invalid_request', "Missing required parameter: 'agent.model'.", { param: 'agent' });
  return { ...AGENT_DEFAULTS, ...saved, ...given, model };
}

/** @throws unsupported_parameter: a tool that this server cannot run */
function mustBeHosted({ tools }: Partial<AgentConfig>): void {
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

function changed(now: SessionConfig, { agent, review, spendLimit }: UpdateSession): SessionConfig {
  const { tools, reasoning, ...rest } = agent?.config ?? {};
  const before = (now.agent['reasoning'] ?? {}) as JsonObject;
  const change: JsonObject = {
    ...(rest as unknown as JsonObject),
    ...(tools !== undefined && { tools: tools.map(agentToolResource) }),
    // Of a session's reasoning only the effort can be changed.
    ...(reasoning !== undefined && { reasoning: { ...before, effort: reasoning.effort } }),
  };
  return {
    ...now,
    agent: { ...now.agent, ...change, id: now.agent.id, model: rest.model ?? now.agent.model },
    ...(review !== undefined && { review }),
    ...(spendLimit !== undefined && { spendLimit }),
  };
}

function itemOf({ content }: SessionMessage): NewItem {
  const parts = content.map(part => (part.type === 'input_image' ? { ...part, detail: 'auto' } : part));
  return { type: 'message', role: 'user', status: 'completed', content: parts } as unknown as NewItem;
}

function inputOf(event: SessionInputEvent): SessionInput {
  switch (event.type) {
    case 'agent.session.input.message':
      return { type: 'message', items: event.input.map(itemOf) };
    case 'agent.session.input.cancel':
      return { type: 'cancel' };
    case 'agent.session.input.tool_result': {
      const { turn_id: turnId, call_id: callId, success, output = null, error = null } = event;
      return { type: 'tool_result', result: { turnId, callId, success, output, error } };
    }
  }
}
