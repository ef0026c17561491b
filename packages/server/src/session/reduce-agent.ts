/**
 * The part of the reducer that is about sessions of agents: input while a turn runs, and what the session used.
 *
 * N4  A message that was queued is taken by one turn: the one that was open, or, if that ended without it, the next.
 */
import { type EnvelopeOf, sumUsage, type Usage, type Work } from '../log/events.ts';
import {
  MAX_FOUND_TOOLS,
  MAX_QUEUED_INPUTS,
  MAX_TOLD_KEYS,
  queuedMessages,
  type SessionState,
  type TurnState,
  waitingMessages,
} from './state.ts';

/** What runs from the next turn on: one that is open goes on as it began. */
export function configure(state: SessionState, { seq, head }: EnvelopeOf<'agent.configured'>): SessionState {
  const { turn, agent } = state;
  const runs = turn?.runs ?? agent?.seq;
  return {
    ...state,
    agent: { id: head.agent, version: head.version, seq },
    ...(turn !== null && runs !== undefined && { turn: { ...turn, runs } }),
  };
}

export function queueInput(state: SessionState, event: EnvelopeOf<'input.queued'>): SessionState | string {
  const { turn } = state;
  const { key, count } = event.head;
  if (turn === null) return 'no turn is open';
  if (key !== undefined && state.told?.includes(key) === true) return 'it was told that already';
  const messages = waitingMessages(state);
  if (messages >= MAX_QUEUED_INPUTS) return `${messages} inputs wait already`;
  return {
    ...state,
    turn: { ...turn, queued: [...(turn.queued ?? []), { seq: event.seq, count }] },
    ...(key !== undefined && { told: [...(state.told ?? []), key].slice(-MAX_TOLD_KEYS) }),
  };
}

export function steer(state: SessionState, event: EnvelopeOf<'input.steered'>): SessionState | string {
  const { entries, count } = event.head;
  const { turn } = state;
  const queued = turn?.queued ?? [];
  if (turn === null || entries < 1 || queued.length < entries) return 'no such input waits';
  if (turn.tools.length > 0) return 'a tool call has no output yet';
  if (turn.compaction === 'due') return 'the context is to be compacted first';
  if (queued.slice(0, entries).reduce((sum, one) => sum + one.count, 0) !== count) return 'other items wait';
  const { queued: _, ...rest } = turn;
  const left = queued.slice(entries);
  const took = (rest.took ?? []).concat(queued.slice(0, entries).flatMap(({ call }) => call ?? []));
  const after: TurnState = {
    ...rest,
    outcome: null,
    ...(left.length > 0 && { queued: left }),
    ...(took.length > 0 && { took }),
  };
  return { ...state, position: state.position + count, turn: after };
}

/** What no turn has taken once this one has failed or was cancelled. @param since when it failed; null: it was cancelled, and who did that says what comes next */
export function leftUnheard(
  { unheard }: SessionState,
  turn: TurnState,
  since: number | null,
): Pick<SessionState, 'unheard'> {
  const inputs = [...(unheard?.inputs ?? []), ...queuedMessages(turn)];
  return inputs.length === 0 ? {} : { unheard: { inputs, since } };
}

/** The state without those messages: they are in the input of the turn that begins. */
export function takeUnheard(state: SessionState, seqs: readonly number[]): SessionState | string {
  const { unheard, ...rest } = state;
  const inputs = unheard?.inputs ?? [];
  if (seqs.some((seq, i) => inputs[i]?.seq !== seq)) return 'a message that it takes does not wait';
  const left = inputs.slice(seqs.length);
  return unheard === undefined || left.length === 0 ? rest : { ...rest, unheard: { ...unheard, inputs: left } };
}

/** The state without messages whose content is erased. */
export function forgetUnheard(state: SessionState, after: number, before: number): SessionState {
  const { unheard, ...rest } = state;
  const inputs = (unheard?.inputs ?? []).filter(({ seq }) => seq <= after || seq >= before);
  return unheard === undefined || inputs.length === 0 ? rest : { ...rest, unheard: { ...unheard, inputs } };
}

/** Remembers what a search found: the last are kept. */
export function foundTools(state: SessionState, names: readonly string[] = []): SessionState {
  if (names.length === 0) return state;
  const found = [...(state.found ?? []).filter(name => !names.includes(name)), ...new Set(names)];
  return { ...state, found: found.slice(-MAX_FOUND_TOOLS) };
}

/** Counts what a call used: of an agent's session, which has a budget of its own. */
export function used({ kind, turn }: SessionState, usage: Usage, after: SessionState): SessionState {
  const target = turn?.call?.target;
  if (kind !== 'agent' || target === undefined) return after;
  return {
    ...after,
    used: { ...after.used, [target]: sumUsage(after.used?.[target] ?? null, usage) },
    callsMade: (after.callsMade ?? 0) + 1,
  };
}

/** What an agent's session has done itself. */
export function ownWork({ callsMade = 0, used: byTarget = {} }: SessionState): Work {
  const tokens = Object.values(byTarget).reduce((sum, { input, output }) => sum + input + output, 0);
  return { calls: callsMade, tokens };
}

/** A turn begins: its bounds count from what was done before. @param given of the session and its sub-agents together */
export function beforeTurn(state: SessionState, given: Work | undefined): SessionState {
  return state.kind === 'agent' ? { ...state, before: given ?? ownWork(state) } : state;
}

/** What the call of a reviewer used counts against the session that it was made for. */
export function reviewed(
  { head }: EnvelopeOf<'approval.granted' | 'approval.denied' | 'approval.expired'>,
  after: SessionState | string,
): SessionState | string {
  if (typeof after === 'string' || !('review' in head) || head.review === undefined) return after;
  const { target, usage } = head.review;
  return { ...after, used: { ...after.used, [target]: sumUsage(after.used?.[target] ?? null, usage) } };
}
