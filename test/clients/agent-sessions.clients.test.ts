/** Sessions of agents, driven by the official client. */
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
type Event = OpenAI.Beta.AgentSessionEvent;
const sessions = (): Sessions => client.beta.agents.sessions;

const WEATHER = {
  type: 'function',
  name: 'get_weather',
  description: 'The weather of a city.',
  parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
} as const;
const NONE = { type: 'none' } as const;

async function created(input: string, agent: object = {}): Promise<OpenAI.Beta.AgentSession> {
  return sessions().create({ environment: NONE, agent: { model: MODEL, ...agent }, input });
}

/** Resolves once the session is idle again. */
async function idle(id: string): Promise<OpenAI.Beta.AgentSession> {
  for (let tries = 0; tries < 400; tries++) {
    const session = await sessions().retrieve(id);
    if (session.status === 'idle') return session;
    await new Promise(resolve => setTimeout(resolve, 20));
  }
  throw new Error('the session never came to rest');
}

describe('a session', () => {
  test('is created, streams its first turn, and ends with what the model said', async () => {
    const stream = await sessions().create({
      environment: NONE,
      agent: { model: MODEL, instructions: 'Be brief.' },
      input: 'My name is Ada.',
      metadata: { team: 'blue' },
      stream: true,
    });
    const types: string[] = [];
    const ids: string[] = [];
    for await (const event of stream) {
      types.push(event.type);
      ids.push(event.event_id);
    }
    expect(types.slice(0, 5)).toEqual([
      'agent.session.created',
      'agent.session.in_progress',
      'agent.session.turn.created',
      'agent.session.turn.in_progress',
      'agent.session.turn.item.added',
    ]);
    expect(types.slice(-2)).toEqual(['agent.session.turn.completed', 'agent.session.idle']);
    expect(types).toContain('agent.session.turn.output_text.delta');
    expect(new Set(ids).size).toBe(ids.length);
  });

  test('follows up by stream, with the result of the turn', async () => {
    const session = await created('My name is Ada.');
    await idle(session.id);
    const result = await sessions().stream(session.id, { input: 'What is my name?' }).finalResult();
    expect(JSON.stringify(result.messages)).toContain('Ada');
    expect(result.turn.status).toBe('completed');
    expect(result.turn.subagent_id).toBeNull();
    expect(result.turn.usage?.total_tokens).toBeGreaterThan(0);
  });

  test('has its tools run by the client', async () => {
    const session = await created('Hello.', { tools: [WEATHER] });
    await idle(session.id);
    const asked: unknown[] = [];
    const stream = sessions().stream(session.id, {
      input: 'Call get_weather {"city":"Paris"} and get_weather {"city":"Rome"} please.',
      toolHandlers: {
        get_weather: args => {
          asked.push(args);
          return { sunny: true };
        },
      },
    });
    const events: Event[] = [];
    for await (const event of stream) events.push(event);
    expect(asked).toEqual([{ city: 'Paris' }, { city: 'Rome' }]);
    const waiting = events.filter(event => event.type === 'agent.session.requires_action');
    expect(waiting[0]?.session.required_actions.map(action => action.type)).toEqual(['function_call', 'function_call']);
    const said = events.flatMap(event =>
      event.type === 'agent.session.turn.item.done' && event.item.type === 'message' ? [event.item] : [],
    );
    expect(JSON.stringify(said)).toContain('sunny');
    expect(events.at(-1)).toMatchObject({ type: 'agent.session.idle', session: { required_actions: [] } });
  });
});
