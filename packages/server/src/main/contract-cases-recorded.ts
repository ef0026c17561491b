/** What a case says was recorded: events, offers under rights of first refusal, spend. As `perdure.yaml` writes them, without their sources. */
import * as z from 'zod';
import { checkFirstRefusals } from '../contract/first-refusal.ts';
import { datetimeMs } from '../contract/instant.ts';
import { day, id } from '../contract/manifest-words.ts';
import type { FirstRefusal, Recorded, RecordedEvent } from '../placement/facts.ts';
import { refusalOf } from './config/recorded.ts';

/** Events, and offers, that one case may have. */
export const MAX_CASE_RECORDED = 100;

export interface CaseOffer {
  readonly id: string;
  readonly product?: string | undefined;
  readonly offered: string;
  /** The last day on which it can be answered. */
  readonly deadline: string;
  readonly accepted?: string | undefined;
  readonly declined?: string | undefined;
}

export interface CaseRecorded {
  /** Event -> the day or moment from which clauses see it, UTC. */
  readonly events?: Readonly<Record<string, string>> | undefined;
  readonly first_refusals?: readonly CaseOffer[] | undefined;
  /** Of the tenant, before the call, in micro-USD. */
  readonly spend?: { readonly month: number; readonly total: number } | undefined;
}

export const caseMoment: z.ZodType<string> = z
  .string()
  .refine(written => datetimeMs(written) !== null, 'must be a day as 2026-03-20, or a moment as 2026-03-20T12:00:00Z');

export const recordedKeys: {
  readonly events: z.ZodType<CaseRecorded['events']>;
  readonly first_refusals: z.ZodType<CaseRecorded['first_refusals']>;
  readonly spend: z.ZodType<CaseRecorded['spend']>;
} = {
  events: z
    .record(z.string(), caseMoment)
    .refine(events => Object.keys(events).length <= MAX_CASE_RECORDED, `has more than ${MAX_CASE_RECORDED} entries`)
    .optional(),
  first_refusals: z
    .array(
      z.strictObject({
        id,
        product: z.string().min(1).max(200).optional(),
        offered: day,
        deadline: day,
        accepted: day.optional(),
        declined: day.optional(),
      }),
    )
    .max(MAX_CASE_RECORDED)
    .optional(),
  spend: z.strictObject({ month: z.int().nonnegative(), total: z.int().nonnegative() }).optional(),
};

const SOURCE = 'a case';

/** What the snapshot of a case is given. */
export function recordedOf({ events, first_refusals: offers }: CaseRecorded): Recorded {
  return {
    events: Object.entries(events ?? {}).map(([event, date]): RecordedEvent => ({ id: event, date, source: SOURCE })),
    firstRefusals: (offers ?? []).map(offerOf),
  };
}

function offerOf({ product, accepted, declined, ...offer }: CaseOffer): FirstRefusal {
  return refusalOf({
    ...offer,
    product: product ?? null,
    accepted: accepted ?? null,
    declined: declined ?? null,
    source: SOURCE,
  });
}

/** What cannot be, with its place below the case. */
export function recordedProblems(given: CaseRecorded): readonly (readonly [readonly (string | number)[], string])[] {
  const offers = given.first_refusals ?? [];
  const twice = offers.flatMap(({ accepted, declined }, i) =>
    accepted === undefined || declined === undefined
      ? []
      : [[['first_refusals', i, 'declined'], 'is accepted too: it has one answer'] as const],
  );
  const wrong = checkFirstRefusals(offers.map(offerOf)).map(
    ({ index, message }) => [['first_refusals', index], message] as const,
  );
  const less =
    given.spend !== undefined && given.spend.total < given.spend.month
      ? [[['spend', 'total'], 'is less than that of the month'] as const]
      : [];
  const names = Object.keys(given.events ?? {}).flatMap(name => {
    const problem = id.safeParse(name).error?.issues[0]?.message;
    return problem === undefined ? [] : [[['events', name], problem] as const];
  });
  return [...names, ...twice, ...wrong, ...less];
}
