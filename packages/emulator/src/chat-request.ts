import { attachedText } from './attached-text.ts';
import { badRequest } from './failure.ts';
import {
  arrayIn,
  booleanIn,
  choiceIn,
  type Fields,
  integerIn,
  isFields,
  metadataIn,
  missing,
  numberIn,
  objectAt,
  objectIn,
  pathOf,
  refuseUnknown,
  required,
  stringIn,
  wrongType,
  wrongValue,
} from './fields.ts';
import {
  ATTACHMENT_TOKENS,
  type Format,
  type Prompt,
  promptFrom,
  type ToolChoice,
  type ToolDefinition,
  type Turn,
} from './prompt.ts';
import { checkName, checkStrictSchema, customDefinition, functionDefinition } from './tool-definition.ts';

/** A Chat Completions request that passed every check. */
export interface ChatRequest {
  readonly prompt: Prompt;
  readonly stream: boolean;
  readonly includeUsage: boolean;
  readonly serviceTier: string;
  /** Alternatives to each token's log probability; null if none are wanted. */
  readonly logprobs: number | null;
}

const MAX_STOPS = 4;

const KNOWN: ReadonlySet<string> = new Set([
  'messages',
  'model',
  'audio',
  'frequency_penalty',
  'function_call',
  'functions',
  'logit_bias',
  'logprobs',
  'max_completion_tokens',
  'max_tokens',
  'metadata',
  'modalities',
  'moderation',
  'n',
  'parallel_tool_calls',
  'prediction',
  'presence_penalty',
  'prompt_cache_key',
  'prompt_cache_options',
  'prompt_cache_retention',
  'reasoning_effort',
  'response_format',
  'safety_identifier',
  'seed',
  'service_tier',
  'stop',
  'store',
  'stream',
  'stream_options',
  'temperature',
  'tool_choice',
  'tools',
  'top_logprobs',
  'top_p',
  'user',
  'verbosity',
  'web_search_options',
]);
const ROLES = ['system', 'assistant', 'user', 'tool', 'developer'] as const;
const USER_PARTS = ['text', 'image_url', 'input_audio', 'file'];
const TEXT_PARTS = ['text', 'refusal'];

interface Heard {
  readonly turns: Turn[];
  attachmentTokens: number;
}

function contentText(message: Fields, path: string, allowed: readonly string[], heard: Heard): string | null {
  const value = message['content'];
  const place = pathOf(path, 'content');
  if (value === undefined || value === null) return null;
  if (typeof value === 'string') return value;
  if (!Array.isArray(value)) throw wrongType(place, 'one of a string or array of objects', value);
  const texts = value.map((given, index) => {
    const at = pathOf(place, index);
    const part = objectAt(given, at);
    const type = required(stringIn, part, 'type', at);
    if (!allowed.includes(type)) throw wrongValue(pathOf(at, 'type'), type, allowed);
    if (type === 'text' || type === 'refusal') return required(stringIn, part, type, at);
    heard.attachmentTokens += ATTACHMENT_TOKENS;
    const said = attachedText(objectIn(part, 'file', at)?.['file_data']);
    // What a file says is context, before the message that it came with.
    if (said !== null) heard.turns.push({ speaker: 'system', text: said });
    return '';
  });
  return texts.filter(text => text !== '').join('\n');
}

const unanswered = (open: ReadonlyMap<string, string>, path: string): Error =>
  badRequest(
    "An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'. " +
      `The following tool_call_ids did not have response messages: ${[...open.keys()].join(', ')}`,
    pathOf(path, 'role'),
    null,
  );

function hearCalls(message: Fields, path: string, heard: Heard): Map<string, string> {
  const open = new Map<string, string>();
  (arrayIn(message, 'tool_calls', path) ?? []).forEach((given, index) => {
    const at = pathOf(pathOf(path, 'tool_calls'), index);
    const call = objectAt(given, at);
    const callId = required(stringIn, call, 'id', at);
    const type = choiceIn(call, 'type', ['function', 'custom'], at) ?? 'function';
    const said = required(objectIn, call, type, at);
    const name = required(stringIn, said, 'name', pathOf(at, type));
    const text = required(stringIn, said, type === 'function' ? 'arguments' : 'input', pathOf(at, type));
    heard.turns.push({ speaker: 'call', callId, name, text });
    open.set(callId, name);
  });
  return open;
}

