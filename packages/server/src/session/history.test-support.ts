/** Random lawful histories of a session: events at random, bent to the state that they meet, those that do not fit left out. */
import * as fc from 'fast-check';
import { BARE_EVENTS as EVENTS } from '../log/event.test-support.ts';
import type { EventBody, EventType, LogEvent } from '../log/events.ts';
import type { ResponseId, SessionId, TenantId } from '../kernel/ids.ts';
import { reduce } from './reduce.ts';
import type { SessionState } from './state.ts';

export const TENANT: TenantId = 'acme' as TenantId;
export const SESSION: SessionId = 'sess_1' as SessionId;
export const NOON = 1_774_008_000_000;

/** The next event of a log in `state`, as its writer would place it. */
export function following(state: SessionState | null, body: EventBody): LogEvent {
  const seq = (state?.seq ?? 0) + 1;
  const epoch = (state?.epoch ?? 1) + (state !== null && body.type === 'session.claimed' ? 1 : 0);
  return { tenant: TENANT, session: SESSION, seq, epoch, at: NOON + seq, actor: 'engine', ...body };
}

export interface History {
  readonly events: readonly LogEvent[];
  /** The state after each event. */
  readonly states: readonly SessionState[];
}

/** Lays on a log what of `bodies` it takes, each bent to fit. */
export function lawful(first: EventBody, bodies: readonly EventBody[]): History {
  const events: LogEvent[] = [];
  const states: SessionState[] = [];
  let state: SessionState | null = null;
  for (const body of [first, ...bodies]) {
    const event = following(state, bend(state, body));
    const reduced = reduce(state, event);
    if (!reduced.ok) continue;
    state = reduced.state;
    events.push(event);
    states.push(state);
  }
  return { events, states };
}

