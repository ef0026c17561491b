/** `@openai/agents`, unchanged but for its base URL: runs, streams, tools, approvals, hand-offs, sessions of each kind. */
import {
  Agent,
  MemorySession,
  OpenAIConversationsSession,
  OpenAIProvider,
  RunState,
  Runner,
  setTracingDisabled,
  tool,
} from '@openai/agents';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import * as z from 'zod';
import { MODEL, type Stack, startStack } from '../../support/stack.ts';

let stack: Stack;
let runner: Runner;
beforeAll(async () => {
  setTracingDisabled(true);
  stack = await startStack();
  runner = runnerOf(stack);
});
afterAll(() => stack.close());

function runnerOf(of: Stack): Runner {
  const modelProvider = new OpenAIProvider({ openAIClient: of.openai(), useResponses: true });
  return new Runner({ modelProvider, model: MODEL });
}

/** How often each tool ran, and with what. */
const ran: unknown[] = [];
const weather = tool({
  name: 'weather',
  description: 'The weather in a city.',
  parameters: z.object({ city: z.string() }),
  execute: ({ city }) => {
    ran.push(city);
    return `It snows in ${city}.`;
  },
});
const transfer = tool({
  name: 'transfer',
  description: 'Moves money.',
  parameters: z.object({ amount: z.number() }),
  needsApproval: true,
  execute: ({ amount }) => {
    ran.push(amount);
    return `${amount} were moved.`;
  },
});
const plain = (): Agent => new Agent({ name: 'plain', instructions: 'Answer briefly.' });

describe('runs', () => {
  test('answer', async () => {
    const result = await runner.run(plain(), 'My dog is called Rex. What is my dog called?');
    expect(result.finalOutput).toContain('My dog is called Rex.');
    expect(result.lastResponseId).toMatch(/^resp_/);
  });

  test('stream', async () => {
    const result = await runner.run(plain(), 'My cat is called Mia. What is my cat called?', { stream: true });
    let text = '';
    for await (const event of result) {
      if (event.type === 'raw_model_stream_event' && event.data.type === 'output_text_delta') text += event.data.delta;
    }
    await result.completed;
    expect(text).toContain('My cat is called Mia.');
    expect(result.finalOutput).toBe(text);
  });

  test('call tools, also several at once, and report what they returned', async () => {
    ran.length = 0;
    const agent = new Agent({ name: 'weather', tools: [weather] });
    const result = await runner.run(agent, 'Use weather {"city":"Oslo"} please.');
    expect(result.finalOutput).toContain('It snows in Oslo.');
    expect(ran).toEqual(['Oslo']);
    const streamed = await runner.run(agent, 'Use weather {"city":"Rome"} please.', { stream: true });
    await streamed.completed;
    expect(streamed.finalOutput).toContain('It snows in Rome.');
  });

  test('fill a schema', async () => {
    const outputType = z.object({ city: z.string(), degrees: z.number() });
    const result = await runner.run(new Agent({ name: 'typed', outputType }), 'How warm is it in Oslo?');
    expect(outputType.parse(result.finalOutput)).toEqual(result.finalOutput);
  });

  test('hand over to another agent', async () => {
    const clerk = new Agent({
      name: 'clerk',
      handoffDescription: 'Knows of invoices.',
      instructions: 'You are the clerk.',
    });
    const door = new Agent({ name: 'door', handoffs: [clerk] });
    const result = await runner.run(door, 'Use transfer_to_clerk {} please.');
    expect(result.lastAgent?.name).toBe('clerk');
  });

  test('go on from a response, and from a conversation', async () => {
    const first = await runner.run(plain(), 'My horse is called Pepper.');
    const next = await runner.run(plain(), 'What is my horse called?', {
      previousResponseId: first.lastResponseId ?? '',
    });
    expect(next.finalOutput).toContain('Pepper');
    const { id } = await stack.openai().conversations.create({});
    await runner.run(plain(), 'My parrot is called Polly.', { conversationId: id });
    const later = await runner.run(plain(), 'What is my parrot called?', { conversationId: id });
    expect(later.finalOutput).toContain('Polly');
  });
});

describe('sessions', () => {
  test.each(['memory', 'conversations'] as const)('of the kind %s remember', async kind => {
    const session =
      kind === 'memory' ? new MemorySession() : new OpenAIConversationsSession({ client: stack.openai() });
    await runner.run(plain(), 'My boat is called Nina.', { session });
    const { finalOutput } = await runner.run(plain(), 'What is my boat called?', { session });
    expect(finalOutput).toContain('Nina');
    const items = await session.getItems();
    expect(items.map(item => ('role' in item ? item.role : item.type))).toEqual([
      'user',
      'assistant',
      'user',
      'assistant',
    ]);
    expect(await session.getItems(1)).toHaveLength(1);
    const popped = await session.popItem();
    expect(popped).toMatchObject({ role: 'assistant' });
    expect(await session.getItems()).toHaveLength(3);
    ran.length = 0;
    const agent = new Agent({ name: 'weather', tools: [weather] });
    await runner.run(agent, 'Use weather {"city":"Bergen"} please.', { session });
    expect(ran).toEqual(['Bergen']);
    expect((await session.getItems()).map(item => item.type)).toContain('function_call_result');
    await session.clearSession();
    expect(await session.getItems()).toEqual([]);
  });
});

describe('approvals', () => {
  const banker = (): Agent => new Agent({ name: 'banker', tools: [transfer] });
  const ASK = 'Use transfer {"amount":40} please.';

  test.each([
    ['carried as history', {}],
    ['carried by the conversation', { conversation: true }],
  ] as const)('are serialised, and resumed by another process: %s', async (_, how) => {
    ran.length = 0;
    const conversationId = 'conversation' in how ? (await stack.openai().conversations.create({})).id : null;
    const options = conversationId === null ? {} : { conversationId };
    const asked = await runner.run(banker(), ASK, options);
    expect(asked.interruptions).toHaveLength(1);
    expect(ran).toEqual([]);
    const kept = asked.state.toString();
    await stack.restart();
    const agent = banker();
    const state = await RunState.fromString(agent, kept);
    const [interruption] = state.getInterruptions();
    if (interruption === undefined) throw new Error('nothing waits');
    state.approve(interruption);
    const done = await runnerOf(stack).run(agent, state, options);
    expect(done.finalOutput).toContain('40 were moved.');
    expect(ran).toEqual([40]);
    runner = runnerOf(stack);
  });

  test('are refused, and the tool never runs', async () => {
    ran.length = 0;
    const agent = banker();
    const asked = await runner.run(agent, ASK);
    const [interruption] = asked.interruptions;
    if (interruption === undefined) throw new Error('nothing waits');
    asked.state.reject(interruption);
    const done = await runner.run(agent, asked.state);
    expect(done.finalOutput).toContain('not approved');
    expect(ran).toEqual([]);
  });
});
