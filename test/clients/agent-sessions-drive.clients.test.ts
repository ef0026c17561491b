/** Driving sessions: resuming their stream, steering, cancelling, changing, listing, deleting. */
import type OpenAI from 'openai';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { MODEL, type Stack, startStack } from '../support/stack.ts';

let stack: Stack;
let client: OpenAI;
beforeAll(async () => {
  stack = await startStack({ clouds: ['azure'] });
  client = stack.openai();
}, 60_000);
afterAll(() => stack.close());

type Sessions = OpenAI['beta']['agents']['sessions'];
type Session = OpenAI.Beta.AgentSession;
type Event = OpenAI.Beta.AgentSessionEvent;
const sessions = (): Sessions => client.beta.agents.sessions;
const NONE = { type: 'none' } as const;
const LOOK = {
  type: 'function',
  name: 'look',
  description: 'Looks.',
  parameters: { type: 'object', properties: { at: { type: 'string' } } },
} as const;

async function created(input: string, more: object = {}, agent: object = {}): Promise<Session> {
  return sessions().create({ environment: NONE, agent: { model: MODEL, ...agent }, input, ...more });
}

async function rests(id: string, status: Session['status'] = 'idle'): Promise<Session> {
  for (let tries = 0; tries < 400; tries++) {
    const session = await sessions().retrieve(id);
    if (session.status === status) return session;
    await new Promise(resolve => setTimeout(resolve, 20));
  }
  throw new Error(`the session never became ${status}`);
}

/** Events of a session from after one of them, until `last` holds. */
async function eventsFrom(id: string, after: string, last: (event: Event) => boolean): Promise<Event[]> {
  const found: Event[] = [];
  const stream = await client.beta.agents.sessions.events.stream(id, { headers: { 'Last-Event-ID': after } });
  for await (const event of stream) {
    found.push(event);
    if (last(event)) break;
  }
  return found;
}

const say = (text: string): OpenAI.Beta.AgentSessionInputParam => ({
  type: 'agent.session.input.message',
  input: [{ role: 'user', content: [{ type: 'input_text', text }] }],
});

/** The codes of what a call fails with. */
async function refusal(work: PromiseLike<unknown>): Promise<unknown> {
  return Promise.resolve(work).then(
    () => null,
    (error: { status?: number; code?: string }) => [error.status, error.code],
  );
}

describe('the events of a session', () => {
  test('go on exactly after any of them, live or long after, and after a restart', async () => {
    const stream = await sessions().create({
      environment: NONE,
      agent: { model: MODEL, tools: [LOOK] },
      input: 'Please look {"at":"x"} now.',
      stream: true,
      toolHandlers: { look: () => 'a hill' },
    });
    const live: Event[] = [];
    for await (const event of stream) live.push(event);
    const [first] = live;
    if (first?.type !== 'agent.session.created') throw new Error('no session was created');
    const { id } = first.session;
    const end = live.at(-1)?.event_id;
    const stable = (events: readonly Event[]): unknown =>
      // Snapshots of the session tell what it used so far: of the moment at which they are made.
      events.map(event => ('session' in event ? [event.type, event.event_id, event.session.status] : event));
    for (const at of [0, 1, 4, Math.floor(live.length / 2), live.length - 2]) {
      const after = live[at]?.event_id ?? '';
      expect(stable(await eventsFrom(id, after, event => event.event_id === end))).toEqual(stable(live.slice(at + 1)));
    }
    await stack.restart();
    client = stack.openai();
    const again = await eventsFrom(id, first.event_id, event => event.event_id === end);
    expect(stable(again)).toEqual(stable(live.slice(1)));
    expect(
      await refusal(client.beta.agents.sessions.events.stream(id, { headers: { 'Last-Event-ID': 'evt_1' } })),
    ).toEqual([400, 'invalid_request']);
  });

  test('say that it waits, and what for; a result in other words than the SDK’s is refused in the words it looks for', async () => {
    const { id } = await created('Please look {"at":"x"} now.', {}, { tools: [LOOK] });
    const waiting = await rests(id, 'requires_action');
    const [action] = waiting.required_actions;
    if (action?.type !== 'function_call') throw new Error('it waits for something else');
    expect(action).toMatchObject({ name: 'look', arguments: { at: 'x' } });
    const result = { type: 'agent.session.input.tool_result', call_id: action.call_id, success: true } as const;
    const wrong = { ...result, call_id: 'call_no', turn_id: action.turn_id };
    await expect(sessions().events.create(id, { events: [wrong] })).rejects.toMatchObject({
      status: 400,
      code: 'invalid_request_error',
      error: { message: 'Unknown pending tool call: call_no' },
    });
    expect((await sessions().turns.list(id)).data[0]?.status).toBe('waiting');
    // It waits as rows: a server that starts anew knows it.
    await stack.restart();
    client = stack.openai();
    const right = { ...result, turn_id: action.turn_id, output: [{ type: 'input_text', text: 'a hill' }] as const };
    const sent = { events: [{ ...right, output: [...right.output] }], 'Idempotency-Key': 'once' };
    await sessions().events.create(id, sent);
    await sessions().events.create(id, sent);
    await rests(id);
    const items = await sessions().items.list(id, { order: 'asc' });
    expect(items.data.map(item => item.type)).toEqual(['message', 'function_call', 'function_call_output', 'message']);
    expect(JSON.stringify(items.data)).toContain('a hill');
    expect(await refusal(sessions().events.create(id, { events: [right as never] }))).toEqual([
      400,
      'invalid_request_error',
    ]);
  });
});

