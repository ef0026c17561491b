import { expect, test } from 'vitest';
import { readCompletion } from './completion.ts';
import { failureOf } from './failure.ts';

/** What a request must be to be answered; every line is one way to be refused: param, code, and words of the message. */
const refusal = (body: object): unknown => {
  try {
    readCompletion('responses', 'aws', { model: 'm', ...body });
    return 'accepted';
  } catch (error) {
    const failure = failureOf(error);
    return failure === null ? error : [failure.status, failure.param, failure.code, failure.message];
  }
};

const call = { type: 'function_call', call_id: 'call_1', name: 'f', arguments: '{}' };
const output = { type: 'function_call_output', call_id: 'call_1', output: 'ok' };
const user = { role: 'user', content: 'Hi' };
const closed = { type: 'object', properties: {}, required: [], additionalProperties: false };
const pairs = (count: number): object =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [`k${index}`, 'v']));

const refusedResponses: [string, object, number, string | null, string | null, RegExp][] = [
  [
    'no model',
    { model: null, input: 'x' },
    400,
    'model',
    'missing_required_parameter',
    /Missing required parameter: 'model'/,
  ],
  ['an unknown model', { model: 'unknown-model', input: 'x' }, 404, 'model', 'model_not_found', /does not exist/],
  ['no input', {}, 400, 'input', 'missing_required_parameter', /'input'/],
  ['input of a wrong type', { input: 5 }, 400, 'input', 'invalid_type', /got an integer instead/],
  [
    'an unknown field',
    { input: 'x', client_metadata: {} },
    400,
    'client_metadata',
    'unknown_parameter',
    /Unknown parameter/,
  ],
  [
    'a wrong type',
    { input: 'x', temperature: 'hot' },
    400,
    'temperature',
    'invalid_type',
    /a decimal number, but got a string/,
  ],
  ['too hot', { input: 'x', temperature: 2.1 }, 400, 'temperature', 'decimal_above_max_value', /<= 2/],
  [
    'too few tokens',
    { input: 'x', max_output_tokens: 15 },
    400,
    'max_output_tokens',
    'integer_below_min_value',
    />= 16, but got 15/,
  ],
  ['too many pairs', { input: 'x', metadata: pairs(17) }, 400, 'metadata', 'object_above_max_properties', /at most 16/],
  [
    'too long a key',
    { input: 'x', metadata: { ['k'.repeat(65)]: 'v' } },
    400,
    `metadata.${'k'.repeat(65)}`,
    'string_above_max_length',
    /64/,
  ],
  [
    'too long a value',
    { input: 'x', metadata: { k: 'v'.repeat(513) } },
    400,
    'metadata.k',
    'string_above_max_length',
    /512/,
  ],
  [
    'an unknown role',
    { input: [{ role: 'robot', content: 'x' }] },
    400,
    'input[0].role',
    'invalid_value',
    /Supported values/,
  ],
  ['no role', { input: [{ content: 'x' }] }, 400, 'input[0].role', 'missing_required_parameter', /role/],
  ['an unknown item', { input: [{ type: 'thing' }] }, 400, 'input[0].type', 'invalid_value', /'thing'/],
  [
    'a part that the role cannot have',
    { input: [{ role: 'assistant', content: [{ type: 'input_text', text: 'x' }] }] },
    400,
    'input[0].content[0].type',
    'invalid_value',
    /'output_text' and 'refusal'/,
  ],
  [
    'an id of another make',
    { input: [{ role: 'user', id: 'item_1', content: 'x' }] },
    400,
    'input[0].id',
    'invalid_value',
    /begins with 'msg'/,
  ],
  [
    'an output without its call',
    { input: [user, output] },
    400,
    'input',
    null,
    /^No tool call found for function call output with call_id call_1\.$/,
  ],
  ['a call after its output', { input: [user, output, call] }, 400, 'input', null, /No tool call found/],
  [
    'a call without its output',
    { input: [user, call] },
    400,
    'input',
    null,
    /^No tool output found for function call call_1\.$/,
  ],
  [
    'a previous response',
    { input: 'x', previous_response_id: 'resp_1' },
    400,
    'previous_response_id',
    'previous_response_not_found',
    /'resp_1' not found/,
  ],
  [
    'a previous response and a conversation',
    { input: 'x', previous_response_id: 'resp_1', conversation: 'conv_1' },
    400,
    null,
    'mutually_exclusive_parameters',
    /Mutually exclusive/,
  ],
  ['a conversation', { input: 'x', conversation: { id: 'conv_1' } }, 404, 'conversation', null, /'conv_1' not found/],
  ['a reference', { input: [{ type: 'item_reference', id: 'msg_1' }] }, 404, 'input', null, /'msg_1' not found/],
  [
    'reasoning that was kept nowhere',
    { input: [{ type: 'reasoning', id: 'rs_1', summary: [] }, user] },
    404,
    'input',
    null,
    /'rs_1' not found/,
  ],
  ['the background', { input: 'x', background: true }, 400, 'background', 'unsupported_parameter', /background/],
  [
    'stream options without a stream',
    { input: 'x', stream_options: {} },
    400,
    'stream_options',
    null,
    /only allowed when 'stream'/,
  ],
  [
    'a bad tool name',
    { input: 'x', tools: [{ type: 'function', name: 'a b' }] },
    400,
    'tools[0].name',
    'invalid_value',
    /pattern/,
  ],
  [
    'too long a tool name',
    { input: 'x', tools: [{ type: 'function', name: 'a'.repeat(65) }] },
    400,
    'tools[0].name',
    'string_above_max_length',
    /64/,
  ],
  [
    'a schema that is not strict',
    {
      input: 'x',
      tools: [{ type: 'function', name: 'f', strict: true, parameters: { type: 'object', properties: {} } }],
    },
    400,
    'tools[0].parameters',
    'invalid_function_parameters',
    /additionalProperties/,
  ],
  ['a required tool without tools', { input: 'x', tool_choice: 'required' }, 400, 'tool_choice', null, /'tools'/],
  [
    'a tool that is not there',
    { input: 'x', tools: [{ type: 'function', name: 'f' }], tool_choice: { type: 'function', name: 'g' } },
    400,
    'tool_choice',
    null,
    /'g' not found/,
  ],
  [
    'a schema with a property that is not required',
    {
      input: 'x',
      text: { format: { type: 'json_schema', name: 'n', strict: true, schema: { ...closed, properties: { a: {} } } } },
    },
    400,
    'text.format.schema',
    'invalid_json_schema',
    /Missing 'a'/,
  ],
  [
    'an object that nobody asks for',
    { input: 'x', text: { format: { type: 'json_object' } } },
    400,
    'input',
    null,
    /'json'/,
  ],
  [
    'a directive that cannot be read',
    { input: '[[words: many]]' },
    400,
    null,
    'invalid_emulator_directive',
    /words: many/,
  ],
];

