/** Sub-agents, by the official client: every method of `sessions.subagents`, the events, functions of sub-agents, a restart in the middle. */
import type OpenAI from 'openai';
import { afterEach, expect, test } from 'vitest';
import { type Stack, startStack } from '../../support/stack.ts';
import { otherId } from '../../support/other-id.ts';

let stack: Stack | null = null;
afterEach(async () => {
  await stack?.close();
  stack = null;
});

type Event = OpenAI.Beta.Agents.AgentSessionEvent;

const weather = {
  type: 'function',
  name: 'get_weather',
  description: 'The weather of a city.',
  parameters: { type: 'object', properties: { city: { type: 'string' } } },
} as const;
const multi = { enabled: true, max_concurrent_subagents: 3 };

/** Two that look for the weather each, then all that they said. */
const TASK =
  'Use create_subagent {"task":"Use get_weather {\\"city\\":\\"Paris\\"}","name":"paris"} and ' +
  'create_subagent {"task":"Use get_weather {\\"city\\":\\"Rome\\"}","name":"rome"} >>> ' +
  'wait_for_subagents {"agent_ids":["{{1.agent_id}}","{{2.agent_id}}"]}';

async function modelOf(client: OpenAI): Promise<string> {
  return (await client.models.list()).data[0]?.id ?? '';
}

async function becomes(client: OpenAI, id: string, status: string): Promise<void> {
  await expect
    .poll(async () => (await client.beta.agents.sessions.retrieve(id)).status, { timeout: 30_000, interval: 50 })
    .toBe(status);
}

test('the tool handlers of the client answer the functions of sub-agents; all can be read back', async () => {
  stack = await startStack();
  const client = stack.openai();
  const { sessions } = client.beta.agents;
  const session = await sessions.create({
    environment: { type: 'none' },
    agent: { model: await modelOf(client), tools: [weather], multi_agent: multi },
    input: 'Hello.',
  });
  await becomes(client, session.id, 'idle');
  const events: Event[] = [];
  const cities: string[] = [];
  const stream = sessions.stream(session.id, {
    input: TASK,
    toolHandlers: {
      get_weather: (args: unknown) => {
        cities.push((args as { city: string }).city);
        return { sunny: true };
      },
    },
  });
  for await (const event of stream) events.push(event);
  expect(cities.toSorted()).toEqual(['Paris', 'Rome']);

  const { data: all } = await sessions.subagents.list(session.id, { order: 'asc' });
  expect(all.map(one => one.name)).toEqual(['paris', 'rome']);
  const [paris] = all;
  if (paris === undefined) throw new Error('no sub-agent');
  expect(paris).toEqual({
    id: expect.stringMatching(/^subagent_[0-9a-z]{28}$/) as string,
    object: 'agent.session.subagent',
    session_id: session.id,
    parent_agent_id: session.agent.id,
    name: 'paris',
    instructions: [{ type: 'output_text', text: 'Use get_weather {"city":"Paris"}' }],
    status: 'active',
    opened_at: paris.opened_at,
    closed_at: null,
  });
  expect(await sessions.subagents.retrieve(paris.id, { session_id: session.id })).toEqual(paris);
  const { data: turns } = await sessions.subagents.turns.list(paris.id, { session_id: session.id });
  expect(turns).toMatchObject([{ session_id: session.id, subagent_id: paris.id, status: 'completed' }]);
  const place = { session_id: session.id, subagent_id: paris.id };
  const turn = turns[0]?.id ?? '';
  expect(await sessions.subagents.turns.retrieve(turn, place)).toEqual(turns[0]);
  const { data: items } = await sessions.subagents.items.list(paris.id, { session_id: session.id, order: 'asc' });
  expect(items.map(item => item.type)).toEqual(['agent_message', 'function_call', 'function_call_output', 'message']);
  expect(items[0]).toMatchObject({ sender_agent_id: session.agent.id, recipient_agent_id: paris.id });
  const ofTurn = await sessions.subagents.turns.items.list(turn, { ...place, order: 'asc' });
  expect(ofTurn.data).toEqual(items);

  const [last] = (await sessions.turns.list(session.id)).data;
  const own = await sessions.turns.items.list(last?.id ?? '', { session_id: session.id, order: 'asc' });
  expect((await sessions.items.list(session.id)).data.slice(0, own.data.length)).toEqual(own.data.toReversed());
  expect(own.data.map(item => item.type)).toEqual([
    'message',
    'create_subagent_call',
    'create_subagent_call',
    'wait_for_subagents_call',
    'agent_message',
    'agent_message',
    'message',
  ]);
  expect(own.data[1]).toMatchObject({ agent_id: session.agent.id, status: 'completed', model: null });
  expect(own.data[3]).toMatchObject({ recipient_agent_ids: all.map(one => one.id), status: 'completed' });
  expect(own.data[4]).toMatchObject({ sender_agent_id: paris.id, recipient_agent_id: session.agent.id });

  const types = events.map(event => event.type);
  expect(types.filter(type => type === 'agent.session.subagent.created')).toHaveLength(2);
  const begun = events.flatMap(event =>
    event.type === 'agent.session.turn.created' ? [event.turn.subagent_id ?? ''] : [],
  );
  expect(begun.toSorted()).toEqual(['', ...all.map(one => one.id)].toSorted());
  expect(new Set(events.map(event => event.event_id)).size).toBe(events.length);

  // None of them is a session of its own to clients.
  const asSession = paris.id.replace('subagent_', 'sess_');
  await expect(sessions.retrieve(asSession)).rejects.toMatchObject({ status: 404, code: 'session_not_found' });
  expect((await sessions.list()).data.map(one => one.id)).toEqual([session.id]);
  const foreign = sessions.subagents.retrieve(otherId(paris.id), { session_id: session.id });
  await expect(foreign).rejects.toMatchObject({ status: 404, code: 'subagent_not_found' });

  await sessions.delete(session.id);
  await expect(sessions.subagents.list(session.id)).rejects.toMatchObject({ status: 404 });
}, 60_000);

