/**
 * Sends the traces of finished turns to a receiver, from the log, beside all calls.
 *
 *  E1  At least once: how far the log was sent is noted after it was taken. A span that is sent twice has the same ids.
 *  E2  The log is the queue: what cannot be sent waits there, and in memory there is one export at a time, of bounded size.
 *  E3  What the receiver refuses for good is dropped and told, not tried for ever: it must not hold up what comes after it.
 *  E4  Nothing is sent of a session whose data the contracts in force keep from the open network (`egress`).
 */
import type { SessionId, TenantId } from '../../kernel/ids.ts';
import { decodeEnvelope } from '../../log/codec.ts';
import type { ResponseRow, SessionRow } from '../../log/rows.ts';
import { readTrace, type TraceSource } from '../../engine/traces/read.ts';
import { agentOf, type Placing } from '../../engine/placing.ts';
import type { OtlpSender } from '../../provider/otlp/send.ts';
import { stateIn } from '../../session/project.ts';
import type { HomeStore, OutboxRow } from '../../store/home-store.ts';
import type { Cursors } from './cursor.ts';

export interface ExporterParts {
  readonly stores: readonly HomeStore[];
  readonly source: TraceSource;
  readonly placing: Pick<Placing, 'egress'>;
  readonly sender: OtlpSender;
  /** The receiver's. */
  readonly host: string;
  readonly cursors: Cursors;
  readonly intervalMs: number;
  readonly retryMs: number;
  /** What ended before is history, and not sent. ms since 1970. */
  readonly startedAt: number;
  /** A line for the operator: never content, never an address. */
  readonly log: (line: string) => void;
  readonly report: (what: string, error: unknown) => void;
}

export interface RunningExporter {
  /** Ends what is under way; what was not taken is sent by the next process. */
  close(): Promise<void>;
}

/** Events of the log that are looked at before it is noted how far. */
const BATCH_EVENTS = 500;
/** Bytes of one export, at which it is sent; a single trace may be larger. */
export const EXPORT_BYTES: number = 1024 * 1024;
/** How long an export that is under way may still take when the server ends, ms. */
const CLOSE_MS = 1000;
const RETRY_MOST_MS = 60_000;

export function startExporter(parts: ExporterParts): RunningExporter {
  const ending = new AbortController();
  const run = loop({ ...parts, kept: 0 }, ending.signal);
  return {
    close: async () => {
      ending.abort();
      // What is on its way may arrive, so that the next process need not send it again.
      const late = setTimeout(() => void parts.sender.close(), CLOSE_MS);
      await run;
      clearTimeout(late);
      await parts.sender.close();
    },
  };
}

/** With how many traces were kept back. */
type Running = ExporterParts & { kept: number };

async function loop(parts: Running, signal: AbortSignal): Promise<void> {
  let failures = 0;
  while (!signal.aborted) {
    let more = false;
    try {
      for (const store of parts.stores) more = (await pass(parts, store, signal)) || more;
      failures = 0;
    } catch (error) {
      if (signal.aborted) return;
      failures += 1;
      parts.report('traces', error);
    }
    const wait = failures > 0 ? backoff(parts.retryMs, failures) : parts.intervalMs;
    if (!more) await rest(wait, signal);
  }
}

/** One stretch of a home's log. @returns whether there may be more of it */
async function pass(parts: Running, store: HomeStore, signal: AbortSignal): Promise<boolean> {
  const { cursors, source } = parts;
  let after = cursors.get(store.home);
  if (after === null) {
    after = await beginning(parts, store);
    await cursors.set(store.home, after);
  }
  const rows = await source.wait(store.outbox(after, BATCH_EVENTS));
  const last = rows.at(-1);
  if (last === undefined) return false;
  const body = new Body();
  for (const turn of await endedIn(parts, store, rows)) {
    const spans = await spansOfTurn(parts, store, turn);
    if (spans === null) continue;
    if (
      body.bytes > 0 &&
      body.bytes + Buffer.byteLength(spans) > EXPORT_BYTES &&
      !(await deliver(parts, body.take(), signal))
    )
      return false;
    body.add(spans);
  }
  if (body.bytes > 0 && !(await deliver(parts, body.take(), signal))) return false;
  await cursors.set(store.home, last.position);
  return true;
}

/** Traces in JSON, put together as texts: each is made once. */
class Body {
  readonly #resources: string[] = [];
  bytes = 0;

  add(resources: string): void {
    this.#resources.push(resources);
    this.bytes += Buffer.byteLength(resources);
  }

