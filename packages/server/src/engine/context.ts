/**
 * The context of a session: the items that the next call is sent. Read from the log once, then grown by what each turn adds, so that the
 * work of a turn does not grow with the history (L11). After a compaction it is read from there on: what it stands for stays in the log,
 * and is not read for a call any more.
 */
import { decodeEnvelope, decodeEvent, type StoredEvent } from '../log/codec.ts';
import type { CompactionRef, LoggedItem, SharedPrefix } from '../log/events.ts';
import { expand } from './compaction/open-item.ts';
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
  /** The position of the compaction that it begins with; 0 if none. */
  #compactedAt = 0;
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

  /** What of it lies at or before `position`. */
  upTo(position: number): readonly ContextRun[] {
    return (this.#runs ?? []).filter(run => run.to <= position);
  }

  /** Starts an empty context: for a session that begins now. */
  begin(): void {
    this.#runs = [];
  }

  /** Adds a run that was just committed. Returns the bytes by which the cache grew. */
  add(given: readonly LoggedItem[], to: number): number {
    if (this.#runs === null || given.length === 0) return 0;
    const items = expand(given);
    const bytes = weigh(items);
    this.#runs.push({ items, to, bytes });
    this.bytes += bytes;
    return bytes;
  }

  /**
   * Puts a compaction that was just committed in the place of what it stands for. Returns the change in bytes.
   * @param rest items of the run in which `to` lies that come after it
   */
  compact(
    content: readonly LoggedItem[],
    at: Pick<CompactionRef, 'position' | 'to'>,
    rest: readonly LoggedItem[],
  ): number {
    if (this.#runs === null) return 0;
    const before = this.bytes;
    const cut = this.#runs.find(run => run.to > at.to);
    const later = this.#runs.filter(run => run.to > at.to && run !== cut);
    const kept =
      cut === undefined ? [] : rest.length === cut.items.length ? [cut] : [{ ...cut, items: rest, bytes: weigh(rest) }];
    this.#runs = [{ items: content, to: at.to, bytes: weigh(content) }, ...kept, ...later];
    this.#compactedAt = at.position;
    this.bytes = this.#runs.reduce((sum, run) => sum + run.bytes, 0);
    return this.bytes - before;
  }

  /** Takes back what lies after `position`: a turn failed (S3). Returns the change in bytes. */
  dropAfter(position: number): number {
    // What a compaction that is taken back stood for is not here: it is read again.
    if (this.#compactedAt > position) return this.reset();
    const before = this.bytes;
    while (this.#runs !== null && (this.#runs.at(-1)?.to ?? 0) > position) this.bytes -= this.#runs.pop()?.bytes ?? 0;
    return this.bytes - before;
  }

  /** Forgets everything: an item in the middle was deleted. Returns the change in bytes. */
  reset(): number {
    const before = this.bytes;
    this.#runs = null;
    this.#compactedAt = 0;
    this.bytes = 0;
    return -before;
  }

  /** Reads the context of `state` from its store. Returns the change in bytes. */
  async load(store: SessionLog, state: ContextPlace): Promise<number> {
    const before = this.bytes;
    const start = await readCompaction(store, state.tenant, state.compacted ?? null);
    const runs: PlacedRun[] =
      start === null ? [] : [{ items: start.content, to: start.ref.to, bytes: weigh(start.content) }];
    for (const part of segments(state.session, state.lineage, state.position, (start?.ref.to ?? 0) + 1)) {
      for await (const run of readRuns(store, state.tenant, part)) {
        if (run.compaction) continue;
        const items = expand(run.items);
        runs.push({ items, to: run.to, bytes: weigh(items) });
      }
    }
    this.#runs = runs;
    this.#compactedAt = start?.ref.position ?? 0;
    this.bytes = runs.reduce((sum, run) => sum + run.bytes, 0);
    return this.bytes - before;
  }
}

/** What of a session says where its context lies. */
export type ContextPlace = Pick<SessionState, 'tenant' | 'session' | 'lineage' | 'position' | 'compacted'>;

/** The compaction, or the one before it whose content was not erased. */
async function readCompaction(
  store: SessionLog,
  tenant: TenantId,
  from: CompactionRef | null,
): Promise<{ readonly ref: CompactionRef; readonly content: readonly LoggedItem[] } | null> {
  for (let ref = from; ref !== null; ) {
    const { session, seq } = ref;
    const [stored] = await store.events({ tenant, session, from: seq, to: seq, limit: 1 });
    const event = stored === undefined ? null : decodeEvent({ tenant, session }, stored);
    if (event?.type !== 'context.compacted') return null;
    if (event.payload !== null) return { ref, content: expand(event.payload.items) };
    ref = event.head.previous;
  }
  return null;
}

/**
 * The compaction in force at an earlier position: the last one that lies at or before it. Goes back over those after it, one event each.
 */
export async function compactionAt(
  store: SessionLog,
  tenant: TenantId,
  from: CompactionRef | null,
  position: number,
): Promise<CompactionRef | null> {
  let ref = from;
  while (ref !== null && ref.position > position) {
    const { session, seq } = ref;
    const [stored] = await store.events({ tenant, session, from: seq, to: seq, limit: 1 });
    const event = stored === undefined ? null : decodeEnvelope({ tenant, session }, stored);
    ref = event?.type === 'context.compacted' ? event.head.previous : null;
  }
  return ref;
}

/** A stretch of positions that lies in one session's log. */
export interface Segment {
  readonly session: SessionId;
  readonly from: number;
  readonly to: number;
}

/** Where positions `first`..`position` of a session lie: first in its ancestors, oldest first, then in itself. */
export function segments(
  session: SessionId,
  lineage: readonly SharedPrefix[],
  position: number,
  first = 1,
): readonly Segment[] {
  const all: Segment[] = [];
  let from = 1;
  for (const { session: ancestor, to } of [...lineage, { session, to: position }]) {
    const end = Math.min(to, position);
    if (end >= Math.max(from, first)) all.push({ session: ancestor, from: Math.max(from, first), to: end });
    from = Math.max(from, to + 1);
  }
  return all;
}

export interface ReadRun {
  readonly items: readonly LoggedItem[];
  /** Position of the first item that was asked for, and of the last. */
  readonly from: number;
  readonly to: number;
  /** Whether it is a compaction: listed like other items, but no part of the history that it stands for. */
  readonly compaction: boolean;
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
  return { items, from: first, to: last, compaction: event?.type === 'context.compacted' };
}

/** Roughly the bytes that items take in memory: twice their text, once parsed and once encoded for an upstream. */
function weigh(items: readonly LoggedItem[]): number {
  return JSON.stringify(items).length * 2;
}
