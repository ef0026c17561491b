/**
 * A turn's events -> its spans, by OpenTelemetry's GenAI conventions (semantic-conventions-genai, as of 1.41). Pure: the same log gives
 * the same trace.
 *
 *  T1  One trace a turn: `invoke_agent`, and below it a `chat` for every call and an `execute_tool` for every run of a tool. A turn of a sub-agent is
 *      no trace: it is below the call that began it.
 *  T2  No content, unless `content` is asked for; and then none that was erased. No message of an error: codes only.
 *  T3  No credential and no address but the host of a target (L9).
 */
import { idBody, placementId, type ResponseId, type SessionId, type TenantId } from '../../kernel/ids.ts';
import {
  type EventOf,
  type Json,
  type LogEvent,
  type LoggedItem,
  sumUsage,
  textOf,
  type Usage,
} from '../../log/events.ts';
import type { Sha256 } from '../ports.ts';
import { messagesOf, toolResult } from './messages.ts';
import { type AttributeValue, attributesOf, nanos, type OtlpSpan, SPAN_KIND, statusOf } from './otlp.ts';
import { providerName } from './provider-name.ts';
import { ROOT, type SpanIds, spanIds, type SpanLink } from './span-ids.ts';

/** Where a target is. */
export interface TraceTarget {
  readonly cloud: string;
  readonly region: string;
  /** Of its address; null if the configuration no longer has the target. */
  readonly server: { readonly address: string; readonly port: number } | null;
}

export interface TurnTrace {
  readonly tenant: TenantId;
  readonly session: SessionId;
  readonly turn: ResponseId;
  /** From its `input.accepted` to its end, in order. */
  readonly events: readonly LogEvent[];
  /** As clients know the session and the turn. */
  readonly shown: { readonly session: string; readonly turn: string };
  /** The agent that ran; null if none was registered. */
  readonly agent: { readonly id: string; readonly name: string | null; readonly version: string | null } | null;
  /** The span of whoever asked, in a trace of his own. */
  readonly link: SpanLink | null;
  /** By `targetKey`; one that is missing is not known. */
  readonly targets: ReadonlyMap<string, TraceTarget>;
  readonly content: boolean;
  /** Of a turn of a sub-agent: the span that it is below, its own id, and the session that owns it. */
  readonly within?: SpanLink & { readonly subagent: string; readonly session: SessionId };
}

/** What a placement chose, as it saw it. */
export function targetKey(version: string, target: string): string {
  return `${version}/${target}`;
}

type Values = { readonly [key: string]: AttributeValue };
type CallEnd = LogEvent & { readonly type: 'call.completed' | 'call.failed' | 'call.cancelled' };

/** Of a call that is complete nothing is said unless its usage is no count of the upstream. */
function meteredOf(end: CallEnd | undefined): string | null {
  return end?.head.metered ?? null;
}
type ToolEnd = LogEvent & { readonly type: 'tool.completed' | 'tool.failed' | 'tool.outcome_unknown' };
type TurnEnd = LogEvent & { readonly type: 'turn.completed' | 'turn.failed' | 'turn.cancelled' };

/** The root first, the others as they began. Empty for a turn that has not ended. */
export function spansOf(sha256: Sha256, turn: TurnTrace): readonly OtlpSpan[] {
  const { events } = turn;
  const [first] = events;
  const end = events.findLast(isTurnEnd);
  if (first === undefined || end === undefined) return [];
  const own = spanIds(sha256, turn.session, turn.turn);
  const ids = { ...own, trace: turn.within?.traceId ?? own.trace };
  const under: Under = { turn, ids, root: ids.span(ROOT), end };
  const calls = events.flatMap((event, at) =>
    event.type === 'call.placed' && event.head.chosen !== null ? [callSpan(under, event, at)] : [],
  );
  const tools = events.flatMap((event, at) => toolSpan(under, event, at));
  const children = [...calls, ...tools].toSorted((a, b) => a.seq - b.seq).map(({ span }) => span);
  return [rootSpan(under, first, calls.at(-1)?.provider ?? null), ...children];
}

