/**
 * A model's verdict on one tool call, in the log: the request and its answer are one commit, so that nobody else can answer it, and a permit is an
 * approval like a person's. It binds the same, is consumed once by the tool's start (L7), and a process that dies after it starts the tool without
 * asking again.
 */
import type { EventBody, JsonObject } from '../../log/events.ts';
import type { ToolState } from '../../session/state.ts';
import type { EngineContext } from '../engine-context.ts';
import { killPoint } from '../kill-point.ts';
import { mustState } from '../plan.ts';
import { failedTool } from '../tools/output.ts';
import type { ToolVerdict } from '../tools/ports.ts';
import { approvalRequested, questionOf } from '../tools/request-tools.ts';
import type { Tool } from '../tools/toolbox.ts';
import type { RunningTurn } from '../turn.ts';
import { askReviewer, type ReviewAnswer } from './ask-reviewer.ts';

/** Who decided, as events name their actor. */
const REVIEWER = 'reviewer';

export interface ReviewedTool {
  readonly state: ToolState;
  readonly tool: Tool;
  readonly args: JsonObject;
  readonly verdict: ToolVerdict;
}

export async function reviewTool(
  engine: EngineContext,
  turn: RunningTurn,
  { state, tool, args, verdict }: ReviewedTool,
): Promise<void> {
  const question = questionOf(engine, turn, { tool, args, caller: state.caller });
  const answer = await askReviewer(engine, turn, { tool, question, verdict });
  if (turn.abort.signal.aborted) return;
  killPoint('review.before-commit');
  await engine.sessions.commit(turn.live, () => said(engine, turn, state, verdict, answer), { actor: REVIEWER });
  killPoint('review.after-commit');
}

function said(
  engine: EngineContext,
  turn: RunningTurn,
  state: ToolState,
  { policy }: ToolVerdict,
  { verdict, reason, by }: ReviewAnswer,
): readonly EventBody[] {
  const seq = mustState(turn.live).seq + 1;
  const { callId, arguments: digest, definition } = state;
  const asked = approvalRequested(engine, turn, { callId, digest, definition, policy, reviewed: true }, seq);
  if (asked.type !== 'approval.requested') return [];
  const head = { approval: asked.head.approval, ...(by !== null && { review: by }) };
  if (verdict === 'permit') return [asked, { type: 'approval.granted', head, payload: { value: null, reason } }];
  const message = `The call was not approved: ${reason}`;
  return [
    asked,
    { type: 'approval.denied', head, payload: { reason } },
    failedTool(state, { code: 'approval_denied', message }, engine.tools.limits.outputChars),
  ];
}
