/**
 * The part of the reducer that is about calls that the model goes on without: they are postponed, answered later, and what they gave is taken by a turn.
 *
 * Y1  A call that was postponed is answered once at most, whatever becomes of turns in between.
 * Y2  A result is in the context of one turn that ended well at most. A turn that fails or is cancelled gives back what it took: the next one takes it.
 * Y3  A turn that fails or is cancelled takes the calls that it made with it: no model knows of them any more.
 */
import type { EnvelopeOf } from '../log/events.ts';
import { answered, withTurn } from './reduce-tool.ts';
import { MAX_PENDING_CALLS, type PendingCall, type SessionState, type TurnState } from './state.ts';

export function postponeCall(state: SessionState, event: EnvelopeOf<'tool.postponed'>): SessionState | string {
  const { callId, tool, item, count, expiresAt } = event.head;
  const { turn, pending = [] } = state;
  const asked = turn?.tools.find(one => one.callId === callId);
  if (turn === null || asked === undefined) return `tool call ${callId} was not requested`;
  if (asked.client !== true || asked.async !== true) return `tool call ${callId} is waited for`;
  if (asked.status === 'refused') return `tool call ${callId} was refused`;
  if (turn.approvals.some(open => open.callId === callId)) return `tool call ${callId} waits for its approval`;
  if (pendingCalls(state) >= MAX_PENDING_CALLS) return `${MAX_PENDING_CALLS} calls are pending already`;
  if (pendingOf(state, turn.response, callId)) return `tool call ${callId} was postponed already`;
  const call: PendingCall = { seq: event.seq, callId, tool, item, turn: turn.response, expiresAt };
  const position = state.position + count;
  return withTurn(
    { ...state, position, openCalls: answered(state.openCalls, [callId]), pending: [...pending, call] },
    now => ({ ...now, tools: now.tools.filter(one => one.callId !== callId) }),
  );
}

/** How many calls count against the bound: answered ones do until a turn that took their result has ended. */
export function pendingCalls({ pending, turn, accepted }: SessionState): number {
  const queued = turn?.queued?.filter(({ call }) => call !== undefined).length ?? 0;
  return (pending?.length ?? 0) + queued + (turn?.took?.length ?? 0) + (accepted?.took?.length ?? 0);
}

/** Whether the turn has made a call of that id which is not over. */
export function pendingOf({ pending = [], turn }: SessionState, of: string, callId: string): boolean {
  const same = (call: PendingCall | undefined): boolean => call?.turn === of && call.callId === callId;
  return pending.some(same) || (turn?.took ?? []).some(same) || (turn?.queued ?? []).some(({ call }) => same(call));
}

export function answerCall(state: SessionState, event: EnvelopeOf<'tool.answered'>): SessionState | string {
  const { postponed, callId, item } = event.head;
  const { turn, pending = [] } = state;
  const call = pending.find(one => one.seq === postponed);
  if (call === undefined || call.callId !== callId || call.item !== item) return `tool call ${callId} is not pending`;
  if (call.result !== undefined) return `tool call ${callId} was answered already`;
  const result: PendingCall = { ...call, result: event.seq };
  if (turn === null) return { ...state, pending: pending.map(one => (one === call ? result : one)) };
  const queued = [...(turn.queued ?? []), { seq: event.seq, count: 1, call: result }];
  return { ...withPending(state, without(pending, [call])), turn: { ...turn, queued } };
}

/** Takes the results of these calls out of those that wait. */
export function takeResults(
  state: SessionState,
  results: readonly number[],
): { readonly rest: Pick<SessionState, 'pending'>; readonly took: readonly PendingCall[] } | string {
  if (results.length === 0) return { rest: {}, took: [] };
  const { pending = [] } = state;
  const took = pending.filter(call => call.result !== undefined && results.includes(call.seq));
  if (took.length !== results.length) return 'a result that it takes does not wait';
  return { rest: { pending: without(pending, took) }, took };
}

/** What is pending once the turn has failed. */
export function givenBack({ pending = [] }: SessionState, turn: TurnState): Pick<SessionState, 'pending'> {
  const back = [...(turn.took ?? []), ...(turn.queued ?? []).flatMap(({ call }) => call ?? [])];
  if (pending.length === 0 && back.length === 0) return {};
  const left = [...pending, ...back].filter(call => call.turn !== turn.response);
  return { pending: left.toSorted((a, b) => a.seq - b.seq) };
}

function without(pending: readonly PendingCall[], gone: readonly PendingCall[]): readonly PendingCall[] {
  return pending.filter(call => !gone.includes(call));
}

function withPending(state: SessionState, pending: readonly PendingCall[]): SessionState {
  return { ...state, pending };
}
