/** `POST /v1/responses/compact` and `POST /v1/responses/input_tokens`: bodies and answers. */
import * as z from 'zod';
import { LIMITS } from '../limits.ts';
import { boundedList, fault, parseBody, present, type Parsed } from '../parse.ts';
import { inputItem } from './item-schema.ts';
import type { ItemField } from './items.ts';
import { createResponseBody, itemsOf } from './request-schema.ts';
import { itemSchema, usageSchema } from './resource-schema.ts';
import type { Usage } from './resource.ts';
import type { CreateResponse } from './settings.ts';

/** A request to compact, normalised. */
export type CompactResponse = Pick<CreateResponse, 'model' | 'input' | 'store'> &
  Partial<Pick<CreateResponse, 'instructions' | 'previous_response_id' | 'prompt_cache_key'>>;

export type CompactedResponse = {
  readonly id: string;
  readonly object: 'response.compaction';
  /** Seconds since 1970. */
  readonly created_at: number;
  /** All user messages, then one compaction item. */
  readonly output: readonly ItemField[];
  /** Of the call that compacted; zeros if none was made. */
  readonly usage: Usage;
};

export type InputTokens = { readonly object: 'response.input_tokens'; readonly input_tokens: number };

const text = z.string().max(LIMITS.textChars);
const id = z.string().min(1).max(LIMITS.idChars);
const input = z.union([text, boundedList(inputItem, LIMITS.inputItems)]).nullish();
const common = {
  input,
  instructions: text.nullish(),
  previous_response_id: id.nullish(),
  prompt_cache_key: z.string().max(LIMITS.keyChars).nullish(),
};

/** The body of `POST /v1/responses/compact`. Unknown fields are ignored. */
export const compactResponseBody: z.ZodType<CompactResponse> = z
  .object({ ...common, model: z.string().min(1).max(LIMITS.nameChars), store: z.boolean().nullish() })
  .transform((body, ctx): CompactResponse => {
    const { input: given, ...rest } = body;
    const fields = present(rest);
    const items = itemsOf(given);
    if (items.length === 0 && fields.previous_response_id === undefined)
      return fault(ctx, 'invalid_request', "Missing required parameter: 'input' or 'previous_response_id'.", ['input']);
    return { ...fields, model: body.model, input: items, store: fields.store ?? true };
  });

export function parseCompactResponse(body: unknown): Parsed<CompactResponse> {
  return parseBody(compactResponseBody, body);
}

/** The body of `POST /v1/responses/input_tokens`: any field of a request for a response, none of them required. */
export const countInputBody: z.ZodType = z.looseObject({ ...common, model: z.string().nullish() });

/**
 * Reads it as the request for a response that it stands for.
 * @param model what is counted for if it names none
 */
export function parseCountInput(body: unknown, model: string): Parsed<CreateResponse> {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return parseBody(createResponseBody, body);
  const given: { readonly [name: string]: unknown } = { ...body };
  // An empty input is nothing to answer, but it can be counted.
  const input = given['input'] ?? '';
  const parsed = parseBody(createResponseBody, { ...given, model: given['model'] ?? model, input });
  const empty = given['input'] === undefined || given['input'] === null;
  return parsed.ok && empty ? { ok: true, value: { ...parsed.value, input: [] } } : parsed;
}

export const compactedResponseSchema: z.ZodType<CompactedResponse> = z.object({
  id: z.string(),
  object: z.literal('response.compaction'),
  created_at: z.int().min(0),
  output: z.array(itemSchema),
  usage: usageSchema,
});

export const inputTokensSchema: z.ZodType<InputTokens> = z.object({
  object: z.literal('response.input_tokens'),
  input_tokens: z.int().min(0),
});
