/** L12: the stored text of every event, byte for byte. Logs hold these for ever: a pin that has to change is a new version of the codec. */
import { expect, test } from 'vitest';
import type { HomeId, ResponseId, SessionId } from '../kernel/ids.ts';
import { CODEC_VERSION, decodeEnvelope, encodeHead, envelopeText, EVENT_CODES, type StoredEvent } from './codec.ts';
import { ENVIRONMENT_PINS, type Pin } from './codec-pins.test-support.ts';
import type { EventBody, EventPlace, EventType } from './events.ts';
import { PENDING_PINS } from './pending-pins.test-support.ts';
import { SUBAGENT_PINS } from './subagent-pins.test-support.ts';

const resp = 'resp_1' as ResponseId;
const sess = 'sess_1' as SessionId;
const azure = 'azure' as HomeId;
const origin = {
  product: 'api',
  channel: 'direct',
  segment: 'commercial',
  stateHeld: true,
  readings: { c: 'as-written' },
};
const ORIGIN =
  '{"product":"api","channel":"direct","segment":"commercial","stateHeld":true,"readings":{"c":"as-written"}}';
const usage = { input: 3, cached: 2, output: 1, reasoning: 0 };
const USAGE = '{"input":3,"cached":2,"output":1,"reasoning":0}';
const upstream = { response: 'up_1', request: null };
const UPSTREAM = '{"response":"up_1","request":null}';
const item = { type: 'message', id: 'msg_1' };

type Pins = { readonly [T in EventType]: Pin<T> };

