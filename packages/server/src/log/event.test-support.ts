/** Events for tests: every type of the vocabulary, made at random. A new type does not build until it has its arbitrary here. */
import * as fc from 'fast-check';
import type { HomeId, ResponseId, SessionId, TenantId } from '../kernel/ids.ts';
import type {
  EventOf,
  EventPlace,
  EventType,
  Json,
  JsonObject,
  LoggedItem,
  OutputPayload,
  SessionOrigin,
} from './events.ts';
import { withSomeFiles } from './files.test-support.ts';

type Bodies = { readonly [T in EventType]: fc.Arbitrary<EventOf<T>> };

const count = fc.nat(1000);
const seq = fc.integer({ min: 1, max: 2 ** 31 - 1 });
const code = fc.constantFrom('upstream_error', 'upstream_timeout', 'unknown');
/** Any text that JSON can hold, lone surrogates included: a delta may end in the middle of a pair. */
export const text: fc.Arbitrary<string> = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 30 }),
  fc.constantFrom('', '\u{1f600}', '\ud83d', '\ude00', '\u2028', '"\\\n\u0000', '</script>', '__proto__'),
);
export const json: fc.Arbitrary<Json> = fc
  .jsonValue({ maxDepth: 2 })
  .map(value => JSON.parse(JSON.stringify(value)) as Json);
export const jsonObject: fc.Arbitrary<JsonObject> = fc.dictionary(fc.string({ maxLength: 8 }), json, { maxKeys: 4 });

/** Few ids of each kind, so that events meet. */
export const responseId: fc.Arbitrary<ResponseId> = fc
  .constantFrom('resp_1', 'resp_2', 'resp_3')
  .map(id => id as ResponseId);
export const callId: fc.Arbitrary<string> = fc.constantFrom('call_a', 'call_b', 'call_c');
const sessionId = fc.constantFrom('sess_1', 'sess_2').map(id => id as SessionId);
const subagent = fc.constantFrom('sess_a', 'sess_b', 'sess_c').map(id => id as SessionId);
const placeOfSubagent = fc.record({
  owner: sessionId,
  parent: fc.option(subagent),
  depth: fc.integer({ min: 1, max: 3 }),
});
const home = fc.constantFrom('azure', 'aws').map(id => id as HomeId);
const approval = fc.constantFrom('appr_1', 'appr_2');
const ids = fc.uniqueArray(callId, { maxLength: 3 });

export const origin: fc.Arbitrary<SessionOrigin> = fc.record({
  product: fc.constantFrom('api', 'frontier'),
  channel: fc.constantFrom('direct', 'bedrock'),
  segment: fc.constantFrom('commercial', 'us-gov'),
  stateHeld: fc.boolean(),
  readings: fc.dictionary(
    fc.constantFrom('openai-2026-02', 'openai-2026-04'),
    fc.constantFrom('as-written', 'microsoft'),
  ),
});
const usage = fc.record({ input: count, cached: count, output: count, reasoning: count });
const none = fc.constant(null);
const review = fc.record({ placement: text, target: fc.constantFrom('up-1', 'up-2'), usage });
const reserved = fc.record({ input: count, output: count });
const upstream = fc.record({ response: fc.option(text), request: fc.option(text) });
const compaction = fc.record({ session: sessionId, seq, position: fc.integer({ min: 1, max: 8 }), to: fc.nat(8) });
const reference = fc.option(fc.record({ session: sessionId, seq, index: fc.nat(3) }));
export const item: fc.Arbitrary<LoggedItem> = fc
  .record({
    type: fc.constantFrom('message', 'reasoning'),
    id: fc.string({ minLength: 1, maxLength: 8 }),
    content: json,
  })
  .map(one => one);
const items = fc.array(item, { maxLength: 3 });
const output: fc.Arbitrary<OutputPayload | null> = fc.option(
  fc.record({
    items,
    deltas: fc.option(fc.array(fc.array(fc.array(count, { maxLength: 3 }), { maxLength: 2 }), { maxLength: 3 })),
  }),
);

interface Parts<T extends EventType> {
  readonly head: fc.Arbitrary<EventOf<T>['head']>;
  readonly payload: fc.Arbitrary<EventOf<T>['payload']>;
}

