import { afterAll, beforeAll, expect, test } from 'vitest';
import { until } from '../../packages/server/src/engine/world.test-support.ts';
import type { OtlpTraces } from '../../packages/server/src/engine/traces/otlp.ts';
import { type Receiver, startReceiver } from '../../packages/server/src/main/traces/receiver.test-support.ts';
import { MODEL, type Stack, startStack } from '../support/stack.ts';

/** Traces of a server as its operator configures it: from its own store, to a receiver that checks the form. */
const SECRET = 'the-secret-of-the-receiver';
let receiver: Receiver;
let stack: Stack;
beforeAll(async () => {
  receiver = await startReceiver();
  const otlp = { url: receiver.url, headers: { 'x-api-key': SECRET }, interval_ms: 50, retry_ms: 10 };
  stack = await startStack({ config: { traces: { otlp } } });
});
afterAll(async () => {
  await stack.close();
  await receiver.close();
  expect(receiver.problems).toEqual([]);
});

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const SPAN = '00f067aa0ba902b7';
const roots = () => receiver.received.flatMap(({ spans }) => spans.filter(span => span.parentSpanId === undefined));
const values = (span: { readonly attributes: readonly { key: string; value: object }[] } | undefined) =>
  Object.fromEntries((span?.attributes ?? []).map(({ key, value }) => [key, Object.values(value)[0] as unknown]));

test('a turn is told to the receiver, linked to its caller, without what was said', async () => {
  const client = stack.openai();
  const said = 'My dog is called Rex.';
  const response = await client.responses.create(
    { model: MODEL, input: said },
    { headers: { traceparent: `00-${TRACE}-${SPAN}-01` } },
  );
  await until(() => roots().length === 1, 'a trace');
  const [root] = roots();
  expect(root?.links).toEqual([{ traceId: TRACE, spanId: SPAN }]);
  expect(values(root)).toMatchObject({
    'gen_ai.operation.name': 'invoke_agent',
    'gen_ai.request.model': MODEL,
    'gen_ai.usage.input_tokens': String(response.usage?.input_tokens),
    'gen_ai.usage.output_tokens': String(response.usage?.output_tokens),
    'perdure.turn.id': response.id,
  });
  const [call] = receiver.received.flatMap(({ spans }) => spans.filter(({ kind }) => kind === 3));
  const upstream = new URL(stack.emulator.url);
  expect(call?.name).toBe(`chat ${MODEL}`);
  expect(values(call)).toMatchObject({
    'server.address': upstream.hostname,
    'server.port': upstream.port,
    'perdure.target.region': expect.any(String),
    'perdure.placement.id': expect.stringMatching(/^plc_/),
  });
  expect(receiver.received[0]?.headers['x-api-key']).toBe(SECRET);
  expect(JSON.stringify(receiver.received.map(({ spans }) => spans))).not.toContain('Rex');
});

test('after a restart sending goes on where it was', async () => {
  await stack.restart();
  const before = roots().length;
  receiver.answers.push({ status: 503 });
  const { id } = await stack.openai().responses.create({ model: MODEL, input: 'Hello again' });
  await until(() => roots().length === before + 2, 'the trace, twice');
  expect(
    roots()
      .slice(before)
      .map(root => values(root)['perdure.turn.id']),
  ).toEqual([id, id]);
});

test('L9: what the receiver is sent as a secret is in no line for the operator', async () => {
  await until(() => stack.notes.filter(line => line.startsWith('traces')).length === 2, 'that it is told');
  expect(stack.notes.join()).not.toContain(SECRET);
});

test('traces are of agents’ sessions: of others there are none to list', async () => {
  const { session } = (
    (await (await stack.request('GET', '/perdure/v1/placements')).json()) as {
      readonly data: readonly { readonly session: string }[];
    }
  ).data[0] ?? { session: '' };
  expect(session).toMatch(/^sess_/);
  for (const id of [session, 'sess_none']) {
    const refused = await stack.request('GET', `/v1/agents/sessions/${id}/traces`);
    expect(refused.status).toBe(404);
    expect(await refused.json()).toMatchObject({ error: { code: 'session_not_found' } });
  }
});

test('the official client lists the traces of an agent’s session, as they were sent', async () => {
  const { sessions } = stack.openai().beta.agents;
  const before = roots().length;
  const agent = { model: MODEL };
  const { id } = await sessions.create(
    { environment: { type: 'none' }, agent, input: 'Hello.' },
    { headers: { traceparent: `00-${TRACE}-${SPAN}-01` } },
  );
  await until(() => roots().length > before, 'a trace');
  const listed = [];
  for await (const trace of sessions.traces.list(id)) listed.push(trace);
  const turns = await sessions.turns.list(id);
  expect(listed.map(trace => [trace.id, trace.session_id, trace.object])).toEqual(
    turns.data.map(turn => [turn.id, id, 'agent.session.trace']),
  );
  const otlp = listed[0]?.otlp as unknown as OtlpTraces | undefined;
  const root = otlp?.resourceSpans[0]?.scopeSpans[0]?.spans[0];
  expect(root).toEqual(roots().at(-1));
  expect(root?.links).toEqual([{ traceId: TRACE, spanId: SPAN }]);
  expect(values(root)).toMatchObject({
    'gen_ai.agent.id': expect.any(String),
    'gen_ai.agent.version': '1',
    'gen_ai.conversation.id': id,
    'perdure.turn.id': turns.data[0]?.id,
  });
});
