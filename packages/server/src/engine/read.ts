/** Reading responses back: the object, its input, its stream from the beginning. All of it from the log, whatever ran it (L1). */
import { perdureError, type ResponseResource } from '@perdure/protocol';
import { idBody } from '../kernel/ids.ts';
import { decodeEvent } from '../log/codec.ts';
import { type LogEvent, type LoggedItem, type OutputPayload, sumUsage, type Usage } from '../log/events.ts';
import type { StoredEvent } from '../log/codec.ts';
import type { ResponseRow, SessionRow } from '../log/rows.ts';
import { OutputBuilder, type WireEvent } from '../session/output.ts';
import { regenerate } from '../session/regenerate.ts';
import { factEvent, ToolFold } from '../session/tool-fold.ts';
import { viewOf } from '../session/shown.ts';
import type { Caller } from './caller.ts';
import { showCompaction } from './compaction/content.ts';
import { sealEvent } from './compaction/seal.ts';
import { readDocument } from './documents.ts';
import type { EngineContext } from './engine-context.ts';
import { failureFrom } from './failure-record.ts';
import { findResponse, short } from './plan.ts';
import { type EventRange, MAX_EVENTS_READ, type SessionLog } from './ports.ts';
import { JUST_BEGUN, type ResponseBase, type ResponseProgress, resourceOf, responseEvent, seconds } from './turn.ts';

/** A response's part of the log, read. */
export interface ResponseRecord {
  readonly row: ResponseRow;
  readonly store: SessionLog;
  readonly base: ResponseBase;
  readonly input: readonly LoggedItem[];
  readonly progress: ResponseProgress;
  readonly streamed: boolean;
  readonly kind: SessionRow['kind'];
  readonly events: readonly LogEvent[];
}

/** @throws response_not_found, also for what is another tenant's (L10) */
export async function readResponse(engine: EngineContext, caller: Caller, id: string): Promise<ResponseRecord> {
  const row = await findResponse(engine, caller, id);
  const store = engine.homes.ofBody(idBody(id, 'resp') ?? '');
  if (row === null || store === null)
    throw perdureError('response_not_found', `Response with id '${short(id)}' not found.`);
  const record = await readRecord(engine, caller, row, store);
  // Turns of agents have routes of their own.
  if (record.kind === 'agent') throw perdureError('response_not_found', `Response with id '${short(id)}' not found.`);
  return record;
}

/** All events of a turn, however many tools it ran. */
export async function readTurn(
  engine: EngineContext,
  store: SessionLog,
  range: Omit<EventRange, 'limit'>,
): Promise<readonly StoredEvent[]> {
  const all: StoredEvent[] = [];
  for (let { from } = range; ; from += MAX_EVENTS_READ) {
    const page = await engine.sessions.wait(store.events({ ...range, from, limit: MAX_EVENTS_READ }));
    all.push(...page);
    if (page.length < MAX_EVENTS_READ) return all;
  }
}

export async function readRecord(
  engine: EngineContext,
  { tenant }: Pick<Caller, 'tenant'>,
  row: ResponseRow,
  store: SessionLog,
): Promise<ResponseRecord> {
  const { session } = row;
  const range = { tenant, session, from: row.fromSeq, ...(row.toSeq > 0 && { to: row.toSeq }) };
  const events = (await readTurn(engine, store, range)).map(stored =>
    sealEvent(engine.compaction.seals, decodeEvent({ tenant, session }, stored)),
  );
  const accepted = events.find(event => event.type === 'input.accepted');
  const started = events.find(event => event.type === 'turn.started');
  if (accepted === undefined || started === undefined)
    throw perdureError('internal_error', undefined, { cause: new Error(`${row.id} has no beginning`) });
  const kind = (await engine.sessions.wait(store.session(tenant, session)))?.kind ?? 'responses';
  const [tools, instructions] = await Promise.all([
    readDocument(engine, { store }, tenant, started.head.tools),
    readDocument(engine, { store }, tenant, started.head.instructions),
  ]);
  const base: ResponseBase = {
    id: row.id,
    model: started.head.model,
    createdAt: seconds(accepted.at),
    previous: accepted.head.previous,
    conversation: kind === 'conversation' ? session.replace('sess_', 'conv_') : null,
    settings: started.payload?.settings ?? {},
    tools: tools ?? [],
    instructions: typeof instructions === 'string' ? instructions : null,
    store: true,
    background: started.head.background,
  };
  return {
    row,
    store,
    base,
    input: accepted.payload?.items ?? [],
    progress: progressOf(row, events),
    kind,
    streamed: started.head.streamed,
    events,
  };
}

