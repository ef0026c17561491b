/** What would have to be recorded for clauses to be told certain events, and certain states of rights of first refusal, at a time. */
import type { FirstRefusal, Recorded } from './facts.ts';

/** The states that a clause can ask for; a right that was never offered is in none. */
export const OFFER_STATES = ['offered', 'accepted', 'declined', 'lapsed'] as const;
export type OfferState = (typeof OFFER_STATES)[number];

const SOURCE = 'supposed';
const NOTHING: Recorded = { events: [], firstRefusals: [] };
const DAY = 86_400_000;
/** Days that can be written: from the year 0, so that there is one before it, to the year 9999. ms since 1970. */
const FIRST = -62_167_219_200_000 + DAY;
const LAST = 253_402_214_400_000;

/** @param at ms since 1970: what is supposed has just come about */
export function supposed(
  events: readonly string[],
  refusals: Readonly<Record<string, OfferState>>,
  at: number,
): Recorded {
  const rights = Object.entries(refusals);
  if (events.length === 0 && rights.length === 0) return NOTHING;
  return {
    events: events.map(id => ({ id, date: dayBefore(at, 0), source: SOURCE })),
    firstRefusals: rights.map(([id, state]) => offer(id, state, at)),
  };
}

function offer(id: string, state: OfferState, at: number): FirstRefusal {
  const today = dayBefore(at, 0);
  // It is open until its deadline ends, so that only the day before can have let it lapse.
  const offered = state === 'lapsed' ? dayBefore(at, 1) : today;
  const answer = state === 'accepted' || state === 'declined' ? { kind: state, date: today } : null;
  return { id, product: null, offered, deadline: offered, answer, source: SOURCE };
}

/** A day, days before the one of a time. */
function dayBefore(at: number, days: number): string {
  const day = Math.min(Math.max(Math.floor(at / DAY) * DAY, FIRST), LAST) - days * DAY;
  return new Date(day).toISOString().slice(0, 10);
}
