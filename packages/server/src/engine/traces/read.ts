/** Traces read from a store: the turns of a session that have ended and were not deleted. */
import { idBody, type ResponseId, type SessionId } from '../../kernel/ids.ts';
import { decodeEnvelope, decodeEvent } from '../../log/codec.ts';
import type { Envelope, LogEvent } from '../../log/events.ts';
import { type JsonObject, textOf } from '../../log/events.ts';
import type { ResponseRow, SessionRow } from '../../log/rows.ts';
import { MAX_EVENTS_READ, type SessionLog, type Sha256 } from '../ports.ts';
import type { TargetFacts } from '../usage.ts';
import type { OtlpTraces } from './otlp.ts';
import { tracesOf } from './otlp.ts';
import { parseTraceparent } from './span-ids.ts';
import { spansOf, targetKey, type TraceTarget, type TurnTrace } from './spans.ts';

/** Events of a turn that its trace is made of, at most: what a longer one did after them is left out. */
export const MAX_TRACE_EVENTS: number = 20 * MAX_EVENTS_READ;

export interface TraceSource {
  readonly sha256: Sha256;
  /** Bounds the wait for a store. */
  wait<T>(work: Promise<T>): Promise<T>;
  /** Where a target was, as a placement saw it; null if nobody knows. */
  target(store: SessionLog, version: string, target: string): Promise<Pick<TargetFacts, 'cloud' | 'region'> | null>;
  /** Where a target is reached; null if the configuration does not have it. */
  server(target: string): TraceTarget['server'];
  /** Whether prompts, answers, arguments and results are told. */
  readonly content: boolean;
}

/** How clients know a turn of an agent's session. */
export function shownTurn(kind: SessionRow['kind'], turn: ResponseId): string {
  return kind === 'agent' ? `turn_${idBody(turn, 'resp') ?? ''}` : turn;
}

function shownSession(kind: SessionRow['kind'], session: SessionId): string {
  return kind === 'conversation' ? `conv_${idBody(session, 'sess') ?? ''}` : session;
}

export interface ReadTrace {
  readonly otlp: OtlpTraces;
  /** That the turn asked for. */
  readonly model: string;
}

/** Null for a turn that has not ended. */
export async function readTrace(
  source: TraceSource,
  store: SessionLog,
  row: SessionRow,
  turn: ResponseRow,
): Promise<ReadTrace | null> {
  if (turn.toSeq === 0) return null;
  const { tenant, session, kind } = row;
  const events = await turnEvents(source, store, row, turn);
  const started = events.find(event => event.type === 'turn.started');
  const parent = started?.head.traceparent;
  const trace: TurnTrace = {
    tenant,
    session,
    turn: turn.id,
    events,
    shown: { session: shownSession(kind, session), turn: shownTurn(kind, turn.id) },
    agent: kind === 'agent' ? await agentAt(source, store, row, turn) : null,
    link: parent === undefined ? null : parseTraceparent(parent),
    targets: await targetsOf(source, store, events),
    content: source.content,
  };
  return { otlp: tracesOf(spansOf(source.sha256, trace)), model: started?.head.model ?? '' };
}

/** The last event ends the turn: it is read even if the turn is too long to be read whole. */
async function turnEvents(
  source: TraceSource,
  store: SessionLog,
  { tenant, session }: SessionRow,
  { fromSeq, toSeq }: ResponseRow,
): Promise<readonly LogEvent[]> {
  const events: LogEvent[] = [];
  const last = Math.min(toSeq, fromSeq + MAX_TRACE_EVENTS - 1);
  const read = async (from: number, to: number): Promise<void> => {
    const stored = await source.wait(store.events({ tenant, session, from, to, limit: MAX_EVENTS_READ }));
    events.push(...stored.map(one => decodeEvent({ tenant, session }, one)));
  };
  for (let from = fromSeq; from <= last; from += MAX_EVENTS_READ)
    await read(from, Math.min(last, from + MAX_EVENTS_READ - 1));
  if (last < toSeq) await read(toSeq, toSeq);
  return events;
}

/** The agent that a session ran when the turn began: its last configuration before it. */
async function agentAt(
  source: TraceSource,
  store: SessionLog,
  { tenant, session }: SessionRow,
  { fromSeq }: ResponseRow,
): Promise<TurnTrace['agent']> {
  for (let to = fromSeq; to > 0; to -= MAX_EVENTS_READ) {
    const from = Math.max(1, to - MAX_EVENTS_READ + 1);
    const stored = await source.wait(store.events({ tenant, session, from, to, limit: MAX_EVENTS_READ }));
    const found = stored.findLast(one => decodeEnvelope({ tenant, session }, one).type === 'agent.configured');
    if (found === undefined) continue;
    const event = decodeEvent({ tenant, session }, found);
    if (event.type !== 'agent.configured') return null;
    const { agent, version } = event.head;
    return { id: agent, name: nameIn(event.payload?.config), version: String(version) };
  }
  return null;
}

function nameIn(config: JsonObject | undefined): string | null {
  const agent = config?.['agent'];
  const named = typeof agent === 'object' && agent !== null && !Array.isArray(agent) ? (agent as JsonObject) : config;
  return textOf(named?.['name']) || null;
}

async function targetsOf(
  source: TraceSource,
  store: SessionLog,
  events: readonly Envelope[],
): Promise<ReadonlyMap<string, TraceTarget>> {
  const targets = new Map<string, TraceTarget>();
  for (const event of events) {
    if (event.type !== 'call.placed' || event.head.chosen === null) continue;
    const { chosen, placement } = event.head;
    const version = textOf(placement['s']);
    const key = targetKey(version, chosen);
    if (targets.has(key)) continue;
    const facts = await source.wait(source.target(store, version, chosen));
    if (facts !== null) targets.set(key, { cloud: facts.cloud, region: facts.region, server: source.server(chosen) });
  }
  return targets;
}
