/** What came of a tool, as the log keeps it and the model is told it. */
import type { EventBody, Json, JsonObject, LoggedItem } from '../../log/events.ts';
import { outputIdOf } from '../../session/late-result.ts';
import type { ToolState } from '../../session/state.ts';
import type { ToolContent, ToolOutcome } from './ports.ts';

/** Leaves out the middle of a text that is too long, and says so. The result has at most `most` characters. */
export function bounded(text: string, most: number): string {
  if (text.length <= most) return text;
  const note = `\n[... ${text.length - most} characters left out ...]\n`;
  const kept = Math.max(0, most - note.length);
  const head = Math.ceil(kept / 2);
  return `${whole(text.slice(0, head), 'end')}${note.slice(0, most)}${whole(text.slice(text.length - (kept - head)), 'start')}`;
}

/** Without the half of a surrogate pair at its edge. */
function whole(text: string, edge: 'start' | 'end'): string {
  if (edge === 'end') return /[\ud800-\udbff]$/.test(text) ? text.slice(0, -1) : text;
  return /^[\udc00-\udfff]/.test(text) ? text.slice(1) : text;
}

function boundedContent(parts: readonly ToolContent[], most: number): readonly ToolContent[] {
  let left = most;
  return parts.flatMap((part): ToolContent[] => {
    if (part.type === 'input_text') {
      const text = bounded(part.text, Math.max(0, left));
      left -= text.length;
      return text === '' && part.text !== '' ? [] : [{ type: 'input_text', text }];
    }
    // Half an image is none.
    if (part.image_url.length > left) return [{ type: 'input_text', text: '[an image was left out: it is too large]' }];
    left -= part.image_url.length;
    return [part];
  });
}

/** The id of a tool's output: that of the item that asked for it, under another kind. */
export function outputId(tool: Pick<ToolState, 'item' | 'callId'>): string {
  return tool.item === undefined ? `fco_${tool.callId}` : outputIdOf(tool.item);
}

function outputItem(tool: ToolState, output: Json): LoggedItem {
  return {
    type: 'function_call_output',
    id: outputId(tool),
    call_id: tool.callId,
    status: 'completed',
    output,
  };
}

/** What a program's call gave is the program's: it takes no place in the context, and the model is not sent it. */
function placesOf({ caller }: ToolState): 0 | 1 {
  return caller === undefined ? 1 : 0;
}

/** The event that ends a tool which gave something back. @param found names of tools, by a search */
export function completedTool(
  tool: ToolState,
  outcome: Extract<ToolOutcome, { ok: true }>,
  most: number,
  found: readonly string[] = [],
): EventBody {
  const { output, detail, files = 0 } = outcome;
  const kept = typeof output === 'string' ? bounded(output, most) : (boundedContent(output, most) as unknown as Json);
  const items = [outputItem(tool, kept)];
  return {
    type: 'tool.completed',
    head: {
      callId: tool.callId,
      count: placesOf(tool),
      ...(found.length > 0 && { found }),
      ...(files > 0 && { files }),
    },
    payload: { items, ...(detail !== undefined && { detail: detailOf(detail, most) }) },
  };
}

/** The event that ends a tool which did not. The model is told why. */
export function failedTool(
  tool: ToolState,
  { code, message, detail }: Omit<Extract<ToolOutcome, { ok: false }>, 'ok'>,
  most: number,
): EventBody {
  const text = bounded(message, most);
  return {
    type: 'tool.failed',
    head: { callId: tool.callId, code, count: placesOf(tool) },
    payload: {
      items: [outputItem(tool, `Error: ${text}`)],
      message: text,
      ...(detail !== undefined && { detail: detailOf(detail, most) }),
    },
  };
}

function detailOf(detail: NonNullable<Extract<ToolOutcome, { ok: true }>['detail']>, most: number): JsonObject {
  return { ...detail, output: bounded(detail.output, most) };
}