  take(): string {
    const text = `{"resourceSpans":[${this.#resources.join(',')}]}`;
    this.#resources.length = 0;
    this.bytes = 0;
    return text;
  }
}

/**
 * The position after which this process wrote: found by halving, since positions grow with time. Where the clock had been set back, a little
 * more or less is sent.
 */
async function beginning({ source, startedAt }: ExporterParts, store: HomeStore): Promise<number> {
  const isOld = async (after: number): Promise<boolean> => {
    const [row] = await source.wait(store.outbox(after, 1));
    if (row === undefined) return false;
    const { tenant, session, fromSeq } = row;
    const [event] = await source.wait(store.events({ tenant, session, from: fromSeq, limit: 1 }));
    return event !== undefined && event.at < startedAt;
  };
  let low = 0;
  let high = 1;
  while (await isOld(high)) [low, high] = [high, high * 2];
  // All up to `low` is old, and what follows `high` is not.
  if (!(await isOld(low))) return low;
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (await isOld(middle)) low = middle;
    else high = middle;
  }
  return high;
}

interface EndedTurn {
  readonly tenant: TenantId;
  readonly session: SessionId;
  readonly turn: ResponseRow;
}

async function endedIn(
  { source }: ExporterParts,
  store: HomeStore,
  rows: readonly OutboxRow[],
): Promise<readonly EndedTurn[]> {
  const ended: EndedTurn[] = [];
  for (const { tenant, session, fromSeq, toSeq } of rows) {
    const limit = toSeq - fromSeq + 1;
    const events = await source.wait(store.events({ tenant, session, from: fromSeq, to: toSeq, limit }));
    for (const stored of events) {
      const event = decodeEnvelope({ tenant, session }, stored);
      if (event.type !== 'turn.completed' && event.type !== 'turn.failed' && event.type !== 'turn.cancelled') continue;
      // Absent if it was deleted meanwhile.
      const turn = await source.wait(store.response(tenant, event.head.response));
      if (turn !== null) ended.push({ tenant, session, turn });
    }
  }
  return ended;
}

/** The `ResourceSpans` of a turn in JSON; null if it is not to be sent. */
async function spansOfTurn(
  parts: Running,
  store: HomeStore,
  { tenant, session, turn }: EndedTurn,
): Promise<string | null> {
  const row = await parts.source.wait(store.session(tenant, session));
  const trace = row === null ? null : await readTrace(parts.source, store, row, turn, null);
  if (row === null || trace === null) return null;
  if (mayLeave(parts, row, trace.model)) return trace.otlp.resourceSpans.map(one => JSON.stringify(one)).join(',');
  parts.kept += 1;
  // Not a line for each: they may be many.
  if (/^10*$/.test(String(parts.kept)))
    parts.log(`traces: ${parts.kept} kept back so far, since contracts in force refuse egress of their sessions' data`);
  return null;
}

function mayLeave({ placing, host }: ExporterParts, row: SessionRow, model: string): boolean {
  const state = stateIn(row);
  if (state === null) return false;
  const { tenant, session, origin, labels, createdAt, use } = state;
  const subject = { tenant, session, origin, labels, startedAt: createdAt, use, ...agentOf(state) };
  return placing.egress({ ...subject, model, requestLabels: [], destination: { host, use: 'traces' } }) === null;
}

/** Until it is taken, or refused for good. @returns false if the process ends before */
async function deliver({ sender, retryMs, log }: ExporterParts, body: string, signal: AbortSignal): Promise<boolean> {
  for (let tries = 1; !signal.aborted; tries++) {
    const sent = await sender.send(body);
    if (sent.ok) {
      if (sent.rejected > 0) log(`traces: the receiver rejected ${sent.rejected} spans`);
      else if (tries > 1) log('traces: the receiver takes them again');
      return true;
    }
    if (signal.aborted) return false;
    if (!sent.again) {
      log(`traces: the receiver refused an export of ${Buffer.byteLength(body)} bytes (${sent.why}); it is dropped`);
      return true;
    }
    if (tries === 1) log(`traces: an export failed (${sent.why}); it is tried again`);
    await rest(Math.max(backoff(retryMs, tries), sent.afterMs ?? 0), signal);
  }
  return false;
}

/** Half of the wait is by chance, so that what failed together does not come again together. */
function backoff(firstMs: number, tries: number): number {
  const wait = Math.min(RETRY_MOST_MS, firstMs * 2 ** Math.min(tries - 1, 20));
  return wait / 2 + Math.random() * (wait / 2);
}

function rest(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    if (signal.aborted) return resolve();
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    timer.unref();
    signal.addEventListener('abort', done);
  });
}
