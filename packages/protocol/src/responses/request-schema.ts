/** `POST /v1/responses`: the schema of the body, which yields the normalised request. */
import type { core } from 'zod';
import * as z from 'zod';
import { LIMITS, TOOL_NAME } from '../limits.ts';
import { boundedList, fault, freeObject, metadata, parseBody, present, refused, type Parsed } from '../parse.ts';
import { compactedInput, contextManagement } from './context-schema.ts';
import { requestItem } from './item-schema.ts';
import type { InputItem } from './items.ts';
import type {
  CreateResponse,
  FunctionTool,
  Includable,
  ReasoningSettings,
  TextFormat,
  ToolChoice,
  UnsupportedTool,
} from './settings.ts';

const id = z.string().min(1).max(LIMITS.idChars);
const text = z.string().max(LIMITS.textChars);
const name = z.string().regex(TOOL_NAME);
const description = z.string().max(LIMITS.descriptionChars).nullish();

const functionTool = z
  .object({
    type: z.literal('function'),
    name,
    description,
    parameters: freeObject.nullish(),
    strict: z.boolean().nullish(),
  })
  .transform(
    (tool): FunctionTool => ({
      type: 'function',
      name: tool.name,
      description: tool.description ?? null,
      parameters: tool.parameters ?? null,
      strict: tool.strict ?? null,
    }),
  );
const otherTool = z
  .looseObject({
    type: z
      .string()
      .min(1)
      .max(LIMITS.nameChars)
      .regex(/^(?!function$)/),
  })
  .transform((tool): UnsupportedTool => ({ type: tool.type, unsupported: true }));

/** A function, or a tool that only other servers have. A function with a fault never counts as the latter. */
const tool: z.ZodType<FunctionTool | UnsupportedTool> = z.union([functionTool, otherTool]);

const functionChoice = z.object({ type: z.literal('function'), name });
const mode = z.enum(['none', 'auto', 'required']);
const toolChoice: z.ZodType<ToolChoice> = z.union([
  mode,
  z.discriminatedUnion('type', [
    functionChoice,
    z
      .object({
        type: z.literal('allowed_tools'),
        mode: mode.nullish(),
        tools: boundedList(functionChoice, LIMITS.tools),
      })
      .transform(choice => ({ type: choice.type, mode: choice.mode ?? ('auto' as const), tools: choice.tools })),
  ]),
]);

const format: z.ZodType<TextFormat> = z.discriminatedUnion('type', [
  z.object({ type: z.literal('text') }),
  z.object({ type: z.literal('json_object') }),
  z
    .object({
      type: z.literal('json_schema'),
      name,
      description,
      schema: freeObject,
      strict: z.boolean().nullish(),
    })
    .transform(
      (given): TextFormat => ({
        type: 'json_schema',
        name: given.name,
        description: given.description ?? null,
        schema: given.schema,
        strict: given.strict ?? false,
      }),
    ),
]);
const textSettings = z.object({
  format: format.nullish(),
  verbosity: z.enum(['low', 'medium', 'high']).nullish(),
});

const reasoning = z
  .object({
    effort: z.enum(['none', 'minimal', 'low', 'medium', 'high', 'xhigh', 'max']).nullish(),
    summary: z.enum(['auto', 'concise', 'detailed']).nullish(),
  })
  .transform((given): ReasoningSettings => ({ effort: given.effort ?? null, summary: given.summary ?? null }));

const INCLUDABLE: ReadonlySet<string> = new Set<Includable>([
  'reasoning.encrypted_content',
  'message.output_text.logprobs',
]);
const isIncludable = (value: string): value is Includable => INCLUDABLE.has(value);

const bodyFields = z.object({
  model: z.string().min(1).max(LIMITS.nameChars),
  input: z.union([text, boundedList(requestItem, LIMITS.inputItems)]).nullish(),
  instructions: text.nullish(),
  previous_response_id: id.nullish(),
  conversation: z.union([id, z.object({ id })]).nullish(),
  tools: boundedList(tool, LIMITS.tools).nullish(),
  tool_choice: toolChoice.nullish(),
  parallel_tool_calls: z.boolean().nullish(),
  max_tool_calls: z.int().min(1).max(LIMITS.toolCalls).nullish(),
  max_output_tokens: z.int().min(LIMITS.minOutputTokens).max(LIMITS.maxOutputTokens).nullish(),
  text: textSettings.nullish(),
  reasoning: reasoning.nullish(),
  temperature: z.number().min(0).max(2).nullish(),
  top_p: z.number().min(0).max(1).nullish(),
  presence_penalty: z.number().min(-2).max(2).nullish(),
  frequency_penalty: z.number().min(-2).max(2).nullish(),
  top_logprobs: z.int().min(0).max(LIMITS.topLogprobs).nullish(),
  truncation: z.enum(['auto', 'disabled']).nullish(),
  context_management: contextManagement.nullish(),
  service_tier: z.enum(['auto', 'default', 'flex', 'priority', 'scale']).nullish(),
  metadata: metadata.nullish(),
  include: boundedList(z.string().max(LIMITS.nameChars), LIMITS.include).nullish(),
  store: z.boolean().nullish(),
  stream: z.boolean().nullish(),
  background: z.boolean().nullish(),
  stream_options: z.object({ include_obfuscation: z.boolean().nullish() }).nullish(),
  safety_identifier: z.string().max(LIMITS.keyChars).nullish(),
  prompt_cache_key: z.string().max(LIMITS.keyChars).nullish(),
  user: z.string().max(LIMITS.userChars).nullish(),
  prompt: refused('This server keeps no prompt templates.'),
});

