/**
 * What was recorded, as clauses are told it: the events that had happened by a time, and the state of the rights of first refusal.
 * It changes on a few dates only, so that it is made once from one to the next.
 */
import { type FirstRefusal, REFUSAL_STATES, refusalAt } from './first-refusal.ts';
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
  readonly known: Map<string, Known>;
}

const timelines = new WeakMap<Recorded, Timeline>();

function timelineOf({ events, firstRefusals }: Recorded): Timeline {
  const moments = [
    ...events.map(({ date }) => datetimeMs(date)),
    ...firstRefusals.flatMap(({ offered, deadline, answer }) => {
      const last = datetimeMs(deadline);
      return [datetimeMs(offered), last === null ? null : last + DAY_MS, answer && datetimeMs(answer.date)];
    }),
  ].filter(ms => ms !== null);
  const products = new Set(firstRefusals.flatMap(({ product }) => (product === null ? [] : [product])));
  return { dates: [...new Set(moments)].toSorted((a, b) => a - b), products, known: new Map() };
}

/**
 * What is known at a time of a call that sells the product.
 * @param at ms since 1970
 */
export function knownAt(recorded: Recorded, at: number, product: string): Known {
  let timeline = timelines.get(recorded);
  if (timeline === undefined) {
    timeline = timelineOf(recorded);
    timelines.set(recorded, timeline);
  }
  const { dates, products, known } = timeline;
  let era = 0;
  for (const date of dates) if (date <= at) era += 1;
  const key = products.has(product) ? `${era} ${product}` : String(era);
  let found = known.get(key);
  if (found === undefined) {
    found = knownIn(recorded, at, product);
    known.set(key, found);
  }
  return found;
}

function knownIn({ events, firstRefusals }: Recorded, at: number, product: string): Known {
  const happened = new Set<string>();
  for (const { id, date } of events) {
    const ms = datetimeMs(date);
    if (ms !== null && ms <= at) happened.add(id);
  }
  const names = [...happened].toSorted();
  const rights = [...new Set(firstRefusals.map(({ id }) => id))].toSorted();
  const states = rights.map(id => [id, refusalAt(firstRefusals, id, product, at).state] as const);
  const inState = REFUSAL_STATES.map(
    state => [state, states.filter(([, its]) => its === state).map(([id]) => id)] as const,
  );
  return {
    events: setValue(names),
    firstRefusal: recordValue(inState.map(([state, ids]) => [state, setValue(ids)] as const)),
    eventsKey: JSON.stringify(names),
    firstRefusalKey: JSON.stringify(inState),
  };
}
