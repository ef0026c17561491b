/** What would have to be recorded for clauses to be told certain events, and certain states of rights of first refusal, at any time. */
import type { FirstRefusal, Recorded } from './facts.ts';

/** The states that a clause can ask for; a right that was never offered is in none. */
export const OFFER_STATES = ['offered', 'accepted', 'declined', 'lapsed'] as const;
export type OfferState = (typeof OFFER_STATES)[number];

const SOURCE = 'supposed';
/** Before every contract, and after. */
const EARLY = { first: '1970-01-01', second: '1970-01-02' };
const LATE = '9999-12-30';

export function supposed(events: readonly string[], refusals: Readonly<Record<string, OfferState>>): Recorded {
  return {
    events: events.map(id => ({ id, date: EARLY.first, source: SOURCE })),
    firstRefusals: Object.entries(refusals).map(([id, state]) => offer(id, state)),
  };
}

function offer(id: string, state: OfferState): FirstRefusal {
  return {
    id,
    product: null,
    offered: EARLY.first,
    deadline: state === 'offered' ? LATE : EARLY.second,
    answer: state === 'accepted' || state === 'declined' ? { kind: state, date: EARLY.second } : null,
    source: SOURCE,
  };
}