/** Gives the event the ids that are open in `state`, so that it has a chance to be taken. Responses and calls that begin get new ids. */
export function bend(state: SessionState | null, body: EventBody): EventBody {
  if (state === null) return body;
  const { turn, openCalls, accepted, position, seq } = state;
  const fresh = (calls: readonly string[]): string[] => calls.map((_, i) => `call_${seq}_${i}`);
  const answers = (wanted: readonly string[]): string[] => openCalls.filter((_, i) => i < wanted.length);
  const call = turn?.call?.index ?? 1;
  switch (body.type) {
    case 'input.accepted': {
      const response = `resp_${seq}` as ResponseId;
      // The results that wait come first, now and then.
      const waiting = (state.pending ?? []).filter(({ result }) => result !== undefined).map(one => one.seq);
      const results = waiting.slice(0, Math.min(body.head.count, seq % 3));
      const queued = (state.unheard?.inputs ?? []).slice(0, seq % 4).map(one => one.seq);
      const { results: _, queued: __, ...head } = body.head;
      return {
        ...body,
        head: {
          ...head,
          response,
          answers: answers(body.head.answers),
          ...(results.length > 0 && { results }),
          ...(queued.length > 0 && { queued }),
        },
      };
    }
    case 'turn.started':
      return { ...body, head: { ...body.head, response: accepted?.response ?? body.head.response } };
    case 'call.placed':
      return { ...body, head: { ...body.head, call: (turn?.calls ?? 0) + 1 } };
    case 'call.completed':
      return { ...body, head: { ...body.head, call, calls: fresh(body.head.calls) } };
    case 'call.failed':
      return { ...body, head: { ...body.head, call } };
    case 'call.cancelled':
      return { ...body, head: { ...body.head, call } };
    case 'tool.requested': {
      const { caller, ...head } = body.head;
      const program = turn?.tools.find(tool => tool.status === 'started' && tool.caller === undefined);
      if (caller?.index === 0 && program !== undefined) {
        const call = { program: program.callId, index: program.made ?? 0 };
        return { ...body, head: { ...head, callId: `call_${seq}_of`, caller: call } };
      }
      if (caller !== undefined) return { ...body, head };
      const callId = openCalls.find(id => !turn?.tools.some(tool => tool.callId === id)) ?? body.head.callId;
      const { async, origin } = body.head;
      const client = async === true && origin === undefined;
      return { ...body, head: { ...body.head, callId, ...(client && { origin: { kind: 'client' } }) } };
    }
    case 'tool.started':
    case 'tool.completed':
    case 'tool.failed':
    case 'tool.outcome_unknown':
    case 'tool.suspended':
    case 'tool.output':
    case 'tool.yielded':
    case 'tool.resumed':
    case 'approval.requested': {
      const tools = turn?.tools ?? [];
      const fitting =
        body.type === 'tool.resumed'
          ? tools.find(one => one.status === 'yielded')
          : body.type === 'tool.yielded'
            ? tools.find(one => one.status === 'started' && one.idempotent)
            : // What waits for people may begin again if it may run twice: rare by chance alone.
              tools.find(one => body.type === 'tool.started' && one.status === 'outcome_unknown' && one.idempotent);
      const tool = fitting ?? tools[body.head.callId.charCodeAt(5) % Math.max(1, tools.length)];
      const callId = tool?.callId ?? body.head.callId;
      if (body.type === 'tool.started')
        return { ...body, head: { callId, approval: body.head.approval === null ? null : (tool?.granted ?? null) } };
      if (body.type === 'approval.requested') {
        const { definition: _, ...head } = body.head;
        const bound = { approval: `appr_${seq}`, callId, arguments: tool?.arguments ?? '' };
        const definition = tool?.definition;
        return { ...body, head: { ...head, ...bound, ...(definition !== undefined && { definition }) } };
      }
      // What a program's call gave takes no place in the context.
      const count = 'count' in body.head ? { count: tool?.caller === undefined ? body.head.count : 0 } : {};
      return { ...body, head: { ...body.head, callId, ...count } } as EventBody;
    }
    case 'tool.postponed': {
      const tool = turn?.tools.find(one => one.async === true && one.client === true);
      return { ...body, head: { ...body.head, callId: tool?.callId ?? body.head.callId } };
    }
    case 'tool.answered': {
      const call = (state.pending ?? []).find(one => one.result === undefined);
      if (call === undefined) return body;
      const { seq: postponed, callId, item } = call;
      return { ...body, head: { ...body.head, postponed, callId, item } };
    }
    case 'approval.granted':
    case 'approval.denied':
    case 'approval.expired':
      return { ...body, head: { approval: turn?.approvals[0]?.approval ?? body.head.approval } };
    case 'turn.completed':
    case 'turn.failed':
    case 'turn.cancelled':
      return { ...body, head: { ...body.head, response: turn?.response ?? body.head.response } } as EventBody;
    case 'items.added':
      return { ...body, head: { ...body.head, calls: fresh(body.head.calls), answers: answers(body.head.answers) } };
    case 'input.steered': {
      const entries = Math.min(body.head.entries, turn?.queued?.length ?? 0);
      const waiting = (turn?.queued ?? []).slice(0, entries);
      return { ...body, head: { ...body.head, entries, count: waiting.reduce((sum, one) => sum + one.count, 0) } };
    }
    case 'environment.awaited': {
      const about = (turn?.tools ?? []).filter(
        tool =>
          tool.client !== true &&
          tool.status === 'requested' &&
          !turn?.approvals.some(open => open.callId === tool.callId),
      );
      const callIds = about.slice(0, Math.max(1, body.head.callIds.length)).map(tool => tool.callId);
      return { ...body, head: { ...body.head, callIds } };
    }
    case 'context.compacted': {
      const past = state.compacted?.to ?? 0;
      const to = past + (body.head.to % (Math.max(0, position - past) + 1));
      return { ...body, head: { ...body.head, to, previous: state.compacted } };
    }
    case 'subagent.created':
    case 'subagent.closed':
    case 'subagent.reopened': {
      const { all, last } = state.subagents ?? { all: [], last: 0 };
      const open = all.filter(one => one.closedAt === null);
      const previous = { previous: last };
      if (body.type === 'subagent.created') {
        const parent = body.head.parent === null ? null : (open[0]?.session ?? null);
        return { ...body, head: { ...body.head, ...previous, session: `sess_child_${seq}` as SessionId, parent } };
      }
      if (body.type === 'subagent.closed') {
        // The last that was made has nothing below it.
        const sessions = open.slice(-1).map(one => one.session);
        return { ...body, head: { sessions, ...previous } };
      }
      const closed = all.find(one => one.closedAt !== null)?.session ?? body.head.session;
      return { ...body, head: { session: closed, ...previous } };
    }
    case 'session.forked':
      // Never itself, as a drawn id never is.
      return { ...body, head: { ...body.head, child: `sess_child_${seq % 3}` as SessionId } };
    case 'item.deleted':
      return { ...body, head: { position: 1 + (body.head.position % Math.max(1, position)) } };
    default:
      return body;
  }
}

/**
 * What random histories seldom come to: a call that is pending between turns; a tool of unknown outcome that may run again, beside a sub-agent that
 * was closed, and the same between turns; one of two tools that waits for people, or for others, while the other runs and when it has ended; a program
 * that has called a tool.
 */
