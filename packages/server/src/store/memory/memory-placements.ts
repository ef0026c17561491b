/** Placements with their events, in memory. */
import type { PlacementEntry, SessionLog, StoredHead } from '../../engine/ports.ts';
import { callOfHead, EVENT_CODES, type StoredEvent } from '../../log/codec.ts';
import { checkLimit } from '../bounds.ts';
import type { MemoryData, MemoryPlacement } from './memory-data.ts';

type Answer = <T>(work: () => T) => Promise<T>;

const ENDS: readonly number[] = [
  EVENT_CODES['call.completed'],
  EVENT_CODES['call.failed'],
  EVENT_CODES['call.cancelled'],
];

export function placementReads(
  data: MemoryData,
  answer: Answer,
): Pick<SessionLog, 'placed' | 'placementLog' | 'placementSeek' | 'placementTenants'> {
  return {
    placementLog: ({ tenant, order, limit, after }) =>
      answer(() => {
        checkLimit(limit);
        const mine = data.placements.filter(
          one => one.tenant === tenant && (after === null || (order === 'asc' ? one.order > after : one.order < after)),
        );
        if (order === 'desc') mine.reverse();
        return mine.slice(0, limit).map(one => entryOf(data, one));
      }),
    placed: ({ tenant, session, from, to, placed }) =>
      answer(() => {
        const events = data.sessions.get(session)?.events ?? [];
        const event = events.find(
          ({ seq, code, head }) =>
            seq >= from &&
            seq <= to &&
            code === EVENT_CODES[placed.type] &&
            (placed.type !== 'call.placed' || callOfHead(head) === placed.call),
        );
        const row = data.placements.find(
          one => one.tenant === tenant && one.session === session && one.seq === event?.seq,
        );
        return row === undefined ? null : entryOf(data, row);
      }),
    placementSeek: (tenant, at) =>
      answer(() => data.placements.findLast(one => one.tenant === tenant && one.at < at)?.order ?? 0),
    placementTenants: () =>
      answer(() =>
        [...Map.groupBy(data.placements, one => one.tenant)]
          .map(([tenant, list]) => ({ tenant, placements: list.length }))
          .toSorted((a, b) => (a.tenant < b.tenant ? -1 : 1)),
      ),
  };
}

function entryOf(data: MemoryData, { session, seq, at, order }: MemoryPlacement): PlacementEntry {
  const events = data.sessions.get(session)?.events ?? [];
  const [first] = events;
  const placed = events.find(event => event.seq === seq);
  if (first === undefined || placed === undefined) throw new Error(`placement ${session} ${seq} has no event`);
  const isCall = placed.code === EVENT_CODES['call.placed'];
  const inTurn = isCall || placed.code === EVENT_CODES['tool.placed'];
  const turn = events.findLast(event => event.seq < seq && event.code === EVENT_CODES['turn.started']);
  const end = events.find(event => event.seq > seq && ENDS.includes(event.code));
  return {
    position: order,
    session,
    seq,
    at,
    placed: headOf(placed),
    first: headOf(first),
    turn: inTurn && turn !== undefined ? headOf(turn) : null,
    end: isCall && end !== undefined ? { ...headOf(end), at: end.at } : null,
    by: (inTurn ? turn : undefined)?.actor ?? first.actor,
  };
}

function headOf({ code, version, head }: StoredEvent): StoredHead {
  return { code, version, head };
}
