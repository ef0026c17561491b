import { badRequest, notFound } from './failure.ts';
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
import { type Format, type Prompt, promptFrom, type ToolChoice, type ToolDefinition } from './prompt.ts';
import { hearInput } from './responses-input.ts';
import { choiceName } from './tool-calls.ts';
import { checkName, checkStrictSchema, customDefinition, functionDefinition } from './tool-definition.ts';

/** A Responses request that passed every check. `echo` holds the properties that every snapshot repeats. */
export interface ResponsesRequest {
  readonly prompt: Prompt;
  readonly stream: boolean;
  readonly encryptedReasoning: boolean;
  /** Alternatives to each token's log probability; null if none are wanted. */
  readonly logprobs: number | null;
  readonly echo: Fields;
}

const MIN_OUTPUT_TOKENS = 16;
const MAX_TOP_LOGPROBS = 20;

const KNOWN: ReadonlySet<string> = new Set([
  'access_programs',
  'background',
  'context_management',
  'conversation',
  'image',
  'include',
  'input',
  'instructions',
  'max_output_tokens',
  'max_tool_calls',
  'metadata',
  'model',
  'moderation',
  'parallel_tool_calls',
  'previous_response_id',
  'prompt',
  'prompt_cache_key',
  'prompt_cache_options',
  'prompt_cache_retention',
  'reasoning',
  'safety_identifier',
  'service_tier',
  'store',
  'stream',
  'stream_options',
  'temperature',
  'text',
  'tool_choice',
  'tools',
  'top_logprobs',
  'top_p',
  'truncation',
  'user',
]);
const EFFORTS = ['none', 'minimal', 'low', 'medium', 'high', 'xhigh', 'max'] as const;
const SUMMARIES = ['auto', 'concise', 'detailed'] as const;
const TIERS = ['auto', 'default', 'flex', 'scale', 'priority', 'fast', 'ultrafast'] as const;
const CHOICES = ['none', 'auto', 'required'] as const;

interface Tools {
  readonly echo: readonly Fields[];
  readonly functions: readonly ToolDefinition[];
}

function readTools(body: Fields): Tools {
  const echo: Fields[] = [];
  const functions: ToolDefinition[] = [];
  (arrayIn(body, 'tools') ?? []).forEach((given, index) => {
    const path = pathOf('tools', index);
    const tool = objectAt(given, path);
    const type = required(stringIn, tool, 'type', path);
    if (type === 'custom') {
      functions.push(customDefinition(tool, path, 'responses'));
      echo.push({ ...tool, format: tool['format'] ?? { type: 'text' } });
      return;
    }
    if (type === 'namespace') {
      functions.push(...namespaceTools(tool, path));
      echo.push(tool);
      return;
    }
    if (type !== 'function') {
      echo.push(tool);
      return;
    }
    const definition = functionDefinition(tool, path);
    functions.push(definition);
    const { name, description, parameters, strict } = definition;
    echo.push({ type, description, name, parameters, strict: strict ?? true });
  });
  return { echo, functions };
}

function namespaceTools(given: Fields, path: string): readonly ToolDefinition[] {
  const namespace = checkName(given, path);
  required(stringIn, given, 'description', path);
  return required(arrayIn, given, 'tools', path).map((each, index) => {
    const at = pathOf(pathOf(path, 'tools'), index);
    const tool = objectAt(each, at);
    const type = choiceIn(tool, 'type', ['function', 'custom'], at);
    if (type === null) throw missing(pathOf(at, 'type'));
    const definition = type === 'custom' ? customDefinition(tool, at, 'responses') : functionDefinition(tool, at);
    return { ...definition, namespace };
  });
}

const named = (type: string, name: string, tools: Tools): ToolChoice => {
  if (tools.functions.some(tool => tool.type === type && choiceName(tool) === name)) return { kind: 'named', name };
  throw badRequest(`Tool choice '${name}' not found in 'tools' parameter.`, 'tool_choice', null);
};

/** The choice, and the tools that it leaves to choose from. */
function readToolChoice(
  body: Fields,
  tools: Tools,
): { readonly choice: ToolChoice; readonly functions: readonly ToolDefinition[] } {
  const given = body['tool_choice'];
  const all = tools.functions;
  if (given === undefined || given === null) return { choice: { kind: 'auto' }, functions: all };
  if (typeof given === 'string') {
    const kind = choiceIn(body, 'tool_choice', CHOICES) ?? 'auto';
    if (kind === 'required' && tools.echo.length === 0) {
      throw badRequest("Tool choice 'required' must be specified with 'tools' parameter.", 'tool_choice', null);
    }
    return { choice: { kind }, functions: all };
  }
  if (!isFields(given)) throw wrongType('tool_choice', 'one of a string or an object', given);
  const type = required(stringIn, given, 'type', 'tool_choice');
  if (type === 'function' || type === 'custom')
    return { choice: named(type, required(stringIn, given, 'name', 'tool_choice'), tools), functions: all };
  if (type !== 'allowed_tools') return { choice: { kind: 'auto' }, functions: all };
  const mode = choiceIn(given, 'mode', ['auto', 'required'], 'tool_choice') ?? 'auto';
  const names = required(arrayIn, given, 'tools', 'tool_choice').map(
    (each, index) => objectAt(each, `tool_choice.tools[${index}]`)['name'],
  );
  return {
    choice: { kind: mode },
    functions: all.filter(tool => names.includes(choiceName(tool)) || names.includes(tool.namespace)),
  };
}

