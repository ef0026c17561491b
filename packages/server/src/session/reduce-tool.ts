/** The part of the reducer that is about tools and their approvals (L6, L7). */
import { assertNever } from '../kernel/assert-never.ts';
import type { EnvelopeOf, ProgramCaller } from '../log/events.ts';
import { foundTools } from './reduce-agent.ts';
import type { OpenApproval, SessionState, ToolState, TurnState } from './state.ts';

type ToolEvent = EnvelopeOf<
  | 'tool.requested'
  | 'tool.started'
  | 'tool.completed'
  | 'tool.failed'
  | 'tool.outcome_unknown'
  | 'tool.suspended'
  | 'tool.output'
  | 'tool.yielded'
  | 'tool.resumed'
>;

export function reduceTool(state: SessionState, event: ToolEvent): SessionState | string {
  const { callId } = event.head;
  const existing = state.turn?.tools.find(one => one.callId === callId);
  if (event.type === 'tool.requested') {
    if (existing !== undefined) return `tool call ${callId} was already requested`;
    const { caller } = event.head;
    const why = caller === undefined ? null : whyNotCalled(state.turn?.tools ?? [], caller);
    if (why !== null) return `tool call ${callId} ${why}`;
    if (caller === undefined && !state.openCalls.includes(callId)) return `no call ${callId} is open`;
    // The outcome so far is no longer the last word: the model will be called again with what the tool returns.
    return withTurn(state, turn => ({
      ...turn,
      outcome: null,
      tools: [
        ...(caller === undefined ? turn : setTool(turn, caller.program, { made: caller.index + 1 })).tools,
        {
          callId,
          idempotent: event.head.idempotent,
          arguments: event.head.arguments,
          status: 'requested',
          granted: null,
          ...(event.head.origin?.kind === 'client' && { client: true as const }),
          ...(event.head.definition !== undefined && { definition: event.head.definition }),
          ...(event.head.item !== undefined && { item: event.head.item }),
          ...(event.head.async === true && { async: true as const }),
          ...(caller !== undefined && { caller }),
        },
      ],
      toolCalls: (turn.toolCalls ?? 0) + 1,
    }));
  }
  if (existing === undefined) return `tool call ${callId} was not requested`;
  switch (event.type) {
    case 'tool.started': {
      const why = whyNotStarted(existing, state.turn?.approvals ?? [], event.head.approval);
      if (why !== null) return `tool call ${callId} ${why}`;
      return withTurn({ ...state, use: { ...state.use, toolsRun: state.use.toolsRun + 1 } }, turn =>
        setTool(turn, callId, { status: 'started', granted: null }),
      );
    }
    case 'tool.output':
      return existing.status === 'started' ? state : `tool call ${callId} is not running`;
    case 'tool.outcome_unknown':
      if (existing.status !== 'started') return `tool call ${callId} is not running`;
      return withTurn(state, turn => setTool(turn, callId, { status: 'outcome_unknown' }));
    case 'tool.suspended':
      if (existing.status !== 'started') return `tool call ${callId} is not running`;
      if (!callsOpen(state.turn?.tools ?? [], callId)) return `tool call ${callId} waits for nothing`;
      return withTurn(state, turn => setTool(turn, callId, { status: 'suspended' }));
    case 'tool.yielded': {
      // It begins again: only what may run twice can do that.
      if (existing.status !== 'started' || !existing.idempotent) return `tool call ${callId} cannot be yielded`;
      const { on, until } = event.head;
      return withTurn(state, turn => setTool(turn, callId, { status: 'yielded', yielded: { on, until } }));
    }
    case 'tool.resumed': {
      if (existing.status !== 'yielded') return `tool call ${callId} is not yielded`;
      const { yielded: _, ...tool } = existing;
      // What people allowed is allowed still: it is the same call.
      const again: ToolState = { ...tool, status: 'requested', again: true };
      return withTurn(state, turn => ({
        ...turn,
        tools: turn.tools.map(one => (one.callId === callId ? again : one)),
      }));
    }
    case 'tool.completed':
    case 'tool.failed':
      if (callsOpen(state.turn?.tools ?? [], callId)) return `tool call ${callId} has calls that have not ended`;
      if (existing.caller !== undefined && event.head.count > 0) return `tool call ${callId} is no call of the model`;
      if (event.type === 'tool.completed') {
        const why = whyNotCompleted(existing, state.turn?.approvals ?? []);
        if (why !== null) return `tool call ${callId} ${why}`;
      }
      return withTurn(
        foundTools(
          { ...state, position: state.position + event.head.count, openCalls: answered(state.openCalls, [callId]) },
          event.type === 'tool.completed' ? event.head.found : [],
        ),
        turn => ({
          ...turn,
          tools: resumed(turn.tools, existing.caller?.program).filter(one => one.callId !== callId),
          approvals: turn.approvals.filter(open => open.callId !== callId),
        }),
      );
    default:
      return assertNever(event, 'tool event');
  }
}

/** Why a program may not make this call; null if it may. */
function whyNotCalled(tools: readonly ToolState[], { program, index }: ProgramCaller): string | null {
  const calling = tools.find(one => one.callId === program);
  if (calling === undefined || calling.caller !== undefined) return 'is of no program';
  if (calling.status !== 'started') return 'is of a program that does not run';
  return index === (calling.made ?? 0) ? null : `is call ${index} after ${calling.made ?? 0}`;
}

/** Whether calls of the program have not ended. */
export function callsOpen(tools: readonly ToolState[], program: string): boolean {
  return tools.some(one => one.caller?.program === program);
}

