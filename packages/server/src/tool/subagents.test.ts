import { expect, test } from 'vitest';
import { isSubagentTool, SUBAGENT_TOOL_NAMES, SUBAGENT_TOOLS, subagentCallItem } from './subagent-calls.ts';
import {
  closeSubagent,
  createSubagent,
  emptyTree,
  resumeSubagent,
  startSubagent,
  type SubagentChange,
  SUBAGENT_DEPTH,
  type SubagentTree,
} from './subagents.ts';

const made = (change: SubagentChange): SubagentTree => {
  if (!change.ok) throw new Error(change.code);
  return change.tree;
};
const codeOf = (change: SubagentChange): string => (change.ok ? 'ok' : change.code);
const make = (tree: SubagentTree, by: string, id: string): SubagentChange =>
  createSubagent(tree, by, { id, name: null, at: 1 });
const BOUNDS = { depth: SUBAGENT_DEPTH, open: 4, total: 8 };

test('bounds, from both sides: depth, open at once, ever', () => {
  let tree = emptyTree('root', BOUNDS);
  for (const [by, id] of [
    ['root', 'a'],
    ['a', 'b'],
    ['b', 'c'],
  ] as const)
    tree = made(make(tree, by, id));
  expect(codeOf(make(tree, 'c', 'd'))).toBe('subagent_depth_exceeded');
  tree = made(make(tree, 'b', 'd'));
  expect(codeOf(make(tree, 'root', 'e'))).toBe('subagent_limit_reached');
  const few = { ...BOUNDS, open: 1, total: 2 };
  let other = made(make(emptyTree('root', few), 'root', 'a'));
  other = made(closeSubagent(other, 'root', 'a', 2));
  other = made(closeSubagent(made(make(other, 'root', 'b')), 'root', 'b', 3));
  expect(codeOf(make(other, 'root', 'c'))).toBe('subagent_limit_reached');
});

test('closing takes what is below with it, the deepest first; resuming does not bring it back', () => {
  let tree = emptyTree('root', BOUNDS);
  tree = made(make(made(make(tree, 'root', 'a')), 'a', 'b'));
  tree = made(startSubagent(tree, 'a', 'b'));
  const closed = closeSubagent(tree, 'root', 'a', 9);
  expect(closed.ok && closed.changed.map(({ id, running, closedAt }) => [id, running, closedAt])).toEqual([
    ['b', false, 9],
    ['a', false, 9],
  ]);
  tree = made(closed);
  expect(codeOf(startSubagent(tree, 'root', 'a'))).toBe('subagent_closed');
  expect(codeOf(resumeSubagent(tree, 'root', 'b'))).toBe('subagent_closed');
  tree = made(resumeSubagent(tree, 'root', 'a'));
  expect(tree.all.map(({ status, openedAt }) => [status, openedAt])).toEqual([
    ['active', 1],
    ['closed', 1],
  ]);
  expect(codeOf(make(tree, 'b', 'c'))).toBe('subagent_not_found');
});

test('nobody reaches who is not below him', () => {
  let tree = emptyTree('root', BOUNDS);
  tree = made(make(made(make(tree, 'root', 'a')), 'root', 'b'));
  for (const act of [closeSubagent(tree, 'a', 'b', 1), startSubagent(tree, 'a', 'b'), resumeSubagent(tree, 'a', 'a')])
    expect(codeOf(act)).toBe('subagent_not_found');
});

test('every tool has its item, with all its fields whatever the model wrote', () => {
  expect(SUBAGENT_TOOLS.map(({ name }) => name)).toEqual(SUBAGENT_TOOL_NAMES);
  expect([isSubagentTool('create_subagent'), isSubagentTool('shell')]).toEqual([true, false]);
  const call = { id: 'item_1', status: 'completed', turn: 'turn_1', agent: 'agent_1' } as const;
  const item = (name: (typeof SUBAGENT_TOOL_NAMES)[number], args: object) =>
    subagentCallItem({ ...call, name, arguments: args as never });
  const shared = { id: 'item_1', status: 'completed', turn_id: 'turn_1' };
  expect(item('create_subagent', { task: 'Look.', model: 'm' })).toEqual({
    ...shared,
    type: 'create_subagent_call',
    agent_id: 'agent_1',
    content: [{ type: 'output_text', text: 'Look.' }],
    model: 'm',
    reasoning_effort: null,
  });
  expect(item('send_subagent_input', { agent_id: 'agent_2', input: 'More.' })).toEqual({
    ...shared,
    type: 'send_subagent_input_call',
    sender_agent_id: 'agent_1',
    recipient_agent_id: 'agent_2',
    content: [{ type: 'output_text', text: 'More.' }],
  });
  expect(item('wait_for_subagents', { agent_ids: ['agent_2', 7] })).toEqual({
    ...shared,
    type: 'wait_for_subagents_call',
    sender_agent_id: 'agent_1',
    recipient_agent_ids: ['agent_2'],
  });
  for (const verb of ['interrupt', 'resume', 'close'] as const)
    expect(item(`${verb}_subagent`, { agent_id: 7 })).toEqual({
      ...shared,
      type: `${verb}_subagent_call`,
      sender_agent_id: 'agent_1',
      recipient_agent_id: '',
    });
});
