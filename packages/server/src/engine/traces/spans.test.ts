import { describe, expect, test } from 'vitest';
import type { EventBody } from '../../log/events.ts';
import { type OtlpSpan, tracesOf } from './otlp.ts';
import { otlpTraces } from './otlp-schema.test-support.ts';
import { providerName } from './provider-name.ts';
import { parseTraceparent } from './span-ids.ts';
import { spansOf } from './spans.ts';
import { EVENTS, logged, sha256, turnOf } from './turn.test-support.ts';

const spans = (...turn: Parameters<typeof turnOf>): readonly OtlpSpan[] => spansOf(sha256, turnOf(...turn));
const plain = ({ attributes }: Pick<OtlpSpan, 'attributes'>): { [key: string]: unknown } =>
  Object.fromEntries(
    attributes.map(({ key, value }) => [
      key,
      'arrayValue' in value ? value.arrayValue.values.flatMap(Object.values) : Object.values(value)[0],
    ]),
  );

/** The last event of the log, in the place of `EVENTS`' own. */
const ending = (end: EventBody): readonly EventBody[] => [...EVENTS.slice(0, -1), end];
const named = (all: readonly OtlpSpan[], name: string): OtlpSpan => {
  const found = all.find(span => span.name === name);
  if (found === undefined) throw new Error(`there is no span ${name}`);
  return found;
};