interface Under {
  readonly turn: TurnTrace;
  readonly ids: SpanIds;
  readonly root: string;
  readonly end: TurnEnd;
}

function rootSpan({ turn, ids, root, end }: Under, first: LogEvent, provider: string | null): OtlpSpan {
  const { events, agent, shown, link, content } = turn;
  const started = events.find(event => event.type === 'turn.started');
  const accepted = events.find(event => event.type === 'input.accepted');
  const error = turnError(end);
  const refused = events.filter(event => event.type === 'call.placed' && event.head.chosen === null);
  const values: Values = {
    'gen_ai.operation.name': 'invoke_agent',
    'gen_ai.provider.name': provider,
    'gen_ai.agent.id': agent?.id,
    'gen_ai.agent.name': agent?.name,
    'gen_ai.agent.version': agent?.version,
    'gen_ai.conversation.id': shown.session,
    'gen_ai.request.model': started?.head.model,
    ...usageValues(totalOf(events)),
    'gen_ai.input.messages': content ? messagesOf(accepted?.payload?.items ?? [], null) : null,
    'error.type': error,
    'perdure.tenant': turn.tenant,
    'perdure.subagent.id': turn.within?.subagent,
    'perdure.turn.id': shown.turn,
    'perdure.turn.status': end.type === 'turn.completed' ? end.head.status : end.type.slice('turn.'.length),
  };
  return {
    ...timed(ids.trace, root, first.at, end.at, turn.within?.spanId),
    name: agent?.name ? `invoke_agent ${agent.name}` : 'invoke_agent',
    kind: SPAN_KIND.internal,
    attributes: attributesOf(values),
    ...(refused.length > 0 && { events: refused.map(event => refusal(turn, event as EventOfPlaced)) }),
    ...(link !== null && { links: [link] }),
    status: statusOf(error),
  };
}

type EventOfPlaced = LogEvent & { readonly type: 'call.placed' };

/** A call that no target might take. */
function refusal(turn: TurnTrace, event: EventOfPlaced): NonNullable<OtlpSpan['events']>[number] {
  return {
    timeUnixNano: nanos(event.at),
    name: 'perdure.placement.refused',
    attributes: attributesOf(placementValues(turn, event)),
  };
}

interface Child {
  readonly seq: number;
  readonly span: OtlpSpan;
}

function callSpan(
  { turn, ids, root, end: turnEnd }: Under,
  placed: EventOfPlaced,
  at: number,
): Child & { provider: string } {
  const end = turn.events
    .slice(at + 1)
    .find((event): event is CallEnd => isCallEnd(event) && event.head.call === placed.head.call);
  const { version, vendor, model } = recordOf(placed);
  const target = turn.targets.get(targetKey(version, placed.head.chosen ?? ''));
  const provider = providerName(vendor, target?.cloud ?? null);
  const error = callError(end);
  const finish = end?.type === 'call.completed' ? finishReason(end.head) : null;
  const values: Values = {
    'gen_ai.operation.name': 'chat',
    'gen_ai.provider.name': provider,
    'gen_ai.request.model': model,
    'gen_ai.conversation.id': turn.shown.session,
    'gen_ai.response.id': end?.type === 'call.cancelled' ? null : end?.head.upstream.response,
    'gen_ai.response.finish_reasons': finish === null ? null : [finish],
    ...(end !== undefined && usageValues(end.head.usage)),
    'gen_ai.output.messages': turn.content ? messagesOf(itemsOf(end), finish) : null,
    'server.address': target?.server?.address,
    'server.port': target?.server?.port,
    'error.type': error,
    ...placementValues(turn, placed),
    'perdure.call': placed.head.call,
    'perdure.call.purpose': placed.head.purpose,
    'perdure.usage.metered': meteredOf(end),
    'perdure.upstream.request_id':
      end === undefined || end.type === 'call.cancelled' ? null : end.head.upstream.request,
  };
  return {
    seq: placed.seq,
    provider,
    span: {
      ...timed(ids.trace, ids.span(placed.seq), placed.at, (end ?? turnEnd).at, root),
      name: `chat ${model}`,
      kind: SPAN_KIND.client,
      attributes: attributesOf(values),
      status: statusOf(error),
    },
  };
}

