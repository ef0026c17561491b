/**
 * Usage, read back from the log: every model call that was metered, and those that are still open. Page by page, newest first, with bounded
 * memory: a placement and what came of it lie close together in its session's log.
 */
import { type HomeId, idBody, placementId, type SessionId, type TenantId } from '../kernel/ids.ts';
import { decodeEnvelope } from '../log/codec.ts';
import type { Envelope, EnvelopeOf } from '../log/events.ts';
import type { TokenPrices } from '../money/prices.ts';
import type { MeteredCall } from '../money/usage.ts';
import type { PlacementRecord as CompactRecord } from '../placement/record.ts';
import type { PlacementRow, SessionLog } from './ports.ts';

/** Where a target was, as the placement saw it. */
export interface TargetFacts {
  readonly cloud: string;
  readonly region: string;
  readonly accelerator: string | null;
  /** Null: not known. */
  readonly prices: TokenPrices | null;
}

export interface UsageSource {
  readonly homes: readonly SessionLog[];
  /** Bounds the wait for a store. */
  wait<T>(work: Promise<T>): Promise<T>;
  /** Null if neither that version nor the configuration knows the target. */
  target(store: SessionLog, version: string, target: string): Promise<TargetFacts | null>;
}

export interface UsageWindow {
  readonly tenants: readonly TenantId[];
  /** When the calls were placed, ms since 1970; inclusive. */
  readonly from: number;
  /** Exclusive. */
  readonly to: number;
}

