import { expect, test } from 'vitest';
import type { LoggedItem } from '../../log/events.ts';
import { included, includesOf } from './included.ts';

const logprobs = [{ token: 'a', logprob: -1, bytes: [97], top_logprobs: [] }];
const part = { type: 'output_text', text: 'a', annotations: [], logprobs };
const message: LoggedItem = { type: 'message', id: 'msg_1', role: 'assistant', status: 'completed', content: [part] };
const reasoning: LoggedItem = { type: 'reasoning', id: 'rs_1', summary: [], encrypted_content: 'opaque' };
const call: LoggedItem = { type: 'function_call', id: 'fc_1', call_id: 'c', name: 'n', arguments: '{}' };

test('what is opaque or long is shown to who asks for it only', () => {
  const nothing = includesOf('/v1/conversations/conv_1/items');
  expect(included(message, nothing)['content']).toEqual([{ ...part, logprobs: [] }]);
  expect(included(reasoning, nothing)).toEqual({ type: 'reasoning', id: 'rs_1', summary: [] });
  expect(included(call, nothing)).toBe(call);
});

test.each(['include[]', 'include'])('as %s in the query', name => {
  const url = `/items?limit=3&${name}=message.output_text.logprobs&${name}=reasoning.encrypted_content&${name}=unknown`;
  expect(included(message, includesOf(url))).toBe(message);
  expect(included(reasoning, includesOf(url))).toBe(reasoning);
  const one = includesOf(`/items?${name}=reasoning.encrypted_content`);
  expect(included(reasoning, one)).toBe(reasoning);
  expect(included(message, one)).not.toEqual(message);
});

test('an input message is as it was', () => {
  const input: LoggedItem = {
    type: 'message',
    id: 'msg_2',
    role: 'user',
    content: [{ type: 'input_text', text: 'a' }],
  };
  expect(included(input, new Set())).toEqual(input);
  const plain: LoggedItem = { type: 'message', id: 'msg_3', role: 'user', content: 'a' };
  expect(included(plain, new Set())).toBe(plain);
});
