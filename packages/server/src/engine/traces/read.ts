/** Traces read from a store: the turns of a session that have ended and were not deleted, with those of its sub-agents. */
import { idBody, type ResponseId, type SessionId } from '../../kernel/ids.ts';
import { decodeEnvelope, decodeEvent } from '../../log/codec.ts';
import type { Envelope, LogEvent } from '../../log/events.ts';
import { type JsonObject, textOf } from '../../log/events.ts';
import type { ResponseRow, SessionRow } from '../../log/rows.ts';
import { MAX_EVENTS_READ, type SessionLog, type Sha256 } from '../ports.ts';
import type { TargetFacts } from '../usage.ts';
import { stateIn } from '../../session/project.ts';
import type { SessionState } from '../../session/state.ts';
import { isBegunByCall, subagentId } from '../subagents/ids.ts';
import { type OtlpSpan, type OtlpTraces, tracesOf } from './otlp.ts';
import { parseTraceparent, ROOT, spanIds } from './span-ids.ts';
import { spansOf, targetKey, type TraceTarget, type TurnTrace } from './spans.ts';
import { type Members, type MemberTurn, toldBy, turnsBefore } from './told.ts';

/** Events that a trace is made of, at most: what a longer turn did after them is left out, and the turns of sub-agents after them. */
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

/** Where a turn of a sub-agent is in the trace that it belongs to. */
type Within = NonNullable<TurnTrace['within']>;

/**
 * With the turns of sub-agents that it has begun, and that have ended; one of a sub-agent's alone. Null for a turn that has not ended.
 * @param members of the session's sub-agents
 */
export async function readTrace(
  source: TraceSource,
  store: SessionLog,
  row: SessionRow,
  turn: ResponseRow,
  members: Members | null,
): Promise<ReadTrace | null> {
  if (turn.toSeq === 0) return null;
  const first = { row, turn, within: await placeOf(source, store, row, turn) };
  const pending: Placed[] = [first];
  const spans: OtlpSpan[] = [];
  let model = '';
  let left = MAX_TRACE_EVENTS;
  for (const one of pending) {
    if (left <= 0) break;
    const trace = await turnTrace(source, store, one, left);
    left -= trace.events.length;
    spans.push(...spansOf(source.sha256, trace));
    if (one === first) model = modelOf(trace);
    if (members === null) continue;
    const ids = spanIds(source.sha256, one.row.session, one.turn.id);
    const traceId = one.within?.traceId ?? ids.trace;
    const below = ({ member, turn: begun }: MemberTurn, seq: number): Placed => ({
      row: member,
      turn: begun,
      within: { traceId, spanId: ids.span(seq), subagent: subagentId(member.session), session: row.session },
    });
    pending.push(...toldBy(source.sha256, members, one.turn, trace.events).map(told => below(told, told.call)));
    pending.push(...(members.alone.get(one.turn.id) ?? []).map(alone => below(alone, ROOT)));
  }
  return { otlp: tracesOf(spans), model };
}

interface Placed {
  readonly row: SessionRow;
  readonly turn: ResponseRow;
  readonly within: Within | null;
}

function modelOf({ events }: TurnTrace): string {
  return events.find(event => event.type === 'turn.started')?.head.model ?? '';
}

async function turnTrace(
  source: TraceSource,
  store: SessionLog,
  { row, turn, within }: Placed,
  most: number,
): Promise<TurnTrace> {
  const { tenant, session, kind } = row;
  const events = await turnEvents(source, store, row, turn, most);
  const parent = events.find(event => event.type === 'turn.started')?.head.traceparent;
  return {
    tenant,
    session,
    turn: turn.id,
    events,
    shown: { session: shownSession(kind, within?.session ?? session), turn: shownTurn(kind, turn.id) },
    agent: kind === 'agent' ? await agentAt(source, store, row, turn) : null,
    link: parent === undefined ? null : parseTraceparent(parent),
    targets: await targetsOf(source, store, events),
    content: source.content,
    ...(within !== null && { within }),
  };
}

/** Of a turn of a sub-agent: found in the turns of those above it that were open when it began. Null if it is none, or nobody is known to have begun it. */
async function placeOf(
  source: TraceSource,
  store: SessionLog,
  row: SessionRow,
  turn: ResponseRow,
): Promise<Within | null> {
  const subagent = stateIn(row)?.subagent;
  if (subagent === undefined) return null;
  const { tenant, session } = row;
  const more = { subagent: subagentId(session), session: subagent.owner };
  const member = { byId: new Map([[turn.id, { member: row, turn }]]) };
  const byCall = isBegunByCall(session, turn.id);
  for (let at: SessionId | null = byCall ? (subagent.parent ?? subagent.owner) : subagent.owner; at !== null; ) {
    const above: SessionRow | null = await source.wait(store.session(tenant, at));
    if (above === null) return null;
    for (const one of await turnsBefore(source, store, above, turn.createdAt)) {
      const ids = spanIds(source.sha256, above.session, one.id);
      if (!byCall) return { traceId: ids.trace, spanId: ids.span(ROOT), ...more };
      const until = one.toSeq === 0 ? { ...one, toSeq: above.seq } : one;
      const events = await turnEvents(source, store, above, until, MAX_TRACE_EVENTS);
      const [told] = toldBy(source.sha256, member, one, events);
      if (told === undefined) continue;
      const traceId = (await placeOf(source, store, above, one))?.traceId ?? ids.trace;
      return { traceId, spanId: ids.span(told.call), ...more };
    }
    const next: SessionState['subagent'] = stateIn(above)?.subagent;
    at = next === undefined ? null : (next.parent ?? next.owner);
  }
  return null;
}

/** The last event ends the turn: it is read even if the turn is too long to be read whole. */
async function turnEvents(
  source: TraceSource,
  store: SessionLog,
  { tenant, session }: SessionRow,
  { fromSeq, toSeq }: ResponseRow,
  most: number,
): Promise<readonly LogEvent[]> {
  const events: LogEvent[] = [];
  const last = Math.min(toSeq, fromSeq + most - 1);
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