function hearMessages(body: Fields): Heard {
  const messages = required(arrayIn, body, 'messages');
  if (messages.length === 0) {
    throw badRequest(
      "Invalid 'messages': empty array. Expected an array with minimum length 1, but got an empty array instead.",
      'messages',
      'empty_array',
    );
  }
  const heard: Heard = { turns: [], attachmentTokens: 0 };
  let open = new Map<string, string>();
  let answerable = new Map<string, string>();
  let path = 'messages';
  messages.forEach((given, index) => {
    path = pathOf('messages', index);
    const message = objectAt(given, path);
    const role = choiceIn(message, 'role', ROLES, path);
    if (role === null) throw missing(pathOf(path, 'role'));
    if (role === 'tool') {
      const callId = required(stringIn, message, 'tool_call_id', path);
      const name = answerable.get(callId);
      if (name === undefined) {
        throw badRequest(
          "Invalid parameter: messages with role 'tool' must be a response to a preceding message with 'tool_calls'.",
          pathOf(path, 'role'),
          null,
        );
      }
      open.delete(callId);
      heard.turns.push({ speaker: 'output', callId, name, text: contentText(message, path, TEXT_PARTS, heard) ?? '' });
      return;
    }
    if (open.size > 0) throw unanswered(open, path);
    answerable = new Map();
    const text = contentText(message, path, role === 'user' ? USER_PARTS : TEXT_PARTS, heard);
    if (role === 'assistant') {
      if (text !== null) heard.turns.push({ speaker: 'assistant', text });
      open = hearCalls(message, path, heard);
      answerable = new Map(open);
      if (text !== null || open.size > 0 || stringIn(message, 'refusal', path) !== null) return;
    }
    if (text === null) throw missing(pathOf(path, 'content'));
    heard.turns.push({ speaker: role === 'user' ? 'user' : 'system', text });
  });
  if (open.size > 0) throw unanswered(open, path);
  return heard;
}

function readTools(body: Fields): readonly ToolDefinition[] {
  const tools: ToolDefinition[] = [];
  (arrayIn(body, 'tools') ?? []).forEach((given, index) => {
    const path = pathOf('tools', index);
    const tool = objectAt(given, path);
    const type = choiceIn(tool, 'type', ['function', 'custom'], path);
    if (type === null) throw missing(pathOf(path, 'type'));
    if (type === 'function')
      tools.push(functionDefinition(required(objectIn, tool, 'function', path), pathOf(path, 'function')));
    else tools.push(customDefinition(required(objectIn, tool, 'custom', path), pathOf(path, 'custom'), 'chat'));
  });
  return tools;
}

const named = (chosen: Fields, path: string, tools: readonly ToolDefinition[]): string => {
  const type = choiceIn(chosen, 'type', ['function', 'custom'], path) ?? 'function';
  const name = required(stringIn, required(objectIn, chosen, type, path), 'name', pathOf(path, type));
  if (tools.some(tool => tool.type === type && tool.name === name)) return name;
  throw badRequest(`Tool choice '${name}' not found in 'tools' parameter.`, 'tool_choice', null);
};

function readToolChoice(
  body: Fields,
  tools: readonly ToolDefinition[],
): { readonly choice: ToolChoice; readonly tools: readonly ToolDefinition[] } {
  const given = body['tool_choice'];
  if (given === undefined || given === null) return { choice: { kind: 'auto' }, tools };
  if ((arrayIn(body, 'tools') ?? []).length === 0) {
    throw badRequest(
      "Invalid value for 'tool_choice': 'tool_choice' is only allowed when 'tools' are specified.",
      'tool_choice',
      null,
    );
  }
  if (typeof given === 'string')
    return { choice: { kind: choiceIn(body, 'tool_choice', ['none', 'auto', 'required']) ?? 'auto' }, tools };
  if (!isFields(given)) throw wrongType('tool_choice', 'one of a string or an object', given);
  const type = required(stringIn, given, 'type', 'tool_choice');
  if (type === 'function' || type === 'custom')
    return { choice: { kind: 'named', name: named(given, 'tool_choice', tools) }, tools };
  if (type !== 'allowed_tools') return { choice: { kind: 'auto' }, tools };
  const path = 'tool_choice.allowed_tools';
  const allowed = required(objectIn, given, 'allowed_tools', 'tool_choice');
  const mode = choiceIn(allowed, 'mode', ['auto', 'required'], path) ?? 'auto';
  const names = required(arrayIn, allowed, 'tools', path).map((each, index) => {
    const at = `${path}.tools[${index}]`;
    return named(objectAt(each, at), at, tools);
  });
  return { choice: { kind: mode }, tools: tools.filter(tool => names.includes(tool.name)) };
}