function readFormat(text: Fields | null): { readonly format: Format; readonly echo: Fields } {
  const plain = { format: { kind: 'text' } as const, echo: { type: 'text' } };
  const given = text === null ? null : objectIn(text, 'format', 'text');
  if (given === null) return plain;
  const type = choiceIn(given, 'type', ['text', 'json_object', 'json_schema'], 'text.format');
  if (type === null)
    throw badRequest(
      "Missing required parameter: 'text.format.type'.",
      'text.format.type',
      'missing_required_parameter',
    );
  if (type === 'text') return plain;
  if (type === 'json_object') return { format: { kind: 'json-object' }, echo: { type } };
  const name = checkName(given, 'text.format');
  const schema = required(objectIn, given, 'schema', 'text.format');
  const strict = booleanIn(given, 'strict', 'text.format') ?? false;
  const description = stringIn(given, 'description', 'text.format');
  if (strict) checkStrictSchema(schema, `response_format '${name}'`, 'text.format.schema', 'invalid_json_schema');
  return { format: { kind: 'json-schema', schema }, echo: { type, description, name, schema, strict } };
}

/** What asks for something kept upstream: the emulator keeps nothing, and says so as the API would. */
function refuseState(body: Fields): void {
  const previous = stringIn(body, 'previous_response_id');
  const conversation = body['conversation'] ?? null;
  if (previous !== null && conversation !== null) {
    throw badRequest(
      "Mutually exclusive parameters: ['previous_response_id', 'conversation']. Ensure you are only providing one of these.",
      null,
      'mutually_exclusive_parameters',
    );
  }
  if (previous !== null) {
    throw badRequest(
      `Previous response with id '${previous}' not found.`,
      'previous_response_id',
      'previous_response_not_found',
    );
  }
  if (conversation !== null) {
    const id = isFields(conversation)
      ? required(stringIn, conversation, 'id', 'conversation')
      : (stringIn(body, 'conversation') ?? '');
    throw notFound(`Conversation with id '${id}' not found.`, 'conversation');
  }
  if (booleanIn(body, 'background') === true) {
    throw badRequest('The emulator runs no background responses.', 'background', 'unsupported_parameter');
  }
  if ((body['prompt'] ?? null) !== null) throw notFound('Prompt not found: the emulator keeps none.', 'prompt');
}

export function readResponsesRequest(body: Fields, cloud: string, answeredBy: string): ResponsesRequest {
  refuseUnknown(body, KNOWN);
  refuseState(body);
  const stream = booleanIn(body, 'stream') ?? false;
  const include = arrayIn(body, 'include') ?? [];
  const maxOutput = integerIn(body, 'max_output_tokens', { min: MIN_OUTPUT_TOKENS });
  const text = objectIn(body, 'text');
  const { format, echo: formatEcho } = readFormat(text);
  const verbosity = text === null ? null : choiceIn(text, 'verbosity', ['low', 'medium', 'high'], 'text');
  const reasoning = objectIn(body, 'reasoning');
  const tools = readTools(body);
  const { choice, functions } = readToolChoice(body, tools);
  const parallel = booleanIn(body, 'parallel_tool_calls') ?? true;
  const tier = choiceIn(body, 'service_tier', TIERS);
  if (objectIn(body, 'stream_options') !== null && !stream) {
    throw badRequest(
      "The 'stream_options' parameter is only allowed when 'stream' is enabled.",
      'stream_options',
      null,
    );
  }
  const echo = {
    frequency_penalty: 0,
    instructions: stringIn(body, 'instructions'),
    max_output_tokens: maxOutput,
    max_tool_calls: integerIn(body, 'max_tool_calls', { min: 1 }),
    model: answeredBy,
    parallel_tool_calls: parallel,
    presence_penalty: 0,
    previous_response_id: null,
    prompt_cache_key: stringIn(body, 'prompt_cache_key'),
    prompt_cache_retention: stringIn(body, 'prompt_cache_retention'),
    reasoning: {
      effort: reasoning === null ? null : choiceIn(reasoning, 'effort', EFFORTS, 'reasoning'),
      summary: reasoning === null ? null : choiceIn(reasoning, 'summary', SUMMARIES, 'reasoning'),
    },
    safety_identifier: stringIn(body, 'safety_identifier'),
    service_tier: tier === null || tier === 'auto' ? 'default' : tier,
    store: booleanIn(body, 'store') ?? true,
    temperature: numberIn(body, 'temperature', { min: 0, max: 2 }) ?? 1,
    text: { format: formatEcho, ...(verbosity === null ? {} : { verbosity }) },
    tool_choice: body['tool_choice'] ?? 'auto',
    tools: tools.echo,
    top_logprobs: integerIn(body, 'top_logprobs', { min: 0, max: MAX_TOP_LOGPROBS }) ?? 0,
    top_p: numberIn(body, 'top_p', { min: 0, max: 1 }) ?? 1,
    truncation: choiceIn(body, 'truncation', ['auto', 'disabled']) ?? 'disabled',
    user: stringIn(body, 'user'),
    metadata: metadataIn(body) ?? {},
  };
  const { turns, attachmentTokens } = hearInput(body);
  if (format.kind === 'json-object' && !turns.some(turn => /json/i.test(turn.text))) {
    throw badRequest(
      "Response input messages must contain the word 'json' in some form to use 'text.format' of type 'json_object'.",
      'input',
      null,
    );
  }
  const prompt = promptFrom({
    cloud,
    turns,
    tools: functions,
    toolChoice: choice,
    parallelCalls: parallel,
    format,
    maxTokens: maxOutput,
    stop: [],
    attachmentTokens,
  });
  const encryptedReasoning = include.includes('reasoning.encrypted_content');
  if (include.some(each => typeof each !== 'string'))
    throw wrongValue('include', 'not a string', ['reasoning.encrypted_content']);
  const logprobs = include.includes('message.output_text.logprobs') ? echo.top_logprobs : null;
  return { prompt, stream, encryptedReasoning, logprobs, echo };
}
