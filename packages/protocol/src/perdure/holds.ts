/** Legal holds: what may not be erased, whatever its lifetime and whoever deletes it. Times are seconds since 1970. */
import * as z from 'zod';
import { LIMITS } from '../limits.ts';
import type { Parsed } from '../parse.ts';
import { parseOwnBody } from './own-body.ts';

export type HoldResource = {
  readonly id: string;
  readonly object: 'perdure.hold';
  readonly state: 'in_force' | 'lifted';
  readonly tenant: string;
  /** The id of a response, a conversation or a session; null: all that the tenant has stored. */
  readonly subject: string | null;
  /** The session in which the subject lies. */
  readonly session: string | null;
  readonly reason: string;
  /** Of the matter, as those who ask for the hold name it. */
  readonly reference: string | null;
  /** The id of a key, or `local`. */
  readonly placed_by: string;
  readonly placed_at: number;
  readonly lifted_by: string | null;
  readonly lifted_at: number | null;
};

/** A session that holds something that was deleted, or has lived its time, and that a hold keeps. No content. */
export type KeptResource = {
  readonly object: 'perdure.kept';
  readonly session: string;
  readonly tenant: string;
  readonly home: string;
  /** The conversation that the session is; null for a chain of responses. */
  readonly conversation: string | null;
  /** Whether the conversation itself was deleted. */
  readonly ended: boolean;
  /** Responses that were deleted, oldest first; at most 100. */
  readonly responses: readonly string[];
};

export type KeptList = {
  readonly object: 'list';
  readonly data: readonly KeptResource[];
  readonly has_more: boolean;
  /** What `after` takes for the next page. */
  readonly last_id: string | null;
};

export type HoldList = { readonly object: 'list'; readonly data: readonly HoldResource[]; readonly has_more: boolean };

export type CreateHold = {
  readonly tenant: string;
  readonly subject?: string;
  readonly reason: string;
  readonly reference?: string;
};

const text = z.string();
const orNull = text.nullable();

export const holdSchema: z.ZodType<HoldResource> = z.object({
  id: text,
  object: z.literal('perdure.hold'),
  state: z.enum(['in_force', 'lifted']),
  tenant: text,
  subject: orNull,
  session: orNull,
  reason: text,
  reference: orNull,
  placed_by: text,
  placed_at: z.int(),
  lifted_by: orNull,
  lifted_at: z.int().nullable(),
});

export const holdListSchema: z.ZodType<HoldList> = z.object({
  object: z.literal('list'),
  data: z.array(holdSchema),
  has_more: z.boolean(),
});

export const keptSchema: z.ZodType<KeptResource> = z.object({
  object: z.literal('perdure.kept'),
  session: text,
  tenant: text,
  home: text,
  conversation: orNull,
  ended: z.boolean(),
  responses: z.array(text),
});

export const keptListSchema: z.ZodType<KeptList> = z.object({
  object: z.literal('list'),
  data: z.array(keptSchema),
  has_more: z.boolean(),
  last_id: orNull,
});

const word = text.min(1).max(LIMITS.nameChars);
const said = text.min(1).max(LIMITS.reasonChars);

export const createHoldBody: z.ZodType<CreateHold> = z.strictObject({
  tenant: word.meta({ description: 'Whose data is held.' }),
  subject: word
    .meta({ description: 'The id of a response, a conversation or a session. Default: all that the tenant has.' })
    .exactOptional(),
  reason: said,
  reference: said.meta({ description: 'Of the matter, as those who ask for the hold name it.' }).exactOptional(),
});

export function parseCreateHold(body: unknown): Parsed<CreateHold> {
  return parseOwnBody(createHoldBody, body);
}
