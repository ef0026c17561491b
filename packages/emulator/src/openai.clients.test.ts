import OpenAI, { APIError } from 'openai';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Emulator } from './options.ts';
import { startEmulator } from './server.ts';

/** The official client, unchanged, against both dialects. */
let emulator: Emulator;
let client: OpenAI;
beforeAll(async () => {
  emulator = await startEmulator({ clouds: ['aws'], apiKeys: ['key'] });
  client = new OpenAI({ baseURL: emulator.baseUrl('aws'), apiKey: 'key', maxRetries: 0 });
});
afterAll(() => emulator.close());
beforeEach(async () => {
  await fetch(`${emulator.url}/_emulator/faults`, { method: 'DELETE' });
});

const parameters = {
  type: 'object',
  properties: { city: { type: 'string' } },
  required: ['city'],
  additionalProperties: false,
};
const NOTED = '[emulated aws] Noted: "Hello.".';

/** What the client throws: its class, status, code and request id. */
const thrown = async (work: Promise<unknown>): Promise<unknown> => {
  try {
    await work;
    return 'nothing';
  } catch (error) {
    if (!(error instanceof APIError)) return error;
    return {
      name: error.constructor.name,
      status: error.status,
      code: error.code,
      param: error.param,
      id: typeof error.requestID,
    };
  }
};