export function rareHistories(): readonly History[] {
  const sample = <T extends EventType>(type: T): EventBody =>
    fc.sample(EVENTS[type], { numRuns: 1, seed: 3 })[0] as EventBody;
  const usage = { input: 0, cached: 0, output: 0, reasoning: 0 };
  const upstream = { response: null, request: null };
  const completed = (calls: readonly string[]): EventBody => ({
    type: 'call.completed',
    head: { call: 1, outcome: 'completed', reason: null, usage, upstream, count: 1, calls },
    payload: null,
  });
  const placed: EventBody = {
    type: 'call.placed',
    head: { call: 1, purpose: 'turn', chosen: 'azure-1', placement: {}, reserved: { input: 0, output: 0 } },
    payload: null,
  };
  const asked = (more: object): EventBody =>
    ({
      type: 'tool.requested',
      head: { callId: '', tool: 'report', idempotent: true, arguments: '', ...more },
      payload: null,
    }) as unknown as EventBody;
  const started = [sample('input.accepted'), sample('turn.started'), placed];
  const pending = [
    ...started,
    completed(['call_a']),
    asked({ origin: { kind: 'client' }, async: true }),
    sample('tool.postponed'),
    placed,
    completed([]),
    sample('turn.completed'),
    ...started,
  ];
  const unknown = [
    ...started,
    completed(['call_a']),
    asked({}),
    { type: 'tool.started', head: { callId: 'call_a', approval: null }, payload: null } as const,
    sample('tool.outcome_unknown'),
    sample('subagent.created'),
    sample('subagent.closed'),
    sample('turn.failed'),
  ];
  // The last letter of its call says which of two tools it is: `bend`.
  const begins = (callId: 'call_a' | 'call_b'): EventBody => ({
    type: 'tool.started',
    head: { callId, approval: null },
    payload: null,
  });
  const two = [...started, completed(['call_a', 'call_b']), asked({}), asked({}), begins('call_b')];
  const asks = sample('approval.requested');
  const about = { ...asks, head: { ...asks.head, callId: 'call_a' } } as EventBody;
  const asking = [...two, about];
  const ended: EventBody = { type: 'tool.completed', head: { callId: 'call_a', count: 1 }, payload: { items: [] } };
  const yielding = [...two, begins('call_a'), sample('tool.yielded'), ended];
  const caller = { program: 'call_a', index: 0 };
  const calling = [...started, completed(['call_a']), asked({}), begins('call_b'), asked({ caller })];
  return [pending, unknown, asking, yielding, calling].map(bodies => lawful(sample('session.created'), bodies));
}

/** How often each type is tried; what ends a session only rarely, so that histories get long. */
const WEIGHTS: { readonly [T in EventType]?: number } = {
  'input.accepted': 16,
  'turn.started': 16,
  'call.placed': 20,
  'call.completed': 20,
  'call.failed': 8,
  'tool.requested': 16,
  'tool.started': 20,
  'tool.suspended': 8,
  'tool.completed': 28,
  'approval.requested': 24,
  'approval.granted': 26,
  'turn.completed': 10,
  'items.added': 6,
  'input.queued': 3,
  'input.steered': 8,
  'tool.postponed': 6,
  'tool.answered': 4,
  'environment.changed': 4,
  'tool.outcome_unknown': 8,
  'tool.yielded': 4,
  'tool.resumed': 4,
};
const ENDINGS: ReadonlySet<EventType> = new Set(['session.sealed', 'session.erased', 'session.moved']);

function weighted(types: readonly EventType[]): fc.Arbitrary<EventBody> {
  return fc.oneof(
    ...types.map(type => ({ weight: WEIGHTS[type] ?? 1, arbitrary: EVENTS[type] as fc.Arbitrary<EventBody> })),
  );
}

const all = Object.keys(EVENTS) as EventType[];
const living = weighted(all.filter(type => !ENDINGS.has(type)));
const any = weighted([...all, ...Array.from({ length: 12 }, () => [...ENDINGS]).flat()]);

/** Histories of stored sessions: most of them live to the end. */
export const history: fc.Arbitrary<History> = fc
  .tuple(
    EVENTS['session.created'],
    fc.array(living, { minLength: 60, maxLength: 220, size: 'max' }),
    fc.array(any, { maxLength: 12, size: 'max' }),
  )
  .map(([first, middle, end]) => lawful(first, [...middle, ...end]));

export const statelessHistory: fc.Arbitrary<History> = fc
  .tuple(EVENTS['call.admitted'], fc.array(any, { maxLength: 40, size: 'max' }))
  .map(([first, rest]) => lawful(first, rest));

export const anyHistory: fc.Arbitrary<History> = fc.oneof({ weight: 5, arbitrary: history }, statelessHistory);
