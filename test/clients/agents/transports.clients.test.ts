/** `@openai/agents` over its WebSocket transport, and its session that compacts itself. */
import {
  Agent,
  MemorySession,
  OpenAIProvider,
  OpenAIResponsesCompactionSession,
  RunState,
  Runner,
  setTracingDisabled,
  tool,
} from '@openai/agents';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import * as z from 'zod';
import { MODEL, type Stack, startStack } from '../../support/stack.ts';

let stack: Stack;
beforeAll(async () => {
  setTracingDisabled(true);
  stack = await startStack();
});
afterAll(() => stack.close());

const plain = (): Agent => new Agent({ name: 'plain', instructions: 'Answer briefly.' });
const ran: unknown[] = [];
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

describe('over WebSocket', () => {
  let provider: OpenAIProvider;
  let runner: Runner;
  beforeAll(() => {
    provider = new OpenAIProvider({ apiKey: 'local', baseURL: `${stack.url}/v1`, useResponsesWebSocket: true });
    runner = new Runner({ modelProvider: provider, model: MODEL });
  });
  afterAll(() => provider.close());

  test('a run answers, and the next goes on from it over the same connection', async () => {
    const first = await runner.run(plain(), 'My horse is called Pepper.');
    const next = await runner.run(plain(), 'What is my horse called?', {
      previousResponseId: first.lastResponseId ?? '',
    });
    expect(next.finalOutput).toContain('Pepper');
  });

  test('a run streams', async () => {
    const result = await runner.run(plain(), 'My cat is called Mia. What is my cat called?', { stream: true });
    let text = '';
    for await (const event of result)
      if (event.type === 'raw_model_stream_event' && event.data.type === 'output_text_delta') text += event.data.delta;
    await result.completed;
    expect(text).toContain('My cat is called Mia.');
  });

  test('an approval is serialised, and its tool runs once when it is given', async () => {
    const agent = new Agent({ name: 'banker', tools: [transfer] });
    const asked = await runner.run(agent, 'Use transfer {"amount":40} please.');
    const state = await RunState.fromString(agent, asked.state.toString());
    const [interruption] = state.getInterruptions();
    if (interruption === undefined) throw new Error('nothing waits');
    state.approve(interruption);
    const done = await runner.run(agent, state);
    expect(done.finalOutput).toContain('40 were moved.');
    expect(ran).toEqual([40]);
  });
});

describe('the session that compacts itself', () => {
  test.each(['input', 'previous_response_id'] as const)('keeps what later turns need: by %s', async compactionMode => {
    const underlyingSession = new MemorySession();
    const session = new OpenAIResponsesCompactionSession({
      client: stack.openai(),
      model: MODEL,
      underlyingSession,
      compactionMode,
      shouldTriggerCompaction: ({ compactionCandidateItems }) => compactionCandidateItems.length >= 4,
    });
    const runner = new Runner({ modelProvider: new OpenAIProvider({ openAIClient: stack.openai() }), model: MODEL });
    const facts = [
      'My boat is called Nina.',
      'My house is green.',
      'My car has three wheels.',
      'My aunt lives in Bergen.',
    ];
    for (const fact of facts) await runner.run(plain(), fact, { session });
    const items = await session.getItems();
    expect(items.map(item => item.type)).toContain('compaction');
    const { finalOutput } = await runner.run(plain(), 'What is my boat called?', { session });
    expect(finalOutput).toContain('Nina');
  });
});
