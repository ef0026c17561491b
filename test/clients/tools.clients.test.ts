import type OpenAI from 'openai';
import type { Response, ResponseFunctionToolCall, ResponseInput } from 'openai/resources/responses/responses';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { failureOf } from '../support/failure.ts';
import { all, said } from '../support/said.ts';
import { MODEL, type Stack, startStack } from '../support/stack.ts';

/** Function tools that the client runs: a call comes out, its output goes in. */
let stack: Stack;
let client: OpenAI;
beforeAll(async () => {
  stack = await startStack();
  client = stack.openai();
});
afterAll(() => stack.close());

const parameters = {
  type: 'object',
  properties: { city: { type: 'string' } },
  required: ['city'],
  additionalProperties: false,
};
const weather = { type: 'function' as const, name: 'weather', description: 'The weather.', parameters, strict: true };
const clock = { ...weather, name: 'clock', description: 'The time.' };
const ONE = 'Use weather {"city":"Oslo"} please.';
const TWO = 'Use weather {"city":"Oslo"} and clock {"city":"Rome"} please.';

const callsOf = (response: Response): ResponseFunctionToolCall[] =>
  response.output.filter(item => item.type === 'function_call');
const outputOf = (call: ResponseFunctionToolCall, output: string) => ({
  type: 'function_call_output' as const,
  call_id: call.call_id,
  output,
});
const asked = (input: string): Promise<Response> =>
  client.responses.create({ model: MODEL, input, tools: [weather, clock], parallel_tool_calls: true });
const answered = (input: ResponseInput, previous_response_id: string): Promise<Response> =>
  client.responses.create({ model: MODEL, input, previous_response_id, tools: [weather, clock] });

describe('one call', () => {
  test('goes out with its arguments and comes back with its output', async () => {
    const first = await asked(ONE);
    expect(first.status).toBe('completed');
    expect(first.tools).toEqual([weather, clock]);
    const [call] = callsOf(first);
    if (call === undefined) throw new Error('no call');
    expect(call).toMatchObject({
      name: 'weather',
      status: 'completed',
      call_id: expect.any(String),
      id: expect.stringMatching(/^fc_/),
    });
    expect(JSON.parse(call.arguments)).toEqual({ city: 'Oslo' });
    const second = await answered([outputOf(call, 'Snowflakes everywhere.')], first.id);
    expect(said(second)).toBe('The tool weather returned: "Snowflakes everywhere.".');
    // The call and its output stay in the history.
    const third = await answered([{ role: 'user', content: 'Where are snowflakes?' }], second.id);
    expect(said(third)).toContain('Snowflakes');
  });

  test('streams its arguments', async () => {
    const events = await all(
      await client.responses.create({ model: MODEL, input: ONE, tools: [weather], stream: true }),
    );
    const types = events.map(event => event.type);
    expect(types).toContain('response.function_call_arguments.delta');
    const done = events.find(event => event.type === 'response.function_call_arguments.done');
    const deltas = events.map(event => (event.type === 'response.function_call_arguments.delta' ? event.delta : ''));
    expect(done).toMatchObject({ arguments: deltas.join('') });
    expect(types.indexOf('response.function_call_arguments.done')).toBeLessThan(
      types.indexOf('response.output_item.done'),
    );
  });

  test('works without anything stored', async () => {
    const request = { model: MODEL, tools: [weather], store: false };
    const first = await client.responses.create({ ...request, input: ONE });
    const [call] = callsOf(first);
    if (call === undefined) throw new Error('no call');
    const input: ResponseInput = [
      { role: 'user', content: ONE },
      ...(first.output as ResponseInput),
      outputOf(call, 'It rains.'),
    ];
    expect(said(await client.responses.create({ ...request, input }))).toBe('The tool weather returned: "It rains.".');
  });
});

describe('parallel calls', () => {
  test('are answered in any order', async () => {
    for (const reversed of [false, true]) {
      const first = await asked(TWO);
      const [one, two] = callsOf(first);
      if (one === undefined || two === undefined) throw new Error('two calls were asked for');
      expect([one.name, two.name]).toEqual(['weather', 'clock']);
      expect(one.call_id).not.toBe(two.call_id);
      const outputs = [outputOf(one, 'It snows.'), outputOf(two, 'It is noon.')];
      const second = await answered(reversed ? outputs.toReversed() : outputs, first.id);
      expect(said(second)).toContain('The tool weather returned: "It snows."');
      expect(said(second)).toContain('The tool clock returned: "It is noon."');
    }
  });

  test('of which one has no output are refused, and the chain goes on once it has', async () => {
    const first = await asked(TWO);
    const [one, two] = callsOf(first);
    if (one === undefined || two === undefined) throw new Error('two calls were asked for');
    for (const input of [[outputOf(one, 'It snows.')], [{ role: 'user' as const, content: 'And?' }]]) {
      expect(await failureOf(answered(input, first.id))).toMatchObject({
        status: 400,
        code: 'tool_output_missing',
        type: 'invalid_request_error',
        param: 'input',
      });
    }
    const whole = await answered([outputOf(one, 'It snows.'), outputOf(two, 'It is noon.')], first.id);
    expect(whole.status).toBe('completed');
  });
});

describe('an output that answers nothing is refused', () => {
  const orphan = { type: 'function_call_output' as const, call_id: 'call_nobody', output: 'It snows.' };

  test.each([true, false])('with nothing before it (store: %s)', async store => {
    const work = client.responses.create({ model: MODEL, input: [orphan], store });
    expect(await failureOf(work)).toMatchObject({ status: 400, code: 'tool_call_not_found', param: 'input' });
  });

  test('after a response without calls, and for a call that was answered', async () => {
    const plain = await asked('Hello.');
    expect(await failureOf(answered([orphan], plain.id))).toMatchObject({ status: 400, code: 'tool_call_not_found' });
    const first = await asked(ONE);
    const [call] = callsOf(first);
    if (call === undefined) throw new Error('no call');
    const second = await answered([outputOf(call, 'It snows.')], first.id);
    expect(await failureOf(answered([outputOf(call, 'Again.')], second.id))).toMatchObject({
      status: 400,
      code: 'tool_call_not_found',
    });
    // A fork from before the answer may still give another one.
    expect(said(await answered([outputOf(call, 'It hails.')], first.id))).toContain('It hails.');
  });
});

test('tools that this server does not have are skipped', async () => {
  const response = await client.responses.create({
    model: MODEL,
    input: 'Hello.',
    tools: [{ type: 'web_search' }, weather],
  });
  expect(response.status).toBe('completed');
  expect(response.tools).toMatchObject([weather]);
});

test('a namespace without tools is skipped, and the header says so', async () => {
  const tools = [{ type: 'namespace', name: 'empty', tools: [] }, weather];
  const body = { model: MODEL, input: 'Hello.', tools };
  const skippedBy = async (of: object): Promise<string | null> => {
    const answer = await stack.request('POST', '/v1/responses', { body: of });
    expect([answer.status, ((await answer.json()) as { tools: unknown }).tools]).toMatchObject([200, [weather]]);
    return answer.headers.get('perdure-skipped-tools');
  };
  expect(await skippedBy(body)).toBe('namespace');
  expect(await skippedBy({ ...body, tools: [weather] })).toBeNull();
});
