/** `@langchain/openai` with `useResponsesApi`, and its Chat Completions model, unchanged but for the base URL. */
import {
  AIMessage,
  type BaseMessage,
  HumanMessage,
  SystemMessage,
  type ToolMessage,
  type UsageMetadata,
} from '@langchain/core/messages';
import { tool } from '@langchain/core/tools';
import { ChatOpenAI, type ChatOpenAIFields } from '@langchain/openai';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import * as z from 'zod';
import { MODEL, type Stack, startStack } from '../../support/stack.ts';

let stack: Stack;
beforeAll(async () => {
  stack = await startStack();
});
afterAll(() => stack.close());

const chat = (fields: ChatOpenAIFields): ChatOpenAI =>
  new ChatOpenAI({
    model: MODEL,
    apiKey: 'local',
    maxRetries: 0,
    ...fields,
    configuration: { baseURL: `${stack.url}/v1`, fetch: stack.wire.fetch },
  });
const weather = tool(({ city }) => `It snows in ${city}.`, {
  name: 'weather',
  description: 'The weather in a city.',
  schema: z.object({ city: z.string() }),
});

describe.each([
  ['Responses', { useResponsesApi: true }],
  ['Responses, zero retention', { useResponsesApi: true, zdrEnabled: true }],
  ['Chat Completions', { useResponsesApi: false }],
] as const)('%s', (_, fields) => {
  test('answers, and counts', async () => {
    const answer = await chat(fields).invoke([
      new SystemMessage('Be brief.'),
      new HumanMessage('My dog is called Rex. What is my dog called?'),
    ]);
    expect(answer.text).toContain('My dog is called Rex.');
    expect((answer.usage_metadata as UsageMetadata | undefined)?.output_tokens).toBeGreaterThan(5);
  });

  test('streams', async () => {
    const parts: string[] = [];
    for await (const chunk of await chat(fields).stream('My cat is called Mia. What is my cat called?'))
      parts.push(chunk.text);
    expect(parts.filter(part => part !== '').length).toBeGreaterThan(1);
    expect(parts.join('')).toContain('My cat is called Mia.');
  });

  test('calls tools', async () => {
    const model = chat(fields).bindTools([weather]);
    const messages: BaseMessage[] = [new HumanMessage('Use weather {"city":"Oslo"} please.')];
    const asked = await model.invoke(messages);
    expect(asked.tool_calls).toMatchObject([{ name: 'weather', args: { city: 'Oslo' } }]);
    const [call] = asked.tool_calls ?? [];
    if (call === undefined) throw new Error('no call');
    const output: ToolMessage = await weather.invoke(call);
    const answer = await model.invoke([...messages, asked, output]);
    expect(answer.text).toContain('It snows in Oslo.');
  });

  test('fills a schema', async () => {
    const schema = z.object({ city: z.string(), degrees: z.number() });
    const filled = await chat(fields).withStructuredOutput(schema).invoke('How warm is it in Oslo?');
    expect(schema.parse(filled)).toEqual(filled);
  });

  test('goes on from its own messages', async () => {
    const model = chat(fields);
    const first = new HumanMessage('My boat is called Nina.');
    const said = await model.invoke([first]);
    expect(said).toBeInstanceOf(AIMessage);
    const answer = await model.invoke([first, said, new HumanMessage('What is my boat called?')]);
    expect(answer.text).toContain('Nina');
  });
});

test('several generations of one prompt', async () => {
  const model = chat({ useResponsesApi: false, n: 2 });
  const { generations, llmOutput } = await model.generate([[new HumanMessage('My dog is called Rex.')]]);
  const texts = generations[0]?.map(({ text }) => text) ?? [];
  expect(texts).toHaveLength(2);
  for (const text of texts) expect(text).toContain('Noted: "My dog is called Rex."');
  const { promptTokens, completionTokens, totalTokens } = (llmOutput?.['tokenUsage'] ?? {}) as {
    [name: string]: number;
  };
  expect(promptTokens).toBeGreaterThan(0);
  expect(totalTokens).toBe((promptTokens ?? 0) + (completionTokens ?? 0));
});

test('a chain by the previous response', async () => {
  const model = chat({ useResponsesApi: true });
  const first = await model.invoke('My horse is called Pepper.');
  const id = first.response_metadata['id'] as string;
  expect(id).toMatch(/^resp_/);
  const answer = await model.invoke('What is my horse called?', { previous_response_id: id });
  expect(answer.text).toContain('Pepper');
});
