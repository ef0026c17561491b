import { expect, test } from 'vitest';
import type { JsonObject } from '../../log/events.ts';
import { tellEvents, waitsFor } from './follow.ts';
import { itemLines, printable } from './transcript.ts';

const text = (said: string): JsonObject => ({ type: 'output_text', text: said });

test.each<[JsonObject, readonly string[]]>([
  [{ type: 'message', role: 'user', content: [text('One\nand two.')] }, ['user: One', '  and two.']],
  [{ type: 'message', role: 'user', content: [{ type: 'input_image', image_url: 'data:' }] }, ['user: [input_image]']],
  [{ type: 'message', role: 'assistant', content: [] }, []],
  [{ type: 'reasoning', summary: [text('Hm.')] }, ['thinks: Hm.']],
  [{ type: 'function_call', name: 'look', arguments: { at: 1 }, status: 'completed' }, ['calls: look {"at":1}']],
  [{ type: 'function_call_output', output: 'a tree', error: null }, ['gave: a tree']],
  [{ type: 'function_call_output', output: null, error: 'no' }, ['gave: error: no']],
  [
    {
      type: 'mcp_call',
      server_label: 'docs',
      name: 'find',
      arguments: {},
      status: 'failed',
      output: null,
      error: 'gone',
    },
    ['calls: docs.find {} [failed]', 'gave: error: gone'],
  ],
  [
    { type: 'command_execution', command: 'ls', output: 'a\nb\n', exit_code: 0, status: 'completed' },
    ['runs: ls', '  a', '  b', '  [exit code 0]'],
  ],
  [
    { type: 'command_execution', command: 'ls', output: null, exit_code: null, status: 'failed' },
    ['runs: ls', '   [failed]'],
  ],
  [
    { type: 'create_subagent_call', agent_id: 'subagent_1', content: [text('Look.')], status: 'completed' },
    ['create_subagent: subagent_1: Look.'],
  ],
  [
    { type: 'wait_for_subagents_call', recipient_agent_ids: ['a', 'b'], status: 'completed' },
    ['wait_for_subagents: a b'],
  ],
  [{ type: 'agent_message', sender_agent_id: 'a', recipient_agent_id: 'b', content: [text('Hi')] }, ['a to b: Hi']],
])('%j', (item, lines) => {
  expect(itemLines(item)).toEqual(lines);
});

test('what a model says steers no terminal, and a long text is cut', () => {
  expect(printable('a\u001b[2Jb\u0007\r\nc\td\u009b1m')).toBe('a[2Jb\nc\td1m');
  const [line = ''] = itemLines({ type: 'message', role: 'user', content: [text('x'.repeat(5_000))] });
  expect(line).toBe(`user: ${'x'.repeat(4_000)} [...]`);
});

test.each([
  [
    { type: 'perdure.approval_request', name: 'pay', arguments: { a: 1 }, approval_id: 'appr_1' },
    'approvals grant appr_1',
  ],
  [{ type: 'perdure.outcome_unknown', name: 'pay', arguments: {}, approval_id: 'appr_1' }, 'approvals show appr_1'],
  [{ type: 'environment_connection', environment_id: 'env_1' }, 'worker --environment env_1'],
  [{ type: 'function_call', name: 'look', arguments: {} }, 'the result of look {}'],
])('says what helps: %j', (action, said) => {
  expect(waitsFor({ required_actions: [action] })).toEqual([expect.stringContaining(said)]);
});

test('a command is told as it begins, what it prints as it does, and how it ended', async () => {
  const command = { id: 'cmd_1', type: 'command_execution', command: 'ls', output: null, exit_code: null };
  const event = (type: string, more: object): JsonObject => ({ type: `agent.${type}`, ...more });
  const ran = async (live: boolean): Promise<string> => {
    const events = async function* (): AsyncGenerator<JsonObject> {
      yield event('session.turn.item.added', { item: { ...command, status: 'in_progress' } });
      if (live) yield event('output.command_execution_output.delta', { item_id: 'cmd_1', delta: 'a\n' });
      const end = { ...command, status: 'completed', output: 'a\n', exit_code: 0 };
      yield event('session.turn.item.done', { item: end });
    };
    let out = '';
    const io = { out: (said: string) => void (out += said), err: () => undefined, env: {}, cwd: '.' };
    await tellEvents(events(), io, { json: false, isLast: () => false });
    return out;
  };
  expect(await ran(true)).toBe('runs: ls\na\n  [exit code 0]\n');
  expect(await ran(false)).toBe('runs: ls\n  a\n  [exit code 0]\n');
});

test('a text is told as it is written, and its item no second time', async () => {
  const event = (type: string, more: object): JsonObject => ({ type: `agent.session.${type}`, ...more });
  const message = { id: 'msg_1', type: 'message', role: 'assistant', status: 'completed', content: [text('Hello.')] };
  const events = async function* (): AsyncGenerator<JsonObject> {
    yield event('turn.item.added', { item: { ...message, status: 'in_progress', content: [] } });
    yield event('turn.output_text.delta', { item_id: 'msg_1', delta: 'Hel' });
    yield event('turn.output_text.delta', { item_id: 'msg_1', delta: 'lo.' });
    yield event('turn.item.done', { item: message });
    yield event('turn.failed', { turn: { status: 'failed', error: { code: 'server_error', message: 'no' } } });
    yield event('idle', { session: {} });
    yield event('turn.item.done', { item: { ...message, id: 'msg_2' } });
  };
  let out = '';
  const io = { out: (said: string) => void (out += said), err: () => undefined, env: {}, cwd: '.' };
  await tellEvents(events(), io, { json: false, isLast: ({ type }) => type === 'agent.session.idle' });
  expect(out).toBe('assistant: Hello.\n-- the turn failed: server_error: no\n-- idle\n');
});
