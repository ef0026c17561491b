/**
 * Beginning a stored turn: everything between a parsed request and its first commit. What is refused here has changed nothing but the
 * record of the refusal; what passes is durable before it is acknowledged (L2).
 */
import { NO_USE } from '../session/state.ts';
import { type CreateResponse, type NewItem, perdureError, toPerdureError } from '@perdure/protocol';
import { homeTag, idBody, type HomeId, type ResponseId, type SessionId } from '../kernel/ids.ts';
import type { DocumentRef, EventBody, LoggedItem } from '../log/events.ts';
import type { WireEvent } from '../session/output.ts';
import { type AgentTurn, agentOfTurn } from './agent-sessions/agent-turn.ts';
import type { Waiting } from './agent-sessions/waiting.ts';
import { announceFork } from './announce-fork.ts';
import { actorOf, type Caller } from './caller.ts';
import { claim } from './claim.ts';
import { matchInput } from './compaction/input.ts';
import { storedPlan } from './compaction/plan.ts';
import { takeCompaction } from './compaction/turn-compaction.ts';
import { documentRefs, rememberDocuments } from './documents.ts';
import type { EngineContext } from './engine-context.ts';
import { type Attached, keepFetched, NOTHING_ATTACHED } from './files/attach.ts';
import { filesIn } from './files/parts.ts';
import { withAttached } from './files/with-attached.ts';
import { type FirstCall, placeFirst } from './first-call.ts';
import { type MatchedCalls, placeItems, requireKinds, requireOutputs } from './input.ts';
import { killPoint } from './kill-point.ts';
import type { LiveSession } from './live-session.ts';
import { loadContext, type Opening, positionBefore } from './opening.ts';
import { agentOf, type PlacedCall, type PlacingSubject } from './placing.ts';
import { originOf } from './origin.ts';
import { lineageOf, mustState, type Plan, planTurn, short, stateOf } from './plan.ts';
import { recordRefusal } from './refusal.ts';
import { callSettings, type Sayings, sayings } from './settings.ts';
import { RunningTurn, seconds } from './turn.ts';
import { runTurn } from './turn-loop.ts';
import { spendCall } from './spend-call.ts';

export interface RespondRequest {
  readonly caller: Caller;
  readonly request: CreateResponse;
  /** Labels that the caller puts on this request's content (L8). */
  readonly labels: readonly string[];
  /** The id that an idempotency key reserved; null to draw one. */
  readonly reserved: ResponseId | null;
  /** The turn is for a compaction alone: nothing is answered. */
  readonly compacts?: true;
  /** Of an agent's session: what its turn has in memory. */
  readonly agent?: AgentTurn;
  /** Of an agent's session: what its turn begins with beside what was asked. */
  readonly waiting?: Waiting;
  /** What the input brings; set once its files were looked at. */
  readonly attached?: Attached;
}

/** The home that a turn will lie in: that of what it continues, else the one that placement would pick. Decides nothing. */
export function homeOf(engine: EngineContext, { caller, request, labels }: Omit<RespondRequest, 'reserved'>): HomeId {
  const continued = request.conversation ?? request.previous_response_id;
  const prefix = request.conversation === undefined ? 'resp' : 'conv';
  const known = continued === undefined ? null : engine.homes.locate(continued, prefix);
  if (known !== null) return known.store.home;
  const origin = originOf(engine, caller);
  const subject = {
    tenant: caller.tenant,
    session: 'sess_new' as SessionId,
    origin,
    labels,
    startedAt: engine.clock.now(),
    use: NO_USE,
    key: caller.principal,
    model: request.model,
  };
  const placed = engine.placing.state(subject);
  const control = engine.homes.all[0];
  if (control === undefined) throw perdureError('store_unavailable');
  return placed.ok ? placed.home : control.home;
}

/** Times that a request looks again because someone else continued the session meanwhile. */
const MAX_REPLANS = 8;

/** Plans the turn, places it, commits it and sets it going. */
export async function beginTurn(engine: EngineContext, given: RespondRequest): Promise<RunningTurn> {
  let known: RespondRequest | null = null;
  for (let tries = 0; tries < MAX_REPLANS; tries++) {
    const plan = await planTurn(engine, given.caller, given.request);
    const input: RespondRequest = (known ??= await withAttached(engine, given, stateOf(plan)));
    if (plan.type !== 'append') return begin(engine, input, plan);
    const turn = await engine.sessions.exclusive(plan.live, async () =>
      isCurrent(plan) ? begin(engine, input, plan) : null,
    );
    if (turn !== null) return turn;
  }
  throw perdureError('conversation_locked', 'The session is being continued by others; try again.');
}