test('the trace of a turn, byte for byte', () => {
  const traces = tracesOf(spans());
  otlpTraces.parse(traces);
  expect(JSON.stringify(traces).replaceAll('{"traceId":"2', '\n{"traceId":"2')).toMatchInlineSnapshot(
    `
    "{"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"perdure"}}]},"scopeSpans":[{"scope":{"name":"perdure"},"spans":[
    {"traceId":"2ec46ed0dd4520ed95ef9f0aabb06313","spanId":"18e9e99fb8d2a29c","startTimeUnixNano":"1774008000000000000","endTimeUnixNano":"1774008001000000000","name":"invoke_agent Warden","kind":1,"attributes":[{"key":"gen_ai.operation.name","value":{"stringValue":"invoke_agent"}},{"key":"gen_ai.provider.name","value":{"stringValue":"openai"}},{"key":"gen_ai.agent.id","value":{"stringValue":"agent_1"}},{"key":"gen_ai.agent.name","value":{"stringValue":"Warden"}},{"key":"gen_ai.agent.version","value":{"stringValue":"3"}},{"key":"gen_ai.conversation.id","value":{"stringValue":"sess_01k3mzzzzz1a2b00000000000001"}},{"key":"gen_ai.request.model","value":{"stringValue":"gpt-5.5"}},{"key":"gen_ai.usage.input_tokens","value":{"intValue":"240"}},{"key":"gen_ai.usage.output_tokens","value":{"intValue":"60"}},{"key":"gen_ai.usage.cache_read.input_tokens","value":{"intValue":"100"}},{"key":"gen_ai.usage.reasoning.output_tokens","value":{"intValue":"20"}},{"key":"error.type","value":{"stringValue":"no_target_available"}},{"key":"perdure.tenant","value":{"stringValue":"acme"}},{"key":"perdure.turn.id","value":{"stringValue":"turn_01k3mzzzzz1a2b00000000000002"}},{"key":"perdure.turn.status","value":{"stringValue":"failed"}}],"events":[{"timeUnixNano":"1774008000900000000","name":"perdure.placement.refused","attributes":[{"key":"perdure.placement.id","value":{"stringValue":"plc_01k3mzzzzz1a2b0000000000000203"}},{"key":"perdure.placement.code","value":{"stringValue":"no_target_available"}},{"key":"perdure.placement.clauses","value":{"arrayValue":{"values":[{"stringValue":"amzn.runtime"}]}}},{"key":"perdure.placement.contracts","value":{"arrayValue":{"values":[{"stringValue":"openai-2026-02@1:as-written"}]}}}]}],"links":[{"traceId":"4bf92f3577b34da6a3ce929d0e0e4736","spanId":"00f067aa0ba902b7"}],"status":{"code":2,"message":"no_target_available"}},
    {"traceId":"2ec46ed0dd4520ed95ef9f0aabb06313","spanId":"8cb4d6a10b080056","parentSpanId":"18e9e99fb8d2a29c","startTimeUnixNano":"1774008000200000000","endTimeUnixNano":"1774008000300000000","name":"chat gpt-5.5","kind":3,"attributes":[{"key":"gen_ai.operation.name","value":{"stringValue":"chat"}},{"key":"gen_ai.provider.name","value":{"stringValue":"aws.bedrock"}},{"key":"gen_ai.request.model","value":{"stringValue":"gpt-5.5"}},{"key":"gen_ai.conversation.id","value":{"stringValue":"sess_01k3mzzzzz1a2b00000000000001"}},{"key":"gen_ai.response.id","value":{"stringValue":"resp_up_1"}},{"key":"gen_ai.response.finish_reasons","value":{"arrayValue":{"values":[{"stringValue":"tool_call"}]}}},{"key":"gen_ai.usage.input_tokens","value":{"intValue":"120"}},{"key":"gen_ai.usage.output_tokens","value":{"intValue":"30"}},{"key":"gen_ai.usage.cache_read.input_tokens","value":{"intValue":"100"}},{"key":"gen_ai.usage.reasoning.output_tokens","value":{"intValue":"10"}},{"key":"server.address","value":{"stringValue":"bedrock.example"}},{"key":"server.port","value":{"intValue":"443"}},{"key":"perdure.placement.id","value":{"stringValue":"plc_01k3mzzzzz1a2b0000000000000201"}},{"key":"perdure.placement.clauses","value":{"arrayValue":{"values":[{"stringValue":"amzn.runtime"}]}}},{"key":"perdure.placement.contracts","value":{"arrayValue":{"values":[{"stringValue":"openai-2026-02@1:as-written"}]}}},{"key":"perdure.target.id","value":{"stringValue":"aws-1"}},{"key":"perdure.target.cloud","value":{"stringValue":"aws"}},{"key":"perdure.target.region","value":{"stringValue":"us-east-1"}},{"key":"perdure.call","value":{"intValue":"1"}},{"key":"perdure.call.purpose","value":{"stringValue":"turn"}},{"key":"perdure.upstream.request_id","value":{"stringValue":"req_up_1"}}],"status":{}},
    {"traceId":"2ec46ed0dd4520ed95ef9f0aabb06313","spanId":"8437fff68c5cfb24","parentSpanId":"18e9e99fb8d2a29c","startTimeUnixNano":"1774008000500000000","endTimeUnixNano":"1774008000600000000","name":"execute_tool read_sensor","kind":1,"attributes":[{"key":"gen_ai.operation.name","value":{"stringValue":"execute_tool"}},{"key":"gen_ai.tool.name","value":{"stringValue":"read_sensor"}},{"key":"gen_ai.tool.call.id","value":{"stringValue":"call_1"}},{"key":"gen_ai.tool.type","value":{"stringValue":"extension"}},{"key":"gen_ai.conversation.id","value":{"stringValue":"sess_01k3mzzzzz1a2b00000000000001"}},{"key":"perdure.tool.idempotent","value":{"boolValue":true}},{"key":"perdure.tool.origin","value":{"stringValue":"mcp"}},{"key":"perdure.tool.server","value":{"stringValue":"home"}},{"key":"perdure.approval.id","value":{"stringValue":"appr_1"}}],"status":{}},
    {"traceId":"2ec46ed0dd4520ed95ef9f0aabb06313","spanId":"e701e9508403d6d3","parentSpanId":"18e9e99fb8d2a29c","startTimeUnixNano":"1774008000700000000","endTimeUnixNano":"1774008000800000000","name":"chat gpt-5.5","kind":3,"attributes":[{"key":"gen_ai.operation.name","value":{"stringValue":"chat"}},{"key":"gen_ai.provider.name","value":{"stringValue":"openai"}},{"key":"gen_ai.request.model","value":{"stringValue":"gpt-5.5"}},{"key":"gen_ai.conversation.id","value":{"stringValue":"sess_01k3mzzzzz1a2b00000000000001"}},{"key":"gen_ai.usage.input_tokens","value":{"intValue":"120"}},{"key":"gen_ai.usage.output_tokens","value":{"intValue":"30"}},{"key":"gen_ai.usage.cache_read.input_tokens","value":{"intValue":"0"}},{"key":"gen_ai.usage.reasoning.output_tokens","value":{"intValue":"10"}},{"key":"error.type","value":{"stringValue":"upstream_timeout"}},{"key":"perdure.placement.id","value":{"stringValue":"plc_01k3mzzzzz1a2b0000000000000202"}},{"key":"perdure.placement.contracts","value":{"arrayValue":{"values":[{"stringValue":"openai-2026-02@1:as-written"}]}}},{"key":"perdure.target.id","value":{"stringValue":"gone-1"}},{"key":"perdure.call","value":{"intValue":"2"}},{"key":"perdure.call.purpose","value":{"stringValue":"turn"}},{"key":"perdure.usage.metered","value":{"stringValue":"bound"}},{"key":"perdure.upstream.request_id","value":{"stringValue":"req_up_2"}}],"status":{"code":2,"message":"upstream_timeout"}}]}]}]}"
  `,
  );
});

