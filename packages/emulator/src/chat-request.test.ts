import { expect, test } from 'vitest';
import { readCompletion } from './completion.ts';
import { failureOf } from './failure.ts';

/** What a request must be to be answered; every line is one way to be refused: param, code, and words of the message. */
const refusal = (body: object): unknown => {
  try {
    readCompletion('chat', 'aws', { model: 'm', ...body });
    return 'accepted';
  } catch (error) {
    const failure = failureOf(error);
    return failure === null ? error : [failure.status, failure.param, failure.code, failure.message];
  }
};

const user = { role: 'user', content: 'Hi' };
const calling = {
  role: 'assistant',
  tool_calls: [{ id: 'call_1', type: 'function', function: { name: 'f', arguments: '{}' } }],
};
const answering = { role: 'tool', tool_call_id: 'call_1', content: 'ok' };
const tools = [{ type: 'function', function: { name: 'f' } }];

const refusedChat: [string, object, number, string | null, string | null, RegExp][] = [
  ['no messages', {}, 400, 'messages', 'missing_required_parameter', /messages/],
  ['an empty list', { messages: [] }, 400, 'messages', 'empty_array', /empty array/],
  [
    'an unknown role',
    { messages: [{ role: 'robot', content: 'x' }] },
    400,
    'messages[0].role',
    'invalid_value',
    /'robot'/,
  ],
  ['no content', { messages: [{ role: 'user' }] }, 400, 'messages[0].content', 'missing_required_parameter', /content/],
  ['an answer to no call', { messages: [user, answering] }, 400, 'messages[1].role', null, /must be a response to/],
  [
    'a call without its answer',
    { messages: [user, calling, user] },
    400,
    'messages[2].role',
    null,
    /must be followed by tool messages.*call_1/,
  ],
  ['a call at the end', { messages: [user, calling] }, 400, 'messages[1].role', null, /call_1/],
  [
    'an answer twice removed',
    { messages: [user, calling, answering, user, answering] },
    400,
    'messages[4].role',
    null,
    /must be a response to/,
  ],
  ['an unknown field', { messages: [user], input: 'x' }, 400, 'input', 'unknown_parameter', /Unknown/],
  [
    'two bounds',
    { messages: [user], max_tokens: 5, max_completion_tokens: 5 },
    400,
    'max_tokens',
    'invalid_parameter_combination',
    /at the same time/,
  ],
  [
    'no tokens',
    { messages: [user], max_completion_tokens: 0 },
    400,
    'max_completion_tokens',
    'integer_below_min_value',
    />= 1/,
  ],
  ['too many stops', { messages: [user], stop: ['a', 'b', 'c', 'd', 'e'] }, 400, 'stop', 'array_above_max_length', /4/],
  ['several choices', { messages: [user], n: 2 }, 400, 'n', 'unsupported_value', /one choice/],
  [
    'a choice without tools',
    { messages: [user], tool_choice: 'auto' },
    400,
    'tool_choice',
    null,
    /only allowed when 'tools'/,
  ],
  [
    'a tool that is not there',
    { messages: [user], tools, tool_choice: { type: 'function', function: { name: 'g' } } },
    400,
    'tool_choice',
    null,
    /'g'/,
  ],
  [
    'stream options without a stream',
    { messages: [user], stream_options: { include_usage: true } },
    400,
    'stream_options',
    null,
    /stream/,
  ],
  [
    'a part of another dialect',
    { messages: [{ role: 'user', content: [{ type: 'input_text', text: 'x' }] }] },
    400,
    'messages[0].content[0].type',
    'invalid_value',
    /'input_text'/,
  ],
  [
    'an object that nobody asks for',
    { messages: [user], response_format: { type: 'json_object' } },
    400,
    'messages',
    null,
    /'json'/,
  ],
];

test.each(refusedChat)('chat refuses %s', (_, body, ...expected) => {
  const [status, param, code, message] = expected;
  expect(refusal(body)).toEqual([status, param, code, expect.stringMatching(message)]);
});

test.each([
  ['a call with its answer', { messages: [user, calling, answering, user] }],
  ['four stops', { messages: [user], stop: ['a', 'b', 'c', 'd'] }],
  [
    'parts',
    {
      messages: [
        {
          role: 'user',
          content: [
            { type: 'text', text: 'x' },
            { type: 'image_url', image_url: { url: 'data:,' } },
          ],
        },
      ],
    },
  ],
  [
    'null for optional fields',
    { messages: [user], tools: null, stop: null, stream_options: null, n: null, response_format: null },
  ],
])('chat accepts %s', (_, body) => {
  expect(refusal(body)).toBe('accepted');
});
