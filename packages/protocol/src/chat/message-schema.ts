/** Messages of Chat Completions as clients write them, read into lists of parts. */
import * as z from 'zod';
import { fileData, imageUrl } from '../inline-data.ts';
import { LIMITS, TOOL_NAME } from '../limits.ts';
import { boundedList, fault, refused } from '../parse.ts';
import { cacheBreakpoint, withBreakpoint } from '../responses/breakpoint-schema.ts';
import type { ChatMessage, ChatTextPart, ChatToolCall, ChatUserPart } from './messages.ts';

const text = z.string().max(LIMITS.textChars);
const id = z.string().min(1).max(LIMITS.idChars);
const name = z.string().max(LIMITS.nameChars).nullish();

const textPart = z
  .object({ type: z.literal('text'), text, prompt_cache_breakpoint: cacheBreakpoint })
  .transform(
    (part): ChatTextPart => ({ type: part.type, text: part.text, ...withBreakpoint(part.prompt_cache_breakpoint) }),
  );
const refusalPart = z.object({ type: z.literal('refusal'), refusal: text });
const imagePart = z
  .object({
    type: z.literal('image_url'),
    image_url: z.object({
      url: imageUrl,
      detail: z.enum(['low', 'high', 'auto', 'original']).nullish(),
    }),
    prompt_cache_breakpoint: cacheBreakpoint,
  })
  .transform(
    ({ type, image_url: { url, detail }, prompt_cache_breakpoint: ends }): ChatUserPart => ({
      type,
      image_url: { url, ...(detail && { detail }) },
      ...withBreakpoint(ends),
    }),
  );
const filePart = z
  .object({
    type: z.literal('file'),
    file: z.object({
      filename: z.string().max(LIMITS.nameChars).nullish(),
      file_data: fileData.nullish(),
      file_id: z.string().max(LIMITS.idChars).nullish(),
    }),
    prompt_cache_breakpoint: cacheBreakpoint,
  })
  .transform(({ type, file: { filename, file_data, file_id }, prompt_cache_breakpoint }, ctx): ChatUserPart => {
    const ends = withBreakpoint(prompt_cache_breakpoint);
    if (file_id && file_data)
      return fault(ctx, 'mutually_exclusive_parameters', 'Give `file_data` or `file_id`, not both.', ['file']);
    if (file_id) return { type, file: { ...(filename && { filename }), file_id }, ...ends };
    if (!file_data)
      return fault(ctx, 'invalid_request', 'A file needs its `file_data` or `file_id`.', ['file', 'file_data']);
    return { type, file: { ...(filename && { filename }), file_data }, ...ends };
  });

const texts = boundedList(z.discriminatedUnion('type', [textPart]), LIMITS.contentParts);
const userParts = boundedList(z.discriminatedUnion('type', [textPart, imagePart, filePart]), LIMITS.contentParts);
const assistantParts = boundedList(z.discriminatedUnion('type', [textPart, refusalPart]), LIMITS.contentParts);

const asParts = <Part>(content: string | readonly Part[]): readonly (Part | ChatTextPart)[] =>
  typeof content === 'string' ? [{ type: 'text', text: content }] : content;

const instructionMessage = z
  .object({ role: z.enum(['developer', 'system']), content: z.union([text, texts]), name })
  .transform(({ role, content }): ChatMessage => ({ role, content: asParts(content) }));

const userMessage = z
  .object({ role: z.literal('user'), content: z.union([text, userParts]), name })
  .transform(({ role, content }): ChatMessage => ({ role, content: asParts(content) }));

const toolCall: z.ZodType<ChatToolCall> = z.discriminatedUnion('type', [
  z.object({
    id,
    type: z.literal('function'),
    function: z.object({ name: z.string().regex(TOOL_NAME), arguments: text }),
  }),
  z.object({
    id,
    type: z.literal('custom'),
    custom: z.object({ name: z.string().regex(TOOL_NAME), input: text }),
  }),
]);

const assistantMessage = z
  .object({
    role: z.literal('assistant'),
    content: z.union([text, assistantParts]).nullish(),
    refusal: text.nullish(),
    tool_calls: boundedList(toolCall, LIMITS.contentParts).nullish(),
    function_call: refused("'function_call' is the old form: use 'tool_calls'."),
    audio: refused('This server does not speak: use text.'),
    name,
  })
  .transform(({ role, content, refusal, tool_calls: calls }, ctx): ChatMessage => {
    const parts = [...asParts(content ?? []), ...(refusal ? [{ type: 'refusal' as const, refusal }] : [])];
    const toolCalls = calls ?? [];
    if (parts.length === 0 && toolCalls.length === 0) {
      return fault(ctx, 'invalid_request', "An assistant message needs 'content' or 'tool_calls'.", ['content']);
    }
    return { role, content: parts, tool_calls: toolCalls };
  });

const toolMessage = z
  .object({ role: z.literal('tool'), tool_call_id: id, content: z.union([text, texts]) })
  .transform(({ role, tool_call_id, content }): ChatMessage => ({ role, tool_call_id, content: asParts(content) }));

/** One message. The old `function` role is refused: its calls cannot be matched. */
export const chatMessage: z.ZodType<ChatMessage> = z.discriminatedUnion('role', [
  instructionMessage,
  userMessage,
  assistantMessage,
  toolMessage,
]);
