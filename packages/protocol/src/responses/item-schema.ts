/**
 * Input items as clients write them, read into the full form: a content given as a text becomes a list with one part, the
 * short message form (`{role, content}`) gets its type, nulls vanish. Unions are told apart by `type` and `role`, never by
 * trial, so that parsing stays linear and an error names the field that is wrong.
 */
import * as z from 'zod';
import { fileData, imageUrl } from '../inline-data.ts';
import { isJsonObject } from '../json.ts';
import { LIMITS, TOOL_NAME } from '../limits.ts';
import { boundedList, fault } from '../parse.ts';
import { cacheBreakpoint, withBreakpoint } from './breakpoint-schema.ts';
import type {
  CompactionTrigger,
  InputItem,
  InputPart,
  InputText,
  ItemStatus,
  OutputPart,
  UrlCitation,
} from './items.ts';
import { localItem } from './local-item-schema.ts';

const text = z.string().max(LIMITS.textChars);
const id = z.string().min(1).max(LIMITS.idChars);
const callId = z.string().min(1).max(LIMITS.callIdChars);
const status = z.string().max(LIMITS.nameChars).nullish();

/** An item that a client holds is over: one that it saw in progress was cut. */
const statusOf = (given: string | null | undefined): ItemStatus =>
  given === 'incomplete' || given === 'in_progress' ? 'incomplete' : 'completed';
const withId = (given: string | null | undefined): { id?: string } =>
  given === undefined || given === null ? {} : { id: given };

const inputText = z
  .object({ type: z.literal('input_text'), text, prompt_cache_breakpoint: cacheBreakpoint })
  .transform(
    (part): InputText => ({ type: part.type, text: part.text, ...withBreakpoint(part.prompt_cache_breakpoint) }),
  );

const inputImage = z
  .object({
    type: z.literal('input_image'),
    image_url: imageUrl.nullish(),
    detail: z.enum(['low', 'high', 'auto', 'original']).nullish(),
    file_id: id.nullish(),
    prompt_cache_breakpoint: cacheBreakpoint,
  })
  .transform((part, ctx): InputPart => {
    const { file_id } = part;
    const ends = withBreakpoint(part.prompt_cache_breakpoint);
    if (file_id && part.image_url)
      return fault(ctx, 'mutually_exclusive_parameters', 'Give `image_url` or `file_id`, not both.');
    if (file_id) return { type: 'input_image', image_url: null, detail: part.detail ?? 'auto', file_id, ...ends };
    if (!part.image_url)
      return fault(ctx, 'invalid_request', 'An image needs its `image_url` or `file_id`.', ['image_url']);
    return { type: 'input_image', image_url: part.image_url, detail: part.detail ?? 'auto', ...ends };
  });

const inputFile = z
  .object({
    type: z.literal('input_file'),
    filename: z.string().max(LIMITS.nameChars).nullish(),
    file_data: fileData.nullish(),
    file_url: z.string().min(1).max(LIMITS.urlChars).nullish(),
    file_id: id.nullish(),
    prompt_cache_breakpoint: cacheBreakpoint,
  })
  .transform((part, ctx): InputPart => {
    const { filename, file_data, file_url, file_id } = part;
    const ends = withBreakpoint(part.prompt_cache_breakpoint);
    const name = filename === undefined || filename === null ? {} : { filename };
    if ([file_data, file_url, file_id].filter(Boolean).length > 1)
      return fault(ctx, 'mutually_exclusive_parameters', 'Give one of `file_data`, `file_url` and `file_id`.');
    if (file_id) return { type: 'input_file', ...name, file_id, ...ends };
    if (file_data) return { type: 'input_file', ...name, file_data, ...ends };
    if (file_url) return { type: 'input_file', ...name, file_url, ...ends };
    return fault(ctx, 'invalid_request', 'A file needs `file_data`, `file_url` or `file_id`.', ['file_data']);
  });

const urlCitation = z.object({
  type: z.literal('url_citation'),
  url: z.string().max(LIMITS.urlChars),
  title: z.string().max(LIMITS.textChars),
  start_index: z.int().min(0),
  end_index: z.int().min(0),
});
const annotation = z.looseObject({ type: z.string().max(LIMITS.nameChars) });

const outputText = z
  .object({ type: z.literal('output_text'), text, annotations: boundedList(annotation, LIMITS.annotations).nullish() })
  .transform((part, ctx): OutputPart => {
    // Annotations of other kinds point into stores of other providers; log probabilities are no context. Both are left out.
    const citations: UrlCitation[] = [];
    for (const [index, given] of (part.annotations ?? []).entries()) {
      if (given.type !== 'url_citation') continue;
      const parsed = urlCitation.safeParse(given);
      if (!parsed.success)
        return fault(ctx, 'invalid_request', 'A URL citation is not complete.', ['annotations', index]);
      citations.push(parsed.data);
    }
    return { type: 'output_text', text: part.text, annotations: citations };
  });
const refusal = z.object({ type: z.literal('refusal'), refusal: text });

export const inputPart: z.ZodType<InputPart> = z.discriminatedUnion('type', [inputText, inputImage, inputFile]);
const outputPart: z.ZodType<OutputPart> = z.discriminatedUnion('type', [outputText, refusal]);
const instructionPart = z.discriminatedUnion('type', [inputText]);
const inputParts = boundedList(inputPart, LIMITS.contentParts);

const type = z.literal('message').optional();
const asInput = (value: string): { type: 'input_text'; text: string } => ({ type: 'input_text', text: value });