const PINS: Pins = {
  'agent.configured': {
    code: 35,
    event: {
      type: 'agent.configured',
      head: { agent: 'agent_1', version: 2 },
      payload: { config: { agent: { model: 'gpt' } } },
    },
    head: '{"agent":"agent_1","version":2}',
  },
  'input.queued': {
    code: 36,
    event: { type: 'input.queued', head: { count: 2 }, payload: { items: [item] } },
    head: '{"count":2}',
    short: [{ count: 1 }, '{}'],
  },
  'input.steered': {
    code: 37,
    event: { type: 'input.steered', head: { entries: 2, count: 3, files: 1 }, payload: { items: [item] } },
    head: '{"entries":2,"count":3,"files":1}',
    short: [{ entries: 1, count: 1 }, '{}'],
  },
  ...PENDING_PINS,
  'tool.suspended': {
    code: 40,
    event: { type: 'tool.suspended', head: { callId: 'call_a' }, payload: null },
    head: '{"callId":"call_a"}',
  },
  ...ENVIRONMENT_PINS,
  ...SUBAGENT_PINS,
  'session.created': {
    code: 1,
    event: {
      type: 'session.created',
      head: {
        kind: 'responses',
        home: azure,
        owner: 'proc_1',
        origin,
        lineage: [{ session: sess, to: 4 }],
        labels: ['restricted'],
        openCalls: ['call_a'],
        continues: resp,
      },
      payload: { metadata: {} },
    },
    head: `{"kind":"responses","home":"azure","owner":"proc_1","origin":${ORIGIN},"lineage":[{"session":"sess_1","to":4}],"labels":["restricted"],"openCalls":["call_a"],"continues":"resp_1"}`,
    short: [
      {
        kind: 'conversation',
        home: azure,
        owner: 'proc_1',
        origin,
        lineage: [],
        labels: [],
        openCalls: [],
        continues: null,
      },
      `{"kind":"conversation","home":"azure","owner":"proc_1","origin":${ORIGIN}}`,
    ],
  },
  'call.admitted': {
    code: 2,
    event: { type: 'call.admitted', head: { home: azure, origin, subject: sess }, payload: null },
    head: `{"home":"azure","origin":${ORIGIN},"subject":"sess_1"}`,
    short: [{ home: azure, origin, subject: null }, `{"home":"azure","origin":${ORIGIN}}`],
  },
  'session.claimed': {
    code: 3,
    event: { type: 'session.claimed', head: { owner: 'proc_1' }, payload: null },
    head: '{"owner":"proc_1"}',
  },
  'session.updated': {
    code: 4,
    event: { type: 'session.updated', head: { metadata: true }, payload: { metadata: { a: 'b' } } },
    head: '{"metadata":true}',
  },
  'state.placed': {
    code: 5,
    event: { type: 'state.placed', head: { placement: { v: 1 } }, payload: null },
    head: '{"placement":{"v":1}}',
  },
  'input.accepted': {
    code: 6,
    event: {
      type: 'input.accepted',
      head: { response: resp, previous: 'resp_0' as ResponseId, count: 2, answers: ['call_a'], files: 3 },
      payload: { items: [item] },
    },
    head: '{"response":"resp_1","previous":"resp_0","count":2,"answers":["call_a"],"files":3}',
    short: [{ response: resp, previous: null, count: 1, answers: [] }, '{"response":"resp_1"}'],
  },
  'turn.started': {
    code: 7,
    event: {
      type: 'turn.started',
      head: {
        response: resp,
        model: 'gpt',
        background: true,
        streamed: true,
        tools: { session: sess, seq: 4, index: 0 },
        instructions: { session: sess, seq: 4, index: 1 },
      },
      payload: { settings: {}, documents: ['text'] },
    },
    head: '{"response":"resp_1","model":"gpt","background":true,"streamed":true,"tools":{"session":"sess_1","seq":4,"index":0},"instructions":{"session":"sess_1","seq":4,"index":1}}',
    short: [
      { response: resp, model: 'gpt', background: false, streamed: false, tools: null, instructions: null },
      '{"response":"resp_1","model":"gpt"}',
    ],
  },
  'call.placed': {
    code: 8,
    event: {
      type: 'call.placed',
      head: { call: 2, purpose: 'compaction', chosen: null, placement: { v: 1 }, reserved: { input: 3, output: 4 } },
      payload: null,
    },
    head: '{"call":2,"purpose":"compaction","chosen":null,"placement":{"v":1},"reserved":{"input":3,"output":4}}',
    short: [
      { call: 1, purpose: 'turn', chosen: 'azure-1', placement: { v: 1 }, reserved: { input: 3, output: 4 } },
      '{"chosen":"azure-1","placement":{"v":1},"reserved":{"input":3,"output":4}}',
    ],
  },
  'call.completed': {
    code: 9,
    event: {
      type: 'call.completed',
      head: {
        call: 2,
        outcome: 'incomplete',
        reason: 'max_output_tokens',
        usage,
        upstream,
        count: 2,
        calls: ['call_a'],
      },
      payload: { items: [item], deltas: [[[3]]] },
    },
    head: `{"call":2,"outcome":"incomplete","reason":"max_output_tokens","usage":${USAGE},"upstream":${UPSTREAM},"count":2,"calls":["call_a"]}`,
    short: [
      { call: 1, outcome: 'completed', reason: null, usage, upstream, count: 1, calls: [] },
      `{"usage":${USAGE},"upstream":${UPSTREAM}}`,
    ],
  },
  'call.failed': {
    code: 10,
    event: {
      type: 'call.failed',
      head: { call: 2, code: 'upstream_timeout', usage, metered: 'bound', count: 1, upstream },
      payload: { items: [item], deltas: null },
    },
    head: `{"call":2,"code":"upstream_timeout","usage":${USAGE},"metered":"bound","count":1,"upstream":${UPSTREAM}}`,
    short: [
      { call: 1, code: 'unknown', usage, metered: 'exact', count: 0, upstream },
      `{"code":"unknown","usage":${USAGE},"metered":"exact","upstream":${UPSTREAM}}`,
    ],
  },
  'call.cancelled': {
    code: 11,
    event: {
      type: 'call.cancelled',
      head: { call: 1, usage, metered: 'bound', count: 1 },
      payload: { items: [item], deltas: null },
    },
    head: `{"call":1,"usage":${USAGE},"metered":"bound","count":1}`,
    short: [{ call: 1, usage, metered: 'exact', count: 0 }, `{"call":1,"usage":${USAGE}}`],
  },
  'tool.requested': {
    code: 12,
    event: {
      type: 'tool.requested',
      head: { callId: 'call_a', tool: 'shell', idempotent: false, arguments: 'digest' },
      payload: null,
    },
    head: '{"callId":"call_a","tool":"shell","idempotent":false,"arguments":"digest"}',
  },
  'tool.placed': {
    code: 44,
    event: {
      type: 'tool.placed',
      head: { callId: 'call_a', action: 'execute', chosen: 'local', placement: { v: 1, s: 'x' } },
      payload: null,
    },
    head: '{"callId":"call_a","action":"execute","chosen":"local","placement":{"v":1,"s":"x"}}',
  },
  'tool.started': {
    code: 13,
    event: { type: 'tool.started', head: { callId: 'call_a', approval: null }, payload: null },
    head: '{"callId":"call_a","approval":null}',
  },
  'tool.completed': {
    code: 14,
    event: { type: 'tool.completed', head: { callId: 'call_a', count: 1, files: 1 }, payload: { items: [item] } },
    head: '{"callId":"call_a","count":1,"files":1}',
  },
  'tool.failed': {
    code: 15,
    event: { type: 'tool.failed', head: { callId: 'call_a', code: 'denied', count: 1 }, payload: { items: [item] } },
    head: '{"callId":"call_a","code":"denied","count":1}',
  },
  'tool.outcome_unknown': {
    code: 16,
    event: { type: 'tool.outcome_unknown', head: { callId: 'call_a' }, payload: null },
    head: '{"callId":"call_a"}',
  },
  'approval.requested': {
    code: 17,
    event: {
      type: 'approval.requested',
      head: { approval: 'appr_1', callId: 'call_a', arguments: 'digest', policy: 'v1', expiresAt: 9 },
      payload: null,
    },
    head: '{"approval":"appr_1","callId":"call_a","arguments":"digest","policy":"v1","expiresAt":9}',
  },
  'approval.granted': {
    code: 18,
    event: { type: 'approval.granted', head: { approval: 'appr_1' }, payload: null },
    head: '{"approval":"appr_1"}',
  },
  'approval.denied': {
    code: 19,
    event: { type: 'approval.denied', head: { approval: 'appr_1' }, payload: { reason: 'no' } },
    head: '{"approval":"appr_1"}',
  },
  'approval.expired': {
    code: 20,
    event: { type: 'approval.expired', head: { approval: 'appr_1' }, payload: null },
    head: '{"approval":"appr_1"}',
  },
  'turn.completed': {
    code: 21,
    event: {
      type: 'turn.completed',
      head: { response: resp, status: 'incomplete', reason: 'content_filter', files: 2 },
      payload: null,
    },
    head: '{"response":"resp_1","status":"incomplete","reason":"content_filter","files":2}',
    short: [{ response: resp, status: 'completed', reason: null }, '{"response":"resp_1"}'],
  },
  'turn.failed': {
    code: 22,
    event: { type: 'turn.failed', head: { response: resp, code: 'upstream_error' }, payload: { message: 'broke' } },
    head: '{"response":"resp_1","code":"upstream_error"}',
  },
  'turn.cancelled': {
    code: 23,
    event: { type: 'turn.cancelled', head: { response: resp }, payload: null },
    head: '{"response":"resp_1"}',
  },
  'items.added': {
    code: 24,
    event: {
      type: 'items.added',
      head: { base: 'b', count: 1, calls: ['call_a'], answers: ['call_b'], files: 1 },
      payload: { items: [item] },
    },
    head: '{"base":"b","count":1,"calls":["call_a"],"answers":["call_b"],"files":1}',
    short: [{ base: 'b', count: 1, calls: [], answers: [] }, '{"base":"b","count":1}'],
  },
  'item.deleted': {
    code: 25,
    event: { type: 'item.deleted', head: { position: 3 }, payload: null },
    head: '{"position":3}',
  },
  'response.deleted': {
    code: 26,
    event: { type: 'response.deleted', head: { response: resp }, payload: null },
    head: '{"response":"resp_1"}',
  },
  'session.labelled': {
    code: 27,
    event: { type: 'session.labelled', head: { labels: ['restricted'] }, payload: null },
    head: '{"labels":["restricted"]}',
  },
  'context.compacted': {
    code: 28,
    event: {
      type: 'context.compacted',
      head: { to: 4, count: 2, previous: { session: sess, seq: 9, position: 3, to: 2 }, final: true },
      payload: { items: [item] },
    },
    head: '{"to":4,"count":2,"previous":{"session":"sess_1","seq":9,"position":3,"to":2},"final":true}',
    short: [{ to: 4, count: 1, previous: null, final: false }, '{"to":4}'],
  },
  'session.forked': {
    code: 29,
    event: { type: 'session.forked', head: { child: sess, to: 4 }, payload: null },
    head: '{"child":"sess_1","to":4}',
  },
  'session.sealed': {
    code: 30,
    event: { type: 'session.sealed', head: { reason: 'move' }, payload: null },
    head: '{"reason":"move"}',
  },
  'session.moved': {
    code: 31,
    event: { type: 'session.moved', head: { to: azure }, payload: null },
    head: '{"to":"azure"}',
  },
  'session.exported': {
    code: 32,
    event: { type: 'session.exported', head: { digest: 'd' }, payload: null },
    head: '{"digest":"d"}',
  },
  'session.imported': {
    code: 33,
    event: { type: 'session.imported', head: { digest: 'd', from: azure }, payload: null },
    head: '{"digest":"d","from":"azure"}',
  },
  'session.erased': {
    code: 34,
    event: { type: 'session.erased', head: { after: 4, whole: false }, payload: null },
    head: '{"after":4,"whole":false}',
  },
};