describe('a session', () => {
  test('takes a message while a turn waits, and the model reads it after what it waited for', async () => {
    const { id } = await created('Please look {"at":"x"} now.', {}, { tools: [LOOK] });
    const waiting = await rests(id, 'requires_action');
    const [action] = waiting.required_actions;
    if (action?.type !== 'function_call') throw new Error('it waits for something else');
    await sessions().events.create(id, { events: [say('My dog is called Rex.')] });
    expect((await sessions().retrieve(id)).status).toBe('requires_action');
    const { call_id, turn_id } = action;
    await sessions().events.create(id, {
      events: [{ type: 'agent.session.input.tool_result', call_id, turn_id, success: false, error: 'fog' }],
    });
    await rests(id);
    const turns = await sessions().turns.list(id);
    expect(turns.data.map(turn => turn.status)).toEqual(['completed']);
    const items = await sessions().turns.items.list(turn_id, { session_id: id, order: 'asc' });
    expect(items.data.map(item => [item.type, 'role' in item ? item.role : null])).toEqual([
      ['message', 'user'],
      ['function_call', null],
      ['function_call_output', null],
      ['message', 'user'],
      ['message', 'assistant'],
    ]);
    expect(items.data[2]).toMatchObject({ status: 'failed', error: 'fog', output: null });
    expect(JSON.stringify(items.data[4])).toContain('Rex');
  });

  test('is steered while the model speaks', async () => {
    const { id } = await created('Tell me. [[words: 30]] [[latency: 20]]');
    await sessions().events.create(id, { events: [say('My cat is called Tom.')] });
    await rests(id);
    const turns = await sessions().turns.list(id);
    const items = await sessions().items.list(id, { order: 'asc' });
    expect(turns.data).toHaveLength(1);
    expect(JSON.stringify(items.data.at(-1))).toContain('Tom');
  });

  test('is cancelled while it runs and while it waits, and goes on afterwards', async () => {
    const { id } = await created('Please look {"at":"x"} now.', {}, { tools: [LOOK] });
    await rests(id, 'requires_action');
    await sessions().events.create(id, { events: [{ type: 'agent.session.input.cancel' }] });
    const after = await rests(id);
    expect(after.required_actions).toEqual([]);
    expect((await sessions().turns.list(id)).data[0]?.status).toBe('cancelled');
    await sessions().events.create(id, { events: [say('Slowly. [[fault: hang 3]]')] });
    await sessions().events.create(id, { events: [{ type: 'agent.session.input.cancel' }] });
    await rests(id);
    const turns = await sessions().turns.list(id, { order: 'asc' });
    expect(turns.data.map(turn => turn.status)).toEqual(['cancelled', 'cancelled']);
    const result = await sessions().stream(id, { input: 'My name is Ada.' }).finalResult();
    expect(result.turn.status).toBe('completed');
  });

  test('is listed, filtered, changed and deleted', async () => {
    const a = await created('One.', { metadata: { batch: 'list', n: '1' } });
    const b = await created('Two.', { metadata: { batch: 'list', n: '2' } });
    await Promise.all([rests(a.id), rests(b.id)]);
    const ids = async (query: object): Promise<string[]> => (await sessions().list(query)).data.map(({ id }) => id);
    expect(await ids({ metadata: { batch: 'list' } })).toEqual([b.id, a.id]);
    expect(await ids({ metadata: { batch: 'list' }, order: 'asc', limit: 1 })).toEqual([a.id]);
    expect(await ids({ metadata: { batch: 'list', n: '2' } })).toEqual([b.id]);
    expect(await ids({ agent_id: a.agent.id })).toEqual([a.id]);
    const all: string[] = [];
    for await (const { id } of sessions().list({ metadata: { batch: 'list' }, limit: 1 })) all.push(id);
    expect(all).toEqual([b.id, a.id]);
    const changed = await sessions().update(a.id, {
      metadata: { batch: 'other' },
      agent: { tools: [LOOK], reasoning: { effort: 'low' } },
      spend_control: { limit: 100 },
      review: 'auto_review',
    });
    expect(changed).toMatchObject({
      metadata: { batch: 'other' },
      agent: { tools: [{ name: 'look' }], reasoning: { effort: 'low' } },
      spend_control: { limit: 100, consumed: 0 },
      review: 'auto_review',
    });
    expect(await ids({ metadata: { batch: 'list' } })).toEqual([b.id]);
    expect((await sessions().update(a.id, { spend_control: null })).spend_control).toBeUndefined();
    expect(await refusal(sessions().update(a.id, { agent: { model: 'no-such' } }))).toEqual([404, 'model_not_found']);
    expect(await sessions().delete(a.id)).toEqual({ id: a.id, object: 'agent.session.deleted', deleted: true });
    expect(await refusal(sessions().retrieve(a.id))).toEqual([404, 'session_not_found']);
    expect(await refusal(sessions().turns.list(a.id))).toEqual([404, 'session_not_found']);
  });

  test('that runs is not deleted before its turn was cancelled', async () => {
    const { id } = await created('Slowly. [[fault: hang 3]]');
    expect(await refusal(sessions().delete(id))).toEqual([409, 'session_running']);
    await sessions().events.create(id, { events: [{ type: 'agent.session.input.cancel' }] });
    await rests(id);
    await sessions().delete(id);
  });

  test('answers in the form that it is asked for', async () => {
    const schema = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] };
    const { id } = await created('Where?', {}, { text: { format: { type: 'json_schema', schema } } });
    await rests(id);
    const { data } = await sessions().items.list(id, { limit: 1 });
    const [last] = data;
    if (last?.type !== 'message') throw new Error('no message');
    const [part] = last.content;
    expect(Object.keys(JSON.parse(part?.type === 'output_text' ? part.text : '{}') as object)).toEqual(['city']);
  });

  test('stops when it has spent its limit, and goes on with a higher one', async () => {
    const { id } = await created('Hello. [[words: 20000]]', { spend_control: { limit: 1 } });
    await rests(id);
    await sessions().events.create(id, { events: [say('And again.')] });
    const session = await rests(id);
    expect(session.spend_control).toMatchObject({ limit: 1 });
    expect(session.spend_control?.consumed).toBeGreaterThanOrEqual(1);
    const turns = await sessions().turns.list(id);
    expect(turns.data[0]).toMatchObject({ status: 'failed', error: { code: 'session_budget_exceeded' } });
    await sessions().update(id, { spend_control: { limit: 1000 } });
    await sessions().events.create(id, { events: [say('And again.')] });
    await rests(id);
    expect((await sessions().turns.list(id)).data[0]?.status).toBe('completed');
  });

  test.each(['computer_use', 'web_search'] as const)('with the tool %s is refused, and nothing is made', async type => {
    const metadata = { batch: `refused ${type}` };
    expect(await refusal(created('Hi.', { metadata }, { tools: [{ type }] }))).toEqual([400, 'unsupported_parameter']);
    expect((await sessions().list({ metadata })).data).toEqual([]);
  });

  test('of another tenant, or none at all, is not there', async () => {
    const nowhere = 'sess_01m80gz0126vpc3yyqhyn9g11ham';
    expect(await refusal(sessions().retrieve(nowhere))).toEqual([404, 'session_not_found']);
    expect(await refusal(sessions().events.create(nowhere, { events: [say('x')] }))).toEqual([
      404,
      'session_not_found',
    ]);
    expect(await refusal(created('x', { agent_id: 'agent_none' }))).toEqual([404, 'agent_not_found']);
    expect(await refusal(sessions().create({ environment: NONE, agent: { model: MODEL } }))).toEqual([
      400,
      'invalid_request',
    ]);
  });
});

test('a session that is asked for twice under one key is one, streamed or not', async () => {
  const params = { environment: NONE, agent: { model: MODEL }, input: 'Hello.' } as const;
  const headers = { 'Idempotency-Key': 'one-session' };
  const once = await sessions().create(params, { headers });
  expect((await sessions().create(params, { headers })).id).toBe(once.id);
  expect(await refusal(sessions().create({ ...params, input: 'Bye.' }, { headers }))).toEqual([
    409,
    'idempotency_key_reused',
  ]);
  // Another body, so another key: what was streamed is streamed again, to its end.
  const streamed = async (): Promise<readonly string[]> => {
    const events: string[] = [];
    const stream = await sessions().create({ ...params, stream: true }, { headers: { 'Idempotency-Key': 'streamed' } });
    for await (const event of stream) events.push(`${event.type} ${event.event_id}`);
    return events;
  };
  const first = await streamed();
  expect(first.at(-1)).toContain('agent.session.idle');
  expect(await streamed()).toEqual(first);
});
