/** Functions whose results the model does not wait for, and tools that it must search for, driven by the official client. */
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
type Item = OpenAI.Beta.AgentSessionItem;
const sessions = (): Sessions => client.beta.agents.sessions;
const NONE = { type: 'none' } as const;
const PARAMETERS = { type: 'object', properties: { city: { type: 'string' } } };
const REPORT = {
  type: 'function',
  name: 'get_report',
  description: 'A report.',
  parameters: PARAMETERS,
  async: true,
} as const;
const ASKS = 'Call get_report {"city":"Paris"} please.';

/** The session once `holds`, looked at again and again. */
async function when(id: string, holds: (session: Session) => boolean): Promise<Session> {
  for (let tries = 0; tries < 400; tries++) {
    const session = await sessions().retrieve(id);
    if (holds(session)) return session;
    await new Promise(resolve => setTimeout(resolve, 20));
  }
  throw new Error('it never came');
}

const idle = (id: string): Promise<Session> => when(id, ({ status }) => status === 'idle');

async function itemsOf(id: string): Promise<Item[]> {
  const all: Item[] = [];
  for await (const item of sessions().items.list(id, { order: 'asc' })) all.push(item);
  return all;
}

async function turnsOf(id: string, many: number): Promise<readonly { readonly id: string }[]> {
  for (let tries = 0; tries < 400; tries++) {
    const { data } = await sessions().turns.list(id, { order: 'asc' });
    if (data.length >= many && data.every(({ status }) => status === 'completed')) return data;
    await new Promise(resolve => setTimeout(resolve, 20));
  }
  throw new Error('the turn never came');
}

describe('an async function', () => {
  test('does not hold up its turn; who has its call finds it, and sends the result whenever it is there', async () => {
    const { id } = await sessions().create({
      environment: NONE,
      agent: { model: MODEL, tools: [REPORT] },
      input: ASKS,
    });
    const { required_actions: actions } = await idle(id);
    const [turn] = await turnsOf(id, 1);
    expect(actions).toEqual([
      {
        type: 'function_call',
        turn_id: turn?.id,
        call_id: expect.any(String),
        name: 'get_report',
        arguments: { city: 'Paris' },
      },
    ]);
    const [action] = actions;
    if (action?.type !== 'function_call') throw new Error('a call is pending');
    const { turn_id: turnId, call_id: callId } = action;
    expect((await itemsOf(id)).find(item => item.type === 'function_call')).toMatchObject({ status: 'in_progress' });
    await stack.restart();
    client = stack.openai();
    const result = {
      type: 'agent.session.input.tool_result',
      turn_id: turnId,
      call_id: callId,
      success: true,
      output: 'It is sunny.',
    } as const;
    const send = (key: string): Promise<unknown> =>
      sessions().events.create(id, { events: [result], 'Idempotency-Key': key });
    await send('once');
    // The same request again is the same one; another is one too many.
    await send('once');
    const [, second] = await turnsOf(id, 2);
    await expect(send('twice')).rejects.toMatchObject({
      status: 400,
      message: expect.stringContaining(`Unknown pending tool call: ${callId}`),
    });
    const items = await itemsOf(id);
    const own = items.filter(item => 'call_id' in item && item.call_id === callId);
    expect(own).toMatchObject([
      { type: 'function_call', status: 'completed', turn_id: turnId },
      { type: 'function_call_output', status: 'completed', output: 'It is sunny.', error: null, turn_id: second?.id },
    ]);
    expect(JSON.stringify(items.filter(item => item.type === 'message' && item.role === 'assistant'))).toContain(
      'Result of the call',
    );
    expect((await idle(id)).required_actions).toEqual([]);
  });

  test('is run by the handlers of the client like any other', async () => {
    const asked: unknown[] = [];
    const stream = await sessions().create({
      environment: NONE,
      agent: { model: MODEL, tools: [REPORT] },
      input: ASKS,
      stream: true,
      toolHandlers: {
        get_report: args => {
          asked.push(args);
          return { sunny: true };
        },
      },
    });
    const { turn } = await stream.finalResult();
    expect(asked).toEqual([{ city: 'Paris' }]);
    expect(turn.status).toBe('completed');
    // Its result came in the turn or after it: in either case the model was told, once.
    const { session_id: id } = turn;
    await when(id, ({ status, required_actions: actions }) => status === 'idle' && actions.length === 0);
    const outputs = (await itemsOf(id)).filter(item => item.type === 'function_call_output');
    expect(outputs).toMatchObject([{ status: 'completed', output: '{"sunny":true}' }]);
  });
});

test('a deferred tool is called once the model has searched for it', async () => {
  const deferred = { ...REPORT, async: false, defer_loading: true } as const;
  const { id } = await sessions().create({
    environment: NONE,
    agent: { model: MODEL, tools: [{ type: 'tool_search' }, deferred] },
    input: 'Call tool_search {"query":"report"} please.',
  });
  await idle(id);
  const asked: unknown[] = [];
  const get_report = (args: unknown): string => {
    asked.push(args);
    return 'fine';
  };
  await sessions().stream(id, { input: ASKS, toolHandlers: { get_report } }).finalResult();
  expect(asked).toEqual([{ city: 'Paris' }]);
  const calls = (await itemsOf(id)).filter(item => item.type === 'function_call');
  expect(calls).toMatchObject([
    { name: 'tool_search', status: 'completed' },
    { name: 'get_report', status: 'completed' },
  ]);
});