/** The body of `POST /v1/responses`. Yields the normalised request; unknown fields are ignored. */
export const createResponseBody: z.ZodType<CreateResponse> = bodyFields.transform((body, ctx): CreateResponse => {
  const { input, text: given, stream_options: options, conversation, prompt: _prompt, ...rest } = body;
  const fields = present(rest);
  const tools = fields.tools ?? [];
  if (fields.previous_response_id !== undefined && conversation) {
    return fault(
      ctx,
      'mutually_exclusive_parameters',
      "'previous_response_id' and 'conversation' exclude each other: a conversation knows what came before.",
      ['previous_response_id'],
    );
  }
  if (fields.background === true && fields.store === false) {
    return fault(
      ctx,
      'mutually_exclusive_parameters',
      "'background' needs 'store': what is not stored cannot be fetched.",
      ['background'],
    );
  }
  const empty = input === undefined || input === null || (Array.isArray(input) && input.length === 0);
  if (empty && fields.previous_response_id === undefined && !conversation) {
    return fault(ctx, 'invalid_request', "Missing required parameter: 'input'.", ['input']);
  }
  if (!checkTools(tools, fields.tool_choice, ctx)) return z.NEVER;
  const compacted = compactedInput(itemsOf(input), ctx);
  if (compacted === null) return z.NEVER;
  if (compacted.input.length === 0 && fields.previous_response_id === undefined && !conversation) {
    return fault(ctx, 'invalid_request', 'There is nothing to compact before the trigger.', ['input']);
  }
  return {
    ...fields,
    model: body.model,
    ...compacted,
    tools,
    text: { format: given?.format ?? { type: 'text' }, ...(given?.verbosity && { verbosity: given.verbosity }) },
    metadata: fields.metadata ?? {},
    include: [...new Set((fields.include ?? []).filter(isIncludable))],
    store: fields.store ?? true,
    stream: fields.stream ?? false,
    background: fields.background ?? false,
    ...(conversation && { conversation: typeof conversation === 'string' ? conversation : conversation.id }),
    ...(options && { stream_options: { include_obfuscation: options.include_obfuscation ?? true } }),
  };
});

export function itemsOf<Item>(input: string | readonly Item[] | null | undefined): readonly (Item | InputItem)[] {
  if (typeof input !== 'string') return input ?? [];
  return [{ type: 'message', status: 'completed', role: 'user', content: [{ type: 'input_text', text: input }] }];
}

/** Names must be unique, and a choice must name tools that are there; otherwise the model's answer could not be obeyed. */
export function checkTools(
  tools: readonly (FunctionTool | UnsupportedTool)[],
  choice: ToolChoice | undefined,
  ctx: core.$RefinementCtx,
): boolean {
  const names = new Set<string>();
  for (const [index, given] of tools.entries()) {
    if ('unsupported' in given) continue;
    if (names.has(given.name)) {
      fault(ctx, 'invalid_request', `The tool name '${given.name}' is used twice.`, ['tools', index, 'name']);
      return false;
    }
    names.add(given.name);
  }
  if (choice === 'required' && tools.length === 0) {
    fault(ctx, 'invalid_request', "A 'tool_choice' of 'required' needs 'tools'.", ['tool_choice']);
    return false;
  }
  if (choice === undefined || typeof choice === 'string') return true;
  const named = choice.type === 'function' ? [choice] : choice.tools;
  const absent = named.find(one => !names.has(one.name));
  if (absent === undefined) return true;
  fault(ctx, 'invalid_request', `'tool_choice' names '${absent.name}', which is not in 'tools'.`, ['tool_choice']);
  return false;
}

/** Reads a request body. Never throws; the error names the first fault. */
export function parseCreateResponse(body: unknown): Parsed<CreateResponse> {
  return parseBody(createResponseBody, body);
}
