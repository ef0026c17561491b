/**
 * The reducer: state + envelope -> state. Pure and total: an event that its phase does not take is answered with a refusal, never
 * with a throw, and changes nothing. The engine asks before it appends; a reader of a log treats a refusal as a broken log.
 */
import { union } from '../kernel/union.ts';
import { assertNever } from '../kernel/assert-never.ts';
import type { Envelope, EnvelopeOf, EventType } from '../log/events.ts';
import { beforeTurn, configure, leftUnheard, queueInput, reviewed, steer, takeUnheard, used } from './reduce-agent.ts';
import { COMPACTION, compactContext, withoutStale } from './reduce-compaction.ts';
import { awaitEnvironment, changeEnvironment, recounted } from './reduce-environment.ts';
import { erase } from './reduce-erase.ts';
import { answerCall, givenBack, postponeCall, takeResults } from './reduce-pending.ts';
import { reduceSubagents } from './reduce-subagents.ts';
import { answered, closeApproval, placeTool, reduceTool, requestApproval } from './reduce-tool.ts';
import { withFiles } from './reduce-use.ts';
import { MAX_DOCUMENTS, NO_USE, prefixEnd, type SessionState, type TurnState } from './state.ts';
import { TABLE } from './table.ts';

export type Reduced =
  | { readonly ok: true; readonly state: SessionState }
  | {
      readonly ok: false;
      readonly code: 'event_not_allowed' | 'sequence_gap' | 'stale_epoch' | 'event_mismatch';
      readonly message: string;
    };

/** Folds one event. `state` is null before the first. */
export function reduce(state: SessionState | null, event: Envelope): Reduced {
  const phase = state?.phase ?? 'none';
  if (!TABLE[phase][event.type]) return refuse('event_not_allowed', `${event.type} cannot follow in phase ${phase}`);
  if (event.seq !== (state?.seq ?? 0) + 1) return refuse('sequence_gap', `event ${event.seq} after ${state?.seq ?? 0}`);
  if (state === null) return genesis(event);
  const claimed = event.type === 'session.claimed';
  if (event.epoch !== state.epoch + (claimed ? 1 : 0)) {
    return refuse('stale_epoch', `${event.type} of epoch ${event.epoch} in a session of epoch ${state.epoch}`);
  }
  const after = apply(state, event);
  if (typeof after === 'string') return refuse('event_mismatch', `${event.type}: ${after}`);
  const updatedAt = UPKEEP.has(event.type) ? state.updatedAt : event.at;
  return { ok: true, state: { ...withFiles(after, event), seq: event.seq, epoch: event.epoch, updatedAt } };
}

/** Folds a whole log, or what follows `state` of it. Stops at the first refusal. */
export function reduceAll(state: SessionState | null, events: Iterable<Envelope>): Reduced {
  let current = state;
  for (const event of events) {
    const reduced = reduce(current, event);
    if (!reduced.ok) return reduced;
    current = reduced.state;
  }
  return current === null ? refuse('sequence_gap', 'an empty log has no state') : { ok: true, state: current };
}

function refuse(code: Extract<Reduced, { ok: false }>['code'], message: string): Reduced {
  return { ok: false, code, message };
}

function genesis(event: Envelope): Reduced {
  if (event.epoch !== 1) return refuse('stale_epoch', `a log starts with epoch 1, not ${event.epoch}`);
  const base = {
    tenant: event.tenant,
    session: event.session,
    createdAt: event.at,
    updatedAt: event.at,
    seq: event.seq,
    epoch: event.epoch,
    owner: null,
    documents: [],
    compacted: null,
    turn: null,
    accepted: null,
    use: NO_USE,
    erasedAfter: null,
  };
  if (event.type === 'session.created') {
    const { kind, home, owner, origin, lineage, labels, openCalls, continues, compacted = null, subagent } = event.head;
    const position = prefixEnd(lineage);
    return {
      ok: true,
      state: {
        ...base,
        kind,
        home,
        owner,
        origin,
        phase: 'idle',
        labels,
        lineage,
        position,
        head: continues,
        openCalls,
        compacted,
        metadataSeq: event.seq,
        ...(subagent !== undefined && { subagent }),
      },
    };
  }
  if (event.type === 'call.admitted') {
    const { home, origin } = event.head;
    const empty = { labels: [], lineage: [], position: 0, head: null, openCalls: [], metadataSeq: 0 };
    return { ok: true, state: { ...base, ...empty, kind: 'stateless', home, origin, phase: 'stateless_open' } };
  }
  return refuse('event_not_allowed', `${event.type} cannot begin a log here`);
}

/** What is done about a session and not in it: the lifetime of a conversation does not begin anew with it. */
const UPKEEP: ReadonlySet<EventType> = new Set<EventType>([
  'session.claimed',
  'response.deleted',
  'session.erased',
  'environment.changed',
]);