/** What was decided, and by which clauses. A record names the contract with its clauses only where several are in force. */
function placementValues(turn: TurnTrace, { head }: EventOfPlaced): Values {
  const record = recordOf({ head });
  const target = head.chosen === null ? undefined : turn.targets.get(targetKey(record.version, head.chosen));
  const body = idBody(turn.turn, 'resp');
  return {
    'perdure.placement.id': body === null ? null : placementId(body, head.call),
    'perdure.placement.code': record.code,
    'perdure.placement.clauses': record.clauses,
    'perdure.placement.contracts': record.contracts,
    'perdure.target.id': head.chosen,
    'perdure.target.cloud': target?.cloud,
    'perdure.target.region': target?.region,
  };
}

/** A run of a tool; or a call of one that did not run here, from when it was asked for. */
function toolSpan({ turn, ids, root, end: turnEnd }: Under, event: LogEvent, at: number): readonly Child[] {
  const begins = event.type === 'tool.started' || (isToolEnd(event) && !hasStarted(turn.events, event, at));
  if (!begins) return [];
  const { callId } = event.head;
  const ofCall = (one: LogEvent): boolean => 'callId' in one.head && one.head.callId === callId;
  const requested = turn.events.find((one): one is ToolRequested => one.type === 'tool.requested' && ofCall(one));
  const begin = event.type === 'tool.started' ? event : (requested ?? event);
  // One that was started again was cut off before.
  const next = turn.events
    .slice(at + 1)
    .find(one => ofCall(one) && (isToolEnd(one) || one.type === 'tool.started' || one.type === 'tool.suspended'));
  const end = event.type === 'tool.started' ? next : event;
  const outcome = end !== undefined && isToolEnd(end) ? end : undefined;
  const suspended = end?.type === 'tool.suspended';
  const tool = requested?.head.tool ?? 'unknown';
  const error = suspended ? null : toolError(outcome);
  const program = requested?.head.caller?.program;
  const parent = program === undefined ? null : spanOfRun(turn.events, begin, program, ids);
  const values: Values = {
    'gen_ai.operation.name': 'execute_tool',
    'gen_ai.tool.name': tool,
    'gen_ai.tool.call.id': callId,
    'gen_ai.tool.type': requested?.head.origin?.kind === 'mcp' ? 'extension' : 'function',
    'gen_ai.conversation.id': turn.shown.session,
    'gen_ai.tool.call.arguments': turn.content
      ? (requested?.payload?.arguments ?? argumentsOf(turn.events, callId))
      : null,
    'gen_ai.tool.call.result': turn.content ? toolResult(itemsOf(outcome)) : null,
    'error.type': error,
    'perdure.tool.idempotent': requested?.head.idempotent,
    'perdure.tool.origin': requested?.head.origin?.kind,
    'perdure.tool.server': requested?.head.origin?.server,
    'perdure.approval.id': event.type === 'tool.started' ? event.head.approval : null,
  };
  return [
    {
      seq: begin.seq,
      span: {
        ...timed(ids.trace, ids.span(event.seq), begin.at, (end ?? turnEnd).at, parent ?? root),
        name: `execute_tool ${tool}`,
        kind: SPAN_KIND.internal,
        attributes: attributesOf(values),
        status: statusOf(error),
      },
    },
  ];
}

/** The last run of a program before `begin`: what is below it began after it. */
function spanOfRun(events: readonly LogEvent[], begin: LogEvent, program: string, ids: SpanIds): string | null {
  const started = events
    .slice(0, events.indexOf(begin))
    .findLast(one => one.type === 'tool.started' && one.head.callId === program);
  return started === undefined ? null : ids.span(started.seq);
}