test('every attribute is of a convention, or ours; with content too', () => {
  expect(() => otlpTraces.parse(tracesOf(spans(EVENTS, { content: true })))).not.toThrow();
  const [root] = spans();
  if (root === undefined) throw new Error('no root');
  const odd = { ...root, attributes: [{ key: 'gen_ai.made_up', value: { stringValue: 'x' } }] };
  expect(otlpTraces.safeParse(tracesOf([odd])).success).toBe(false);
});

test('without content nothing that anybody said is in it; with content it is, until it is erased', () => {
  const said = ['How warm', 'attic', '31 degrees', 'secret'];
  const without = JSON.stringify(spans());
  for (const text of said) expect(without).not.toContain(text);

  const all = spans(EVENTS, { content: true });
  expect(plain(named(all, 'invoke_agent Warden'))['gen_ai.input.messages']).toBe(
    '[{"role":"user","parts":[{"type":"text","content":"How warm is it?"}]}]',
  );
  expect(plain(named(all, 'chat gpt-5.5'))['gen_ai.output.messages']).toBe(
    '[{"role":"assistant","parts":[{"type":"tool_call","id":"call_1","name":"read_sensor","arguments":"{\\"room\\":\\"attic\\"}"}],"finish_reason":"tool_call"}]',
  );
  expect(plain(named(all, 'execute_tool read_sensor'))).toMatchObject({
    'gen_ai.tool.call.arguments': '{"room":"attic"}',
    'gen_ai.tool.call.result': '31 degrees',
  });
  // What failed is told by its code: a message may hold content.
  expect(JSON.stringify(all)).not.toContain('secret');

  const erased = logged(EVENTS).map(event => ({ ...event, payload: null }));
  expect(spansOf(sha256, turnOf(EVENTS, { content: true, events: erased }))).toEqual(spans());
});

test('a turn that has not ended has no trace', () => {
  expect(spans(EVENTS.slice(0, -1))).toEqual([]);
  expect(spans([])).toEqual([]);
});

test('how a turn ended', () => {
  const response = turnOf().turn;
  const root = (end: EventBody): unknown[] => {
    const [first] = spans(ending(end));
    return [first?.status, first && plain(first)['perdure.turn.status']];
  };
  const completed = { response, status: 'completed', reason: null } as const;
  expect(root({ type: 'turn.completed', head: completed, payload: null })).toEqual([{}, 'completed']);
  const cut = { response, status: 'incomplete', reason: 'max_output_tokens' } as const;
  expect(root({ type: 'turn.completed', head: cut, payload: null })).toEqual([{}, 'incomplete']);
  expect(root({ type: 'turn.cancelled', head: { response }, payload: null })).toEqual([
    { code: 2, message: 'cancelled' },
    'cancelled',
  ]);
});