/** Whether the plan still holds inside the session's queue: someone may have continued it meanwhile, then this is a fork. */
function isCurrent({ live, previous }: Extract<Plan, { type: 'append' }>): boolean {
  if (live.stale) return false;
  const state = mustState(live);
  // Deleted while this request waited for its turn.
  if (state.phase === 'ended') return false;
  if (state.kind !== 'conversation') return state.head === previous && state.turn === null;
  if (state.turn !== null) throw perdureError('conversation_locked', undefined, { param: 'conversation' });
  return true;
}

export async function begin(engine: EngineContext, input: RespondRequest, plan: Plan): Promise<RunningTurn> {
  const { request } = input;
  if (!engine.placing.models().some(model => model.id === request.model)) {
    throw perdureError('model_not_found', `The model '${short(request.model)}' is served by no target.`, {
      param: 'model',
    });
  }
  if (!engine.lease.fresh) await engine.sessions.wait(engine.lease.ensure());
  const opening = await open(engine, input, plan);
  try {
    const enter = (): Promise<RunningTurn> => beginIn(engine, input, opening);
    // Until it runs here nobody may take it up: whoever looks at the session waits its turn. A session that is appended to is held already.
    return await (plan.type === 'append' ? enter() : engine.sessions.exclusive(opening.live, enter));
  } catch (error) {
    // A session that did not come to be stays nowhere.
    if (opening.live.state === null) engine.sessions.forget(opening.live);
    throw error;
  }
}

async function beginIn(engine: EngineContext, input: RespondRequest, opening: Opening): Promise<RunningTurn> {
  const { caller, request } = input;
  const { live, openCalls, subject } = opening;
  const items = request.input as readonly NewItem[];
  const matched = matchInput(items, openCalls);
  // What is only compacted is not sent: calls may stay open in it.
  const answers = input.compacts !== true && !(request.compaction_trigger === true && items.length === 0);
  if (answers) requireOutputs(openCalls, matched);
  if (!live.context.loaded) engine.sessions.grew(await engine.sessions.wait(loadContext(opening)));
  requireKinds(items, matched, live.context.runs);

  const response = input.reserved ?? (engine.ids.next('resp', homeTag(opening.home)) as ResponseId);
  const body = idBody(response, 'resp') ?? '';
  const placedItems = placeItems(items, body, 0);
  const said = sayings(request);
  const first = await placeFirst(engine, {
    request: input,
    subject,
    live,
    items: placedItems,
    settings: callSettings(said.settings, said.tools, said.instructions),
    body,
    from: positionBefore(opening),
  });
  if (!first.ok)
    throw await recordRefusal(engine, caller, live.store, { ...first, subject: live.session, origin: subject.origin });
  const { placed } = first;
  const spender = { tenant: caller.tenant, origin: subject.origin, session: live.session };
  const capped = placed === null ? null : engine.spend.hold(spendCall(spender, caller.principal, 1, placed));
  if (capped !== null) throw capped;
  return commitBeginning(engine, input, opening, { first, said, response, body, placedItems, matched }).catch(
    (error: unknown) => {
      // Its outcome may be unknown: if it is in the log after all, the turn must not stay open with nobody to run it, and its bound is held.
      if (toPerdureError(error).code === 'store_unavailable') {
        engine.spend.doubt(live.session, 1);
        engine.recoverLater(live);
      } else engine.spend.drop(live.session, 1);
      throw error;
    },
  );
}

interface Beginning {
  readonly first: FirstCall;
  readonly said: Sayings;
  readonly response: ResponseId;
  readonly body: string;
  readonly placedItems: readonly LoggedItem[];
  readonly matched: MatchedCalls;
}