/** What may come between an input and the start of its turn: nothing that a failure of the turn would take back with it (S3). */
const BEFORE_TURN: ReadonlySet<EventType> = new Set<EventType>([
  'turn.started',
  'session.claimed',
  'session.updated',
  'session.labelled',
  'session.forked',
  'session.exported',
  'response.deleted',
  'state.placed',
]);

/** The state after the event, or why it does not fit. Sequence, epoch and phase were checked. */
function apply(state: SessionState, event: Envelope): SessionState | string {
  if (state.accepted !== null && !BEFORE_TURN.has(event.type)) return 'an input waits for its turn';
  switch (event.type) {
    case 'session.created':
    case 'call.admitted':
    case 'session.imported':
      return 'only begins a log';
    case 'session.claimed':
      return { ...state, owner: event.head.owner };
    case 'session.updated':
      return { ...state, metadataSeq: event.seq };
    case 'state.placed':
    case 'session.forked':
    case 'session.exported':
      return state;
    case 'response.deleted':
      return { ...state, unerased: true };
    case 'session.labelled':
      return { ...state, labels: union(state.labels, event.head.labels) };
    case 'input.accepted':
      return acceptInput(state, event);
    case 'turn.started':
      return startTurn(state, event);
    case 'call.placed':
      return placeCall(state, event);
    case 'call.completed':
      return completeCall(state, event);
    case 'call.failed':
      return failCall(state, event);
    case 'call.cancelled':
      return cancelCall(state, event);
    case 'tool.placed':
      return placeTool(state, event);
    case 'tool.requested':
    case 'tool.started':
    case 'tool.completed':
    case 'tool.failed':
    case 'tool.outcome_unknown':
    case 'tool.suspended':
    case 'tool.output':
    case 'tool.yielded':
    case 'tool.resumed':
      return reduceTool(state, event);
    case 'tool.postponed':
      return postponeCall(state, event);
    case 'tool.answered':
      return answerCall(state, event);
    case 'approval.requested':
      return requestApproval(state, event);
    case 'approval.granted':
    case 'approval.denied':
    case 'approval.expired':
      return reviewed(event, closeApproval(state, event.head.approval, event.type === 'approval.granted'));
    case 'turn.completed':
      return completeTurn(state, event);
    case 'turn.failed':
      return abandonTurn(state, event.head.response, event.at);
    case 'turn.cancelled':
      return abandonTurn(state, event.head.response, null);
    case 'items.added':
      return {
        ...state,
        position: state.position + event.head.count,
        openCalls: answered(state.openCalls, event.head.answers).concat(event.head.calls),
      };
    case 'item.deleted':
      return event.head.position > state.position
        ? 'no item is there'
        : { ...withoutStale(state, event.head.position), unerased: true };
    case 'context.compacted':
      return compactContext(state, event);
    case 'session.sealed':
      return { ...state, phase: 'sealed' };
    case 'session.moved':
      return { ...state, phase: 'ended' };
    case 'session.erased':
      return erase(state, event);
    case 'agent.configured': {
      return state.kind === 'agent' ? configure(state, event) : 'it is no agent’s session';
    }
    case 'input.queued':
      return queueInput(state, event);
    case 'input.steered':
      return steer(state, event);
    case 'environment.changed':
      return state.kind === 'agent' ? changeEnvironment(state, event) : 'it is no agent’s session';
    case 'environment.awaited':
      return awaitEnvironment(state, event);
    case 'subagent.created':
    case 'subagent.closed':
    case 'subagent.reopened':
      return reduceSubagents(state, event);
    default:
      return assertNever(event, 'event');
  }
}

function acceptInput(state: SessionState, event: EnvelopeOf<'input.accepted'>): SessionState | string {
  const { response, count, answers, calls = [], results = [], queued = [] } = event.head;
  const taken = takeResults(state, results);
  if (typeof taken === 'string') return taken;
  if (results.length > count) return 'it has fewer items than results';
  const heard = takeUnheard(state, queued);
  if (typeof heard === 'string') return heard;
  return {
    ...heard,
    ...taken.rest,
    position: state.position + count,
    openCalls: answered(state.openCalls, answers).concat(calls),
    accepted: {
      response,
      seq: event.seq,
      from: state.position,
      openCallsBefore: state.openCalls,
      ...(taken.took.length > 0 && { took: taken.took }),
    },
  };
}

/** Of a turn that has just begun. */
const NOTHING_DONE = {
  calls: 0,
  failures: 0,
  call: null,
  compaction: 'none',
  outcome: null,
  tools: [],
  approvals: [],
} as const;

