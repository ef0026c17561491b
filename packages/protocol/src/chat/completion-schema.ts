/** What Chat Completions answers, as schemas. */
import * as z from 'zod';
import { LIMITS } from '../limits.ts';
import type { ChatChunk, ChatCompletion } from './completion.ts';

const count = z.int().min(0);
const choice = count.max(LIMITS.choices - 1);
const topLogprob = z.object({ token: z.string(), logprob: z.number(), bytes: z.array(z.int()) });
const logprobs = z
  .object({
    content: z.array(topLogprob.extend({ top_logprobs: z.array(topLogprob) })).nullable(),
    refusal: z.array(topLogprob.extend({ top_logprobs: z.array(topLogprob) })).nullable(),
  })
  .nullable();
const finishReason = z.enum(['stop', 'length', 'tool_calls', 'content_filter']);
const usage = z.object({
  prompt_tokens: count,
  completion_tokens: count,
  total_tokens: count,
  prompt_tokens_details: z.object({ cached_tokens: count, cache_write_tokens: count.exactOptional() }),
  completion_tokens_details: z.object({ reasoning_tokens: count }),
});
const toolCall = z.discriminatedUnion('type', [
  z.object({
    id: z.string(),
    type: z.literal('function'),
    function: z.object({ name: z.string(), arguments: z.string() }),
  }),
  z.object({ id: z.string(), type: z.literal('custom'), custom: z.object({ name: z.string(), input: z.string() }) }),
]);

export const chatCompletionSchema: z.ZodType<ChatCompletion> = z.object({
  id: z.string(),
  object: z.literal('chat.completion'),
  created: count,
  model: z.string(),
  choices: z
    .array(
      z.object({
        index: choice,
        message: z.object({
          role: z.literal('assistant'),
          content: z.string().nullable(),
          refusal: z.string().nullable(),
          annotations: z.tuple([]),
          tool_calls: z.array(toolCall).exactOptional(),
        }),
        logprobs,
        finish_reason: finishReason,
      }),
    )
    .min(1)
    .max(LIMITS.choices),
  usage,
  service_tier: z.string(),
  system_fingerprint: z.string().nullable(),
});

const delta = z.object({
  role: z.literal('assistant').exactOptional(),
  content: z.string().nullable().exactOptional(),
  refusal: z.string().nullable().exactOptional(),
  tool_calls: z
    .array(
      z.object({
        index: count,
        id: z.string().exactOptional(),
        type: z.enum(['function', 'custom']).exactOptional(),
        function: z.object({ name: z.string().exactOptional(), arguments: z.string().exactOptional() }).exactOptional(),
        custom: z.object({ name: z.string().exactOptional(), input: z.string().exactOptional() }).exactOptional(),
      }),
    )
    .exactOptional(),
});

export const chatChunkSchema: z.ZodType<ChatChunk> = z.object({
  id: z.string(),
  object: z.literal('chat.completion.chunk'),
  created: count,
  model: z.string(),
  choices: z.array(z.object({ index: choice, delta, logprobs, finish_reason: finishReason.nullable() })),
  usage: usage.nullable().exactOptional(),
  obfuscation: z.string().exactOptional(),
  service_tier: z.string(),
  system_fingerprint: z.string().nullable(),
});
