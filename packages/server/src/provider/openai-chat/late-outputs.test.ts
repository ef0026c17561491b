import { expect, test } from 'vitest';
import type { LoggedItem } from '../../log/events.ts';
import { encodeMessages } from './messages.ts';

const user = (text: string): LoggedItem => ({
  type: 'message',
  id: '',
  role: 'user',
  content: [{ type: 'input_text', text }],
});
const call = (id: string): LoggedItem => ({ type: 'function_call', id: '', call_id: id, name: 'f', arguments: '{}' });
const output = (id: string): LoggedItem => ({ type: 'function_call_output', id: '', call_id: id, output: id });
const shape = (items: readonly LoggedItem[]): string[] =>
  encodeMessages(items).map(json => {
    const { role, content, tool_call_id: id } = JSON.parse(json) as { [name: string]: string | undefined };
    return `${role ?? ''} ${id ?? content ?? ''}`.trim();
  });

test('outputs of earlier calls come before what was said before them: chat wants them right after the calls', () => {
  expect(shape([user('wait'), output('a'), user('go'), output('b')])).toEqual([
    'tool a',
    'tool b',
    'user wait',
    'user go',
  ]);
});

test('what makes its own calls stays in its order', () => {
  expect(shape([user('wait'), call('a'), output('a'), user('go')])).toEqual([
    'user wait',
    'assistant',
    'tool a',
    'user go',
  ]);
});