test('a server that is started again while sub-agents wait for their functions: each answer is told once', async () => {
  stack = await startStack();
  let client = stack.openai();
  const session = await client.beta.agents.sessions.create({
    environment: { type: 'none' },
    agent: { model: await modelOf(client), tools: [weather], multi_agent: multi },
    input: TASK,
  });
  await becomes(client, session.id, 'requires_action');
  await expect
    .poll(async () => (await client.beta.agents.sessions.retrieve(session.id)).required_actions.length, {
      timeout: 30_000,
    })
    .toBe(2);
  await stack.restart();
  client = stack.openai();
  const waiting = await client.beta.agents.sessions.retrieve(session.id);
  for (const action of waiting.required_actions) {
    if (action.type !== 'function_call') throw new Error(`it waits for ${action.type}`);
    const { call_id, turn_id } = action;
    await client.beta.agents.sessions.events.create(session.id, {
      events: [{ type: 'agent.session.input.tool_result', call_id, turn_id, success: true, output: `sun ${call_id}` }],
    });
  }
  await becomes(client, session.id, 'idle');
  const { data } = await client.beta.agents.sessions.items.list(session.id, { order: 'asc' });
  const answers = data.flatMap(item => (item.type === 'agent_message' ? [JSON.stringify(item.content)] : []));
  expect(answers).toHaveLength(2);
  for (const action of waiting.required_actions)
    expect(answers.filter(one => one.includes(`sun ${'call_id' in action ? action.call_id : ''}`))).toHaveLength(1);
}, 60_000);

test('a reader that comes back with the id of an event is shown each event after it once', async () => {
  stack = await startStack();
  const client = stack.openai();
  const tools = [{ type: 'automations' }] as const;
  const session = await client.beta.agents.sessions.create({
    environment: { type: 'none' },
    agent: { model: await modelOf(client), tools: [...tools], multi_agent: multi },
    input:
      'Use create_subagent {"task":"Say alpha."} and create_subagent {"task":"Say beta."} >>> ' +
      'wait_for_subagents {"agent_ids":["{{1.agent_id}}","{{2.agent_id}}"]} >>> close_subagent {"agent_id":"{{1.agent_id}}"}',
  });
  await becomes(client, session.id, 'idle');
  const first = `evt_${session.id.slice('sess_'.length)}000000000`;
  const { data: subagents } = await client.beta.agents.sessions.subagents.list(session.id, { order: 'asc' });
  expect(subagents.map(one => one.status)).toEqual(['closed', 'active']);
  const { url } = stack;
  // Three turns, the end of the session's own, and one sub-agent closed: then nothing more comes.
  const whole = await read(url, session.id, first, found => {
    const types = found.map(one => one.type);
    const ended = types.filter(type => type === 'agent.session.turn.completed').length;
    return ended === 3 && types.includes('agent.session.idle') && types.includes('agent.session.subagent.closed');
  });
  const ids = whole.map(one => one.event);
  expect(new Set(ids).size).toBe(ids.length);
  for (let at = 0; at < whole.length - 1; at += 7) {
    const left = whole.length - at - 1;
    const rest = await read(url, session.id, whole[at]?.cursor ?? '', found => found.length >= left);
    expect([...ids.slice(0, at + 1), ...rest.map(one => one.event)].toSorted()).toEqual(ids.toSorted());
  }
  const foreign = await fetch(`${url}/v1/agents/sessions/${session.id}/events`, {
    headers: { 'last-event-id': `${whole.at(-1)?.event ?? ''}.e30` },
  });
  expect(foreign.status).toBe(400);
}, 60_000);

interface Shown {
  /** As the server-sent event has it, and as its data. */
  readonly cursor: string;
  readonly event: string;
  readonly type: string;
}

/** What follows an event, until it is enough. */
async function read(
  url: string,
  session: string,
  after: string,
  enough: (found: readonly Shown[]) => boolean,
): Promise<readonly Shown[]> {
  const left = new AbortController();
  const response = await fetch(`${url}/v1/agents/sessions/${session}/events`, {
    headers: { 'last-event-id': after },
    signal: left.signal,
  });
  if (response.body === null || response.status !== 200) throw new Error(`${response.status}`);
  const found: Shown[] = [];
  const decoder = new TextDecoder();
  let text = '';
  try {
    for await (const chunk of response.body) {
      text += decoder.decode(chunk, { stream: true });
      const blocks = text.split('\n\n');
      text = blocks.pop() ?? '';
      for (const block of blocks) {
        const cursor = /^id: (.*)$/m.exec(block)?.[1];
        const data = /^data: (.*)$/m.exec(block)?.[1];
        if (cursor === undefined || data === undefined) continue;
        const { event_id: event, type } = JSON.parse(data) as { readonly event_id: string; readonly type: string };
        found.push({ cursor, event, type });
      }
      if (enough(found)) return found;
    }
    throw new Error('the stream has ended');
  } finally {
    left.abort();
  }
}