function readFormat(body: Fields): Format {
  const given = objectIn(body, 'response_format');
  if (given === null) return { kind: 'text' };
  const type = choiceIn(given, 'type', ['text', 'json_object', 'json_schema'], 'response_format');
  if (type === null) throw missing('response_format.type');
  if (type === 'text') return { kind: 'text' };
  if (type === 'json_object') return { kind: 'json-object' };
  const path = 'response_format.json_schema';
  const wrapped = required(objectIn, given, 'json_schema', 'response_format');
  const name = checkName(wrapped, path);
  const schema = objectIn(wrapped, 'schema', path) ?? {};
  if (booleanIn(wrapped, 'strict', path) === true)
    checkStrictSchema(schema, `response_format '${name}'`, 'response_format', null);
  return { kind: 'json-schema', schema };
}

function readMaxTokens(body: Fields): number | null {
  const current = integerIn(body, 'max_completion_tokens', { min: 1 });
  const former = integerIn(body, 'max_tokens', { min: 1 });
  if (current === null || former === null) return current ?? former;
  throw badRequest(
    "Setting 'max_tokens' and 'max_completion_tokens' at the same time is not supported.",
    'max_tokens',
    'invalid_parameter_combination',
  );
}

function readStops(body: Fields): readonly string[] {
  const given = body['stop'];
  if (given === undefined || given === null) return [];
  const stops: readonly unknown[] = Array.isArray(given) ? given : [given];
  if (stops.length > MAX_STOPS) {
    throw badRequest(
      `Invalid 'stop': array too long. Expected an array with maximum length ${MAX_STOPS}, but got an array with length ${stops.length} instead.`,
      'stop',
      'array_above_max_length',
    );
  }
  return stops.map((stop, index) => {
    if (typeof stop !== 'string')
      throw wrongType(Array.isArray(given) ? pathOf('stop', index) : 'stop', 'a string', stop);
    return stop;
  });
}

/** Fields whose type and range are checked though nothing depends on them. */
function checkTheRest(body: Fields): void {
  numberIn(body, 'temperature', { min: 0, max: 2 });
  numberIn(body, 'top_p', { min: 0, max: 1 });
  numberIn(body, 'frequency_penalty', { min: -2, max: 2 });
  numberIn(body, 'presence_penalty', { min: -2, max: 2 });
  integerIn(body, 'seed');
  booleanIn(body, 'store');
  for (const key of ['user', 'safety_identifier', 'prompt_cache_key']) stringIn(body, key);
  choiceIn(body, 'reasoning_effort', ['none', 'minimal', 'low', 'medium', 'high', 'xhigh', 'max']);
  choiceIn(body, 'verbosity', ['low', 'medium', 'high']);
  metadataIn(body);
  if ((integerIn(body, 'n', { min: 1, max: 128 }) ?? 1) > 1) {
    throw badRequest('The emulator makes one choice only.', 'n', 'unsupported_value');
  }
}

export function readChatRequest(body: Fields, cloud: string): ChatRequest {
  refuseUnknown(body, KNOWN);
  checkTheRest(body);
  const stream = booleanIn(body, 'stream') ?? false;
  const streamOptions = objectIn(body, 'stream_options');
  if (streamOptions !== null && !stream) {
    throw badRequest(
      "The 'stream_options' parameter is only allowed when 'stream' is enabled.",
      'stream_options',
      null,
    );
  }
  const includeUsage =
    streamOptions === null ? false : (booleanIn(streamOptions, 'include_usage', 'stream_options') ?? false);
  const tier = choiceIn(body, 'service_tier', ['auto', 'default', 'flex', 'scale', 'priority', 'fast']);
  const format = readFormat(body);
  const { choice, tools } = readToolChoice(body, readTools(body));
  const maxTokens = readMaxTokens(body);
  const stop = readStops(body);
  const { turns, attachmentTokens } = hearMessages(body);
  if (format.kind === 'json-object' && !turns.some(turn => /json/i.test(turn.text))) {
    throw badRequest(
      "'messages' must contain the word 'json' in some form, to use 'response_format' of type 'json_object'.",
      'messages',
      null,
    );
  }
  const parallelCalls = booleanIn(body, 'parallel_tool_calls') ?? true;
  const prompt = promptFrom({
    cloud,
    turns,
    tools,
    toolChoice: choice,
    parallelCalls,
    format,
    maxTokens,
    stop,
    attachmentTokens,
  });
  const top = integerIn(body, 'top_logprobs', { min: 0, max: 20 });
  const wanted = booleanIn(body, 'logprobs') ?? false;
  if (top !== null && !wanted) {
    throw badRequest("The 'top_logprobs' parameter is only allowed when 'logprobs' is enabled.", 'top_logprobs', null);
  }
  const logprobs = wanted ? (top ?? 0) : null;
  return { prompt, stream, includeUsage, logprobs, serviceTier: tier === null || tier === 'auto' ? 'default' : tier };
}
