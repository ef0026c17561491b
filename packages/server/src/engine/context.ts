/**
 * The context of a session: the items that the next call is sent. Read from the log once, then grown by what each turn adds, so that the
 * work of a turn does not grow with the history (L11).
 */
import { decodeEvent, type StoredEvent } from '../log/codec.ts';
import type { LoggedItem, SharedPrefix } from '../log/events.ts';
import type { RunRow } from '../log/rows.ts';
import type { SessionId, TenantId } from '../kernel/ids.ts';
import type { SessionState } from '../session/state.ts';
import type { ContextRun, SessionLog } from './ports.ts';

/** Runs read from the store at a time. */
const RUNS_A_READ = 500;
/** Events read at a time: a few turns' worth of payloads, so that no single read is large. */
const EVENTS_A_READ = 100;

interface PlacedRun extends ContextRun {
  /** The position of its last item. */
  readonly to: number;
  readonly bytes: number;
}

export class SessionContext {
  #runs: PlacedRun[] | null = null;
  bytes = 0;
  /** Bytes of the files that it refers to, as the last call was sent them, images aside. */
  attached = 0;

  get loaded(): boolean {
    return this.#runs !== null;
  }

  /** What the next call is sent. @throws if it was not loaded */
  get runs(): readonly ContextRun[] {
    if (this.#runs === null) throw new Error('the context was not loaded');
    return this.#runs;
  }

  /** Starts an empty context: for a session that begins now. */
  begin(): void {
    this.#runs = [];
  }

  /** Adds a run that was just committed. Returns the bytes by which the cache grew. */
  add(items: readonly LoggedItem[], to: number): number {
    if (this.#runs === null || items.length === 0) return 0;
    const bytes = weigh(items);
    this.#runs.push({ items, to, bytes });
    this.bytes += bytes;
    return bytes;
  }

  /** Takes back what lies after `position`: a turn failed (S3). Returns the change in bytes. */
  dropAfter(position: number): number {
    const before = this.bytes;
    while (this.#runs !== null && (this.#runs.at(-1)?.to ?? 0) > position) this.bytes -= this.#runs.pop()?.bytes ?? 0;
    return this.bytes - before;
  }

  /** Forgets everything: an item in the middle was deleted. Returns the change in bytes. */
  reset(): number {
    const before = this.bytes;
    this.#runs = null;
    this.bytes = 0;
    return -before;
  }

  /** Reads the context of `state` from its store. Returns the bytes by which the cache grew. */
  async load(
    store: SessionLog,
    state: Pick<SessionState, 'tenant' | 'session' | 'lineage' | 'position'>,
  ): Promise<number> {
    const runs: PlacedRun[] = [];
    for (const part of segments(state.session, state.lineage, state.position)) {
      for await (const run of readRuns(store, state.tenant, part)) runs.push({ ...run, bytes: weigh(run.items) });
    }
    this.#runs = runs;
    this.bytes = runs.reduce((sum, run) => sum + run.bytes, 0);
    return this.bytes;
  }
}

/** A stretch of positions that lies in one session's log. */
export interface Segment {
  readonly session: SessionId;
  readonly from: number;
  readonly to: number;
}

/** Where positions 1..`position` of a session lie: first in its ancestors, oldest first, then in itself. */
export function segments(session: SessionId, lineage: readonly SharedPrefix[], position: number): readonly Segment[] {
  const all: Segment[] = [];
  let from = 1;
  for (const { session: ancestor, to } of [...lineage, { session, to: position }]) {
    const end = Math.min(to, position);
    if (end >= from) all.push({ session: ancestor, from, to: end });
    from = Math.max(from, to + 1);
  }
  return all;
}

export interface ReadRun {
  readonly items: readonly LoggedItem[];
  /** Position of the first item that was asked for, and of the last. */
  readonly from: number;
  readonly to: number;
}

/** Reads the items of a stretch, in order, deleted ones left out. */
export async function* readRuns(store: SessionLog, tenant: TenantId, segment: Segment): AsyncGenerator<ReadRun> {
  const { session, to } = segment;
  for (let from = segment.from; from <= to; ) {
    const rows = await store.runs({ tenant, session, from, to, order: 'asc', limit: RUNS_A_READ });
    yield* readRows(store, tenant, rows, { from, to });
    const last = rows.at(-1);
    if (last === undefined || rows.length < RUNS_A_READ) return;
    from = last.position + last.count;
  }
}

/** The items of runs that follow one another, read by stretches of the log: one round trip for many turns, not one a run. */
async function* readRows(
  store: SessionLog,
  tenant: TenantId,
  rows: readonly RunRow[],
  between: { readonly from: number; readonly to: number },
): AsyncGenerator<ReadRun> {
  let waiting = [...rows];
  while (waiting.length > 0) {
    const [first] = waiting;
    const last = waiting.at(-1);
    if (first === undefined || last === undefined) return;
    const range = { tenant, session: first.session, from: first.seq, to: last.seq, limit: EVENTS_A_READ };
    const events = new Map((await store.events(range)).map(event => [event.seq, event]));
    const reached = first.seq + EVENTS_A_READ - 1;
    for (const row of waiting.filter(one => one.seq <= reached)) {
      yield itemsOf(tenant, row, events.get(row.seq), between);
    }
    waiting = waiting.filter(one => one.seq > reached);
  }
}

/** The items of one run between two positions, inclusive. An erased payload has none. */
export async function readRun(
  store: SessionLog,
  tenant: TenantId,
  row: RunRow,
  from: number,
  to: number,
): Promise<ReadRun> {
  const [stored] = await store.events({ tenant, session: row.session, from: row.seq, to: row.seq, limit: 1 });
  return itemsOf(tenant, row, stored, { from, to });
}

function itemsOf(
  tenant: TenantId,
  row: RunRow,
  stored: StoredEvent | undefined,
  { from, to }: { readonly from: number; readonly to: number },
): ReadRun {
  const event = stored === undefined ? null : decodeEvent({ tenant, session: row.session }, stored);
  const payload = event?.payload ?? null;
  const all = payload !== null && 'items' in payload ? payload.items : [];
  const first = Math.max(from, row.position);
  const last = Math.min(to, row.position + row.count - 1);
  const items = all.filter((_, index) => {
    const position = row.position + index;
    return position >= first && position <= last && !row.deleted.includes(index);
  });
  return { items, from: first, to: last };
}

/** Roughly the bytes that items take in memory: twice their text, once parsed and once encoded for an upstream. */
function weigh(items: readonly LoggedItem[]): number {
  return JSON.stringify(items).length * 2;
}
