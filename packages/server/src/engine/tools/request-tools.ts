/** Tool calls that a model made, as the log asks for them: in the commit that ends the call (L7). */
import { perdureError, type PerdureError } from '@perdure/protocol';
import { type EventBody, type EventOf, type LoggedItem, textOf } from '../../log/events.ts';
import { parseArguments } from './arguments.ts';
import type { AgentTurn } from '../agent-sessions/agent-turn.ts';
import type { EngineContext } from '../engine-context.ts';
import { mustState } from '../plan.ts';
import type { RunningTurn } from '../turn.ts';
import { approvalId } from './approval-id.ts';
import { failedTool } from './output.ts';
import type { ToolQuestion, ToolVerdict } from './ports.ts';
import { openToolbox, placeOf, scopeOf, type Tool } from './toolbox.ts';

/** Why the turn cannot go on with what the model just said; null if it can. */
export function whyNotRequested(
  engine: EngineContext,
  turn: RunningTurn,
  bodies: readonly EventBody[],
): PerdureError | null {
  const completed = completedCall(bodies);
  if (turn.agent === null || completed === undefined || completed.head.calls.length === 0) return null;
  if (completed.head.outcome === 'incomplete') return perdureError('output_cut');
  const { tools } = engine.tools.limits;
  const before = mustState(turn.live).turn?.toolCalls ?? 0;
  if (before + completed.head.calls.length <= tools) return null;
  return perdureError('turn_limit_reached', `A turn may call tools at most ${tools} times.`);
}

/** Of a turn that was taken up again: its tools are listed once a call asks for some. */
export async function listAgain(engine: EngineContext, turn: RunningTurn, bodies: readonly EventBody[]): Promise<void> {
  const { agent } = turn;
  if (agent === null || agent.toolbox !== null || (completedCall(bodies)?.head.calls.length ?? 0) === 0) return;
  agent.toolbox = await openToolbox(
    engine,
    scopeOf(mustState(turn.live), agent.config, turn.principal),
    turn.abort.signal,
  );
}

function completedCall(bodies: readonly EventBody[]): EventOf<'call.completed'> | undefined {
  return bodies.find(body => body.type === 'call.completed');
}

/**
 * The events that ask for the tools of a completed call.
 * @param seq of the first of them
 */
export function toolRequests(
  engine: EngineContext,
  turn: RunningTurn,
  bodies: readonly EventBody[],
  seq: number,
): readonly EventBody[] {
  const { agent } = turn;
  const items = completedCall(bodies)?.payload?.items ?? [];
  if (agent === null) return [];
  const requests: EventBody[] = [];
  for (const item of items)
    if (item.type === 'function_call') requests.push(...requested(engine, turn, agent, item, seq + requests.length));
  return requests;
}

function requested(
  engine: EngineContext,
  turn: RunningTurn,
  agent: AgentTurn,
  item: LoggedItem,
  seq: number,
): readonly EventBody[] {
  const callId = textOf(item['call_id']);
  const name = textOf(item['name']);
  const tool = agent.toolbox?.get(name);
  const salt = Buffer.from(engine.salt()).toString('hex');
  const digest = argumentsDigest(engine, salt, textOf(item['arguments']));
  const client = tool !== undefined && tool.source === null;
  const asked = client ? reviewedVerdict(engine, turn, agent, tool, objectOf(item)) : null;
  const held = asked !== null && asked.verdict !== 'permit';
  const request: EventBody = {
    type: 'tool.requested',
    head: {
      callId,
      tool: name,
      idempotent: tool?.definition.idempotent ?? false,
      arguments: digest,
      item: item.id,
      ...(tool !== undefined && { definition: tool.digest, origin: placeOf(tool.definition.origin) }),
      ...(held && { held: true as const }),
    },
    payload: { salt },
  };
  if (!client || !held) return [request];
  // Whoever drives the session would run it at once: policies are asked before it is told.
  const state = {
    callId,
    item: item.id,
    idempotent: false,
    arguments: digest,
    status: 'requested',
    granted: null,
  } as const;
  if (asked.verdict === 'deny' || agent.config.review === 'auto_review')
    return [request, failedTool(state, denied(asked), engine.tools.limits.outputChars)];
  return [
    request,
    approvalRequested(engine, turn, { callId, digest, definition: tool.digest, policy: asked.policy }, seq + 1),
  ];
}

/** For a tool that the client runs: under automatic review rules alone answer what would be asked. */
function reviewedVerdict(
  engine: EngineContext,
  turn: RunningTurn,
  agent: AgentTurn,
  tool: Tool,
  args: ToolQuestion['arguments'],
): ToolVerdict {
  const verdict = verdictOf(engine, turn, tool, args);
  const { reviewer } = engine.tools;
  if (verdict.verdict !== 'ask' || agent.config.review !== 'auto_review' || reviewer === null) return verdict;
  return { ...verdict, verdict: reviewer.rules(questionOf(engine, turn, tool, args)) };
}

export function denied(verdict: ToolVerdict): { readonly code: string; readonly message: string } {
  const why = verdict.reasons.map(reason => reason.id).join(', ');
  const message = `Permission denied by policy${why === '' ? '' : ` (${why})`}.`;
  return { code: 'permission_denied', message };
}

export interface Asking {
  readonly callId: string;
  readonly digest: string;
  readonly definition: string | undefined;
  readonly policy: string;
  readonly why?: 'tool_asks' | 'outcome_unknown';
  readonly payload?: EventOf<'approval.requested'>['payload'];
}

/** @param seq that the event will have: the approval's id names it */
export function approvalRequested(engine: EngineContext, turn: RunningTurn, asking: Asking, seq: number): EventBody {
  const { callId, digest, definition, policy, why, payload = null } = asking;
  return {
    type: 'approval.requested',
    head: {
      approval: approvalId(turn.live.session, seq),
      callId,
      arguments: digest,
      policy,
      expiresAt: engine.clock.now() + engine.tools.limits.approvalMs,
      ...(definition !== undefined && { definition }),
      ...(turn.agent !== null && { agentVersion: turn.agent.config.version }),
      ...(why !== undefined && { why }),
    },
    payload,
  };
}

export function argumentsDigest(engine: EngineContext, salt: string, text: string): string {
  return Buffer.from(engine.sha256(salt, text)).toString('hex');
}

function objectOf(item: LoggedItem): ToolQuestion['arguments'] {
  const parsed = parseArguments(textOf(item['arguments']));
  return parsed ?? {};
}

/** What the policy says of a call. A policy that errs denies. */
export function verdictOf(
  engine: EngineContext,
  turn: RunningTurn,
  tool: Tool,
  args: ToolQuestion['arguments'],
): ToolVerdict {
  const question = questionOf(engine, turn, tool, args);
  try {
    return engine.tools.policy.decide(question);
  } catch (error) {
    engine.report('tools.policy', perdureError('internal_error', undefined, { cause: error }));
    return { verdict: 'deny', policy: 'unknown', reasons: [] };
  }
}

export function questionOf(
  engine: EngineContext,
  turn: RunningTurn,
  tool: Tool,
  args: ToolQuestion['arguments'],
): ToolQuestion {
  const { tenant, session, labels } = mustState(turn.live);
  const { agent, version = 1 } = turn.agent?.config ?? {};
  const { name, origin, idempotent } = tool.definition;
  return {
    tenant,
    principal: turn.principal,
    agent: { id: agent?.id ?? '', version, name: textOf(agent?.['name']) || null },
    session,
    labels,
    tool: { name, origin, idempotent },
    arguments: args,
    at: engine.clock.now(),
  };
}