const at: EventPlace = {
  tenant: 'acme' as EventPlace['tenant'],
  session: sess,
  seq: 7,
  epoch: 2,
  at: 1_774_008_000_000,
  actor: 'key:a',
};

function stored(code: number, head: string): StoredEvent {
  const { seq, epoch, actor } = at;
  const none = { payload: null, salt: null, payloadDigest: null };
  return { seq, epoch, at: at.at, actor, code, version: 1, head, ...none, digest: new Uint8Array(32) };
}

type AnyPin = {
  readonly code: number;
  readonly event: EventBody;
  readonly head: string;
  readonly short?: readonly [EventBody['head'], string];
};

const pins = Object.entries<AnyPin>(PINS);

test.each(pins)('L12: %s has its number and its text', (type, pin) => {
  expect(EVENT_CODES[type as EventType]).toBe(pin.code);
  expect(encodeHead(pin.event)).toBe(pin.head);
  expect(decodeEnvelope(at, stored(pin.code, pin.head))).toEqual({ ...at, type, head: pin.event.head });
});

const shortened = pins.flatMap(([type, pin]) => (pin.short === undefined ? [] : [[type, pin, ...pin.short] as const]));

test.each(shortened)(
  'L12: %s leaves out what it usually says, and says it again when it is read',
  (type, pin, head, text) => {
    expect(encodeHead({ ...pin.event, head } as EventBody)).toBe(text);
    expect(decodeEnvelope(at, stored(pin.code, text))).toEqual({ ...at, type, head });
  },
);

test('L12: the version, and the text that the chain digests', () => {
  expect(CODEC_VERSION).toBe(1);
  expect(envelopeText(at, { version: 1, code: 3, head: '{"owner":"p"}' }, 'ff')).toBe(
    '[1,"acme","sess_1",7,2,1774008000000,"key:a",3,"ff"]{"owner":"p"}',
  );
});

test('no two types share a number, and none is left out', () => {
  const codes = Object.values(EVENT_CODES);
  expect(codes.toSorted((a, b) => a - b)).toEqual(codes.map((_, i) => i + 1));
});