function startTurn(state: SessionState, event: EnvelopeOf<'turn.started'>): SessionState | string {
  const accepted = state.accepted;
  if (accepted === null || accepted.response !== event.head.response) return 'its input was not accepted';
  const { response, model, background, streamed, tools, instructions } = event.head;
  const known = state.documents.filter(ref => !sameRef(ref, tools) && !sameRef(ref, instructions));
  const used = [tools, instructions].filter(ref => ref !== null);
  return {
    ...beforeTurn(recounted(state), event.head.before),
    phase: 'turn_open',
    accepted: null,
    documents: [...known, ...used].slice(-MAX_DOCUMENTS),
    use: { ...state.use, turns: state.use.turns + 1, itemsRead: state.use.itemsRead + accepted.from },
    turn: {
      response,
      model,
      background,
      streamed,
      inputSeq: accepted.seq,
      from: accepted.from,
      openCallsBefore: accepted.openCallsBefore,
      compactedBefore: state.compacted ?? null,
      ...NOTHING_DONE,
      ...(accepted.took !== undefined && { took: accepted.took }),
    },
  };
}

function sameRef(
  a: { session: string; seq: number; index: number },
  b: { session: string; seq: number; index: number } | null,
): boolean {
  return b !== null && a.session === b.session && a.seq === b.seq && a.index === b.index;
}

function placeCall(state: SessionState, event: EnvelopeOf<'call.placed'>): SessionState | string {
  const { call: index, chosen, purpose, reserved } = event.head;
  const stateless = state.kind === 'stateless';
  const turn = state.turn ?? (stateless ? STATELESS_TURN(state) : null);
  if (turn === null) return 'no turn is open';
  if (index !== turn.calls + 1) return `call ${index} after ${turn.calls}`;
  if (turn.tools.length > 0) return 'a tool call has no output yet';
  const compacts = purpose === COMPACTION && !stateless;
  if (compacts && turn.compaction === 'done') return 'the context was compacted already';
  const call = chosen === null ? null : { index, seq: event.seq, target: chosen, reserved, compacts };
  const placed: TurnState = { ...turn, calls: index, call, ...(compacts && { compaction: 'due' }) };
  if (call === null) return { ...state, turn: placed, phase: stateless ? 'stateless_done' : 'called' };
  return { ...state, turn: placed, phase: stateless ? 'stateless_calling' : 'calling' };
}

/** A stateless call has no turn of its own: it counts its calls on this one, which never carries an item. */
function STATELESS_TURN(state: SessionState): TurnState {
  return {
    response: state.session as unknown as TurnState['response'],
    model: '',
    background: false,
    streamed: false,
    inputSeq: 0,
    from: 0,
    openCallsBefore: [],
    compactedBefore: null,
    ...NOTHING_DONE,
  };
}

function settleCall(state: SessionState, index: number, change: (turn: TurnState) => TurnState): SessionState | string {
  if (state.turn?.call?.index !== index) return `call ${index} is not in flight`;
  return { ...state, turn: change(state.turn), phase: state.kind === 'stateless' ? 'stateless_done' : 'called' };
}

function completeCall(state: SessionState, event: EnvelopeOf<'call.completed'>): SessionState | string {
  const { call, outcome, reason, count, calls } = event.head;
  // A call that compacts answers nobody: the turn's own is still to be made.
  const compacts = state.turn?.call?.compacts === true;
  if (compacts && (count > 0 || calls.length > 0)) return 'a call that compacts has no output of its own';
  const after = settleCall(state, call, turn => ({
    ...turn,
    call: null,
    failures: 0,
    outcome: compacts ? null : { status: outcome, reason },
  }));
  if (typeof after === 'string') return after;
  return used(state, event.head.usage, {
    ...after,
    position: after.position + count,
    openCalls: after.openCalls.concat(calls),
  });
}

function failCall(state: SessionState, event: EnvelopeOf<'call.failed'>): SessionState | string {
  // What a cut call had released stays in the response, but takes no position: no later call sees it (DESIGN.md part 5).
  const after = settleCall(state, event.head.call, turn => ({ ...turn, call: null, failures: turn.failures + 1 }));
  return typeof after === 'string' ? after : used(state, event.head.usage, after);
}

function cancelCall(state: SessionState, event: EnvelopeOf<'call.cancelled'>): SessionState | string {
  const after = settleCall(state, event.head.call, turn => ({ ...turn, call: null }));
  return typeof after === 'string' ? after : used(state, event.head.usage, after);
}

function completeTurn(state: SessionState, event: EnvelopeOf<'turn.completed'>): SessionState | string {
  const turn = state.turn;
  if (turn === null || turn.response !== event.head.response) return 'another turn is open';
  if (turn.outcome === null) return 'no call of it was completed';
  if ((turn.queued?.length ?? 0) > 0) return 'an input waits for its place';
  return { ...recounted(state), phase: 'idle', head: turn.response, turn: null };
}

/** @param failed when, ms since 1970; null: it was cancelled */
function abandonTurn(state: SessionState, response: string, failed: number | null): SessionState | string {
  const turn = state.turn;
  if (turn === null || turn.response !== response) return 'another turn is open';
  const compacted = turn.compactedBefore ?? null;
  const back = { position: turn.from, openCalls: turn.openCallsBefore, compacted };
  const left = { ...givenBack(state, turn), ...leftUnheard(state, turn, failed) };
  return { ...recounted(state), ...back, ...left, phase: 'idle', turn: null };
}