test.each(refusedResponses)('responses refuse %s', (_, body, ...expected) => {
  const [status, param, code, message] = expected;
  expect(refusal(body)).toEqual([status, param, code, expect.stringMatching(message)]);
});

const acceptedResponses: [string, object][] = [
  [
    'null for every optional field',
    {
      input: 'x',
      instructions: null,
      tools: null,
      text: null,
      metadata: null,
      max_output_tokens: null,
      previous_response_id: null,
      temperature: null,
      stream: null,
      reasoning: null,
      tool_choice: null,
      include: null,
    },
  ],
  ['the least tokens', { input: 'x', max_output_tokens: 16 }],
  ['metadata at its bounds', { input: 'x', metadata: { ...pairs(15), ['k'.repeat(64)]: 'v'.repeat(512) } }],
  ['a tool name at its bound', { input: 'x', tools: [{ type: 'function', name: 'a'.repeat(64) }] }],
  ['a call with its output', { input: [user, call, output] }],
  [
    'parallel calls, outputs in another order',
    { input: [user, call, { ...call, call_id: 'call_2' }, { ...output, call_id: 'call_2' }, output] },
  ],
  [
    'reasoning with its sealed content',
    { input: [{ type: 'reasoning', id: 'rs_1', summary: [], encrypted_content: 'x' }, user] },
  ],
  ['store, either way', { input: 'x', store: false }],
  ['hosted tools, which it does not have', { input: 'x', tools: [{ type: 'web_search' }] }],
  [
    'a strict schema',
    { input: 'x', text: { format: { type: 'json_schema', name: 'n', strict: true, schema: closed } } },
  ],
  ['no items at all', { input: [] }],
  [
    'ids of its own make',
    {
      input: [
        {
          type: 'message',
          role: 'assistant',
          id: 'msg_1',
          status: 'completed',
          content: [{ type: 'output_text', text: 'x', annotations: [] }],
        },
        user,
      ],
    },
  ],
];

test.each(acceptedResponses)('responses accept %s', (_, body) => {
  expect(refusal(body)).toBe('accepted');
});
