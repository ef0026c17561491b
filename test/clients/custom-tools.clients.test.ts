/** Custom tools with the official client, over upstreams of either dialect: stored and not, streamed and not. */
import type OpenAI from 'openai';
import type {
  Response,
  ResponseCustomToolCall,
  ResponseCreateParamsNonStreaming,
} from 'openai/resources/responses/responses';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { failureOf } from '../support/failure.ts';
import { all } from '../support/said.ts';
import { MODEL, type Stack, startStack, targetOf } from '../support/stack.ts';

const sql = {
  type: 'custom' as const,
  name: 'sql',
  description: 'Runs a query.',
  format: { type: 'grammar' as const, syntax: 'regex' as const, definition: 'select .*' },
};
const note = { type: 'custom' as const, name: 'note' };
const weather = {
  type: 'function' as const,
  name: 'weather',
  parameters: {
    type: 'object',
    properties: { city: { type: 'string' } },
    required: ['city'],
    additionalProperties: false,
  },
  strict: true,
};
const tools = [sql, note, weather];
const ASK = 'Use sql `select 1` and weather {"city":"Oslo"} please.';

const calls = (response: Response): ResponseCustomToolCall[] =>
  response.output.filter(item => item.type === 'custom_tool_call');

describe.each(['openai-responses', 'openai-chat'] as const)('over %s', dialect => {
  let stack: Stack;
  let client: OpenAI;
  beforeAll(async () => {
    stack = await startStack({
      clouds: ['aws'],
      config: emulator => ({ targets: [targetOf(emulator, 'aws', { dialect })] }),
    });
    client = stack.openai();
  });
  afterAll(() => stack.close());

  const ask = (more: Partial<ResponseCreateParamsNonStreaming> = {}): Promise<Response> =>
    client.responses.create({ model: MODEL, input: ASK, tools, ...more });

  test.each([true, false])('a call and its output, beside a function (store: %s)', async store => {
    const first = await ask({ store });
    expect(first.tools).toEqual([sql, { ...note, format: { type: 'text' } }, { ...weather, description: null }]);
    expect(first.output).toMatchObject([
      {
        type: 'custom_tool_call',
        id: expect.stringMatching(/^ctc_/),
        name: 'sql',
        input: 'select 1',
        status: 'completed',
      },
      { type: 'function_call', name: 'weather', arguments: '{"city":"Oslo"}' },
    ]);
    const [custom] = calls(first);
    const fn = first.output.find(item => item.type === 'function_call');
    if (custom === undefined || fn === undefined) throw new Error('two calls were asked for');
    const outputs = [
      { type: 'function_call_output' as const, call_id: fn.call_id, output: 'It snows.' },
      { type: 'custom_tool_call_output' as const, call_id: custom.call_id, output: 'One row.' },
    ];
    const second = store
      ? await client.responses.create({ model: MODEL, previous_response_id: first.id, input: outputs, tools })
      : await client.responses.create({
          model: MODEL,
          store: false,
          input: [{ role: 'user', content: ASK }, ...(first.output as never[]), ...outputs],
          tools,
        });
    expect(second.output_text).toContain('The tool sql returned: "One row."');
    expect(second.output_text).toContain('The tool weather returned: "It snows."');
    if (!store) return;
    expect((await client.responses.retrieve(first.id)).output).toEqual(first.output);
    const { data } = await client.responses.inputItems.list(second.id, { order: 'asc' });
    expect(data).toMatchObject([
      { type: 'function_call_output', call_id: fn.call_id },
      {
        type: 'custom_tool_call_output',
        call_id: custom.call_id,
        output: 'One row.',
        id: expect.stringMatching(/^ctco_/),
      },
    ]);
  });

  test.each([true, false])('streamed (store: %s), and read again byte for byte', async store => {
    const events = await all(await client.responses.create({ model: MODEL, input: ASK, tools, store, stream: true }));
    const deltas = events.filter(event => event.type === 'response.custom_tool_call_input.delta');
    expect(deltas.length).toBeGreaterThan(1);
    expect(deltas.map(event => event.delta).join('')).toBe('select 1');
    const done = events.find(event => event.type === 'response.custom_tool_call_input.done');
    expect(done).toMatchObject({ input: 'select 1', output_index: 0 });
    const last = events.at(-1);
    if (last?.type !== 'response.completed') throw new Error('it did not complete');
    expect(calls(last.response)).toMatchObject([{ name: 'sql', input: 'select 1' }]);
    if (!store) return;
    const again = await all(await client.responses.retrieve(last.response.id, { stream: true }));
    expect(again).toEqual(events);
  });

  test('by the stream helper of the client', async () => {
    const final = await client.responses.stream({ model: MODEL, input: ASK, tools }).finalResponse();
    expect(final.output).toMatchObject([{ type: 'custom_tool_call', input: 'select 1' }, { type: 'function_call' }]);
  });

  test('a call that was cut after some of its input was shown never runs', async () => {
    await stack.fault('cut 2', { contains: 'cut here', times: 9 });
    const input = 'Use sql `select a lot of rows and cut here` please.';
    const events = await all(await client.responses.create({ model: MODEL, input, tools, stream: true })).catch(
      (error: unknown) => error,
    );
    const failed = Array.isArray(events) ? events.at(-1) : events;
    expect(JSON.stringify(failed)).toContain('upstream_interrupted');
    await stack.calm();
  });

  test('chosen by name, and among those allowed', async () => {
    const chosen = await ask({ input: 'Say something.', tool_choice: { type: 'custom', name: 'note' } });
    expect(chosen.tool_choice).toEqual({ type: 'custom', name: 'note' });
    expect(calls(chosen)).toMatchObject([{ name: 'note', input: 'Say something.' }]);
    const allowed = { type: 'allowed_tools' as const, mode: 'auto' as const, tools: [{ type: 'custom', name: 'sql' }] };
    const some = await ask({ tool_choice: allowed });
    expect(some.output.map(item => item.type)).toEqual(['custom_tool_call']);
    expect(some.tool_choice).toEqual(allowed);
    expect((await ask({ tool_choice: 'none' })).output_text).not.toBe('');
    expect((await ask({ parallel_tool_calls: false })).output).toHaveLength(1);
  });

  test('an output must be there, and of its call', async () => {
    const first = await ask();
    const [custom] = calls(first);
    if (custom === undefined) throw new Error('no call');
    const output = (call_id: string) => ({ type: 'custom_tool_call_output' as const, call_id, output: 'x' });
    const next = (input: ReturnType<typeof output>[]) =>
      client.responses.create({ model: MODEL, previous_response_id: first.id, input, tools });
    expect(await failureOf(next([output(custom.call_id)]))).toMatchObject({ status: 400, code: 'tool_output_missing' });
    expect(await failureOf(next([output('call_nobody')]))).toMatchObject({ status: 400, code: 'tool_call_not_found' });
    const mixed = client.responses.create({
      model: MODEL,
      store: false,
      tools,
      input: [custom, { type: 'function_call_output', call_id: custom.call_id, output: 'x' }],
    });
    expect(await failureOf(mixed)).toMatchObject({ status: 400, code: 'tool_call_not_found', param: 'input' });
  });

  test('in a conversation', async () => {
    const conversation = await client.conversations.create();
    const first = await ask({ conversation: conversation.id, input: 'Use sql `select 2` please.' });
    const [custom] = calls(first);
    if (custom === undefined) throw new Error('no call');
    await client.conversations.items.create(conversation.id, {
      items: [{ type: 'custom_tool_call_output', call_id: custom.call_id, output: 'Two rows.' }],
    });
    const said = await client.responses.create({ model: MODEL, conversation: conversation.id, input: [], tools });
    expect(said.output_text).toContain('The tool sql returned: "Two rows."');
  });

  test('in a chat, there and back, and streamed', async () => {
    const chatTools = [
      {
        type: 'custom' as const,
        custom: {
          name: 'sql',
          format: { type: 'grammar' as const, grammar: { syntax: 'regex' as const, definition: 'select .*' } },
        },
      },
    ];
    const request = {
      model: MODEL,
      messages: [{ role: 'user' as const, content: 'Use sql `select 3` please.' }],
      tools: chatTools,
    };
    const { choices } = await client.chat.completions.create(request);
    const [call] = choices[0]?.message.tool_calls ?? [];
    expect(choices[0]).toMatchObject({ finish_reason: 'tool_calls', message: { content: null } });
    expect(call).toMatchObject({ type: 'custom', custom: { name: 'sql', input: 'select 3' } });
    if (call === undefined || choices[0] === undefined) throw new Error('no call');
    const second = await client.chat.completions.create({
      ...request,
      messages: [
        ...request.messages,
        choices[0].message,
        { role: 'tool', tool_call_id: call.id, content: 'Three rows.' },
      ],
    });
    expect(second.choices[0]?.message.content).toContain('The tool sql returned: "Three rows."');
    const chunks = await all(await client.chat.completions.create({ ...request, stream: true }));
    const said = chunks.flatMap(
      chunk =>
        (chunk.choices[0]?.delta.tool_calls ?? []) as { type?: string; custom?: { name?: string; input?: string } }[],
    );
    expect(said[0]).toMatchObject({ type: 'custom', custom: { name: 'sql', input: '' } });
    expect(said.map(one => one.custom?.input ?? '').join('')).toBe('select 3');
    expect(chunks.at(-1)?.choices[0]?.finish_reason).toBe('tool_calls');
  });

  test('shells and patches of another client are understood as history', async () => {
    const { output_text: text } = await client.responses.create({
      model: MODEL,
      input: [
        { role: 'user', content: 'Look around.' },
        { type: 'shell_call', call_id: 'c1', action: { commands: ['ls'] } },
        {
          type: 'shell_call_output',
          call_id: 'c1',
          output: [{ stdout: 'a.txt', stderr: '', outcome: { type: 'exit', exit_code: 0 } }],
        },
        {
          type: 'apply_patch_call',
          call_id: 'c2',
          operation: { type: 'delete_file', path: 'a.txt' },
          status: 'completed',
        },
        { type: 'apply_patch_call_output', call_id: 'c2', status: 'failed' },
      ],
    });
    expect(text).toContain('The tool shell returned: "[{"stdout":"a.txt"');
    expect(text).toContain('The tool apply_patch returned: "{"status":"failed"}"');
  });
});
