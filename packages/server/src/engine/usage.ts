/**
 * Usage, read back from the log: every model call that was metered, and those that are still open. Page by page, newest first, with bounded
 * memory; a page is one question to the store, and no content is read.
 */
import { type HomeId, idBody, placementId, type SessionId, type TenantId } from '../kernel/ids.ts';
import type { Envelope, EnvelopeOf } from '../log/events.ts';
import type { TokenPrices } from '../money/prices.ts';
import type { MeteredCall } from '../money/usage.ts';
import type { PlacementRecord as CompactRecord } from '../placement/record.ts';
import { principalOf } from './caller.ts';
import { decodeHeadAt } from './placements.ts';
import type { PlacementEntry, SessionLog } from './ports.ts';

/** Where a target was, as the placement saw it. */
export interface TargetFacts {
  readonly cloud: string;
  readonly region: string;
  readonly accelerator: string | null;
  /** Null: not known. */
  readonly prices: TokenPrices | null;
}

/** What usage is read from. */
export type UsageHome = Pick<SessionLog, 'home' | 'placementLog' | 'placementSeek' | 'document'>;

export interface UsageSource<Home extends UsageHome = SessionLog> {
  readonly homes: readonly Home[];
  /** Bounds the wait for a store. */
  wait<T>(work: Promise<T>): Promise<T>;
  /** Null if neither that version nor the configuration knows the target. */
  target(store: UsageHome, version: string, target: string): Promise<TargetFacts | null>;
}

export interface UsageWindow {
  readonly tenants: readonly TenantId[];
  /** When the calls were placed, ms since 1970; inclusive. */
  readonly from: number;
  /** Exclusive. */
  readonly to: number;
}

/** The place in its home's log of placements of the last one read. */
export interface UsageCursor {
  readonly home: HomeId;
  readonly tenant: TenantId;
  readonly position: number;
}

/** A call that ended, with its placement and where that lies in the log of its session. */
export interface LoggedCall extends MeteredCall {
  readonly seq: number;
  readonly record: CompactRecord;
}

/** A call that is in flight, or that a process left so. */
export interface OpenCall {
  readonly session: SessionId;
  /** Of its placement. */
  readonly seq: number;
  readonly call: number;
  readonly at: number;
  readonly tenant: TenantId;
  readonly key: string;
  readonly product: string;
  readonly channel: string;
  readonly target: string;
  /** Of the target; `-` if nobody knows. */
  readonly cloud: string;
  readonly reserved: { readonly input: number; readonly output: number };
}

export interface UsagePage {
  readonly calls: readonly LoggedCall[];
  readonly open: readonly OpenCall[];
  /** Continues after this page. */
  readonly cursor: UsageCursor;
}

/** Placements read at once. */
export const USAGE_PAGE = 256;
/** How far a wall clock may step back while calls are placed, ms: what lies behind is still looked at. */
export const CLOCK_STEP_MS = 3_600_000;

/** Pages of the window, over all homes and tenants. */
export async function* usagePages(
  source: UsageSource<UsageHome>,
  window: UsageWindow,
  after: UsageCursor | null = null,
): AsyncGenerator<UsagePage> {
  let skipping = after;
  for (const store of source.homes) {
    for (const tenant of window.tenants) {
      if (skipping !== null && (skipping.home !== store.home || skipping.tenant !== tenant)) continue;
      const from = skipping;
      skipping = null;
      yield* pagesOf(source, store, tenant, window, from);
    }
  }
}

