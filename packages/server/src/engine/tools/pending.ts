/**
 * Calls that the model goes on without (`async` functions): what the model is told at once, and what it is told of their results later. No upstream takes a
 * second output of one call, so a result comes as a message that names its call.
 */
import type { EventBody, JsonObject, LoggedItem } from '../../log/events.ts';
import { pendingCalls, pendingOf } from '../../session/reduce-pending.ts';
import type { PendingCall, SessionState, ToolState } from '../../session/state.ts';
import { bounded, completedTool, failedTool } from './output.ts';
import type { ToolContent } from './ports.ts';

/** What came of a call that was postponed. */
export interface LateResult {
  /** Null: it succeeded. */
  readonly code: string | null;
  readonly output: string | readonly ToolContent[];
}

export interface Postponing {
  readonly tool: ToolState;
  readonly name: string;
  readonly arguments: string;
  readonly turn: string;
  /** ms since 1970. */
  readonly now: number;
  readonly limits: { readonly asyncCalls: number; readonly asyncMs: number; readonly outputChars: number };
}

/** The event that lets the model go on, or ends the call if no more may be pending. */
export function postponed(state: SessionState, { tool, name, turn, now, limits, ...said }: Postponing): EventBody {
  if (pendingCalls(state) >= limits.asyncCalls || pendingOf(state, turn, tool.callId)) {
    const message = `Too many calls are pending: at most ${limits.asyncCalls}. Wait for their results, or do without.`;
    return failedTool(tool, { code: 'too_many_pending_calls', message }, limits.outputChars);
  }
  const told = completedTool(tool, { ok: true, output: PENDING }, limits.outputChars);
  if (told.type !== 'tool.completed') throw new Error('a call that is postponed is told of');
  const { items } = told.payload;
  return {
    type: 'tool.postponed',
    head: {
      callId: tool.callId,
      tool: name,
      item: tool.item ?? '',
      count: items.length,
      expiresAt: now + limits.asyncMs,
    },
    payload: { items, arguments: said.arguments },
  };
}

const PENDING =
  'The call is pending: its result comes later, in a message that names it. Go on without it; do not call again for it.';

/**
 * The event that keeps a result.
 * @param most characters of it that are kept
 * @param mark of the input that brought it, if a key guards it
 */
export function answeredCall(
  call: PendingCall,
  result: LateResult,
  most: number,
  mark: string | null = null,
): EventBody {
  const { seq: postponed, callId, item } = call;
  return {
    type: 'tool.answered',
    head: { postponed, callId, item, code: result.code, ...(mark !== null && { request: mark }) },
    payload: { items: [resultMessage(call, result, most)] },
  };
}

/** The message that tells a model of the result. `result_of` is not sent: it says what is shown in its place. */
function resultMessage({ callId, tool, item, turn }: PendingCall, result: LateResult, most: number): LoggedItem {
  const head = `${result.code === null ? 'Result' : 'Error'} of the call ${callId} of ${tool}, which was pending:\n`;
  const parts: readonly ToolContent[] =
    typeof result.output === 'string' ? [{ type: 'input_text', text: result.output }] : result.output;
  const [first, ...rest] = shortened(parts, most);
  const leads = first?.type === 'input_text';
  const content = [
    { type: 'input_text', text: leads ? head + first.text : head },
    ...(leads || first === undefined ? [] : [shownPart(first)]),
    ...rest.map(shownPart),
  ];
  const of = { call_id: callId, item_id: item, turn, code: result.code, head: head.length };
  return { type: 'message', id: 'late', role: 'user', status: 'completed', content, result_of: of };
}

function shownPart(part: ToolContent): JsonObject {
  return part.type === 'input_image' ? { ...part, detail: 'auto' } : { ...part };
}

function shortened(parts: readonly ToolContent[], most: number): readonly ToolContent[] {
  let left = most;
  return parts.flatMap((part): readonly ToolContent[] => {
    if (part.type === 'input_text') {
      const text = bounded(part.text, left);
      left -= text.length;
      return [{ type: 'input_text', text }];
    }
    if (part.image_url.length > left) return [{ type: 'input_text', text: '[an image was left out: it is too large]' }];
    left -= part.image_url.length;
    return [part];
  });
}
