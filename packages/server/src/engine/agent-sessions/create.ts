/** Making, changing and deleting the session of an agent. */
import { type Metadata, perdureError } from '@perdure/protocol';
import { homeTag, type SessionId } from '../../kernel/ids.ts';
import type { EventBody } from '../../log/events.ts';
import { NO_USE } from '../../session/state.ts';
import { actorOf, type Caller } from '../caller.ts';
import type { EngineContext } from '../engine-context.ts';
import type { LiveSession } from '../live-session.ts';
import { originOf } from '../origin.ts';
import { readMetadata } from '../metadata.ts';
import { checkOrigin, mustState } from '../plan.ts';
import { recordRefusal } from '../refusal.ts';
import type { ResourceRow } from '../resources.ts';
import { beginLog } from '../begin-log.ts';
import { commitClaimed } from '../claim.ts';
import { cancelOpenTurn } from './cancel-session.ts';
import { endSession } from './end-session.ts';
import { findSession } from './find.ts';
import { keyedSessionId } from './keyed.ts';
import { configPayload, readConfig, type SessionConfig } from './session-config.ts';

export interface NewSession {
  /** The saved agent that it is of; null: one of its own. */
  readonly saved: { readonly id: string; readonly version: number } | null;
  /** What it runs; some of it may depend on its id. */
  readonly config: (session: SessionId) => Promise<SessionConfig>;
  readonly metadata: Metadata;
  /** What its id is made of (`keyedSessionId`); null: it is drawn. */
  readonly seed: string | null;
}

const NEW = 'sess_new' as SessionId;

/** Durable once it resolves. It has no turn yet. */
export async function createSession(engine: EngineContext, caller: Caller, given: NewSession): Promise<LiveSession> {
  const { tenant, principal: key } = caller;
  const origin = originOf(engine, caller);
  const startedAt = engine.clock.now();
  // One of its own is called by its session's id, which says the home: no clause can name it before.
  const { id, version } = given.saved ?? { id: 'agent_new', version: 1 };
  const asker = { agent: { id, version }, key };
  const subject = { tenant, session: NEW, origin, labels: [], startedAt, use: NO_USE, ...asker, model: '' };
  const placed = engine.placing.state(subject);
  const [control] = engine.homes.all;
  if (!placed.ok) {
    if (control === undefined) throw placed.error;
    throw await recordRefusal(engine, caller, control, { ...placed, subject: null, origin });
  }
  const store = engine.homes.get(placed.home);
  if (store === null) throw perdureError('internal_error');
  const { seed } = given;
  const session =
    seed === null ? (engine.ids.next('sess', homeTag(placed.home)) as SessionId) : keyedSessionId(seed, placed.home);
  const config = await given.config(session);
  mustBeServed(engine, config);
  const { metadata } = given;
  const bodies: EventBody[] = [
    {
      type: 'session.created',
      head: {
        kind: 'agent',
        home: placed.home,
        owner: engine.owner,
        origin,
        lineage: [],
        labels: [],
        openCalls: [],
        continues: null,
      },
      payload: Object.keys(metadata).length > 0 ? { metadata } : null,
    },
    { type: 'state.placed', head: { placement: placed.record }, payload: null },
    configured(config),
  ];
  // Listed before it is there: who lists leaves out what he does not find.
  const row = listed(tenant, session, startedAt, { agent: config.agent.id, metadata }, 1);
  await engine.sessions.wait(engine.control.changeResources([{ op: 'put', row }], null));
  return (await beginLog(engine, { tenant, session, store }, bodies, actorOf(caller))).live;
}

function configured(config: SessionConfig): EventBody {
  const { agent, version } = config;
  return { type: 'agent.configured', head: { agent: agent.id, version }, payload: { config: configPayload(config) } };
}

/** @throws model_not_found */
function mustBeServed(engine: EngineContext, { agent }: SessionConfig): void {
  if (engine.placing.models().some(model => model.id === agent.model)) return;
  const name = agent.model.slice(0, 64);
  throw perdureError('model_not_found', `The model '${name}' is served by no target.`, { param: 'agent.model' });
}

/** What a session is listed and filtered by. */
export interface ListedAs {
  readonly agent: string;
  readonly metadata: Metadata;
}

function listed(
  tenant: ResourceRow['tenant'],
  id: string,
  createdAt: number,
  body: ListedAs,
  version: number,
): ResourceRow {
  return {
    kind: 'agent_session',
    tenant,
    id,
    parent: null,
    version,
    createdAt,
    wakeAt: null,
    body: JSON.stringify(body),
  };
}

export interface SessionChange {
  readonly config?: (now: SessionConfig) => SessionConfig;
  readonly metadata?: Metadata;
}

/** Changes what later turns run; one that runs goes on as it began. */
export async function updateSession(
  engine: EngineContext,
  caller: Caller,
  id: string,
  change: SessionChange,
): Promise<LiveSession> {
  const live = await findSession(engine, caller, id);
  checkOrigin(caller, mustState(live));
  await engine.sessions.exclusive(live, async () => {
    if (live.stale) throw perdureError('session_not_idle');
    const before = await readConfig(engine, live);
    const config = change.config?.(before) ?? before;
    mustBeServed(engine, config);
    const bodies: EventBody[] = [];
    if (JSON.stringify(config) !== JSON.stringify(before)) bodies.push(configured(config));
    const metadata = change.metadata ?? (await readMetadata(engine, live));
    if (change.metadata !== undefined)
      bodies.push({ type: 'session.updated', head: { metadata: true }, payload: { metadata } });
    await commitClaimed(engine, live, bodies, actorOf(caller));
    if (change.metadata !== undefined) await relist(engine, live, { agent: config.agent.id, metadata });
  });
  return live;
}

/** By what it is listed. Of two changes at once the later is tried again; if the process dies in between, the list says what was before. */
async function relist(engine: EngineContext, { tenant, session }: LiveSession, as: ListedAs): Promise<void> {
  for (let tries = 0; tries < 4; tries++) {
    const row = await engine.sessions.wait(engine.control.resource('agent_session', tenant, session));
    if (row === null) return;
    const next = listed(tenant, session, row.createdAt, as, row.version + 1);
    if (await engine.sessions.wait(engine.control.changeResources([{ op: 'put', row: next }], null))) return;
  }
}

/** Ends the session and erases it. A turn that waits for people ends with it. @throws session_running */
export async function deleteSession(engine: EngineContext, caller: Caller, id: string): Promise<void> {
  const live = await findSession(engine, caller, id);
  checkOrigin(caller, mustState(live));
  await engine.subagents.settle(caller, live);
  if (mustState(live).phase === 'waiting') await cancelOpenTurn(engine, caller, live);
  await engine.sessions.exclusive(live, async () => {
    if (live.stale || mustState(live).turn !== null) throw perdureError('session_running');
    await endSession(engine, live, actorOf(caller));
  });
}
