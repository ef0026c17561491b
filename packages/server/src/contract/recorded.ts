/**
 * What was recorded, as clauses are told it: the events that had happened by a time, and the state of the rights of first refusal.
 * It changes on a few dates only, so that it is made once from one to the next.
 */
import { checkFirstRefusals, type FirstRefusal, REFUSAL_STATES, refusalAt } from './first-refusal.ts';
import { DAY_MS, datetimeMs } from './instant.ts';
import { type RecordValue, recordValue, type SetValue, setValue } from './value.ts';

/** Something that no date could have told: `agi-verified`, `ipo-filed`, `injunction`, or any id. */
export interface RecordedEvent {
  readonly id: string;
  /** A day in UTC, from its first moment on; or a moment. */
  readonly date: string;
  readonly source: string;
}

/** Not changed afterwards: what was found out about it is kept. */
export interface Recorded {
  readonly events: readonly RecordedEvent[];
  readonly firstRefusals: readonly FirstRefusal[];
}

export const NOTHING_RECORDED: Recorded = { events: [], firstRefusals: [] };

export interface Known {
  readonly events: SetValue;
  readonly firstRefusal: RecordValue;
  /** Equal only where `events` are. */
  readonly eventsKey: string;
  readonly firstRefusalKey: string;
}

interface Timeline {
  /** Sorted: nothing changes between two of them. */
  readonly dates: readonly number[];
  /** Products that an offer names: all others are alike. */
  readonly products: ReadonlySet<string>;
  /** By the number of dates that have passed. */
  readonly known: (Known | undefined)[];
  readonly knownOf: Map<string, Known>;
}

const timelines = new WeakMap<Recorded, Timeline>();
/** The one asked for last: nearly always that of the snapshot in force. */
let last: { readonly recorded: Recorded; readonly timeline: Timeline } | null = null;

/** What cannot be, in words. Whoever makes a snapshot refuses it: an event without a date would be one that never happens. */
export function checkRecorded({ events, firstRefusals }: Recorded): readonly string[] {
  const days = firstRefusals.flatMap(({ id, offered, deadline, answer }) =>
    [offered, deadline, answer?.date].flatMap(date => (date === undefined ? [] : [{ id, date }])),
  );
  const wrong = [...events, ...days].filter(({ date }) => datetimeMs(date) === null);
  return [
    ...wrong.map(({ id, date }) => `${id} is dated ${JSON.stringify(date)}, which is no day or moment`),
    ...checkFirstRefusals(firstRefusals).map(({ message }) => message),
  ];
}

/** Throws if a date is none. */
function momentOf(date: string): number {
  const ms = datetimeMs(date);
  if (ms === null) throw new Error(`recorded with a date that is none: ${date}`);
  return ms;
}

function timelineOf({ events, firstRefusals }: Recorded): Timeline {
  const moments = [
    ...events.map(({ date }) => momentOf(date)),
    ...firstRefusals.flatMap(({ offered, deadline, answer }) => [
      momentOf(offered),
      momentOf(deadline) + DAY_MS,
      ...(answer === null ? [] : [momentOf(answer.date)]),
    ]),
  ];
  const products = new Set(firstRefusals.flatMap(({ product }) => (product === null ? [] : [product])));
  return { dates: [...new Set(moments)].toSorted((a, b) => a - b), products, known: [], knownOf: new Map() };
}

function timelineFor(recorded: Recorded): Timeline {
  let timeline = timelines.get(recorded);
  if (timeline === undefined) {
    timeline = timelineOf(recorded);
    timelines.set(recorded, timeline);
  }
  return timeline;
}

/** When what is known changes: ms since 1970, sorted. */
export function momentsRecorded(recorded: Recorded): readonly number[] {
  return timelineFor(recorded).dates;
}

/**
 * What is known at a time of a call that sells the product.
 * @param at ms since 1970
 */
export function knownAt(recorded: Recorded, at: number, product: string): Known {
  if (last?.recorded !== recorded) last = { recorded, timeline: timelineFor(recorded) };
  const { dates, products, known, knownOf } = last.timeline;
  let era = 0;
  for (const date of dates) if (date <= at) era += 1;
  if (products.size === 0 || !products.has(product)) return (known[era] ??= knownIn(recorded, at, product));
  const key = `${era} ${product}`;
  const found = knownOf.get(key) ?? knownIn(recorded, at, product);
  knownOf.set(key, found);
  return found;
}

function knownIn({ events, firstRefusals }: Recorded, at: number, product: string): Known {
  const happened = new Set<string>();
  for (const { id, date } of events) if (momentOf(date) <= at) happened.add(id);
  const names = [...happened].toSorted();
  const rights = [...new Set(firstRefusals.map(({ id }) => id))].toSorted();
  const states = rights.map(id => [id, refusalAt(firstRefusals, id, product, at).state] as const);
  const inState = REFUSAL_STATES.map(
    state => [state, states.filter(([, its]) => its === state).map(([id]) => id)] as const,
  );
  return {
    events: setValue(names),
    firstRefusal: recordValue(inState.map(([state, ids]) => [state, setValue(ids)] as const)),
    eventsKey: names.length === 0 ? '' : JSON.stringify(names),
    firstRefusalKey: rights.length === 0 ? '' : JSON.stringify(inState),
  };
}
