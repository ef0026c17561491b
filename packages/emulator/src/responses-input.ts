import { badRequest, notFound } from './failure.ts';
import {
  arrayIn,
  choiceIn,
  type Fields,
  missing,
  objectAt,
  pathOf,
  required,
  stringIn,
  wrongType,
  wrongValue,
} from './fields.ts';
import { attachedText } from './attached-text.ts';
import { ATTACHMENT_TOKENS, type Turn } from './prompt.ts';

/** Reads the `input` of a Responses request: every item checked, as turns that the model sees. */
export interface Heard {
  readonly turns: Turn[];
  attachmentTokens: number;
}

const ROLES = ['assistant', 'system', 'developer', 'user'] as const;
const SAID_PARTS = ['output_text', 'refusal'];
const SENT_PARTS = ['input_text', 'input_image', 'input_file'];
/** Items of hosted tools: the emulator has none, but a history may hold them, and their text is context. */
const OTHER_ITEMS: ReadonlySet<string> = new Set([
  'file_search_call',
  'computer_call',
  'computer_call_output',
  'web_search_call',
  'image_generation_call',
  'code_interpreter_call',
  'local_shell_call',
  'local_shell_call_output',
  'shell_call',
  'shell_call_output',
  'apply_patch_call',
  'apply_patch_call_output',
  'mcp_list_tools',
  'mcp_approval_request',
  'mcp_approval_response',
  'mcp_call',
  'compaction',
  'compaction_trigger',
  'tool_search_call',
  'tool_search_output',
  'additional_tools',
  'configuration_update',
  'program',
  'program_output',
]);
const KNOWN_ITEMS = [
  'message',
  'function_call',
  'function_call_output',
  'custom_tool_call',
  'custom_tool_call_output',
  'reasoning',
  'item_reference',
];

/** An id made elsewhere is refused by its prefix, as the real service does. */
function checkId(item: Fields, path: string, prefix: string): void {
  const id = stringIn(item, 'id', path);
  if (id === null || id.startsWith(prefix)) return;
  throw badRequest(
    `Invalid '${pathOf(path, 'id')}': '${id}'. Expected an ID that begins with '${prefix}'.`,
    pathOf(path, 'id'),
    'invalid_value',
  );
}

function partsText(parts: readonly unknown[], path: string, allowed: readonly string[], heard: Heard): string {
  const texts: string[] = [];
  parts.forEach((given, index) => {
    const place = pathOf(path, index);
    const part = objectAt(given, place);
    const type = required(stringIn, part, 'type', place);
    if (!allowed.includes(type)) throw wrongValue(pathOf(place, 'type'), type, allowed);
    if (type === 'input_text' || type === 'output_text') texts.push(required(stringIn, part, 'text', place));
    else if (type === 'refusal') texts.push(required(stringIn, part, 'refusal', place));
    else {
      heard.attachmentTokens += ATTACHMENT_TOKENS;
      hearAttached(part, heard);
    }
  });
  return texts.join('\n');
}

/** What a file says is context, before the message that it came with. */
function hearAttached(part: Fields, heard: Heard): void {
  const text = attachedText(part['file_data']);
  if (text !== null) heard.turns.push({ speaker: 'system', text });
}

function contentText(item: Fields, key: string, path: string, allowed: readonly string[], heard: Heard): string {
  const value = item[key];
  const place = pathOf(path, key);
  if (typeof value === 'string') return value;
  if (value === undefined || value === null) throw missing(place);
  if (!Array.isArray(value)) throw wrongType(place, 'one of a string or array of objects', value);
  return partsText(value, place, allowed, heard);
}

function hearMessage(item: Fields, path: string, heard: Heard): void {
  if (item['role'] === undefined || item['role'] === null) throw missing(pathOf(path, 'role'));
  const role = choiceIn(item, 'role', ROLES, path) ?? 'user';
  checkId(item, path, 'msg');
  const text = contentText(item, 'content', path, role === 'assistant' ? SAID_PARTS : SENT_PARTS, heard);
  heard.turns.push({ speaker: role === 'developer' ? 'system' : role, text });
}

function hearReasoning(item: Fields, path: string): void {
  checkId(item, path, 'rs');
  required(arrayIn, item, 'summary', path);
  if (stringIn(item, 'encrypted_content', path) !== null) return;
  const id = stringIn(item, 'id', path) ?? '';
  throw notFound(
    `Item with id '${id}' not found. The emulator persists no items. Send its encrypted_content, or remove this item from your input.`,
    'input',
  );
}

function hear(given: unknown, path: string, heard: Heard): void {
  const item = objectAt(given, path);
  const type = stringIn(item, 'type', path) ?? 'message';
  switch (type) {
    case 'message':
      return hearMessage(item, path, heard);
    case 'function_call':
    case 'custom_tool_call': {
      checkId(item, path, type === 'function_call' ? 'fc' : 'ctc');
      const callId = required(stringIn, item, 'call_id', path);
      const name = required(stringIn, item, 'name', path);
      const text = required(stringIn, item, type === 'function_call' ? 'arguments' : 'input', path);
      stringIn(item, 'namespace', path);
      heard.turns.push({ speaker: 'call', callId, name, text });
      return;
    }
    case 'function_call_output':
    case 'custom_tool_call_output': {
      const callId = required(stringIn, item, 'call_id', path);
      heard.turns.push({
        speaker: 'output',
        callId,
        name: '',
        text: contentText(item, 'output', path, SENT_PARTS, heard),
      });
      return;
    }
    case 'reasoning':
      return hearReasoning(item, path);
    case 'item_reference': {
      const id = required(stringIn, item, 'id', path);
      throw notFound(`Item with id '${id}' not found. The emulator persists no items.`, 'input');
    }
    default:
      if (!OTHER_ITEMS.has(type)) throw wrongValue(pathOf(path, 'type'), type, KNOWN_ITEMS);
      heard.turns.push({ speaker: 'system', text: JSON.stringify(item) });
  }
}

/** Every output answers an earlier call, every call has its output: and each output learns the name of its call. */
function matchCalls(turns: readonly Turn[]): Turn[] {
  const names = new Map<string, string>();
  const open = new Set<string>();
  const matched = turns.map((turn): Turn => {
    if (turn.speaker === 'call') {
      names.set(turn.callId, turn.name);
      open.add(turn.callId);
    }
    if (turn.speaker !== 'output') return turn;
    const name = names.get(turn.callId);
    if (name === undefined)
      throw badRequest(`No tool call found for function call output with call_id ${turn.callId}.`, 'input', null);
    open.delete(turn.callId);
    return { ...turn, name };
  });
  for (const callId of open) throw badRequest(`No tool output found for function call ${callId}.`, 'input', null);
  return matched;
}

export function hearInput(body: Fields): Heard {
  const input = body['input'];
  const heard: Heard = { turns: [], attachmentTokens: 0 };
  const instructions = stringIn(body, 'instructions');
  if (instructions !== null) heard.turns.push({ speaker: 'system', text: instructions });
  if (input === undefined || input === null) throw missing('input');
  if (typeof input === 'string') heard.turns.push({ speaker: 'user', text: input });
  else if (Array.isArray(input)) input.forEach((item, index) => hear(item, pathOf('input', index), heard));
  else throw wrongType('input', 'one of a string or array of items', input);
  return { turns: matchCalls(heard.turns), attachmentTokens: heard.attachmentTokens };
}