async function* pagesOf(
  source: UsageSource<UsageHome>,
  store: UsageHome,
  tenant: TenantId,
  { from, to }: UsageWindow,
  start: UsageCursor | null,
): AsyncGenerator<UsagePage> {
  for (let after = start?.position ?? (await beginning(source, store, tenant, to)); ; ) {
    const query = { tenant, order: 'desc', limit: USAGE_PAGE, after } as const;
    const entries = await source.wait(store.placementLog(query));
    const last = entries.at(-1);
    if (last === undefined) return;
    after = last.position;
    const wanted = entries.filter(({ at }) => at >= from && at < to);
    const calls: LoggedCall[] = [];
    const open: OpenCall[] = [];
    for (const entry of wanted) {
      const found = await callOf(source, store, tenant, entry);
      if (found === null) continue;
      if ('meteredAt' in found) calls.push(found);
      else open.push(found);
    }
    if (wanted.length > 0) yield { calls, open, cursor: { home: store.home, tenant, position: after } };
    if (entries.length < USAGE_PAGE || last.at < from - CLOCK_STEP_MS) return;
  }
}

/** The position behind all that the window can hold; null: the newest. */
async function beginning(
  source: UsageSource<UsageHome>,
  store: UsageHome,
  tenant: TenantId,
  to: number,
): Promise<number | null> {
  const behind = to + CLOCK_STEP_MS;
  if (!Number.isSafeInteger(behind)) return null;
  return (await source.wait(store.placementSeek(tenant, behind))) + 1;
}

/** Null for what is no call: a state, or a refusal. */
export async function callOf(
  source: UsageSource<UsageHome>,
  store: UsageHome,
  tenant: TenantId,
  entry: PlacementEntry,
): Promise<LoggedCall | OpenCall | null> {
  const { session, seq } = entry;
  const placed = decodeHeadAt(tenant, entry, entry.placed);
  if (placed.type !== 'call.placed' || placed.head.chosen === null) return null;
  const { call, reserved, chosen: target, purpose } = placed.head;
  const turn = entry.turn === null ? null : decodeHeadAt(tenant, entry, entry.turn);
  const end = entry.end === null ? null : decodeHeadAt(tenant, entry, entry.end);
  const record = placed.head.placement as unknown as CompactRecord;
  const key = principalOf(entry.by);
  const [product] = record.p;
  const [channel] = record.h;
  const facts = await source.target(store, record.s, target);
  const cloud = facts?.cloud ?? '-';
  const caused = { session, seq, at: entry.at, tenant, key, product, channel, target, cloud };
  // Calls of a session end in the order in which they were placed, so the next to end is this one.
  if (entry.end === null || end === null || !isMeter(end) || end.head.call !== call)
    return { ...caused, call, reserved };
  const response = turn?.type === 'turn.started' ? turn.head.response : null;
  const body = (response === null ? idBody(session, 'sess') : idBody(response, 'resp')) ?? '';
  return {
    ...caused,
    id: placementId(body, call),
    record,
    response,
    meteredAt: entry.end.at,
    seller: record.h[1],
    segment: record.g ?? 'commercial',
    purpose,
    vendor: record.m[0],
    model: record.m[1],
    region: facts?.region ?? '-',
    accelerator: facts?.accelerator ?? null,
    seen: facts?.prices ?? null,
    contracts: record.f ?? [],
    clauses: record.d ?? [],
    ...endOf(end),
  };
}

type Meter = EnvelopeOf<'call.completed'> | EnvelopeOf<'call.failed'> | EnvelopeOf<'call.cancelled'>;

function endOf(meter: Meter): Pick<MeteredCall, 'outcome' | 'metered' | 'usage' | 'upstream'> {
  const { usage } = meter.head;
  const none = { response: null, request: null };
  if (meter.type === 'call.completed')
    return {
      outcome: meter.head.outcome,
      metered: meter.head.metered ?? 'exact',
      usage,
      upstream: meter.head.upstream,
    };
  if (meter.type === 'call.cancelled') return { outcome: 'failed', metered: meter.head.metered, usage, upstream: none };
  const { code, metered, upstream } = meter.head;
  return { outcome: code === 'unknown' ? 'unknown' : 'failed', metered, usage, upstream };
}

export function isMeter(event: Envelope): event is Meter {
  return event.type === 'call.completed' || event.type === 'call.failed' || event.type === 'call.cancelled';
}
