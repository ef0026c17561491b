/** Sessions of agents: what the wire dialect calls. */
import { agentToolResource, type CreateSession, type SessionInputEvent, type UpdateSession } from '@perdure/protocol';
import type { JsonObject } from '../../log/events.ts';
import type { Caller } from '../caller.ts';
import type { EngineContext } from '../engine-context.ts';
import type { Idempotent } from '../idempotency.ts';
import { type ListedAs, updateSession } from './create.ts';
import { findSession, findTurn } from './find.ts';
import { followSession, placeNow, type SessionPlace, type TurnEvents } from './follow-session.ts';
import type { AgentHost } from './host.ts';
import { postInputs, type SessionInput } from './input.ts';
import { messageItem } from './message-item.ts';
import { readConfig, type SessionConfig } from './session-config.ts';
import { type Begun, mustBeHosted, sessionStart } from './start.ts';
import { type Paged, turnPage, type TurnListQuery } from './turn-page.ts';
import { readTurnRecord, type TurnRecord } from './turns.ts';
import { type SessionView, viewSession } from './view.ts';

export interface SessionListQuery {
  readonly order: 'asc' | 'desc';
  readonly limit: number;
  readonly after: string | null;
  readonly agent: string | null;
  readonly metadata: { readonly [key: string]: string };
}

export interface AgentSessions {
  /** Durable, its first turn begun if there is input. With a key: once, however often it is asked for (N5). */
  create(caller: Caller, given: CreateSession, idempotency?: Idempotent | null): Promise<Begun>;
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
  const { remove, ...begins } = sessionStart(engine, host);

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
    const found = await findSession(engine, caller, id);
    const { session } = found;
    if (changes.tools !== undefined) {
      mustBeHosted({ tools: changes.tools });
      await host.admit({ tools: changes.tools }, secrets, (await readConfig(engine, found)).environment);
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
    ...begins,
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

function matches(as: ListedAs, { agent, metadata }: SessionListQuery): boolean {
  if (agent !== null && as.agent !== agent) return false;
  return Object.entries(metadata).every(
    ([key, value]) => Object.hasOwn(as.metadata, key) && as.metadata[key] === value,
  );
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

function inputOf(event: SessionInputEvent): SessionInput {
  switch (event.type) {
    case 'agent.session.input.message':
      return { type: 'message', items: event.input.map(messageItem) };
    case 'agent.session.input.cancel':
      return { type: 'cancel' };
    case 'agent.session.input.tool_result': {
      const { turn_id: turnId, call_id: callId, success, output = null, error = null } = event;
      return { type: 'tool_result', result: { turnId, callId, success, output, error } };
    }
  }
}
