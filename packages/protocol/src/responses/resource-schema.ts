/** What the Responses routes answer, as schemas: for the OpenAPI document, and for whoever wants to check an answer. */
import * as z from 'zod';
import { freeObject, metadata } from '../parse.ts';
import type { Conversation, ConversationDeleted, ResponseDeleted } from './conversations.ts';
import type { ItemField } from './items.ts';
import type { ResponseResource, Usage } from './resource.ts';

const status = z.enum(['in_progress', 'completed', 'incomplete']);
const seconds = z.int().min(0).meta({ description: 'Seconds since 1970.' });
const count = z.int().min(0);

const citation = z.object({
  type: z.literal('url_citation'),
  url: z.string(),
  title: z.string(),
  start_index: count,
  end_index: count,
});
const topLogprob = z.object({ token: z.string(), logprob: z.number(), bytes: z.array(z.int()) });
const logprob = topLogprob.extend({ top_logprobs: z.array(topLogprob) });

const prompt_cache_breakpoint = z
  .object({ mode: z.literal('explicit'), ttl: z.enum(['30m', '12h']).exactOptional() })
  .exactOptional();
const inputText = z.object({ type: z.literal('input_text'), text: z.string(), prompt_cache_breakpoint });
const inputPart = z.discriminatedUnion('type', [
  inputText,
  z.object({
    type: z.literal('input_image'),
    image_url: z.string().nullable(),
    detail: z.enum(['low', 'high', 'auto', 'original']),
    file_id: z.string().exactOptional(),
    prompt_cache_breakpoint,
  }),
  z.object({
    type: z.literal('input_file'),
    filename: z.string().exactOptional(),
    file_data: z.string().exactOptional(),
    file_url: z.string().exactOptional(),
    file_id: z.string().exactOptional(),
    prompt_cache_breakpoint,
  }),
]);
const outputPart = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('output_text'),
    text: z.string(),
    annotations: z.array(citation),
    logprobs: z.array(logprob).exactOptional(),
  }),
  z.object({ type: z.literal('refusal'), refusal: z.string() }),
]);

const message = z.discriminatedUnion('role', [
  z.object({
    type: z.literal('message'),
    id: z.string(),
    status,
    role: z.literal('user'),
    content: z.array(inputPart),
  }),
  z.object({
    type: z.literal('message'),
    id: z.string(),
    status,
    role: z.enum(['system', 'developer']),
    content: z.array(inputText),
  }),
  z.object({
    type: z.literal('message'),
    id: z.string(),
    status,
    role: z.literal('assistant'),
    content: z.array(outputPart),
    phase: z.enum(['commentary', 'final_answer']).exactOptional(),
  }),
]);

/** An item as served. */
export const itemSchema: z.ZodType<ItemField> = z.discriminatedUnion('type', [
  message,
  z.object({
    type: z.literal('function_call'),
    id: z.string(),
    call_id: z.string(),
    name: z.string(),
    namespace: z.string().exactOptional(),
    arguments: z.string(),
    status,
  }),
  z.object({
    type: z.literal('function_call_output'),
    id: z.string(),
    call_id: z.string(),
    output: z.union([z.string(), z.array(inputPart)]),
    status,
  }),
  z.object({
    type: z.literal('custom_tool_call'),
    id: z.string(),
    call_id: z.string(),
    name: z.string(),
    namespace: z.string().exactOptional(),
    input: z.string(),
    status,
  }),
  z.object({
    type: z.literal('custom_tool_call_output'),
    id: z.string(),
    call_id: z.string(),
    output: z.union([z.string(), z.array(inputPart)]),
    status,
  }),
  z.object({
    type: z.literal(['local_shell_call', 'shell_call', 'apply_patch_call']),
    id: z.string(),
    call_id: z.string(),
    action: freeObject.exactOptional(),
    operation: freeObject.exactOptional(),
    status,
  }),
  z.object({
    type: z.literal(['local_shell_call_output', 'shell_call_output', 'apply_patch_call_output']),
    id: z.string(),
    call_id: z.string(),
    output: z.union([z.string(), z.array(freeObject)]).exactOptional(),
    max_output_length: count.exactOptional(),
    status: z.enum(['in_progress', 'completed', 'incomplete', 'failed']),
  }),
  z.object({
    type: z.literal('reasoning'),
    id: z.string(),
    summary: z.array(z.object({ type: z.literal('summary_text'), text: z.string() })),
    content: z.array(z.object({ type: z.literal('reasoning_text'), text: z.string() })).exactOptional(),
    encrypted_content: z.string().exactOptional(),
    status,
  }),
  z.object({ type: z.literal('compaction'), id: z.string(), encrypted_content: z.string(), status }),
]);

