/** The AI SDK (`ai`) over its two providers that speak Responses, and its Chat Completions one, unchanged but for the base URL. */
import { createOpenResponses } from '@ai-sdk/open-responses';
import { createOpenAI } from '@ai-sdk/openai';
import { generateText, isStepCount, type LanguageModel, Output, streamText, tool } from 'ai';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import * as z from 'zod';
import { MODEL, type Stack, startStack } from '../../support/stack.ts';

let stack: Stack;
beforeAll(async () => {
  stack = await startStack();
});
afterAll(() => stack.close());

const PROVIDERS: { readonly [name: string]: () => LanguageModel } = {
  '@ai-sdk/openai': () => openai().responses(MODEL),
  '@ai-sdk/openai, chat': () => openai().chat(MODEL),
  '@ai-sdk/open-responses': () =>
    createOpenResponses({
      name: 'perdure',
      url: `${stack.url}/v1/responses`,
      apiKey: 'local',
      fetch: stack.wire.fetch,
    })(MODEL),
};
const openai = (): ReturnType<typeof createOpenAI> =>
  createOpenAI({ baseURL: `${stack.url}/v1`, apiKey: 'local', fetch: stack.wire.fetch });

const weather = tool({
  description: 'The weather in a city.',
  inputSchema: z.object({ city: z.string() }),
  execute: async ({ city }) => `It snows in ${city}.`,
});

describe.each(Object.keys(PROVIDERS))('%s', name => {
  const model = (): LanguageModel => {
    const make = PROVIDERS[name];
    if (make === undefined) throw new Error(name);
    return make();
  };

  test('answers, with its usage', async () => {
    const { text, finishReason, usage, warnings } = await generateText({
      model: model(),
      instructions: 'Be brief.',
      prompt: 'My dog is called Rex. What is my dog called?',
      maxOutputTokens: 500,
    });
    expect(text).toContain('My dog is called Rex.');
    expect(finishReason).toBe('stop');
    expect(usage.inputTokens).toBeGreaterThan(5);
    expect(usage.outputTokens).toBeGreaterThan(5);
    expect(warnings ?? []).toEqual([]);
  });

  test('streams', async () => {
    const result = streamText({ model: model(), prompt: 'My cat is called Mia. What is my cat called?' });
    const parts: string[] = [];
    for await (const part of result.textStream) parts.push(part);
    expect(parts.length).toBeGreaterThan(1);
    expect(parts.join('')).toContain('My cat is called Mia.');
    expect(await result.finishReason).toBe('stop');
    expect((await result.usage).outputTokens).toBeGreaterThan(5);
  });

  test.each(['whole', 'streamed'])('runs tools in a loop: %s', async how => {
    const options = {
      model: model(),
      tools: { weather },
      prompt: 'Use weather {"city":"Oslo"} please.',
      stopWhen: isStepCount(4),
    };
    if (how === 'whole') {
      const { text, steps } = await generateText(options);
      expect(text).toContain('It snows in Oslo.');
      expect(steps).toHaveLength(2);
      return;
    }
    const result = streamText(options);
    expect(await result.text).toContain('It snows in Oslo.');
    expect(await result.steps).toHaveLength(2);
  });

  test('fills a schema', async () => {
    const schema = z.object({ city: z.string(), degrees: z.number() });
    const { output } = await generateText({
      model: model(),
      output: Output.object({ schema }),
      prompt: 'How warm is it in Oslo?',
    });
    expect(schema.parse(output)).toEqual(output);
  });

  test('fills any JSON, with penalties of 0', async () => {
    const { output } = await generateText({
      model: model(),
      output: Output.json(),
      prompt: 'Say something, as JSON.',
      presencePenalty: 0,
      frequencyPenalty: 0,
    });
    expect(output).toBeTypeOf('object');
  });

  test('is told of what fails', async () => {
    await stack.fault('status 500', { contains: 'That will fail', times: 9 });
    await expect(generateText({ model: model(), prompt: 'That will fail.', maxRetries: 0 })).rejects.toMatchObject({
      name: 'AI_APICallError',
      statusCode: 502,
      isRetryable: true,
    });
    await stack.calm();
  });
});

describe('what only Responses has', () => {
  test('a chain by the previous response', async () => {
    const first = await generateText({ model: openai().responses(MODEL), prompt: 'My horse is called Pepper.' });
    const previousResponseId = first.providerMetadata?.['openai']?.['responseId'] as string;
    expect(previousResponseId).toMatch(/^resp_/);
    const { text } = await generateText({
      model: openai().responses(MODEL),
      prompt: 'What is my horse called?',
      providerOptions: { openai: { previousResponseId: previousResponseId } },
    });
    expect(text).toContain('Pepper');
  });

  test('a conversation', async () => {
    const { id } = await stack.openai().conversations.create({});
    const providerOptions = { openai: { conversation: id } };
    await generateText({ model: openai().responses(MODEL), prompt: 'My parrot is called Polly.', providerOptions });
    const { text } = await generateText({
      model: openai().responses(MODEL),
      prompt: 'What is my parrot called?',
      providerOptions,
    });
    expect(text).toContain('Polly');
  });

  test('reasoning that comes back without being stored', async () => {
    const options = {
      model: openai().responses(MODEL),
      tools: { weather },
      stopWhen: isStepCount(4),
      providerOptions: { openai: { store: false, include: ['reasoning.encrypted_content'], reasoningSummary: 'auto' } },
    };
    const { text, steps } = await generateText({
      ...options,
      prompt: 'Use weather {"city":"Rome"} please. [[reasoning: 20]]',
    });
    expect(text).toContain('It snows in Rome.');
    expect(steps[0]?.reasoningText).toBeTruthy();
    expect(steps[0]?.usage.outputTokenDetails?.reasoningTokens).toBe(20);
  });
});
