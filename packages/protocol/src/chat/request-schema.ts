/**
 * `POST /v1/chat/completions`: the schema of the body. Stateless: `store` is taken and has no effect, nothing is kept.
 * `name` of a message is taken and dropped, since items have none.
 */
import type { core } from 'zod';
import * as z from 'zod';
import { LIMITS, TOOL_NAME } from '../limits.ts';
import { boundedList, fault, freeObject, metadata, parseBody, present, refused, type Parsed } from '../parse.ts';
import { promptCacheOptions, serviceTier } from '../responses/request-schema.ts';
import type {
  ClientTool,
  CustomToolFormat,
  FunctionTool,
  NamedToolChoice,
  TextFormat,
  ToolChoice,
  UnsupportedTool,
} from '../responses/settings.ts';
import { allowedTools, checkTools, choiceMode, customToolOf, grammar, otherTool } from '../responses/tool-schema.ts';
import { chatMessage } from './message-schema.ts';
import type { ChatMessage, ChatRequest } from './messages.ts';

const name = z.string().regex(TOOL_NAME);
const description = z.string().max(LIMITS.descriptionChars).nullish();

const functionTool = z
  .object({
    type: z.literal('function'),
    function: z.object({ name, description, parameters: freeObject.nullish(), strict: z.boolean().nullish() }),
  })
  .transform(
    ({ function: given }): FunctionTool => ({
      type: 'function',
      name: given.name,
      description: given.description ?? null,
      parameters: given.parameters ?? null,
      strict: given.strict ?? null,
    }),
  );
const customFormat: z.ZodType<CustomToolFormat> = z.discriminatedUnion('type', [
  z.object({ type: z.literal('text') }),
  z
    .object({ type: z.literal('grammar'), grammar })
    .transform(({ type, grammar: { syntax, definition } }): CustomToolFormat => ({ type, syntax, definition })),
]);
const customTool = z
  .object({ type: z.literal('custom'), custom: z.object({ name, description, format: customFormat.nullish() }) })
  .transform(({ custom }) => customToolOf(custom.name, custom.description, custom.format));
const tool: z.ZodType<ClientTool | UnsupportedTool> = z.union([
  z.discriminatedUnion('type', [functionTool, customTool]),
  otherTool,
]);

const functionChoice = z
  .object({ type: z.literal('function'), function: z.object({ name }) })
  .transform((choice): NamedToolChoice => ({ type: choice.type, name: choice.function.name }));
const customChoice = z
  .object({ type: z.literal('custom'), custom: z.object({ name }) })
  .transform((choice): NamedToolChoice => ({ type: choice.type, name: choice.custom.name }));
const allowedChoice: z.ZodType<NamedToolChoice | UnsupportedTool> = z.union([
  z.discriminatedUnion('type', [functionChoice, customChoice]),
  otherTool,
]);
const toolChoice: z.ZodType<ToolChoice> = z.union([
  choiceMode,
  z.discriminatedUnion('type', [
    functionChoice,
    customChoice,
    z
      .object({
        type: z.literal('allowed_tools'),
        allowed_tools: z.object({ mode: choiceMode.nullish(), tools: boundedList(allowedChoice, LIMITS.tools) }),
      })
      .transform(({ allowed_tools: allowed }, ctx) => allowedTools(allowed.mode, allowed.tools, ctx)),
  ]),
]);

const responseFormat: z.ZodType<TextFormat> = z.discriminatedUnion('type', [
  z.object({ type: z.literal('text') }),
  z.object({ type: z.literal('json_object') }),
  z
    .object({
      type: z.literal('json_schema'),
      json_schema: z.object({ name, description, schema: freeObject.nullish(), strict: z.boolean().nullish() }),
    })
    .transform(
      ({ json_schema: given }): TextFormat => ({
        type: 'json_schema',
        name: given.name,
        description: given.description ?? null,
        schema: given.schema ?? {},
        strict: given.strict ?? false,
      }),
    ),
]);

const stopText = z.string().min(1).max(LIMITS.stopChars);
const tokens = z.int().min(1).max(LIMITS.maxOutputTokens).nullish();
/** By the ids of tokens. */
const logitBias = z
  .record(z.string().regex(/^\d{1,10}$/), z.number().min(-100).max(100))
  .refine(bias => Object.keys(bias).length <= LIMITS.logitBias, {
    error: `At most ${LIMITS.logitBias} tokens can be biased.`,
  });