describe('responses', () => {
  test('a response', async () => {
    const response = await client.responses.create({ model: 'gpt-5.5', input: 'Hello.', store: false });
    expect(response).toMatchObject({
      object: 'response',
      status: 'completed',
      model: 'gpt-5.5-emulated',
      output_text: NOTED,
    });
    expect(response.usage).toMatchObject({ input_tokens: 3, output_tokens: 14, total_tokens: 17 });
    expect(response._request_id).toMatch(/^req_/);
  });

  test('a stream, whose events put together are the response', async () => {
    const stream = client.responses.stream({ model: 'gpt-5.5', input: 'Hello.' });
    const numbers: number[] = [];
    let text = '';
    for await (const event of stream) {
      numbers.push(event.sequence_number);
      if (event.type === 'response.output_text.delta') text += event.delta;
    }
    expect(numbers).toEqual(numbers.map((_, index) => index));
    expect(text).toBe(NOTED);
    expect(await stream.finalResponse()).toMatchObject({ status: 'completed', output_text: NOTED });
  });

  test('a tool, from the call to its output, over the history that the caller keeps', async () => {
    const tools: OpenAI.Responses.Tool[] = [{ type: 'function', name: 'get_weather', parameters, strict: true }];
    const question: OpenAI.Responses.ResponseInputItem = {
      role: 'user',
      content: 'Use get_weather city=Oslo and get_weather city=Rome.',
    };
    const include: OpenAI.Responses.ResponseIncludable[] = ['reasoning.encrypted_content'];
    const first = await client.responses.create({ model: 'm', input: [question], tools, include });
    const calls = first.output.filter(item => item.type === 'function_call');
    expect(calls.map(call => JSON.parse(call.arguments) as unknown)).toEqual([{ city: 'Oslo' }, { city: 'Rome' }]);
    expect(new Set(calls.map(call => call.call_id)).size).toBe(2);
    const outputs = calls.map(({ call_id }, index) => ({
      type: 'function_call_output' as const,
      call_id,
      output: `${index} degrees`,
    }));
    const second = await client.responses.create({ model: 'm', input: [question, ...calls, ...outputs], tools });
    expect(second.output_text).toBe(
      '[emulated aws] The tool get_weather returned: "0 degrees". The tool get_weather returned: "1 degrees".',
    );
    const streamed = await client.responses.stream({ model: 'm', input: [question], tools }).finalResponse();
    expect(streamed.output).toMatchObject(
      calls.map(({ name, arguments: args }) => ({ type: 'function_call', name, arguments: args })),
    );
  });

  test('what it gave back can be sent again, reasoning and all', async () => {
    const question: OpenAI.Responses.ResponseInputItem = {
      role: 'user',
      content: 'My dog is called Rex. [[reasoning: 5]]',
    };
    const first = await client.responses.create({
      model: 'm',
      input: [question],
      include: ['reasoning.encrypted_content'],
    });
    expect(first.output.map(item => item.type)).toEqual(['reasoning', 'message']);
    expect(first.usage?.output_tokens_details.reasoning_tokens).toBe(5);
    const next: OpenAI.Responses.ResponseInputItem = { role: 'user', content: 'What is my dog called?' };
    const second = await client.responses.create({
      model: 'm',
      input: [question, ...(first.output as OpenAI.Responses.ResponseInputItem[]), next],
    });
    expect(second.output_text).toContain('"My dog is called Rex."');
  });

  test('a schema', async () => {
    const format = { type: 'json_schema' as const, name: 'weather', strict: true, schema: parameters };
    const response = await client.responses.parse({ model: 'm', input: 'Hello.', text: { format } });
    expect(JSON.parse(response.output_text)).toEqual({ city: 'emulated city' });
  });

  test('a response cut by its bound', async () => {
    const response = await client.responses.create({ model: 'm', input: '[[words: 50]]', max_output_tokens: 16 });
    expect(response).toMatchObject({ status: 'incomplete', incomplete_details: { reason: 'max_output_tokens' } });
  });

  test('errors', async () => {
    const make = (input: string, more: object = {}): Promise<unknown> =>
      client.responses.create({ model: 'm', input, ...more });
    expect(await thrown(make('x', { max_output_tokens: 1 }))).toEqual({
      name: 'BadRequestError',
      status: 400,
      code: 'integer_below_min_value',
      param: 'max_output_tokens',
      id: 'string',
    });
    expect(await thrown(make('x', { model: 'unknown-model' }))).toMatchObject({
      name: 'NotFoundError',
      code: 'model_not_found',
    });
    expect(await thrown(make('x', { previous_response_id: 'resp_1' }))).toMatchObject({
      status: 400,
      code: 'previous_response_not_found',
    });
    expect(await thrown(make('[[fault: status 429 retry-after 1]]'))).toMatchObject({
      name: 'RateLimitError',
      code: 'rate_limit_exceeded',
    });
    expect(await thrown(make('[[fault: status 500]]'))).toMatchObject({ name: 'InternalServerError', status: 500 });
    const stranger = new OpenAI({ baseURL: emulator.baseUrl('aws'), apiKey: 'wrong', maxRetries: 0 });
    expect(await thrown(stranger.responses.create({ model: 'm', input: 'x' }))).toMatchObject({
      name: 'AuthenticationError',
      code: 'invalid_api_key',
    });
  });

  test('an error in a stream', async () => {
    const stream = await client.responses.create({ model: 'm', input: 'Hi [[fault: error-event 2]]', stream: true });
    const seen: string[] = [];
    const work = (async () => {
      for await (const event of stream) seen.push(event.type);
    })();
    expect(await thrown(work)).toMatchObject({ name: 'APIError', code: 'server_error' });
    expect(seen.filter(type => type === 'response.output_text.delta')).toHaveLength(2);
  });

  test('a retry after retry-after-ms finds the fault used up', async () => {
    await client.post(`${emulator.url}/_emulator/faults`, { body: { fault: 'status 429 retry-after-ms 1', times: 1 } });
    const patient = client.withOptions({ maxRetries: 1 });
    expect((await patient.responses.create({ model: 'm', input: 'Hello.' })).output_text).toBe(NOTED);
  });
});

