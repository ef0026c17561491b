/** Events that contracts ask for, and that no date of theirs can express: recorded with a date and a source. Pure. */
import { type ContractEventState, perdureError } from '@perdure/protocol';
import { dayOf } from '../../kernel/day.ts';
import { decideOn, type Request, standing } from './request.ts';

export interface ContractEvent {
  readonly id: string;
  /** Such as `agi-verified`. */
  readonly event: string;
  /** ms since 1970: a day in UTC. */
  readonly date: number;
  readonly source: string;
  readonly recordedBy: string;
  readonly recordedAt: number;
  readonly retracted: { readonly by: string; readonly at: number } | null;
  /** As of a `Request`. Absent of those that needed nobody else. */
  readonly expiresAt?: number;
  readonly decided?: NonNullable<Request['decided']>;
}

export function requestOf({ recordedBy, recordedAt, expiresAt, decided }: ContractEvent): Request {
  return {
    requestedBy: recordedBy,
    requestedAt: recordedAt,
    reason: null,
    expiresAt: expiresAt ?? null,
    decided: decided ?? null,
  };
}

export function eventState(event: ContractEvent, now: number): ContractEventState {
  if (event.retracted !== null) return 'retracted';
  const stands = standing(requestOf(event), now);
  return typeof stands === 'number' ? 'recorded' : stands;
}

/** What a snapshot is given of the events: those that count, in the order of their dates. */
export function eventFacts(
  all: readonly ContractEvent[],
  now: number,
): readonly { readonly id: string; readonly date: string; readonly source: string }[] {
  return all
    .filter(event => eventState(event, now) === 'recorded')
    .toSorted((a, b) => a.date - b.date || a.recordedAt - b.recordedAt)
    .map(({ event, date, source }) => ({ id: event, date: dayOf(date), source }));
}

const EVENT_ID = /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/;

/** @throws PerdureError invalid_request */
export function checkEventId(event: string): void {
  if (EVENT_ID.test(event)) return;
  const message = 'The id of an event has lower-case letters and digits, in words joined by "-", as in agi-verified.';
  throw perdureError('invalid_request', message, { param: 'event' });
}

/** @throws PerdureError not_pending, second_person_required */
export function decideEvent(
  event: ContractEvent,
  who: string,
  verdict: 'approved' | 'rejected',
  now: number,
): ContractEvent {
  if (event.retracted !== null) throw perdureError('not_pending', 'It is not pending: it was retracted.');
  const { decided } = decideOn(requestOf(event), who, verdict, now);
  return decided === null ? event : { ...event, decided };
}

/** @throws PerdureError not_pending if it was retracted before */
export function retract(event: ContractEvent, who: string, now: number): ContractEvent {
  if (event.retracted !== null) throw perdureError('not_pending', 'This event was retracted before.');
  return { ...event, retracted: { by: who, at: now } };
}
