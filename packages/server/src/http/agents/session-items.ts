/** Items of an agent's session in the Agents API's form, from what the log holds of them. Pure. */
import type { Json, JsonObject } from '../../log/events.ts';
import { lateResult, outputIdOf, type ShownResult } from '../../session/late-result.ts';
import { parseArguments } from '../../engine/tools/arguments.ts';
import { isSubagentCall, subagentCall } from './subagent-items.ts';

export type AgentItem = JsonObject & { readonly id: string; readonly type: string };

const objects = (value: Json | undefined): readonly JsonObject[] =>
  Array.isArray(value) ? (value as readonly JsonObject[]) : [];
const text = (value: Json | undefined): string => (typeof value === 'string' ? value : '');

/** A part of an assistant's message: a refusal is text like any other here. */
export function outputPart(part: JsonObject): JsonObject {
  return { type: 'output_text', text: part['type'] === 'refusal' ? text(part['refusal']) : text(part['text']) };
}

/** A message or a reasoning item of a model; null for what has no counterpart. */
export function modelItem(item: JsonObject, turn: string): AgentItem | null {
  const id = text(item['id']);
  switch (item['type']) {
    case 'message':
      return {
        type: 'message',
        id,
        role: 'assistant',
        status: text(item['status']),
        content: objects(item['content']).map(outputPart),
        phase: item['phase'] ?? null,
        turn_id: turn,
      };
    case 'reasoning':
      return {
        type: 'reasoning',
        id,
        status: text(item['status']),
        summary: objects(item['summary']).map(part => ({ type: 'summary_text', text: text(part['text']) })),
        turn_id: turn,
      };
    default:
      return null;
  }
}

/** An item of a turn's input: a message, or the result of a call that an earlier turn went on without. */
export function userItem(item: JsonObject, turn: string): AgentItem {
  const result = lateResult(item);
  if (result !== null) return lateOutput(result, turn);
  const given = item['content'];
  const parts: readonly JsonObject[] =
    typeof given === 'string' ? [{ type: 'input_text', text: given }] : objects(given).flatMap(inputPart);
  return {
    type: 'message',
    id: text(item['id']),
    role: 'user',
    status: 'completed',
    content: parts,
    phase: null,
    turn_id: turn,
  };
}

function lateOutput({ callId, item, code, output }: ShownResult, turn: string): AgentItem {
  return {
    type: 'function_call_output',
    id: outputIdOf(item),
    call_id: callId,
    status: code === null ? 'completed' : 'failed',
    output: code === null ? shownOutput(output) : null,
    error: code === null ? null : text(output),
    turn_id: turn,
  };
}

function inputPart(part: JsonObject): JsonObject[] {
  if (part['type'] === 'input_image') return [{ type: 'input_image', image_url: text(part['image_url']) }];
  return part['type'] === 'input_text' ? [{ type: 'input_text', text: text(part['text']) }] : [];
}

/** Which form a call takes, by who runs it. */
function formOf(fact: JsonObject): 'mcp_call' | 'command_execution' | 'subagent_call' | 'function_call' {
  if (isSubagentCall(fact)) return 'subagent_call';
  const kind = (fact['origin'] as JsonObject)['kind'];
  if (kind === 'mcp') return 'mcp_call';
  return kind === 'builtin' && fact['name'] === SHELL ? 'command_execution' : 'function_call';
}

/** The built-in tool whose calls are shown as commands. */
const SHELL = 'shell';

/** Arguments as an object where they are one; else the text that the model wrote. */
export function shownArguments(fact: JsonObject): Json {
  const written = text(fact['arguments']);
  return parseArguments(written) ?? written;
}

/** The call of a `perdure.tool` or `perdure.tool_done` fact. @param agent whose call it is */
export function callItem(fact: JsonObject, turn: string, agent: string): AgentItem {
  const done = 'code' in fact;
  const failed = done && fact['code'] !== null;
  const status = done ? (failed ? 'failed' : 'completed') : 'in_progress';
  const caller = fact['caller'];
  const common = { id: text(fact['item_id']), status, turn_id: turn, ...(caller !== undefined && { caller }) };
  const output = done ? ((fact['output'] as JsonObject | null)?.['output'] ?? null) : null;
  switch (formOf(fact)) {
    case 'subagent_call':
      return subagentCall(fact, status, turn, agent);
    case 'mcp_call': {
      const origin = fact['origin'] as JsonObject;
      return {
        type: 'mcp_call',
        ...common,
        server_label: text(origin['server']),
        name: text(origin['tool']) || text(fact['name']),
        arguments: shownArguments(fact),
        output: failed ? null : output,
        error: failed ? (fact['message'] ?? null) : null,
      };
    }
    case 'command_execution': {
      const detail = (fact['detail'] ?? null) as JsonObject | null;
      const args = shownArguments(fact);
      const asked = typeof args === 'object' && args !== null && !Array.isArray(args) ? (args as JsonObject) : {};
      return {
        type: 'command_execution',
        ...common,
        command: text(detail?.['command']) || text(asked['command']),
        cwd: detail?.['cwd'] ?? null,
        exit_code: detail?.['exitCode'] ?? null,
        duration_ms: detail?.['durationMs'] ?? null,
        output: detail?.['output'] ?? (typeof output === 'string' ? output : null),
      };
    }
    case 'function_call':
      return {
        type: 'function_call',
        ...common,
        call_id: text(fact['call_id']),
        name: text(fact['name']),
        arguments: shownArguments(fact),
      };
  }
}

/** The output item of a `perdure.tool_done` fact; null where the call's own item holds it. */
export function outputItem(fact: JsonObject, turn: string): AgentItem | null {
  if (formOf(fact) !== 'function_call') return null;
  const output = (fact['output'] ?? null) as JsonObject | null;
  const failed = fact['code'] !== null;
  return {
    type: 'function_call_output',
    id: text(output?.['id']) || `${text(fact['item_id'])}_output`,
    call_id: text(fact['call_id']),
    status: failed ? 'failed' : 'completed',
    output: failed ? null : shownOutput(output?.['output'] ?? null),
    error: failed ? text(fact['message']) || 'The tool failed.' : null,
    turn_id: turn,
    ...(fact['caller'] !== undefined && { caller: fact['caller'] }),
  };
}

function shownOutput(output: Json): Json {
  return Array.isArray(output) ? (output as readonly JsonObject[]).flatMap(inputPart) : output;
}

/** Text that a command printed and that was not shown yet while it ran; empty for other calls. */
export function printed(fact: JsonObject): string {
  if (formOf(fact) !== 'command_execution') return '';
  if (fact['type'] === 'perdure.tool_output') return text(fact['text']);
  const shown = Number(fact['printed'] ?? 0);
  // Where what was shown is not how the output begins, it ends with a note of what is missing.
  return shown < 0 ? '' : text(callItem(fact, '', '')['output']).slice(shown);
}