describe('chat completions', () => {
  const messages: OpenAI.ChatCompletionMessageParam[] = [{ role: 'user', content: 'Hello.' }];
  const tools: OpenAI.ChatCompletionTool[] = [
    { type: 'function', function: { name: 'get_weather', parameters, strict: true } },
  ];

  test('a completion', async () => {
    const completion = await client.chat.completions.create({ model: 'gpt-5.5', messages });
    expect(completion).toMatchObject({
      object: 'chat.completion',
      model: 'gpt-5.5-emulated',
      system_fingerprint: 'fp_emulated',
    });
    expect(completion.choices).toMatchObject([
      { index: 0, message: { role: 'assistant', content: NOTED }, finish_reason: 'stop' },
    ]);
    expect(completion.usage).toMatchObject({ prompt_tokens: 3, completion_tokens: 14, total_tokens: 17 });
  });

  test('a stream with usage', async () => {
    const stream = client.chat.completions.stream({ model: 'm', messages, stream_options: { include_usage: true } });
    const final = await stream.finalChatCompletion();
    expect(final.choices[0]?.message.content).toBe(NOTED);
    expect(await stream.totalUsage()).toMatchObject({ prompt_tokens: 3, completion_tokens: 14 });
  });

  test('a tool, from the call to its output', async () => {
    const question: OpenAI.ChatCompletionMessageParam = {
      role: 'user',
      content: 'Use get_weather city=Oslo and get_weather city=Rome.',
    };
    const streamed = await client.chat.completions
      .stream({ model: 'm', messages: [question], tools })
      .finalChatCompletion();
    const whole = await client.chat.completions.create({ model: 'm', messages: [question], tools });
    for (const { choices } of [streamed, whole]) {
      const calls = choices[0]?.message.tool_calls ?? [];
      expect(choices[0]?.finish_reason).toBe('tool_calls');
      expect(calls.map(call => (call.type === 'function' ? call.function.arguments : ''))).toEqual([
        '{"city":"Oslo"}',
        '{"city":"Rome"}',
      ]);
    }
    const said = whole.choices[0]?.message;
    if (said === undefined) throw new Error('no message');
    const outputs = (said.tool_calls ?? []).map(({ id }, index) => ({
      role: 'tool' as const,
      tool_call_id: id,
      content: `${index} degrees`,
    }));
    const second = await client.chat.completions.create({ model: 'm', messages: [question, said, ...outputs], tools });
    expect(second.choices[0]?.message.content).toContain('The tool get_weather returned: "1 degrees".');
  });

  test('a schema', async () => {
    const response_format = {
      type: 'json_schema' as const,
      json_schema: { name: 'weather', strict: true, schema: parameters },
    };
    const completion = await client.chat.completions.create({ model: 'm', messages, response_format });
    expect(JSON.parse(completion.choices[0]?.message.content ?? '')).toEqual({ city: 'emulated city' });
  });

  test('errors', async () => {
    const make = (content: string, more: object = {}): Promise<unknown> =>
      client.chat.completions.create({ model: 'm', messages: [{ role: 'user', content }], ...more });
    expect(await thrown(make('x', { temperature: 3 }))).toMatchObject({
      name: 'BadRequestError',
      param: 'temperature',
    });
    expect(await thrown(make('x', { model: 'unknown-model' }))).toMatchObject({
      name: 'NotFoundError',
      code: 'model_not_found',
    });
    expect(await thrown(make('[[fault: status 429 retry-after 1]]'))).toMatchObject({ name: 'RateLimitError' });
    expect(await thrown(make('[[fault: status 500]]'))).toMatchObject({ name: 'InternalServerError' });
    expect(
      await thrown(
        client.chat.completions
          .stream({ model: 'm', messages: [{ role: 'user', content: '[[fault: error-event 1]]' }] })
          .done(),
      ),
    ).toMatchObject({ code: 'server_error' });
  });
});

test('models', async () => {
  const listed: string[] = [];
  for await (const model of client.models.list()) listed.push(model.id);
  expect(listed).toContain('gpt-5.5-emulated');
  expect((await client.models.retrieve('gpt-5.5')).id).toBe('gpt-5.5-emulated');
});