/** Commits the placed turn and sets it going. */
async function commitBeginning(
  engine: EngineContext,
  input: RespondRequest,
  opening: Opening,
  { first, said, response, body, placedItems, matched }: Beginning,
): Promise<RunningTurn> {
  const { caller, request, labels } = input;
  const { live } = opening;
  const { laid, placed, plan, purpose } = first;
  const { tools, instructions } = said;
  const settings = { ...said.settings, ...storedPlan(plan) };
  const seq = (live.state?.seq ?? 0) + opening.bodies.length + (labels.length > 0 ? 1 : 0) + 2;
  const texts = [Array.isArray(tools) && tools.length > 0 ? tools : null, instructions];
  const documents = await documentRefs(engine, live, texts, seq);
  const [toolsRef = null, instructionsRef = null] = documents.refs;
  const bodies: EventBody[] = [
    ...opening.bodies,
    ...(labels.length > 0 ? [{ type: 'session.labelled', head: { labels }, payload: null } as const] : []),
    {
      type: 'input.accepted',
      head: {
        response,
        previous: opening.previous,
        count: placedItems.length,
        answers: matched.answers,
        ...(matched.opened.length > 0 && { calls: matched.opened }),
        ...input.waiting?.head,
        ...filesIn(placedItems),
      },
      payload: { items: placedItems },
    },
    turnStarted(response, request, { toolsRef, instructionsRef }, { settings, documents: documents.added }, input),
    ...(laid === null ? [] : [laid.event]),
    ...(placed === null ? [] : [callPlaced(placed, purpose)]),
  ];
  await keepFetched(engine, { ...live, seq: seq - 1 }, placedItems, input.attached ?? NOTHING_ATTACHED);
  await opening.announce?.();
  killPoint('turn.before-first-commit');
  const prepared = await engine.sessions.commit(live, bodies, { actor: actorOf(caller) });
  killPoint('turn.after-first-commit');
  rememberDocuments(live, documents);
  const to = prepared.state.position - (laid?.items.length ?? 0);
  engine.sessions.grew(live.context.add(placedItems, to));
  const turn = new RunningTurn(
    live,
    body,
    {
      id: response,
      model: request.model,
      createdAt: seconds(prepared.state.updatedAt),
      previous: opening.previous,
      conversation: prepared.state.kind === 'conversation' ? live.session.replace('sess_', 'conv_') : null,
      settings,
      tools,
      instructions,
      store: true,
      background: request.background,
    },
    callSettings(settings, tools, instructions),
    labels,
  );
  turn.target = placed?.target ?? null;
  if (placed === null) turn.placement = null;
  turn.principal = caller.principal;
  turn.agent = agentOfTurn(input.agent, bodies);
  turn.input = placedItems;
  start(engine, turn, () => (laid === null ? [] : takeCompaction(engine, turn, laid, prepared)()));
  return turn;
}

function callPlaced({ target, record, reserved }: PlacedCall, purpose: string): EventBody {
  return {
    type: 'call.placed',
    head: { call: 1, purpose, chosen: target.id, placement: record, reserved },
    payload: null,
  };
}

function turnStarted(
  response: ResponseId,
  request: CreateResponse,
  refs: { toolsRef: DocumentRef | null; instructionsRef: DocumentRef | null },
  said: NonNullable<Extract<EventBody, { type: 'turn.started' }>['payload']>,
  { caller: { traceparent }, agent }: RespondRequest,
): EventBody {
  // Most turns of a session say nothing new: then there is nothing to keep, and no salt and digest of it.
  const payload = said.documents.length > 0 || Object.keys(said.settings).length > 0 ? said : null;
  const { model, background, stream } = request;
  const head = {
    response,
    model,
    background,
    // A background response may be read at any time: its readers see the same deltas whether or not one streamed from the start.
    streamed: stream || background,
    tools: refs.toolsRef,
    instructions: refs.instructionsRef,
    ...(traceparent !== undefined && { traceparent }),
    ...(agent?.before !== undefined && { before: agent.before }),
  };
  return { type: 'turn.started', head, payload };
}

/**
 * Shows the beginning and runs the rest beside the request: a stored turn runs on whoever reads. The upstream is asked first: what is shown
 * takes no time from it.
 */
export function start(engine: EngineContext, turn: RunningTurn, opening: () => readonly WireEvent[] = () => []): void {
  engine.running.set(turn.base.id, turn);
  killPoint('turn.before-ack');
  const beginning = JSON.stringify(turn.resource('in_progress'));
  const shown = ['response.created', 'response.in_progress'].map(type => turn.eventOf(type, beginning));
  shown.push(...opening());
  void runTurn(engine, turn);
  turn.broadcast.publish(shown);
}

