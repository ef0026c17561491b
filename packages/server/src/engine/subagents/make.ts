/**
 * Making sub-agents and telling them things.
 *
 * M1  A call makes one sub-agent, and tells it one thing, however often it is run (L6): ids follow from its key.
 * M2  It is in the tree before its session begins: what a process that dies leaves is listed, closed and deleted with its owner.
 * M3  Its session lies in the home of its owner, which is cleared for its labels: those of who made it (L8).
 */
import { type NewItem, perdureError } from '@perdure/protocol';
import type { SessionId } from '../../kernel/ids.ts';
import { union } from '../../kernel/union.ts';
import { type EventBody, type JsonObject, textOf } from '../../log/events.ts';
import { toolsOf } from '../../tool/configured.ts';
import { NO_USE, type SubagentEntry } from '../../session/state.ts';
import { createSubagent } from '../../tool/subagents.ts';
import { takeMessage } from '../agent-sessions/input.ts';
import { configPayload, readConfig, type SessionConfig } from '../agent-sessions/session-config.ts';
import { actorOf, type Caller } from '../caller.ts';
import type { EngineContext } from '../engine-context.ts';
import { killPoint } from '../kill-point.ts';
import type { LiveSession } from '../live-session.ts';
import { mustState } from '../plan.ts';
import { recordRefusal } from '../refusal.ts';
import { beginLog } from '../begin-log.ts';
import { commitClaimed } from '../claim.ts';
import { agentName, entriesOf, memberOf, treeOf } from './family.ts';
import { subagentId, subagentSession, toldResponse } from './ids.ts';

/** Who acts: an agent of a session, in a turn that somebody asked for. */
export interface Acting {
  readonly caller: Caller;
  /** Its own session, and the one that owns it: the same for a session's own agent. */
  readonly live: LiveSession;
  readonly owner: LiveSession;
  /** What its turn runs. */
  readonly agent: JsonObject;
  readonly environment: SessionConfig['environment'];
  readonly vaults: readonly string[];
}

export interface Wanted {
  readonly task: string;
  readonly name: string | null;
  readonly model: string | null;
  readonly effort: string | null;
}

/** The call that asks for it. */
export interface Asked {
  readonly key: string;
  /** Aborted once its turn is cancelled, or it has taken too long: whoever cancels is told that nothing runs any more, and nothing is begun after that. */
  readonly signal: AbortSignal;
}

/** An answer to the model, of something that cannot be. */
export class NotPossible extends Error {
  readonly fault: { readonly code: string; readonly message: string };

  constructor(fault: NotPossible['fault']) {
    super(fault.message);
    this.fault = fault;
  }
}

/** Makes it, and gives it its task. @returns its session @throws NotPossible, PerdureError */
export async function makeSubagent(
  engine: EngineContext,
  who: Acting,
  wanted: Wanted,
  { key, signal }: Asked,
): Promise<LiveSession> {
  const session = subagentSession(who.owner.session, key);
  const config = await configOf(engine, who, wanted);
  if (entryOf(who.owner, session) === null) {
    // Before anything is written: the home may not be cleared for what it will know.
    await placeFor(engine, who, session, config);
    await record(engine, who, session, wanted);
    killPoint('subagent.after-created');
  }
  const live = await engine.sessions.exclusive(who.owner, async () => {
    // Its owner is ended and erased in the same queue: nothing is begun after that (M2, L13).
    if (mustState(who.owner).phase === 'ended') throw perdureError('session_not_found');
    return (await memberOf(engine, who.owner, session)) ?? beginSession(engine, who, session, config);
  });
  killPoint('subagent.before-told');
  await tell(engine, who.caller, live, wanted.task, { key, signal });
  return live;
}

export function entryOf(owner: LiveSession, session: SessionId): SubagentEntry | null {
  return entriesOf(owner).find(one => one.session === session) ?? null;
}

/** Changes the tree in the owner's log. `bodies` are made when their time has come; with none, nothing is committed. */
export async function changeTree(
  engine: EngineContext,
  { caller, owner }: Pick<Acting, 'caller' | 'owner'>,
  bodies: () => readonly EventBody[],
): Promise<void> {
  await engine.sessions.exclusive(owner, () => commitClaimed(engine, owner, bodies, actorOf(caller)));
}

/** How many the owner's agent may have open at once. */
export async function openBound(engine: EngineContext, owner: LiveSession): Promise<number | null> {
  const { multi_agent: given } = (await readConfig(engine, owner)).agent;
  const most = (given as JsonObject | undefined)?.['max_concurrent_subagents'];
  return typeof most === 'number' ? most : null;
}

