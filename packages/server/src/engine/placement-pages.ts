/**
 * Placements listed over all homes, page by page.
 *
 * Q1  A page costs at most `SCAN_MOST` rows, whatever the filters let through: if they are used up, it ends early and says where to go on.
 * Q2  A cursor is a position in each home. What is placed later moves none of them: pages neither repeat nor skip.
 */
import { perdureError } from '@perdure/protocol';
import type { TenantId } from '../kernel/ids.ts';
import type { Caller } from './caller.ts';
import type { EngineContext } from './engine-context.ts';
import { findPlacement, placementOf, type PlacementRecord } from './placements.ts';
import type { PlacementEntry, SessionLog } from './ports.ts';

/** Rows that one page looks at, at most, and rows that are read at a time. */
export const SCAN_MOST = 2000;
const SCAN = 200;

export interface PlacementListQuery {
  readonly order: 'asc' | 'desc';
  readonly limit: number;
  /** A placement's id, or the `next` of a page, exclusive. */
  readonly after?: string;
  /** ms since 1970, of the recording; inclusive and exclusive. */
  readonly from?: number;
  readonly to?: number;
  readonly session?: string;
  readonly response?: string;
  /** What else a placement must be. */
  readonly matches?: (placement: PlacementRecord) => boolean | Promise<boolean>;
}

export interface PlacementPage {
  readonly placements: readonly PlacementRecord[];
  readonly hasMore: boolean;
  /** Where the next page begins; null after the last one. */
  readonly next: string | null;
}

/** One home's log of placements, read as it is needed. */
interface Reading {
  readonly store: SessionLog;
  after: number | null;
  buffer: readonly PlacementEntry[];
  index: number;
  ended: boolean;
}

type Positions = Readonly<Record<string, number | null>>;

/** @throws invalid_request for a cursor that is none; placement_not_found for an id that is none */
export async function listPlacements(
  engine: EngineContext,
  caller: Caller,
  query: PlacementListQuery,
): Promise<PlacementPage> {
  const { tenant } = caller;
  const start = await startOf(engine, caller, query);
  const readings = engine.homes.all.map(
    (store): Reading => ({ store, after: start[store.home] ?? null, buffer: [], index: 0, ended: false }),
  );
  const found: PlacementRecord[] = [];
  let last = cursorOf(query.order, readings);
  for (let scanned = 0; scanned < SCAN_MOST; scanned++) {
    const reading = await nearest(engine, tenant, query, readings);
    if (reading === null) return { placements: found, hasMore: false, next: null };
    const entry = reading.buffer[reading.index];
    if (entry === undefined) break;
    const wanted = await placementIn(tenant, query, entry);
    if (wanted !== null && found.length === query.limit) return { placements: found, hasMore: true, next: last };
    reading.index += 1;
    reading.after = entry.position;
    if (wanted === null) continue;
    found.push(wanted);
    last = cursorOf(query.order, readings);
  }
  return {
    placements: found,
    hasMore: true,
    next: found.length === query.limit ? last : cursorOf(query.order, readings),
  };
}

async function placementIn(
  tenant: TenantId,
  query: PlacementListQuery,
  entry: PlacementEntry,
): Promise<PlacementRecord | null> {
  const { session, from, to, response, matches } = query;
  if (session !== undefined && entry.session !== session) return null;
  if ((from !== undefined && entry.at < from) || (to !== undefined && entry.at >= to)) return null;
  const placement = placementOf(tenant, entry);
  if (placement === null || (response !== undefined && placement.response !== response)) return null;
  return matches === undefined || (await matches(placement)) ? placement : null;
}

/** The home whose next placement comes first in the order asked for; null if none has any. */
async function nearest(
  engine: EngineContext,
  tenant: TenantId,
  query: PlacementListQuery,
  readings: readonly Reading[],
): Promise<Reading | null> {
  let best: { readonly reading: Reading; readonly at: number } | null = null;
  for (const reading of readings) {
    const at = await timeOfNext(engine, tenant, query, reading);
    // Of equals the first home's come first going forward, and the last home's going back: one order is the other reversed.
    if (at === null || (best !== null && (query.order === 'asc' ? at >= best.at : at < best.at))) continue;
    best = { reading, at };
  }
  return best?.reading ?? null;
}

async function timeOfNext(
  engine: EngineContext,
  tenant: TenantId,
  { order, from, to }: PlacementListQuery,
  reading: Reading,
): Promise<number | null> {
  if (reading.index >= reading.buffer.length && !reading.ended) {
    const { store, after } = reading;
    reading.buffer = await engine.sessions.wait(store.placementLog({ tenant, order, limit: SCAN, after }));
    reading.index = 0;
    reading.ended = reading.buffer.length === 0;
  }
  const next = reading.buffer[reading.index];
  if (next === undefined) return null;
  const beyond = order === 'asc' ? to !== undefined && next.at >= to : from !== undefined && next.at < from;
  return beyond ? null : next.at;
}

async function startOf(engine: EngineContext, caller: Caller, query: PlacementListQuery): Promise<Positions> {
  const { after, order, from, to } = query;
  if (after?.startsWith(CURSOR)) return positionsIn(after, order);
  if (after !== undefined) return besidePlacement(engine, caller, after, order);
  const edge = order === 'asc' ? from : to;
  if (edge === undefined) return {};
  return positions(engine, async store => {
    const before = await engine.sessions.wait(store.placementSeek(caller.tenant, edge));
    return order === 'asc' ? before : before + 1;
  });
}

async function positions(
  engine: EngineContext,
  find: (store: SessionLog, index: number) => Promise<number>,
): Promise<Positions> {
  const found: Record<string, number> = {};
  for (const [index, store] of engine.homes.all.entries()) found[store.home] = await find(store, index);
  return found;
}

/** Right after a placement: in its own home by its place, in the others by its time. */
async function besidePlacement(
  engine: EngineContext,
  caller: Caller,
  id: string,
  order: 'asc' | 'desc',
): Promise<Positions> {
  const { placement, position } = await findPlacement(engine, caller, id);
  const own = engine.homes.all.findIndex(store => store.home === placement.home);
  return positions(engine, async (store, index) => {
    const seek = (at: number) => engine.sessions.wait(store.placementSeek(caller.tenant, at));
    if (index === own) return position;
    const past = order === 'asc' ? index < own : index > own;
    const before = await seek(past === (order === 'asc') ? placement.at + 1 : placement.at);
    return order === 'asc' ? before : before + 1;
  });
}

const CURSOR = 'pcur_';

function cursorOf(order: 'asc' | 'desc', readings: readonly Reading[]): string {
  const places = readings.map(({ store, after }) => `${store.home}:${after ?? ''}`);
  return `${CURSOR}${order},${places.join(',')}`;
}

function positionsIn(cursor: string, order: 'asc' | 'desc'): Positions {
  const [given, ...places] = cursor.slice(CURSOR.length).split(',');
  const found: Record<string, number | null> = {};
  for (const place of places) {
    const [, home, position] = /^(.+):(\d{0,15})$/.exec(place) ?? [];
    if (home === undefined || position === undefined) return notACursor();
    found[home] = position === '' ? null : Number(position);
  }
  return given === order ? found : notACursor();
}

function notACursor(): never {
  throw perdureError('invalid_request', "'after' is neither a placement nor the 'next' of a page in this order.", {
    param: 'after',
  });
}
