/** `/v1/conversations`: a session seen as a list of items. */
import * as z from 'zod';
import { LIMITS } from '../limits.ts';
import { boundedList, metadata, parseBody, type Parsed } from '../parse.ts';
import { inputItem } from './item-schema.ts';
import type { InputItem } from './items.ts';
import type { Metadata } from './settings.ts';

export type Conversation = {
  readonly id: string;
  readonly object: 'conversation';
  /** Seconds since 1970. */
  readonly created_at: number;
  readonly metadata: Metadata;
};
export type ConversationDeleted = {
  readonly id: string;
  readonly object: 'conversation.deleted';
  readonly deleted: true;
};
export type ResponseDeleted = { readonly id: string; readonly object: 'response.deleted'; readonly deleted: true };

export type CreateConversation = { readonly items: readonly InputItem[]; readonly metadata: Metadata };
export type UpdateConversation = { readonly metadata: Metadata };
export type CreateItems = { readonly items: readonly InputItem[] };

const items = boundedList(inputItem, LIMITS.conversationItems);

export const createConversationBody: z.ZodType<CreateConversation> = z
  .object({ items: items.nullish(), metadata: metadata.nullish() })
  .transform(body => ({ items: body.items ?? [], metadata: body.metadata ?? {} }));

/** The metadata given replace those there are; null empties them. */
export const updateConversationBody: z.ZodType<UpdateConversation> = z
  .object({ metadata: metadata.nullable() })
  .transform(body => ({ metadata: body.metadata ?? {} }));

export const createItemsBody: z.ZodType<CreateItems> = z.object({
  items: items.refine(list => list.length > 0, { params: { code: 'invalid_request' }, error: "'items' is empty." }),
});

/** A body is optional here: none is the same as `{}`. */
export function parseCreateConversation(body: unknown): Parsed<CreateConversation> {
  return parseBody(createConversationBody, body ?? {});
}
export function parseUpdateConversation(body: unknown): Parsed<UpdateConversation> {
  return parseBody(updateConversationBody, body);
}
export function parseCreateItems(body: unknown): Parsed<CreateItems> {
  return parseBody(createItemsBody, body);
}
