/** A turn for tests: an agent that asks a model, runs a tool, and asks again. */
import { createHash } from 'node:crypto';
import type { ResponseId, SessionId, TenantId } from '../../kernel/ids.ts';
import type { EventBody, LogEvent, LoggedItem } from '../../log/events.ts';
import type { Sha256 } from '../ports.ts';
import { targetKey, type TurnTrace } from './spans.ts';

export const sha256: Sha256 = (...parts) => {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return new Uint8Array(hash.digest());
};

export const TENANT = 'acme' as TenantId;
export const SESSION = 'sess_01k3mzzzzz1a2b00000000000001' as SessionId;
export const TURN = 'resp_01k3mzzzzz1a2b00000000000002' as ResponseId;
export const NOON = 1_774_008_000_000;

export function logged(bodies: readonly EventBody[]): readonly LogEvent[] {
  return bodies.map((body, i): LogEvent => {
    const place = { tenant: TENANT, session: SESSION, seq: 10 + i, epoch: 1, at: NOON + i * 100, actor: 'engine' };
    return { ...place, ...body };
  });
}

const item = (of: { readonly type: string; readonly id: string } & Record<string, unknown>): LoggedItem =>
  of as LoggedItem;
const USAGE = { input: 120, cached: 100, output: 30, reasoning: 10 };
const placement = (over: object = {}) => ({
  v: 1,
  s: 'v-1',
  c: 'aws-1',
  m: ['openai', 'gpt-5.5'] as const,
  f: ['openai-2026-02@1:as-written'],
  d: ['amzn.runtime'],
  ...over,
});

export const EVENTS: readonly EventBody[] = [
  {
    type: 'input.accepted',
    head: { response: TURN, previous: null, count: 1, answers: [] },
    payload: {
      items: [
        item({ type: 'message', id: 'm1', role: 'user', content: [{ type: 'input_text', text: 'How warm is it?' }] }),
      ],
    },
  },
  {
    type: 'turn.started',
    head: { response: TURN, model: 'gpt-5.5', background: true, streamed: true, tools: null, instructions: null },
    payload: null,
  },
  {
    type: 'call.placed',
    head: { call: 1, purpose: 'turn', chosen: 'aws-1', placement: placement(), reserved: { input: 200, output: 500 } },
    payload: null,
  },
  {
    type: 'call.completed',
    head: {
      call: 1,
      outcome: 'completed',
      reason: null,
      usage: USAGE,
      upstream: { response: 'resp_up_1', request: 'req_up_1' },
      count: 1,
      calls: ['call_1'],
    },
    payload: {
      items: [
        item({
          type: 'function_call',
          id: 'f1',
          call_id: 'call_1',
          name: 'read_sensor',
          arguments: '{"room":"attic"}',
        }),
      ],
      deltas: null,
    },
  },
  {
    type: 'tool.requested',
    head: {
      callId: 'call_1',
      tool: 'read_sensor',
      idempotent: true,
      arguments: 'd1',
      origin: { kind: 'mcp', server: 'home', tool: 'read' },
    },
    payload: { salt: 's' },
  },
  { type: 'tool.started', head: { callId: 'call_1', approval: 'appr_1' }, payload: null },
  {
    type: 'tool.completed',
    head: { callId: 'call_1', count: 1 },
    payload: { items: [item({ type: 'function_call_output', id: 'o1', call_id: 'call_1', output: '31 degrees' })] },
  },
  {
    type: 'call.placed',
    head: {
      call: 2,
      purpose: 'turn',
      chosen: 'gone-1',
      placement: placement({ s: 'v-0', c: 'gone-1', d: undefined }),
      reserved: { input: 200, output: 500 },
    },
    payload: null,
  },
  {
    type: 'call.failed',
    head: {
      call: 2,
      code: 'upstream_timeout',
      usage: { ...USAGE, cached: 0 },
      metered: 'bound',
      count: 0,
      upstream: { response: null, request: 'req_up_2' },
    },
    payload: null,
  },
  {
    type: 'call.placed',
    head: {
      call: 3,
      purpose: 'turn',
      chosen: null,
      placement: placement({ c: undefined, x: 'no_target_available' }),
      reserved: { input: 0, output: 0 },
    },
    payload: null,
  },
  {
    type: 'turn.failed',
    head: { response: TURN, code: 'no_target_available' },
    payload: { message: 'The attic is secret.' },
  },
];

export function turnOf(bodies: readonly EventBody[] = EVENTS, over: Partial<TurnTrace> = {}): TurnTrace {
  return {
    tenant: TENANT,
    session: SESSION,
    turn: TURN,
    events: logged(bodies),
    shown: { session: SESSION, turn: TURN.replace('resp', 'turn') },
    agent: { id: 'agent_1', name: 'Warden', version: '3' },
    link: { traceId: '4bf92f3577b34da6a3ce929d0e0e4736', spanId: '00f067aa0ba902b7' },
    targets: new Map([
      [
        targetKey('v-1', 'aws-1'),
        { cloud: 'aws', region: 'us-east-1', server: { address: 'bedrock.example', port: 443 } },
      ],
    ]),
    content: false,
    ...over,
  };
}