const clientTool = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('function'),
    name: z.string(),
    description: z.string().nullable(),
    parameters: freeObject.nullable(),
    strict: z.boolean().nullable(),
  }),
  z.object({
    type: z.literal('custom'),
    name: z.string(),
    description: z.string().exactOptional(),
    format: z.discriminatedUnion('type', [
      z.object({ type: z.literal('text') }),
      z.object({ type: z.literal('grammar'), syntax: z.enum(['lark', 'regex']), definition: z.string() }),
    ]),
  }),
]);
const offeredTool = z.discriminatedUnion('type', [
  clientTool,
  z.object({
    type: z.literal('namespace'),
    name: z.string(),
    description: z.string(),
    tools: z.array(clientTool),
  }),
]);

const namedChoice = z.object({ type: z.enum(['function', 'custom', 'namespace']), name: z.string() });
const mode = z.enum(['none', 'auto', 'required']);

export const usageSchema: z.ZodType<Usage> = z.object({
  input_tokens: count,
  input_tokens_details: z.object({ cached_tokens: count, cache_write_tokens: count.exactOptional() }),
  output_tokens: count,
  output_tokens_details: z.object({ reasoning_tokens: count }),
  total_tokens: count,
});

export const responseSchema: z.ZodType<ResponseResource> = z.object({
  id: z.string(),
  object: z.literal('response'),
  created_at: seconds,
  completed_at: seconds.nullable(),
  status: z.enum(['queued', 'in_progress', 'completed', 'failed', 'incomplete', 'cancelled']),
  incomplete_details: z.object({ reason: z.string() }).nullable(),
  model: z.string(),
  previous_response_id: z.string().nullable(),
  instructions: z.string().nullable(),
  output: z.array(itemSchema),
  error: z.object({ code: z.string(), message: z.string() }).nullable(),
  tools: z.array(offeredTool),
  tool_choice: z.union([
    mode,
    namedChoice,
    z.object({ type: z.literal('allowed_tools'), mode, tools: z.array(namedChoice) }),
  ]),
  truncation: z.enum(['auto', 'disabled']),
  parallel_tool_calls: z.boolean(),
  text: z.object({
    format: z.discriminatedUnion('type', [
      z.object({ type: z.literal('text') }),
      z.object({ type: z.literal('json_object') }),
      z.object({
        type: z.literal('json_schema'),
        name: z.string(),
        description: z.string().nullable(),
        schema: freeObject,
        strict: z.boolean(),
      }),
    ]),
    verbosity: z.enum(['low', 'medium', 'high']).exactOptional(),
  }),
  top_p: z.number(),
  presence_penalty: z.number(),
  frequency_penalty: z.number(),
  top_logprobs: count,
  temperature: z.number(),
  reasoning: z
    .object({
      effort: z.enum(['none', 'minimal', 'low', 'medium', 'high', 'xhigh', 'max']).nullable(),
      summary: z.enum(['auto', 'concise', 'detailed']).nullable(),
      context: z.enum(['auto', 'current_turn', 'all_turns']).exactOptional(),
      mode: z.string().exactOptional(),
    })
    .nullable(),
  usage: usageSchema.nullable(),
  max_output_tokens: z.int().nullable(),
  max_tool_calls: z.int().nullable(),
  store: z.boolean(),
  background: z.boolean(),
  service_tier: z.string(),
  metadata,
  safety_identifier: z.string().nullable(),
  prompt_cache_key: z.string().nullable(),
  prompt_cache_options: z
    .object({ mode: z.enum(['implicit', 'explicit']).exactOptional(), ttl: z.enum(['30m', '12h']).exactOptional() })
    .exactOptional(),
  prompt_cache_retention: z.enum(['in_memory', '24h']).exactOptional(),
  user: z.string().exactOptional(),
  prompt: z
    .object({
      id: z.string(),
      version: z.string(),
      variables: z.record(z.string(), z.union([z.string(), inputPart])).nullable(),
    })
    .exactOptional(),
  conversation: z.object({ id: z.string() }).exactOptional(),
});

export const conversationSchema: z.ZodType<Conversation> = z.object({
  id: z.string(),
  object: z.literal('conversation'),
  created_at: seconds,
  metadata,
});
export const conversationDeletedSchema: z.ZodType<ConversationDeleted> = z.object({
  id: z.string(),
  object: z.literal('conversation.deleted'),
  deleted: z.literal(true),
});
export const responseDeletedSchema: z.ZodType<ResponseDeleted> = z.object({
  id: z.string(),
  object: z.literal('response.deleted'),
  deleted: z.literal(true),
});