const bodyFields = z.object({
  model: z.string().min(1).max(LIMITS.nameChars),
  messages: boundedList(chatMessage, LIMITS.chatMessages),
  tools: boundedList(tool, LIMITS.tools).nullish(),
  tool_choice: toolChoice.nullish(),
  parallel_tool_calls: z.boolean().nullish(),
  response_format: responseFormat.nullish(),
  verbosity: z.enum(['low', 'medium', 'high']).nullish(),
  stream: z.boolean().nullish(),
  stream_options: z
    .object({ include_usage: z.boolean().nullish(), include_obfuscation: z.boolean().nullish() })
    .nullish(),
  max_tokens: tokens,
  max_completion_tokens: tokens,
  temperature: z.number().min(0).max(2).nullish(),
  top_p: z.number().min(0).max(1).nullish(),
  presence_penalty: z.number().min(-2).max(2).nullish(),
  frequency_penalty: z.number().min(-2).max(2).nullish(),
  stop: z.union([stopText, boundedList(stopText, LIMITS.stopSequences)]).nullish(),
  seed: z.int().nullish(),
  n: z
    .int()
    .min(1)
    .max(LIMITS.choices)
    .nullish()
    .meta({ description: 'Each choice is a model call of its own, metered as such.' }),
  logprobs: z.boolean().nullish(),
  top_logprobs: z.int().min(0).max(LIMITS.topLogprobs).nullish(),
  reasoning_effort: z.enum(['none', 'minimal', 'low', 'medium', 'high', 'xhigh', 'max']).nullish(),
  metadata: metadata.nullish(),
  store: z.boolean().nullish().meta({ description: 'Taken and without effect: chat completions are stored nowhere.' }),
  service_tier: serviceTier.nullish(),
  safety_identifier: z.string().max(LIMITS.safetyChars).nullish(),
  prompt_cache_key: z.string().max(LIMITS.keyChars).nullish(),
  prompt_cache_options: promptCacheOptions.nullish(),
  prompt_cache_retention: z.enum(['in_memory', '24h']).nullish(),
  prediction: freeObject.nullish().meta({ description: 'Taken and without effect: it only makes answers faster.' }),
  user: z.string().max(LIMITS.userChars).nullish(),
  logit_bias: logitBias.nullish(),
  modalities: z.array(z.string().max(LIMITS.nameChars)).max(LIMITS.include).nullish(),
  audio: refused('This server does not speak: use text.'),
  functions: refused("'functions' is the old form: use 'tools'."),
  function_call: refused("'function_call' is the old form: use 'tool_choice'."),
  web_search_options: refused('This server has no web search of its own.'),
  moderation: refused('This server does not moderate: call a moderation service before.'),
});

/** The body of `POST /v1/chat/completions`. Yields the normalised request; unknown fields are ignored. */
export const chatRequestBody: z.ZodType<ChatRequest> = bodyFields.transform((body, ctx): ChatRequest => {
  const { model, messages, response_format: format, verbosity, stream_options: options, stop, ...rest } = body;
  const {
    max_tokens: older,
    max_completion_tokens: newer,
    store: _store,
    logit_bias: bias,
    modalities,
    ...plain
  } = rest;
  const fields = present(plain);
  const tools = fields.tools ?? [];
  if (messages.length === 0)
    return fault(ctx, 'invalid_request', "'messages' must hold at least one message.", ['messages']);
  if (modalities?.some(one => one !== 'text')) {
    return fault(ctx, 'unsupported_parameter', "The only modality here is 'text'.", ['modalities']);
  }
  if (older && newer && older !== newer) {
    const why = "'max_tokens' is the old name of 'max_completion_tokens': give one of them.";
    return fault(ctx, 'mutually_exclusive_parameters', why, ['max_tokens']);
  }
  if (fields.top_logprobs !== undefined && fields.logprobs !== true) {
    return fault(ctx, 'invalid_request', "'top_logprobs' needs 'logprobs' to be true.", ['top_logprobs']);
  }
  if (!checkTools(tools, fields.tool_choice, ctx) || !checkToolMessages(messages, ctx)) return z.NEVER;
  const {
    audio: _audio,
    functions: _functions,
    function_call: _call,
    web_search_options: _web,
    moderation: _moderation,
    prediction: _prediction,
    ...kept
  } = fields;
  const limit = newer ?? older;
  return {
    ...kept,
    model,
    messages,
    tools,
    text: { format: format ?? { type: 'text' }, ...(verbosity && { verbosity }) },
    stream: fields.stream ?? false,
    n: fields.n ?? 1,
    include_usage: options?.include_usage ?? false,
    include_obfuscation: options?.include_obfuscation ?? false,
    stop: typeof stop === 'string' ? [stop] : (stop ?? []),
    logprobs: fields.logprobs ?? false,
    metadata: fields.metadata ?? {},
    ...(limit && { max_output_tokens: limit }),
    ...(bias && Object.keys(bias).length > 0 && { logit_bias: bias }),
  };
});

/** Each call must be answered before the talk goes on, and each answer needs its call. */
function checkToolMessages(messages: readonly ChatMessage[], ctx: core.$RefinementCtx): boolean {
  let open = new Set<string>();
  for (const [index, message] of messages.entries()) {
    if (message.role === 'tool') {
      if (open.delete(message.tool_call_id)) continue;
      fault(ctx, 'tool_call_not_found', 'This tool message answers no open call of the assistant message before it.', [
        'messages',
        index,
        'tool_call_id',
      ]);
      return false;
    }
    if (!checkAnswered(open, index, ctx)) return false;
    open = new Set(message.role === 'assistant' ? message.tool_calls.map(call => call.id) : []);
  }
  return checkAnswered(open, messages.length, ctx);
}

function checkAnswered(open: ReadonlySet<string>, before: number, ctx: core.$RefinementCtx): boolean {
  const [call] = open;
  if (call === undefined) return true;
  fault(ctx, 'tool_output_missing', `No tool output found for function call ${call}.`, ['messages', before]);
  return false;
}

/** Reads a request body. Never throws; the error names the first fault. */
export function parseChatRequest(body: unknown): Parsed<ChatRequest> {
  return parseBody(chatRequestBody, body);
}