/** A placement whose page was the last one read. */
export interface UsageCursor {
  readonly home: HomeId;
  readonly tenant: TenantId;
  readonly session: SessionId;
  readonly seq: number;
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
/** Sessions looked into at once. */
const AT_ONCE = 32;
/** Events around a placement that are read first, and then at a time. */
const NEAR = 16;
const FAR = 64;
/** How far a wall clock may step back while calls are placed, ms: what lies behind is still looked at. */
export const CLOCK_STEP_MS = 3_600_000;

/** Pages of the window, over all homes and tenants. */
export async function* usagePages(
  source: UsageSource,
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
  source: UsageSource,
  store: SessionLog,
  tenant: TenantId,
  { from, to }: UsageWindow,
  start: UsageCursor | null,
): AsyncGenerator<UsagePage> {
  let after = start === null ? undefined : { session: start.session, seq: start.seq };
  for (;;) {
    const rows = await source.wait(
      store.placements({ tenant, order: 'desc', limit: USAGE_PAGE, ...(after !== undefined && { after }) }),
    );
    const last = rows.at(-1);
    if (last === undefined) return;
    after = { session: last.session, seq: last.seq };
    const wanted = rows.filter(row => row.at >= from && row.at < to);
    const found: (Found | null)[] = [];
    for (let i = 0; i < wanted.length; i += AT_ONCE) {
      const some = wanted.slice(i, i + AT_ONCE);
      found.push(...(await Promise.all(some.map(row => callOf(source, store, tenant, row)))));
    }
    const calls = found.flatMap(one => (one !== null && 'call' in one ? [one.call] : []));
    const open = found.flatMap(one => (one !== null && 'open' in one ? [one.open] : []));
    if (wanted.length > 0) yield { calls, open, cursor: { home: store.home, tenant, ...after } };
    if (rows.length < USAGE_PAGE || last.at < from - CLOCK_STEP_MS) return;
  }
}

type Found = { readonly call: LoggedCall } | { readonly open: OpenCall };
type Placed = EnvelopeOf<'call.placed'>;
type Meter = EnvelopeOf<'call.completed'> | EnvelopeOf<'call.failed'> | EnvelopeOf<'call.cancelled'>;

/** Null for what is no call: a state, or a refusal. */
async function callOf(
  source: UsageSource,
  store: SessionLog,
  tenant: TenantId,
  { session, seq }: PlacementRow,
): Promise<Found | null> {
  const read = async (from: number, to: number): Promise<readonly Envelope[]> => {
    const limit = to - from + 1;
    const stored = await source.wait(store.events({ tenant, session, from, to, limit }));
    return stored.map(one => decodeEnvelope({ tenant, session }, one));
  };
  const first = Math.max(1, seq - 3);
  const near = await read(first, first + NEAR - 1);
  const placed = near.find(event => event.seq === seq);
  if (placed?.type !== 'call.placed' || placed.head.chosen === null) return null;
  const begun = await beginningOf(near, placed, read);
  const meter = await meterOf(near, placed, read);
  const record = placed.head.placement as unknown as CompactRecord;
  const key = begun?.actor.replace(/^key:/, '') ?? '-';
  const [product] = record.p;
  const [channel] = record.h;
  const target = placed.head.chosen;
  const facts = await source.target(store, record.s, target);
  const cloud = facts?.cloud ?? '-';
  const { call } = placed.head;
  if (meter === null) {
    const { reserved } = placed.head;
    return { open: { session, seq, call, at: placed.at, tenant, key, product, channel, target, cloud, reserved } };
  }
  const response = begun?.type === 'turn.started' ? begun.head.response : null;
  const body = (response === null ? idBody(session, 'sess') : idBody(response, 'resp')) ?? '';
  return {
    call: {
      id: placementId(body, call),
      session,
      seq,
      record,
      response,
      at: placed.at,
      meteredAt: meter.at,
      tenant,
      key,
      product,
      channel,
      seller: record.h[1],
      segment: record.g ?? 'commercial',
      purpose: placed.head.purpose,
      vendor: record.m[0],
      model: record.m[1],
      target,
      cloud,
      region: facts?.region ?? '-',
      accelerator: facts?.accelerator ?? null,
      seen: facts?.prices ?? null,
      contracts: record.f ?? [],
      clauses: record.d ?? [],
      ...endOf(meter),
    },
  };
}

function endOf(meter: Meter): Pick<MeteredCall, 'outcome' | 'metered' | 'usage' | 'upstream'> {
  const { usage } = meter.head;
  const none = { response: null, request: null };
  if (meter.type === 'call.completed')
    return { outcome: meter.head.outcome, metered: 'exact', usage, upstream: meter.head.upstream };
  if (meter.type === 'call.cancelled') return { outcome: 'failed', metered: meter.head.metered, usage, upstream: none };
  const { code, metered, upstream } = meter.head;
  return { outcome: code === 'unknown' ? 'unknown' : 'failed', metered, usage, upstream };
}

/** What the call belongs to: the start of its turn, or of its log if it is stateless. Its actor is who caused the call. */
async function beginningOf(
  near: readonly Envelope[],
  placed: Placed,
  read: (from: number, to: number) => Promise<readonly Envelope[]>,
): Promise<EnvelopeOf<'turn.started'> | EnvelopeOf<'call.admitted'> | null> {
  const isStart = (event: Envelope): event is EnvelopeOf<'turn.started'> | EnvelopeOf<'call.admitted'> =>
    event.seq < placed.seq && (event.type === 'turn.started' || event.type === 'call.admitted');
  let found = near.findLast(isStart);
  for (let before = near[0]?.seq ?? 1; found === undefined && before > 1; before = Math.max(1, before - FAR)) {
    const from = Math.max(1, before - FAR);
    found = (await read(from, before - 1)).findLast(isStart);
  }
  return found ?? null;
}

/** The call's end; null while there is none. */
async function meterOf(
  near: readonly Envelope[],
  placed: Placed,
  read: (from: number, to: number) => Promise<readonly Envelope[]>,
): Promise<Meter | null> {
  for (let events = near; ; ) {
    const meter = events.find(
      event => event.seq > placed.seq && isMeter(event) && event.head.call === placed.head.call,
    );
    if (meter !== undefined && isMeter(meter)) return meter;
    const last = events.at(-1)?.seq ?? 0;
    if (events.length < (events === near ? NEAR : FAR)) return null;
    events = await read(last + 1, last + FAR);
  }
}

export function isMeter(event: Envelope): event is Meter {
  return event.type === 'call.completed' || event.type === 'call.failed' || event.type === 'call.cancelled';
}