function progressOf(row: ResponseRow, events: readonly LogEvent[]): ResponseProgress {
  const output: LoggedItem[] = [];
  let usage: Usage | null = null;
  let serviceTier: string | null = null;
  let end: Partial<ResponseProgress> = {};
  for (const event of events) {
    switch (event.type) {
      case 'call.completed':
        usage = sumUsage(usage, event.head.usage);
        serviceTier = event.head.serviceTier ?? null;
        output.push(...(event.payload?.items ?? []));
        break;
      case 'call.failed':
      case 'call.cancelled':
      case 'context.compacted':
        output.push(...(event.payload?.items ?? []));
        break;
      case 'turn.completed':
        end = { completedAt: event.head.status === 'completed' ? seconds(event.at) : null, reason: event.head.reason };
        break;
      case 'turn.failed':
        end = { error: { code: event.head.code, message: event.payload?.message ?? 'The response failed.' } };
        break;
      default:
    }
  }
  return { status: row.status, output, usage, completedAt: null, reason: null, error: null, serviceTier, ...end };
}

/** @param include what its reader asks to see; what the request asked for, if absent */
export function resourceOfRecord({ base, progress }: ResponseRecord, include?: readonly string[]): ResponseResource {
  if (include === undefined) return resourceOf(base, progress);
  return resourceOf({ ...base, settings: { ...base.settings, include } }, progress);
}

/** The stream of a finished response, as its reader saw it or would have: byte for byte (DESIGN.md part 5). */
export function streamOfRecord(record: ResponseRecord): readonly WireEvent[] {
  const { base, progress, events } = record;
  const shown: WireEvent[] = [];
  const beginning = resourceOf(base, JUST_BEGUN);
  shown.push(responseEvent('response.created', 0, beginning), responseEvent('response.in_progress', 1, beginning));
  const at = replayOutputs(base, events, shown, record.kind === 'agent' ? new ToolFold() : undefined);
  // One that waits for people: what it showed so far.
  if (record.row.toSeq === 0) return shown;
  const resource = resourceOf(base, progress);
  if (progress.error === null) {
    // A cancelled one ends with `response.incomplete` too: the clients know no other event for it.
    const type = progress.status === 'completed' ? 'response.completed' : 'response.incomplete';
    return [...shown, responseEvent(type, at.seq, resource)];
  }
  const error = failureFrom(progress.error, events);
  return [...shown, errorEvent(error, at.seq), responseEvent('response.failed', at.seq + 1, resource)];
}

/** How whoever waited for the response was answered. @throws PerdureError if it failed */
export function outcomeOfRecord(record: ResponseRecord): ResponseResource {
  if (record.progress.error !== null) throw failureFrom(record.progress.error, record.events);
  return resourceOfRecord(record);
}

/**
 * Whether the same request, sent again under its key, makes a new response in place of this one: it failed for a reason that passes, and nobody
 * was shown any of it, neither a stream nor that it runs.
 */
export function isMadeAnew({ progress, streamed, events }: ResponseRecord): boolean {
  if (progress.error === null || streamed || progress.output.length > 0) return false;
  const { next } = failureFrom(progress.error, events);
  return next === 'retry' || next === 'retry-after';
}

export function errorEvent(error: ReturnType<typeof perdureError>, seq: number): WireEvent {
  const { code, message, param, type } = error;
  const json = JSON.stringify({
    type: 'error',
    sequence_number: seq,
    code,
    message,
    param,
    error: { message, type, code, param },
  });
  return { seq, type: 'error', json };
}

/** Events of a turn whose items are its output. */
export function isOutputEvent(
  event: LogEvent,
): event is Extract<LogEvent, { type: 'call.completed' | 'call.failed' | 'call.cancelled' | 'context.compacted' }> {
  switch (event.type) {
    case 'call.completed':
    case 'call.failed':
    case 'call.cancelled':
    case 'context.compacted':
      return true;
    default:
      return false;
  }
}

/** Shows again what the calls of a turn have shown, and says where the stream and the output stand. */
export function replayOutputs(
  base: ResponseBase,
  events: readonly LogEvent[],
  into: WireEvent[],
  fold?: ToolFold,
): { readonly seq: number; readonly index: number; readonly cut: boolean } {
  const body = idBody(base.id, 'resp') ?? '';
  const view = viewOf(base.settings);
  let seq = 2;
  let index = 0;
  let cut = false;
  for (const [i, event] of events.entries()) {
    if (!isOutputEvent(event) || event.payload === null) {
      for (const fact of fold?.take(event, index, events[i + 1]?.type ?? null) ?? []) into.push(factEvent(fact, seq++));
      continue;
    }
    fold?.take(event, index, events[i + 1]?.type ?? null);
    if (event.type === 'context.compacted') {
      const shown = showCompaction(event.payload, { body, seq, index });
      into.push(...shown.events);
      seq = shown.seq;
      index += event.payload.items.length;
      continue;
    }
    const payload: OutputPayload = event.payload;
    const place = { body, call: event.head.call, seq, index, view };
    const builder = new OutputBuilder(cut ? { ...place, phase: 'final_answer' } : place);
    regenerate(payload, builder, into);
    seq = builder.seq;
    index += payload.items.length;
    if (event.type === 'call.failed') cut = true;
  }
  return { seq, index, cut };
}
