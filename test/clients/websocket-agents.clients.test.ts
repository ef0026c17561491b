import { Agent, OpenAIProvider, Runner, setTracingDisabled, tool } from '@openai/agents';
import { afterAll, beforeAll, expect, test } from 'vitest';
import * as z from 'zod';
import { DOG, RECALLED, WHICH_DOG } from '../support/said.ts';
import { MODEL, type Stack, startStack } from '../support/stack.ts';

/** OpenAI's agents over their own WebSocket transport: it keeps one socket, and takes one terminal event a response. */
let stack: Stack;
let provider: OpenAIProvider;
let runner: Runner;
beforeAll(async () => {
  setTracingDisabled(true);
  stack = await startStack({ clouds: ['aws'] });
  provider = new OpenAIProvider({
    apiKey: 'local',
    baseURL: `${stack.url}/v1`,
    useResponses: true,
    useResponsesWebSocket: true,
  });
  runner = new Runner({ modelProvider: provider });
});
afterAll(async () => {
  await provider.close();
  await stack.close();
});

const look = tool({
  name: 'look',
  description: 'Looks.',
  parameters: z.object({ at: z.string() }),
  execute: ({ at }) => `there is nothing at ${at}`,
});

test('a run with a tool goes over one socket', async () => {
  await stack.calm();
  const agent = new Agent({ name: 'Looker', model: MODEL, tools: [look] });
  const result = await runner.run(agent, 'Use look at="home" please.');
  expect(result.finalOutput).toContain('there is nothing at home');
  expect(await stack.upstream()).toHaveLength(2);
});

test('a run goes on from the response before it, streamed', async () => {
  const agent = new Agent({ name: 'Listener', model: MODEL });
  const first = await runner.run(agent, DOG);
  const second = await runner.run(agent, WHICH_DOG, { stream: true, previousResponseId: first.lastResponseId ?? '' });
  await second.completed;
  expect(second.finalOutput).toContain(RECALLED);
});

test('a failure ends its run and leaves the provider good for the next', async () => {
  const agent = new Agent({ name: 'Unlucky', model: MODEL });
  await stack.fault('cut 2', { contains: 'broken line' });
  await expect(runner.run(agent, 'A broken line. [[words: 40]]')).rejects.toThrow();
  await expect(runner.run(agent, 'x', { previousResponseId: 'resp_nothing' })).rejects.toThrow();
  expect((await runner.run(agent, DOG)).finalOutput).toContain('Noted');
});

test('a server that takes no sockets is not asked by another way', async () => {
  const closed = await startStack({ clouds: ['aws'], config: { limits: { websocket_connections: 0 } } });
  const other = new OpenAIProvider({
    apiKey: 'local',
    baseURL: `${closed.url}/v1`,
    useResponses: true,
    useResponsesWebSocket: true,
  });
  const run = new Runner({ modelProvider: other }).run(new Agent({ name: 'Lost', model: MODEL }), DOG);
  await expect(run).rejects.toThrow();
  expect(await closed.upstream()).toEqual([]);
  await other.close();
  await closed.close();
});
