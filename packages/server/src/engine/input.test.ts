import type { NewItem } from '@perdure/protocol';
import { expect, test } from 'vitest';
import { matchCalls } from './input.ts';

const KINDS = ['function_call', 'custom_tool_call', 'local_shell_call', 'shell_call', 'apply_patch_call'] as const;
/** What tells calls and outputs apart is their kind and the id: nothing else is looked at. */
const item = (type: string, call_id: string): NewItem => ({ type, call_id, status: 'completed' }) as unknown as NewItem;

test.each(KINDS)('%s is answered by its own kind of output', kind => {
  const call = item(kind, 'c');
  expect(matchCalls([call], [])).toEqual({ answers: [], opened: ['c'] });
  expect(matchCalls([call, item(`${kind}_output`, 'c')], [])).toEqual({ answers: [], opened: [] });
  expect(matchCalls([item(`${kind}_output`, 'c')], ['b', 'c'])).toEqual({ answers: ['c'], opened: [] });
  const orphan = (): unknown => matchCalls([item(`${kind}_output`, 'd')], ['c']);
  expect(orphan).toThrow(expect.objectContaining({ code: 'tool_call_not_found', param: 'input' }));
  for (const other of KINDS.filter(one => one !== kind)) {
    expect(() => matchCalls([call, item(`${other}_output`, 'c')], [])).toThrow(
      expect.objectContaining({ code: 'tool_call_not_found' }),
    );
  }
});

test('parallel calls of several kinds, answered in any order, each once', () => {
  const calls = KINDS.map((kind, index) => item(kind, `c${index}`));
  const outputs = KINDS.map((kind, index) => item(`${kind}_output`, `c${index}`)).toReversed();
  expect(matchCalls([...calls, ...outputs], [])).toEqual({ answers: [], opened: [] });
  expect(() => matchCalls([...calls, ...outputs, ...outputs.slice(0, 1)], [])).toThrow('No tool call found');
});