const userMessage = z
  .object({ type, role: z.literal('user'), id: id.nullish(), status, content: z.union([text, inputParts]) })
  .transform(
    (item): InputItem => ({
      type: 'message',
      ...withId(item.id),
      status: statusOf(item.status),
      role: 'user',
      content: typeof item.content === 'string' ? [asInput(item.content)] : item.content,
    }),
  );

const instructionMessage = z
  .object({
    type,
    role: z.enum(['system', 'developer']),
    id: id.nullish(),
    status,
    content: z.union([text, boundedList(instructionPart, LIMITS.contentParts)]),
  })
  .transform(
    (item): InputItem => ({
      type: 'message',
      ...withId(item.id),
      status: statusOf(item.status),
      role: item.role,
      content: typeof item.content === 'string' ? [asInput(item.content)] : item.content,
    }),
  );

const assistantMessage = z
  .object({
    type,
    role: z.literal('assistant'),
    id: id.nullish(),
    status,
    phase: z.enum(['commentary', 'final_answer']).nullish(),
    content: z.union([text, boundedList(outputPart, LIMITS.contentParts)]),
  })
  .transform(
    (item): InputItem => ({
      type: 'message',
      ...withId(item.id),
      status: statusOf(item.status),
      role: 'assistant',
      content:
        typeof item.content === 'string'
          ? [{ type: 'output_text', text: item.content, annotations: [] }]
          : item.content,
      ...(item.phase && { phase: item.phase }),
    }),
  );

const functionCall = z
  .object({
    type: z.literal('function_call'),
    id: id.nullish(),
    call_id: callId,
    name: z.string().regex(TOOL_NAME),
    namespace: z.string().regex(TOOL_NAME).nullish(),
    arguments: text,
    status,
  })
  .transform(
    ({ id: own, status: given, namespace, ...rest }): InputItem => ({
      ...rest,
      ...(namespace && { namespace }),
      ...withId(own),
      status: statusOf(given),
    }),
  );

const functionCallOutput = z
  .object({
    type: z.literal('function_call_output'),
    id: id.nullish(),
    call_id: callId,
    output: z.union([text, inputParts]),
    status,
  })
  .transform(
    ({ id: own, status: given, ...rest }): InputItem => ({ ...rest, ...withId(own), status: statusOf(given) }),
  );

const customToolCall = z
  .object({
    type: z.literal('custom_tool_call'),
    id: id.nullish(),
    call_id: callId,
    name: z.string().regex(TOOL_NAME),
    namespace: z.string().regex(TOOL_NAME).nullish(),
    input: text,
    status,
  })
  .transform(
    ({ id: own, status: given, namespace, ...rest }): InputItem => ({
      ...rest,
      ...(namespace && { namespace }),
      ...withId(own),
      status: statusOf(given),
    }),
  );

const customToolCallOutput = z
  .object({
    type: z.literal('custom_tool_call_output'),
    id: id.nullish(),
    call_id: callId,
    output: z.union([text, inputParts]),
    status,
  })
  .transform(
    ({ id: own, status: given, ...rest }): InputItem => ({ ...rest, ...withId(own), status: statusOf(given) }),
  );

const summaryPart = z.object({ type: z.literal('summary_text'), text });
const reasoningPart = z.object({ type: z.literal('reasoning_text'), text });

const reasoning = z
  .object({
    type: z.literal('reasoning'),
    id: id.nullish(),
    summary: boundedList(summaryPart, LIMITS.contentParts).nullish(),
    content: boundedList(reasoningPart, LIMITS.contentParts).nullish(),
    encrypted_content: text.nullish(),
    status,
  })
  .transform(
    (item): InputItem => ({
      type: 'reasoning',
      ...withId(item.id),
      status: statusOf(item.status),
      summary: item.summary ?? [],
      ...(item.content && { content: item.content }),
      ...(item.encrypted_content && { encrypted_content: item.encrypted_content }),
    }),
  );

const compaction = z
  .object({ type: z.literal('compaction'), id: id.nullish(), encrypted_content: text, status })
  .transform(
    ({ id: own, status: given, ...rest }): InputItem => ({ ...rest, ...withId(own), status: statusOf(given) }),
  );

const itemReference = z.object({ type: z.literal('item_reference'), id });

const message = z.discriminatedUnion('role', [userMessage, instructionMessage, assistantMessage]);

/** The short forms: a message may leave its type out, and so may a reference. */
function withType(value: unknown): unknown {
  if (!isJsonObject(value) || (value['type'] ?? null) !== null) return value;
  if ('role' in value) return { ...value, type: 'message' };
  return 'id' in value ? { ...value, type: 'item_reference' } : value;
}

const item = z.discriminatedUnion('type', [
  message,
  functionCall,
  functionCallOutput,
  customToolCall,
  customToolCallOutput,
  localItem,
  reasoning,
  compaction,
  itemReference,
]);

/** One input item of a response or a conversation. */
export const inputItem: z.ZodType<InputItem> = z.preprocess(withType, item);

const compactionTrigger = z
  .object({ type: z.literal('compaction_trigger'), id: id.nullish() })
  .transform((): CompactionTrigger => ({ type: 'compaction_trigger' }));

/** One input item of a request for a response: it may also be a signal, which is never kept. */
export const requestItem: z.ZodType<InputItem | CompactionTrigger> = z.preprocess(
  withType,
  z.discriminatedUnion('type', [item, compactionTrigger]),
);