/** A program that was suspended goes on: one of its calls has ended. */
function resumed(tools: readonly ToolState[], program: string | undefined): readonly ToolState[] {
  return tools.map(one => (one.callId === program && one.status === 'suspended' ? { ...one, status: 'started' } : one));
}

/** What is said of where it runs comes before it does. */
export function placeTool(state: SessionState, { head }: EnvelopeOf<'tool.placed'>): SessionState | string {
  const tool = state.turn?.tools.find(one => one.callId === head.callId);
  if (tool === undefined) return `tool call ${head.callId} was not requested`;
  return tool.client === true ? `tool call ${head.callId} is run by the client` : state;
}

/** A client's result comes without a start: who runs the tool is not here. */
function whyNotCompleted(tool: ToolState, open: readonly OpenApproval[]): string | null {
  if (tool.client !== true)
    return tool.status === 'started' || tool.status === 'outcome_unknown' ? null : 'was not started';
  if (tool.status === 'refused') return 'was refused';
  return open.some(one => one.callId === tool.callId) ? 'waits for its approval' : null;
}

/** Why the tool may not start now; null if it may (L6, L7). */
function whyNotStarted(tool: ToolState, open: readonly OpenApproval[], approval: string | null): string | null {
  if (tool.client === true) return 'is run by the client';
  if (tool.status === 'refused') return 'was refused';
  if (tool.status === 'suspended') return 'waits for its calls';
  if (tool.parked === true) return 'waits for a worker';
  if (tool.status === 'yielded') return 'is yielded';
  // Again only if idempotent: a second start of any other is refused here, whoever asks, unless people said so.
  const again = tool.status === 'started' || tool.status === 'outcome_unknown';
  if (again && !tool.idempotent && tool.granted === null) return 'was already started';
  if (open.some(one => one.callId === tool.callId)) return 'waits for its approval';
  if (approval !== tool.granted) return `was given ${tool.granted ?? 'no approval'}, not ${approval ?? 'none'}`;
  return null;
}

export function requestApproval(state: SessionState, event: EnvelopeOf<'approval.requested'>): SessionState | string {
  const { approval, callId, arguments: digest, expiresAt } = event.head;
  const { tools = [], approvals = [] } = state.turn ?? {};
  const tool = tools.find(one => one.callId === callId);
  // One that runs may ask too: then it has done nothing yet, and begins again with the answer.
  if (tool === undefined || tool.status === 'refused' || tool.status === 'yielded' || tool.parked === true)
    return `tool call ${callId} does not wait for an approval`;
  if (tool.arguments !== digest) return `tool call ${callId} has other arguments`;
  if (event.head.definition !== undefined && tool.definition !== event.head.definition)
    return `tool call ${callId} has another definition`;
  if (tool.granted !== null || approvals.some(open => open.callId === callId))
    return `tool call ${callId} has an approval`;
  if (approvals.some(open => open.approval === approval) || tools.some(one => one.granted === approval))
    return `approval ${approval} was asked for already`;
  return withTurn(state, turn => ({
    ...(tool.status === 'started' ? setTool(turn, callId, { status: 'requested' }) : turn),
    approvals: [...turn.approvals, { approval, callId, expiresAt }],
  }));
}

export function closeApproval(state: SessionState, approval: string, given: boolean): SessionState | string {
  const open = state.turn?.approvals.find(one => one.approval === approval);
  if (open === undefined) return `approval ${approval} is not open`;
  return withTurn(state, turn => ({
    ...setTool(turn, open.callId, given ? { granted: approval } : { status: 'refused' }),
    approvals: turn.approvals.filter(one => one.approval !== approval),
  }));
}

function setTool(turn: TurnState, callId: string, change: Partial<ToolState>): TurnState {
  return { ...turn, tools: turn.tools.map(one => (one.callId === callId ? { ...one, ...change } : one)) };
}

/** Changes the turn, and waits when only people can carry it on. */
export function withTurn(state: SessionState, change: (turn: TurnState) => TurnState): SessionState | string {
  if (state.turn === null) return 'no turn is open';
  const turn = unparked(change(state.turn));
  return { ...state, turn, phase: waits(turn) ? 'waiting' : 'called' };
}

/** Nobody is waited for once the last tool that was parked is gone. */
function unparked(turn: TurnState): TurnState {
  if (turn.awaits === undefined || turn.tools.some(tool => tool.parked === true)) return turn;
  const { awaits: _, ...rest } = turn;
  return rest;
}

/** Whether nothing of the turn runs or can run until others have acted: people, whoever drives the session, sub-agents. */
export function waits(turn: Pick<TurnState, 'tools' | 'approvals'>): boolean {
  if (turn.tools.some(tool => tool.status === 'started' || canRun(turn, tool))) return false;
  return turn.approvals.length > 0 || turn.tools.some(stops);
}

/** Whether this server may run the tool now. */
export function canRun({ approvals }: Pick<TurnState, 'approvals'>, tool: ToolState): boolean {
  // A call that the model goes on without is postponed by this server.
  if ((tool.client === true && tool.async !== true) || tool.parked === true) return false;
  if (approvals.some(open => open.callId === tool.callId)) return false;
  return tool.status === 'requested' || (tool.status === 'outcome_unknown' && tool.granted !== null);
}

/** Whether only others, or the `tool.failed` that follows a refusal, can carry the turn on past this tool. */
function stops({ status, granted, client, parked }: ToolState): boolean {
  if (client === true || parked === true || status === 'refused' || status === 'yielded') return true;
  return status === 'outcome_unknown' && granted === null;
}

/** The calls that are open still. */
export function answered(open: readonly string[], answers: readonly string[]): string[] {
  return open.filter(id => !answers.includes(id));
}