function of<T extends EventType>(type: T, head: Parts<T>['head'], payload: Parts<T>['payload']): Parts<T> {
  return { head: head.map(one => withSomeFiles(type, one)), payload };
}

const PARTS: { readonly [T in EventType]: Parts<T> } = {
  'session.created': of(
    'session.created',
    fc
      .record(
        {
          kind: fc.constantFrom('responses' as const, 'conversation' as const, 'agent' as const),
          home,
          owner: fc.constantFrom('proc_1', 'proc_2'),
          origin,
          lineage: fc.array(fc.record({ session: sessionId, to: count }), { maxLength: 2 }),
          labels: fc.uniqueArray(fc.constantFrom('restricted', 'us-gov'), { maxLength: 2 }),
          openCalls: ids,
          continues: fc.option(responseId),
          compacted: compaction,
          subagent: placeOfSubagent,
        },
        { requiredKeys: ['kind', 'home', 'owner', 'origin', 'lineage', 'labels', 'openCalls', 'continues'] },
      )
      .map(({ subagent: of, ...head }) =>
        head.kind === 'agent' && head.labels.length === 2
          ? { ...head, ...(of !== undefined && { subagent: of }) }
          : head,
      ),
    fc.record({ metadata: jsonObject }),
  ),
  'call.admitted': of('call.admitted', fc.record({ home, origin, subject: fc.option(sessionId) }), none),
  'session.claimed': of('session.claimed', fc.record({ owner: fc.constantFrom('proc_1', 'proc_2') }), none),
  'session.updated': of(
    'session.updated',
    fc.constant({ metadata: true as const }),
    fc.record({ metadata: jsonObject }),
  ),
  'state.placed': of('state.placed', fc.record({ placement: jsonObject }), none),
  'input.accepted': of(
    'input.accepted',
    fc.record({ response: responseId, previous: fc.option(responseId), count: fc.nat(5), answers: ids }),
    fc.record({ items }),
  ),
  'turn.started': of(
    'turn.started',
    fc.record({
      response: responseId,
      model: fc.constantFrom('gpt', 'other'),
      background: fc.boolean(),
      streamed: fc.boolean(),
      tools: reference,
      instructions: reference,
    }),
    fc.record({ settings: jsonObject, documents: fc.array(json, { maxLength: 2 }) }),
  ),
  'call.placed': of(
    'call.placed',
    fc.record({
      call: fc.integer({ min: 1, max: 4 }),
      purpose: fc.constantFrom('turn', 'turn', 'turn', 'compaction'),
      chosen: fc.option(fc.constantFrom('azure-1', 'aws-1')),
      placement: jsonObject,
      reserved,
    }),
    none,
  ),
  'call.completed': of(
    'call.completed',
    fc.record({
      call: fc.integer({ min: 1, max: 4 }),
      outcome: fc.constantFrom('completed' as const, 'incomplete' as const),
      reason: fc.constantFrom('max_output_tokens' as const, 'content_filter' as const, null),
      usage,
      upstream,
      count: fc.nat(5),
      calls: ids,
    }),
    output,
  ),
  'call.failed': of(
    'call.failed',
    fc.record({
      call: fc.integer({ min: 1, max: 4 }),
      code,
      usage,
      metered: fc.constantFrom('exact' as const, 'bound' as const),
      count: fc.nat(5),
      upstream,
    }),
    output,
  ),
  'call.cancelled': of(
    'call.cancelled',
    fc.record({
      call: fc.integer({ min: 1, max: 4 }),
      usage,
      metered: fc.constantFrom('exact' as const, 'bound' as const),
      count: fc.nat(5),
    }),
    output,
  ),
  'tool.requested': of(
    'tool.requested',
    fc.record(
      {
        callId,
        tool: fc.constant('shell'),
        idempotent: fc.boolean(),
        arguments: text,
        item: fc.constantFrom('fc_1', 'fc_2'),
        definition: fc.constantFrom('d1', 'd2'),
        origin: fc.constantFrom({ kind: 'client' as const }, { kind: 'builtin' as const }),
        held: fc.constant(true as const),
        async: fc.constant(true as const),
        caller: fc.record({ program: callId, index: fc.nat(3) }),
      },
      { requiredKeys: ['callId', 'tool', 'idempotent', 'arguments'] },
    ),
    fc.option(fc.record({ salt: text, arguments: text }, { requiredKeys: ['salt'] })),
  ),
  'tool.placed': of(
    'tool.placed',
    fc.record({
      callId,
      action: fc.constantFrom('execute' as const, 'egress' as const),
      chosen: fc.option(text),
      placement: jsonObject,
    }),
    none,
  ),
  'tool.started': of('tool.started', fc.record({ callId, approval: fc.option(approval) }), none),
  'tool.completed': of(
    'tool.completed',
    fc.record(
      { callId, count: fc.nat(2), found: fc.array(fc.constantFrom('a', 'b')) },
      { requiredKeys: ['callId', 'count'] },
    ),
    fc.record({ items, detail: jsonObject }, { requiredKeys: ['items'] }),
  ),
  'tool.failed': of(
    'tool.failed',
    fc.record({ callId, code, count: fc.nat(2) }),
    fc.record({ items, message: text, detail: jsonObject }, { requiredKeys: ['items'] }),
  ),
  'tool.suspended': of('tool.suspended', fc.record({ callId }), none),
  'tool.outcome_unknown': of('tool.outcome_unknown', fc.record({ callId }), none),
  'tool.yielded': of(
    'tool.yielded',
    fc.record({ callId, on: fc.array(sessionId, { maxLength: 2 }), until: seq }),
    none,
  ),
  'tool.resumed': of('tool.resumed', fc.record({ callId }), none),
  'approval.requested': of(
    'approval.requested',
    fc.record(
      {
        approval,
        callId,
        arguments: text,
        policy: fc.constant('v1'),
        expiresAt: seq,
        definition: fc.constantFrom('d1', 'd2'),
        agentVersion: fc.nat(3),
        why: fc.constantFrom('tool_asks' as const, 'outcome_unknown' as const, 'network' as const),
        reviewed: fc.constant(true as const),
      },
      { requiredKeys: ['approval', 'callId', 'arguments', 'policy', 'expiresAt'] },
    ),
    fc.option(fc.record({ about: jsonObject, resume: fc.option(text) })),
  ),
  'approval.granted': of(
    'approval.granted',
    fc.record({ approval, review }, { requiredKeys: ['approval'] }),
    fc.option(fc.record({ value: json, reason: text }, { requiredKeys: ['value'] })),
  ),
  'approval.denied': of(
    'approval.denied',
    fc.record({ approval, review }, { requiredKeys: ['approval'] }),
    fc.record({ reason: text }),
  ),
  'approval.expired': of('approval.expired', fc.record({ approval }), none),
  'turn.completed': of(
    'turn.completed',
    fc.record({
      response: responseId,
      status: fc.constantFrom('completed' as const, 'incomplete' as const),
      reason: fc.option(text),
    }),
    none,
  ),
  'turn.failed': of(
    'turn.failed',
    fc.record({ response: responseId, code }),
    fc.record({ message: text, param: text }, { requiredKeys: ['message'] }),
  ),
  'turn.cancelled': of('turn.cancelled', fc.record({ response: responseId }), none),
  'items.added': of(
    'items.added',
    fc.record({ base: fc.string({ maxLength: 8 }), count: fc.nat(5), calls: ids, answers: ids }),
    fc.record({ items }),
  ),
  'item.deleted': of('item.deleted', fc.record({ position: fc.integer({ min: 1, max: 40 }) }), none),
  'response.deleted': of('response.deleted', fc.record({ response: responseId }), none),
  'session.labelled': of(
    'session.labelled',
    fc.record({ labels: fc.uniqueArray(fc.constantFrom('restricted', 'us-gov', 'pii'), { maxLength: 3 }) }),
    none,
  ),
  'context.compacted': of(
    'context.compacted',
    fc.record({ to: fc.nat(20), count: fc.nat(3), previous: fc.option(compaction), final: fc.boolean() }),
    fc.record({ items }),
  ),
  'session.forked': of('session.forked', fc.record({ child: sessionId, to: count }), none),
  'session.sealed': of('session.sealed', fc.record({ reason: fc.constant('move') }), none),
  'session.moved': of('session.moved', fc.record({ to: home }), none),
  'session.exported': of('session.exported', fc.record({ digest: fc.string({ maxLength: 8 }) }), none),
  'session.imported': of('session.imported', fc.record({ digest: fc.string({ maxLength: 8 }), from: home }), none),
  'session.erased': of(
    'session.erased',
    fc.oneof(
      fc.record({ after: fc.nat(40), whole: fc.boolean() }),
      fc.record({ after: fc.nat(40), whole: fc.constant(false), before: fc.nat(40) }),
      fc.record({ after: fc.nat(40), whole: fc.boolean(), deferred: fc.constant(true) }),
    ),
    none,
  ),
  'agent.configured': of(
    'agent.configured',
    fc.record({ agent: fc.constantFrom('agent_1', 'agent_2'), version: fc.integer({ min: 1, max: 3 }) }),
    fc.record({ config: jsonObject }),
  ),
  'input.queued': of(
    'input.queued',
    fc.record({ count: fc.nat(3), key: fc.constantFrom('k1', 'k2', 'k3') }, { requiredKeys: ['count'] }),
    fc.record({ items }),
  ),
  'input.steered': of(
    'input.steered',
    fc.record({ entries: fc.integer({ min: 1, max: 2 }), count: fc.nat(3) }),
    fc.record({ items }),
  ),
  'tool.postponed': of(
    'tool.postponed',
    fc.record({
      callId,
      tool: fc.constant('report'),
      item: fc.constantFrom('fc_1', 'fc_2'),
      count: fc.nat(2),
      expiresAt: seq,
    }),
    fc.record({ items, arguments: text }),
  ),
  'tool.answered': of(
    'tool.answered',
    fc.record({ postponed: seq, callId, item: fc.constantFrom('fc_1', 'fc_2'), code: fc.option(code) }),
    fc.record({ items }),
  ),
  'environment.changed': of(
    'environment.changed',
    fc.record(
      {
        environment: fc.constant('env_1'),
        kind: fc.constantFrom('openai_hosted' as const, 'self_hosted' as const),
        status: fc.constantFrom('pending' as const, 'ready' as const, 'connected' as const, 'disconnected' as const),
        resets: fc.integer({ min: 1, max: 3 }),
      },
      { requiredKeys: ['environment', 'kind', 'status'] },
    ),
    fc.option(fc.record({ error: jsonObject })),
  ),
  'environment.awaited': of(
    'environment.awaited',
    fc.record({ environment: fc.constant('env_1'), callIds: ids, expiresAt: fc.nat(1000) }),
    none,
  ),
  'tool.output': of(
    'tool.output',
    fc.record({ callId: fc.constantFrom('call_a', 'call_b', 'call_c') }),
    fc.record({ text }),
  ),
  'subagent.created': of(
    'subagent.created',
    fc.record({ session: subagent, parent: fc.option(subagent), previous: fc.nat(9) }),
    fc.record({ name: fc.option(text), instructions: text }),
  ),
  'subagent.closed': of(
    'subagent.closed',
    fc.record({ sessions: fc.uniqueArray(subagent, { maxLength: 3 }), previous: fc.nat(9) }),
    none,
  ),
  'subagent.reopened': of('subagent.reopened', fc.record({ session: subagent, previous: fc.nat(9) }), none),
};

function bodies(make: (type: string, parts: Parts<EventType>) => fc.Arbitrary<unknown>): Bodies {
  // The two parts have the types that `PARTS` says; the compiler cannot see that together they are the event.
  const entries = Object.entries(PARTS).map(([type, parts]) => [
    type,
    make(type, parts as unknown as Parts<EventType>),
  ]);
  return Object.fromEntries(entries) as Bodies;
}

export const EVENTS: Bodies = bodies((type, parts) => fc.record(parts).map(both => ({ type, ...both })));
/** The same without their payloads: cheap to make, and all that a reducer looks at. */
export const BARE_EVENTS: Bodies = bodies((type, { head }) => head.map(one => ({ type, head: one, payload: null })));

export const EVENT_TYPES: readonly EventType[] = Object.keys(EVENTS) as EventType[];

export const place: fc.Arbitrary<EventPlace> = fc.record({
  tenant: fc.constantFrom('acme', 'rival').map(id => id as TenantId),
  session: sessionId,
  seq: fc.integer({ min: 1, max: 40 }),
  epoch: fc.integer({ min: 1, max: 3 }),
  at: fc.nat(2 ** 42),
  actor: fc.constantFrom('key:test', 'engine', 'recovery'),
});
