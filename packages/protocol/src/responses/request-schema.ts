/** `POST /v1/responses`: the schema of the body, which yields the normalised request. */
import type { core } from 'zod';
import * as z from 'zod';
import { isJsonObject, type JsonObject } from '../json.ts';
import { LIMITS, TOOL_NAME } from '../limits.ts';
import { boundedList, fault, freeObject, metadata, parseBody, present, refused, type Parsed } from '../parse.ts';
import { compactedInput, contextManagement } from './context-schema.ts';
import { requestItem } from './item-schema.ts';
import type { InputItem } from './items.ts';
import { includablesOf } from './include.ts';
import { type ExpandedPrompt, type ExpandPrompt, noPrompts, promptReference, shownPrompt } from './prompt.ts';
import type { CreateResponse, PromptCacheOptions, ReasoningSettings, ServiceTier, TextFormat } from './settings.ts';
import { checkTools, tool, toolChoice } from './tool-schema.ts';

const id = z.string().min(1).max(LIMITS.idChars);
const text = z.string().max(LIMITS.textChars);
const name = z.string().regex(TOOL_NAME);
const description = z.string().max(LIMITS.descriptionChars).nullish();

const format: z.ZodType<TextFormat> = z.discriminatedUnion('type', [
  z.object({ type: z.literal('text') }),
  z.object({ type: z.literal('json_object') }),
  z
    .object({
      type: z.literal('json_schema'),
      name: name.nullish(),
      description,
      schema: freeObject.nullish(),
      strict: z.boolean().nullish(),
    })
    .transform(schemaFormat),
]);

interface GivenSchema {
  readonly name?: string | null | undefined;
  readonly description?: string | null | undefined;
  readonly schema?: JsonObject | null | undefined;
  readonly strict?: boolean | null | undefined;
}

/** Open Responses asks for the type alone, and its clients send no more where any JSON will do. A name without a schema, or a schema without a name, is a slip. */
function schemaFormat(
  { name: named, description: about, schema, strict }: GivenSchema,
  ctx: z.RefinementCtx,
): TextFormat {
  const missing = (field: string) =>
    fault(ctx, 'invalid_request', `Missing required parameter: 'text.format.${field}'.`, [field]);
  const any = !named && !schema;
  if (!any && !named) return missing('name');
  if (!any && !schema) return missing('schema');
  return {
    type: 'json_schema',
    name: named ?? 'response',
    description: about ?? null,
    schema: schema ?? { type: 'object' },
    // No schema that says nothing of its properties can be strict.
    strict: !any && (strict ?? false),
  };
}

const textSettings = z.object({
  format: format.nullish(),
  verbosity: z.enum(['low', 'medium', 'high']).nullish(),
});

const reasoning = z
  .object({
    effort: z.enum(['none', 'minimal', 'low', 'medium', 'high', 'xhigh', 'max']).nullish(),
    summary: z.enum(['auto', 'concise', 'detailed']).nullish(),
    generate_summary: z.enum(['auto', 'concise', 'detailed']).nullish(),
    context: z.enum(['auto', 'current_turn', 'all_turns']).nullish(),
    mode: z.string().min(1).max(LIMITS.modeChars).nullish(),
  })
  .transform(
    (given): ReasoningSettings => ({
      effort: given.effort ?? null,
      // The second is the older name.
      summary: given.summary ?? given.generate_summary ?? null,
      ...(given.context && { context: given.context }),
      ...(given.mode && { mode: given.mode }),
    }),
  );

/** What asks to warm a cache or to compare with another answer has no effect here. */
export const promptCacheOptions: z.ZodType<PromptCacheOptions> = z
  .object({ mode: z.enum(['implicit', 'explicit']).nullish(), ttl: z.enum(['30m', '12h']).nullish() })
  .transform(
    (given): PromptCacheOptions => ({ ...(given.mode && { mode: given.mode }), ...(given.ttl && { ttl: given.ttl }) }),
  );

const serviceTiers = ['auto', 'default', 'flex', 'priority', 'scale', 'fast', 'ultrafast'] as const;
/** What a request may ask for; what was used may have another name. */
export const serviceTier: z.ZodType<ServiceTier> = z.enum(serviceTiers);

const bodyFields = z
  .object({
    model: z.string().min(1).max(LIMITS.nameChars).optional(),
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
    service_tier: serviceTier.nullish(),
    metadata: metadata.nullish(),
    include: boundedList(z.string().max(LIMITS.nameChars), LIMITS.include).nullish(),
    store: z.boolean().nullish(),
    stream: z.boolean().nullish(),
    background: z.boolean().nullish(),
    stream_options: z.object({ include_obfuscation: z.boolean().nullish() }).nullish(),
    safety_identifier: z.string().max(LIMITS.safetyChars).nullish(),
    prompt_cache_key: z.string().max(LIMITS.keyChars).nullish(),
    prompt_cache_options: promptCacheOptions.nullish(),
    prompt_cache_retention: z.enum(['in_memory', '24h']).nullish(),
    user: z.string().max(LIMITS.userChars).nullish(),
    prompt: promptReference.nullish(),
    moderation: refused('This server does not moderate: call a moderation service before.'),
  })
  // A template may have one.
  .meta({ anyOf: [{ required: ['model'] }, { required: ['prompt'] }] });