describe('tools', () => {
  const end: EventBody = { type: 'turn.cancelled', head: { response: turnOf().turn }, payload: null };
  const until = (...more: readonly EventBody[]): readonly OtlpSpan[] =>
    spans([...EVENTS.slice(0, 5), ...more, end]).filter(({ name }) => name.startsWith('execute_tool'));
  const started: EventBody = { type: 'tool.started', head: { callId: 'call_1', approval: null }, payload: null };

  test('one that was denied, or that its client ran, is told from when it was asked for', () => {
    const [failed, ...more] = until({
      type: 'tool.failed',
      head: { callId: 'call_1', code: 'approval_denied', count: 0 },
      payload: { items: [] },
    });
    expect(more).toEqual([]);
    expect(failed).toMatchObject({
      status: { code: 2, message: 'approval_denied' },
      startTimeUnixNano: '1774008000400000000',
      endTimeUnixNano: '1774008000500000000',
    });
    const [ran] = until({ type: 'tool.completed', head: { callId: 'call_1', count: 0 }, payload: { items: [] } });
    expect(ran).toMatchObject({ status: {}, startTimeUnixNano: '1774008000400000000' });
  });

  test('one that was cut off and ran again has a span for each run', () => {
    const done: EventBody = { type: 'tool.completed', head: { callId: 'call_1', count: 0 }, payload: { items: [] } };
    const runs = until(started, started, done);
    expect(runs.map(({ status }) => status.message)).toEqual(['unknown', undefined]);
    expect(new Set(runs.map(({ spanId }) => spanId)).size).toBe(2);
  });

  test('a call of a program is below the run of the program that made it; a program that waits has not failed', () => {
    const requested: EventBody = {
      type: 'tool.requested',
      head: {
        callId: 'call_p',
        tool: 'look',
        idempotent: true,
        arguments: 'd',
        caller: { program: 'call_1', index: 0 },
      },
      payload: { salt: 's', arguments: '{"at":"door"}' },
    };
    const inner = (callId: string): EventBody => ({
      type: 'tool.started',
      head: { callId, approval: null },
      payload: null,
    });
    const ended = (callId: string): EventBody => ({
      type: 'tool.completed',
      head: { callId, count: 0 },
      payload: { items: [] },
    });
    const suspended: EventBody = { type: 'tool.suspended', head: { callId: 'call_1' }, payload: null };
    const told = [started, requested, suspended, inner('call_p'), ended('call_p'), started, ended('call_1')];
    const events = [...EVENTS.slice(0, 5), ...told, end];
    const found = spans(events, { content: true }).filter(({ name }) => name.startsWith('execute_tool'));
    const [first, call, second] = found.toSorted((a, b) => (a.startTimeUnixNano < b.startTimeUnixNano ? -1 : 1));
    expect(found.map(({ status }) => status)).toEqual([{}, {}, {}]);
    expect(call).toMatchObject({ name: 'execute_tool look', parentSpanId: first?.spanId });
    expect(second?.parentSpanId).toBe(first?.parentSpanId);
    expect(call && plain(call)['gen_ai.tool.call.arguments']).toBe('{"at":"door"}');
    expect(JSON.stringify(spans(events))).not.toContain('door');

    // It was asked for before the program ran again, and answered without having run.
    const denied: EventBody = {
      type: 'tool.failed',
      head: { callId: 'call_p', code: 'approval_denied', count: 0 },
      payload: { items: [] },
    };
    const late = [started, requested, suspended, started, denied, ended('call_1')];
    const all = spans([...EVENTS.slice(0, 5), ...late, end]).filter(({ name }) => name.startsWith('execute_tool'));
    expect(all.map(({ name }) => name)).toEqual([first?.name, 'execute_tool look', first?.name]);
    expect(all[1]?.parentSpanId).toBe(all[0]?.spanId);
  });

  test('one whose outcome nobody knows', () => {
    const [run] = until(started, { type: 'tool.outcome_unknown', head: { callId: 'call_1' }, payload: null });
    expect(run?.status.message).toBe('outcome_unknown');
  });

  test('one that was asked for and never ran has no span', () => {
    expect(until()).toEqual([]);
  });
});

test('ids are of the turn and its events: the same each time, and no other turn’s', () => {
  const ids = (all: readonly OtlpSpan[]): readonly string[] => all.map(({ traceId, spanId }) => `${traceId}/${spanId}`);
  expect(ids(spans())).toEqual(ids(spans(EVENTS, { content: true, agent: null, link: null })));
  const other = spans(EVENTS, { turn: turnOf().turn.replace(/2$/, '3') as never });
  expect(other.map(({ traceId }) => traceId)).not.toContain(spans()[0]?.traceId);
});

test.each([
  ['00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01', true],
  ['01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more', true],
  ['00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more', false],
  ['ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01', false],
  ['00-00000000000000000000000000000000-00f067aa0ba902b7-01', false],
  ['00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01', false],
  ['00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01', false],
  ['', false],
])('traceparent %s', (header, good) => {
  expect(parseTraceparent(header)).toEqual(
    good ? { traceId: '4bf92f3577b34da6a3ce929d0e0e4736', spanId: '00f067aa0ba902b7' } : null,
  );
});

test.each([
  ['openai', 'azure', 'azure.ai.openai'],
  ['mistral', 'azure', 'azure.ai.inference'],
  ['openai', 'aws', 'aws.bedrock'],
  ['google', 'gcp', 'gcp.vertex_ai'],
  ['openai', 'openai-direct', 'openai'],
  ['xai', null, 'x_ai'],
  ['acme', 'local', 'acme'],
  ['constructor', 'toString', 'constructor'],
])('%s on %s is %s', (vendor, cloud, name) => {
  expect(providerName(vendor, cloud)).toBe(name);
});