type ToolRequested = LogEvent & { readonly type: 'tool.requested' };

function hasStarted(events: readonly LogEvent[], { head: { callId } }: ToolEnd, before: number): boolean {
  return events.slice(0, before).some(one => one.type === 'tool.started' && one.head.callId === callId);
}

/** A span that ends before it begins is none: a clock may have been set back meanwhile. */
function timed(trace: string, span: string, from: number, to: number, parent?: string) {
  return {
    traceId: trace,
    spanId: span,
    ...(parent !== undefined && { parentSpanId: parent }),
    startTimeUnixNano: nanos(from),
    endTimeUnixNano: nanos(Math.max(from, to)),
  };
}

function usageValues(usage: Usage | null): Values {
  return {
    'gen_ai.usage.input_tokens': usage?.input,
    'gen_ai.usage.output_tokens': usage?.output,
    'gen_ai.usage.cache_read.input_tokens': usage?.cached,
    'gen_ai.usage.cache_creation.input_tokens': usage?.written,
    'gen_ai.usage.reasoning.output_tokens': usage?.reasoning,
  };
}

function totalOf(events: readonly LogEvent[]): Usage | null {
  return events.filter(isCallEnd).reduce<Usage | null>((sum, { head: { usage } }) => sumUsage(sum, usage), null);
}

function finishReason({ reason, calls }: EventOf<'call.completed'>['head']): string {
  if (reason === 'max_output_tokens') return 'length';
  if (reason === 'content_filter') return 'content_filter';
  return calls.length > 0 ? 'tool_call' : 'stop';
}

/** Of a call whose end the log does not tell, nobody knows how it ended. */
function callError(end: CallEnd | undefined): string | null {
  if (end === undefined) return 'unknown';
  if (end.type === 'call.failed') return end.head.code;
  return end.type === 'call.cancelled' ? 'cancelled' : null;
}

function toolError(end: ToolEnd | undefined): string | null {
  if (end === undefined) return 'unknown';
  if (end.type === 'tool.failed') return end.head.code;
  return end.type === 'tool.outcome_unknown' ? 'outcome_unknown' : null;
}

function turnError(end: TurnEnd): string | null {
  if (end.type === 'turn.failed') return end.head.code;
  return end.type === 'turn.cancelled' ? 'cancelled' : null;
}

function itemsOf(end: CallEnd | ToolEnd | undefined): readonly LoggedItem[] {
  return end?.payload?.items ?? [];
}

/** As the model wrote them, in the output of whichever call asked for the tool. */
function argumentsOf(events: readonly LogEvent[], callId: string): string | null {
  const items = events.flatMap(event => (event.type === 'call.completed' ? itemsOf(event) : []));
  const given = items.find(item => item['call_id'] === callId)?.['arguments'];
  return typeof given === 'string' ? given : null;
}

/** What a trace tells of a placement's record; of one that has another form, what has this one. */
function recordOf({ head }: Pick<EventOfPlaced, 'head'>) {
  const { s: version, m: model, x: code, d: clauses, f: contracts }: { readonly [key: string]: Json } = head.placement;
  const [vendor = 'unknown', name = 'unknown'] = textsOf(model);
  return {
    version: textOf(version),
    vendor,
    model: name,
    code: textOf(code) || null,
    clauses: textsOf(clauses),
    contracts: textsOf(contracts),
  };
}

function textsOf(value: Json | undefined): readonly string[] {
  return Array.isArray(value) ? value.filter(one => typeof one === 'string') : [];
}

function isTurnEnd(event: LogEvent): event is TurnEnd {
  return event.type === 'turn.completed' || event.type === 'turn.failed' || event.type === 'turn.cancelled';
}

function isCallEnd(event: LogEvent): event is CallEnd {
  return event.type === 'call.completed' || event.type === 'call.failed' || event.type === 'call.cancelled';
}

function isToolEnd(event: LogEvent): event is ToolEnd {
  return event.type === 'tool.completed' || event.type === 'tool.failed' || event.type === 'tool.outcome_unknown';
}