export interface HowToRead {
  /** Expands the request's `prompt`. Default: there are none. */
  readonly prompts?: ExpandPrompt;
  /** Whether nothing may be asked: a warm-up. Default: false. */
  readonly mayBeEmpty?: boolean;
}

type Body = z.output<typeof bodyFields>;

/** The template's part of the request, or null and a fault. */
function expanded(
  { prompt, input }: Pick<Body, 'prompt' | 'input'>,
  prompts: ExpandPrompt | undefined,
  ctx: core.$RefinementCtx,
): (ExpandedPrompt & Pick<CreateResponse, 'prompt'>) | null {
  if (prompt === null || prompt === undefined) return { version: '', input: [] };
  if (prompts === undefined) {
    fault(ctx, 'unsupported_parameter', 'A prompt is taken in requests for responses only.', ['prompt']);
    return null;
  }
  const own = itemsOf(input);
  const found = prompts(prompt, own);
  if ('fault' in found) {
    fault(ctx, found.fault, found.message, ['prompt', ...found.path]);
    return null;
  }
  if (found.input.length + own.length > LIMITS.inputItems) {
    const message = `'input' is too large: at most ${LIMITS.inputItems} entries with the messages of the prompt.`;
    fault(ctx, 'invalid_request', message, ['input']);
    return null;
  }
  return { ...found, prompt: shownPrompt(prompt, found.version) };
}

/** Makes the request that a body asks for. */
const read =
  ({ prompts, mayBeEmpty = false }: HowToRead) =>
  (body: Body, ctx: core.$RefinementCtx): CreateResponse => {
    const {
      input,
      text: given,
      stream_options: options,
      conversation,
      prompt,
      moderation: _moderation,
      ...rest
    } = body;
    const template = expanded({ prompt, input }, prompts, ctx);
    if (template === null) return z.NEVER;
    const fields = present(rest);
    const model = fields.model ?? template.model;
    if (model === undefined) return fault(ctx, 'invalid_request', "Missing required parameter: 'model'.", ['model']);
    const instructions = fields.instructions ?? template.instructions;
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
    const continues = mayBeEmpty || fields.previous_response_id !== undefined || Boolean(conversation);
    const own = itemsOf(input);
    if (own.length + template.input.length === 0 && !continues) {
      return fault(ctx, 'invalid_request', "Missing required parameter: 'input'.", ['input']);
    }
    if (!checkTools(tools, fields.tool_choice, ctx)) return z.NEVER;
    const compacted = compactedInput(own, ctx);
    if (compacted === null) return z.NEVER;
    const items = [...template.input, ...compacted.input];
    if (items.length === 0 && !continues) {
      return fault(ctx, 'invalid_request', 'There is nothing to compact before the trigger.', ['input']);
    }
    return {
      ...fields,
      model,
      ...compacted,
      input: items,
      ...(instructions !== undefined && { instructions }),
      tools,
      text: { format: given?.format ?? { type: 'text' }, ...(given?.verbosity && { verbosity: given.verbosity }) },
      metadata: fields.metadata ?? {},
      include: includablesOf(fields.include ?? []),
      store: fields.store ?? true,
      stream: fields.stream ?? false,
      background: fields.background ?? false,
      ...(conversation && { conversation: typeof conversation === 'string' ? conversation : conversation.id }),
      ...(options && { stream_options: { include_obfuscation: options.include_obfuscation ?? false } }),
      ...(template.prompt && { prompt: template.prompt, prompt_items: template.input.length }),
    };
  };

/** The body of `POST /v1/responses`, without a prompt. Yields the normalised request; unknown fields are ignored. */
export const createResponseBody: z.ZodType<CreateResponse> = bodyFields.transform(read({}));

export function itemsOf<Item>(input: string | readonly Item[] | null | undefined): readonly (Item | InputItem)[] {
  if (typeof input !== 'string') return input ?? [];
  return [{ type: 'message', status: 'completed', role: 'user', content: [{ type: 'input_text', text: input }] }];
}

/** Reads a request body. Never throws; the error names the first fault. */
export function parseCreateResponse(
  body: unknown,
  { prompts = noPrompts, mayBeEmpty = false }: HowToRead = {},
): Parsed<CreateResponse> {
  // A schema of its own costs more than the rest of a small body: most need none.
  const plain = !mayBeEmpty && (!isJsonObject(body) || (body['prompt'] ?? null) === null);
  return parseBody(plain ? createResponseBody : bodyFields.transform(read({ prompts, mayBeEmpty })), body);
}