/** The session that the turn goes to, and the events that open it for this process. */
async function open(engine: EngineContext, input: RespondRequest, plan: Plan): Promise<Opening> {
  const { caller, request, labels } = input;
  if (plan.type === 'append') return openExisting(engine, input, plan.live, plan.previous);
  const now = engine.clock.now();
  const parent = plan.type === 'fork' ? mustState(plan.parent) : null;
  const origin = parent?.origin ?? originOf(engine, caller);
  const inherited = parent?.labels ?? [];
  const facts = {
    tenant: caller.tenant,
    origin,
    labels: [...inherited, ...labels],
    startedAt: parent?.createdAt ?? now,
    use: NO_USE,
    key: caller.principal,
  };
  // The home is decided before the id is drawn, since the id carries it. A fork stays with its parent (DESIGN.md part 6).
  const subject = { ...facts, session: 'sess_new' as SessionId, model: request.model };
  const fixed =
    parent?.home ??
    (input.reserved === null ? null : (engine.homes.locate(input.reserved, 'resp')?.store.home ?? null));
  const state = fixed === null ? engine.placing.state(subject) : engine.placing.stateAt(subject, fixed);
  const control = engine.homes.all[0];
  if (!state.ok) {
    if (control === undefined) throw state.error;
    throw await recordRefusal(engine, caller, control, { ...state, subject: null, origin });
  }
  const store = engine.homes.get(state.home);
  if (store === null)
    throw perdureError('internal_error', undefined, { cause: new Error(`home ${state.home} is not configured`) });
  const session = engine.ids.next('sess', homeTag(state.home)) as SessionId;
  const live = engine.sessions.begin(caller.tenant, session, store);
  const openCalls = plan.type === 'fork' ? plan.openCalls : [];
  const previous = plan.type === 'fork' ? plan.previous : null;
  if (plan.type !== 'fork') live.context.begin();
  const created: EventBody = {
    type: 'session.created',
    head: {
      kind: 'responses',
      home: state.home,
      owner: engine.owner,
      origin,
      lineage: parent === null || plan.type !== 'fork' ? [] : lineageOf(parent, plan.position),
      labels: inherited,
      openCalls,
      continues: previous,
      ...(plan.type === 'fork' && plan.compacted !== null && { compacted: plan.compacted }),
    },
    payload: null,
  };
  const statePlaced: EventBody = { type: 'state.placed', head: { placement: state.record }, payload: null };
  return {
    live,
    subject: { ...facts, session },
    home: state.home,
    bodies: [created, statePlaced],
    openCalls,
    previous,
    announce: plan.type === 'fork' ? () => announceFork(engine, caller, plan, session) : null,
  };
}

/** A session that exists: its home must still be allowed with the labels that it will have (L8), and this process must hold it. */
async function openExisting(
  engine: EngineContext,
  { caller, request, labels, waiting }: RespondRequest,
  live: LiveSession,
  previous: ResponseId | null,
): Promise<Opening> {
  const state = mustState(live);
  const subject: PlacingSubject = {
    tenant: state.tenant,
    session: state.session,
    origin: state.origin,
    labels: [...state.labels, ...labels],
    startedAt: state.createdAt,
    use: state.use,
    ...agentOf(state),
    key: caller.principal,
  };
  const placed = engine.placing.stateAt({ ...subject, model: request.model }, state.home);
  if (!placed.ok) {
    const stays = engine.placing.stateAt({ ...subject, labels: state.labels, model: request.model }, state.home).ok;
    const code = stays ? 'label_not_allowed_here' : 'home_not_permitted';
    const error = perdureError(
      code,
      `${placed.error.message} The session can still be read${stays ? '' : ', and goes on once its home is allowed again'}.`,
      placed.error.details === undefined ? {} : { details: placed.error.details },
    );
    throw await recordRefusal(engine, caller, live.store, {
      ...placed,
      error,
      subject: state.session,
      origin: state.origin,
    });
  }
  return {
    live,
    subject,
    home: state.home,
    bodies: [...(await claim(engine, live)), ...(waiting?.bodies ?? [])],
    openCalls: state.openCalls,
    previous,
    announce: null,
  };
}