async function record(engine: EngineContext, who: Acting, session: SessionId, { name, task }: Wanted): Promise<void> {
  const { live, owner } = who;
  const open = await openBound(engine, owner);
  await changeTree(engine, who, () => {
    const state = mustState(owner);
    if (entryOf(owner, session) !== null) return [];
    const by = agentName(mustState(live));
    const made = createSubagent(treeOf(state, open), by, {
      id: subagentId(session),
      name,
      at: engine.clock.now(),
    });
    if (!made.ok) throw new NotPossible(made);
    const parent = mustState(live).subagent === undefined ? null : live.session;
    const head = { session, parent, previous: state.subagents?.last ?? 0 };
    return [{ type: 'subagent.created', head, payload: { name, instructions: task } }];
  });
}

/** What it runs: what the agent runs that makes it, but for what is wanted otherwise. Its owner's limit is its own. */
async function configOf(engine: EngineContext, who: Acting, { model, effort }: Wanted): Promise<SessionConfig> {
  const { version, review } = await readConfig(engine, who.live);
  const { agent, environment, vaults: vaultIds } = who;
  const named = model ?? textOf(agent['model']);
  if (!engine.placing.models().some(one => one.id === named))
    throw perdureError('model_not_found', `The model '${named.slice(0, 64)}' is served by no target.`);
  return {
    agent: {
      ...agent,
      id: textOf(agent['id']),
      model: named,
      // Automations wake sessions, and a sub-agent is woken by its own.
      tools: toolsOf(agent).filter(tool => tool['type'] !== 'automations'),
      ...(effort !== null && { reasoning: { ...(agent['reasoning'] as JsonObject | undefined), effort } }),
    },
    version,
    environment,
    vaultIds,
    review,
    spendLimit: null,
  };
}

/** @throws what the contracts refuse its home for */
async function placeFor(
  engine: EngineContext,
  { caller, live, owner }: Acting,
  session: SessionId,
  { agent: { id, model }, version }: SessionConfig,
): Promise<{ readonly record: JsonObject; readonly labels: readonly string[] }> {
  const { tenant, origin, home } = mustState(owner);
  const labels = union(mustState(owner).labels, mustState(live).labels);
  const asker = { agent: { id, version }, key: caller.principal };
  const subject = { tenant, session, origin, labels, startedAt: engine.clock.now(), use: NO_USE, ...asker, model };
  const placed = engine.placing.stateAt(subject, home);
  if (!placed.ok) throw await recordRefusal(engine, caller, owner.store, { ...placed, subject: owner.session, origin });
  return { record: placed.record, labels };
}

async function beginSession(
  engine: EngineContext,
  who: Acting,
  session: SessionId,
  config: SessionConfig,
): Promise<LiveSession> {
  const { caller, owner } = who;
  const { tenant, origin, home } = mustState(owner);
  const entry = entryOf(owner, session);
  if (entry === null) throw perdureError('internal_error');
  const { record: placement, labels } = await placeFor(engine, who, session, config);
  const { parent, depth } = entry;
  const subagent = { owner: owner.session, parent, depth };
  const { agent, version } = config;
  const bodies: EventBody[] = [
    {
      type: 'session.created',
      head: {
        kind: 'agent',
        home,
        owner: engine.owner,
        origin,
        lineage: [],
        labels,
        openCalls: [],
        continues: null,
        subagent,
      },
      payload: null,
    },
    { type: 'state.placed', head: { placement }, payload: null },
    { type: 'agent.configured', head: { agent: agent.id, version }, payload: { config: configPayload(config) } },
  ];
  return (await beginLog(engine, { tenant, session, store: owner.store }, bodies, actorOf(caller))).live;
}

/** Gives it input: it begins a turn with it, or takes it up where it can. Once for a key (M1). */
export async function tell(
  engine: EngineContext,
  caller: Caller,
  live: LiveSession,
  text: string,
  { key, signal }: Asked,
): Promise<void> {
  const response = toldResponse(live.session, key);
  const known = await engine.sessions.wait(live.store.response(live.tenant, response, 'deleted-too'));
  if (known !== null || mustState(live).told?.includes(key) === true) return;
  if (engine.running.size >= engine.limits.concurrent)
    throw perdureError('rate_limit_exceeded', 'The server is doing as much at once as it is configured to.');
  const item = { type: 'message', role: 'user', status: 'completed', content: [{ type: 'input_text', text }] };
  await takeMessage(engine, caller, live, [item as unknown as NewItem], response, { key, signal });
}
