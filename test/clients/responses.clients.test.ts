import type OpenAI from 'openai';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { failureOf } from '../support/failure.ts';
import { MODEL, type Stack, startStack } from '../support/stack.ts';

/** `/v1/responses` with the official client, unchanged. */
let stack: Stack;
let client: OpenAI;
beforeAll(async () => {
  stack = await startStack();
  client = stack.openai();
});
afterAll(() => stack.close());

const said = (cloud: string, text: string): string => `[emulated ${cloud}] ${text}`;
const RECALLED = /\[emulated [a-z-]+\] From what I was sent: "My dog is called Rex\."/;
const FORGOTTEN = /\[emulated [a-z-]+\] Nothing that I was sent answers that\./;

describe('create', () => {
  test('answers with the whole response, which can be read again', async () => {
    const response = await client.responses.create({ model: MODEL, input: 'Hello.', metadata: { a: '1' } });
    expect(response).toMatchObject({
      object: 'response',
      status: 'completed',
      error: null,
      incomplete_details: null,
      model: MODEL,
      store: true,
      background: false,
      previous_response_id: null,
      metadata: { a: '1' },
      output_text: expect.stringMatching(/^\[emulated [a-z-]+\] Noted: "Hello\."/),
      usage: { input_tokens: 3, input_tokens_details: { cached_tokens: 0 }, total_tokens: expect.any(Number) },
    });
    expect(response.id).toMatch(/^resp_/);
    expect(response.output).toMatchObject([{ type: 'message', role: 'assistant', status: 'completed' }]);
    const { output_text: _, ...read } = await client.responses.retrieve(response.id);
    const { output_text: __, ...made } = response;
    expect(read).toEqual(made);
  });
});
