/** Rights of first refusal: what was offered to their holders, what they answered, and the state that clauses see. Days are in UTC. */
import * as z from 'zod';
import { LIMITS } from '../limits.ts';
import type { Parsed } from '../parse.ts';
import { parseOwnBody } from './own-body.ts';

/** `none`: it was never offered. `lapsed`: it was not answered by the deadline. */
export type RightStateName = 'none' | 'offered' | 'accepted' | 'declined' | 'lapsed';
export type RightMoveKind = 'offer' | 'accept' | 'decline';
/** `counted`: clauses see it from its date on. `pending`: another person must approve. */
export type RightMoveState = 'counted' | 'pending' | 'rejected' | 'expired' | 'retracted';

export type RightMove = {
  readonly move: RightMoveKind;
  readonly state: RightMoveState;
  /** Null: all of them. */
  readonly product: string | null;
  readonly date: string;
  /** The last day on which an offer can be answered; null of an answer. */
  readonly deadline: string | null;
  readonly source: string;
  /** The id of a key, `local`, or `config` for the configuration. */
  readonly recorded_by: string;
  /** Seconds since 1970; null of what the configuration says. */
  readonly recorded_at: number | null;
  readonly second_person: boolean;
  readonly decided_by: string | null;
  readonly decided_at: number | null;
  /** Until when it can be approved; null if it need not be. */
  readonly expires_at: number | null;
  readonly retracted_by: string | null;
  readonly retracted_at: number | null;
};

export type RightState = {
  /** Null: every product that has no row of its own. */
  readonly product: string | null;
  readonly state: RightStateName;
  /** The day of the answer, or the first one after the deadline. */
  readonly since: string | null;
  /** Of an open offer: the last day on which it can be answered. */
  readonly until: string | null;
};

export type RightResource = {
  /** As clauses name it. */
  readonly id: string;
  readonly object: 'perdure.right';
  /** Those in force, or to come, with a clause that asks for it. None: no decision depends on it. */
  readonly asked_by: readonly string[];
  /** At the time that contracts see. */
  readonly states: readonly RightState[];
  /** In the order in which they were recorded; those of the configuration first. */
  readonly moves: readonly RightMove[];
};

export type OfferRight = {
  readonly product?: string;
  readonly date?: string;
  readonly deadline: string;
  readonly source: string;
  readonly require_second?: boolean;
};
export type AnswerRight = Omit<OfferRight, 'deadline'>;

const text = z.string();
const orNull = text.nullable();
const secondsOrNull = z.int().nullable();
const word = text.min(1).max(LIMITS.nameChars);
const said = text.min(1).max(LIMITS.reasonChars);
const day = text.max(40).meta({ description: 'A day in UTC, as 2026-04-28.' });

export const rightSchema: z.ZodType<RightResource> = z.object({
  id: text,
  object: z.literal('perdure.right'),
  asked_by: z.array(text),
  states: z.array(
    z.object({
      product: orNull,
      state: z.enum(['none', 'offered', 'accepted', 'declined', 'lapsed']),
      since: orNull,
      until: orNull,
    }),
  ),
  moves: z.array(
    z.object({
      move: z.enum(['offer', 'accept', 'decline']),
      state: z.enum(['counted', 'pending', 'rejected', 'expired', 'retracted']),
      product: orNull,
      date: text,
      deadline: orNull,
      source: text,
      recorded_by: text,
      recorded_at: secondsOrNull,
      second_person: z.boolean(),
      decided_by: orNull,
      decided_at: secondsOrNull,
      expires_at: secondsOrNull,
      retracted_by: orNull,
      retracted_at: secondsOrNull,
    }),
  ),
});

export const rightListSchema: z.ZodType<{
  readonly object: 'list';
  readonly data: readonly RightResource[];
  readonly has_more: boolean;
}> = z.object({ object: z.literal('list'), data: z.array(rightSchema), has_more: z.boolean() });

const answer = {
  product: word.exactOptional().meta({ description: 'Default: all of them.' }),
  date: day.exactOptional(),
  source: said,
  require_second: z.boolean().exactOptional(),
};
export const answerRightBody: z.ZodType<AnswerRight> = z.strictObject(answer);
export const offerRightBody: z.ZodType<OfferRight> = z.strictObject({ ...answer, deadline: day });

export function parseOfferRight(body: unknown): Parsed<OfferRight> {
  return parseOwnBody(offerRightBody, body);
}
export function parseAnswerRight(body: unknown): Parsed<AnswerRight> {
  return parseOwnBody(answerRightBody, body);
}
