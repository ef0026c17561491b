/** Where a compaction's content is selected, and that a session gets on whatever becomes of it. */
import { parseCompactResponse, type PerdureError } from '@perdure/protocol';
import { describe, expect, test } from 'vitest';
import type { LoggedItem } from '../../log/events.ts';
import { selectContent, type SelectionOptions } from '../../session/compaction/select.ts';
import { ACME, ask, World } from '../world.test-support.ts';
import { defaultCompaction, type SelectApart } from './options.ts';
import { MAX_CHARS_HERE, selected } from './selected.ts';

const ITEM = 64;
const OPTIONS: SelectionOptions = { budget: 2000, users: 'within' };

/** Of `chars` characters, its kind, id and role among them. */
function said(role: string, chars: number): LoggedItem {
  const empty = { type: 'message', id: 'msg_1', role, content: '' };
  return { ...empty, content: 'All is well. '.repeat(chars).slice(0, chars - `messagemsg_1${role}`.length) };
}

function selecting(selectApart: SelectApart) {
  const reports: (readonly [string, PerdureError])[] = [];
  const calls: (readonly LoggedItem[])[] = [];
  const apart: SelectApart = (items, options) => {
    calls.push(items);
    return selectApart(items, options);
  };
  const engine = {
    compaction: { ...defaultCompaction(), selectApart: apart },
    report: (at: string, error: PerdureError) => void reports.push([at, error]),
  };
  return {
    reports,
    calls,
    select: (items: readonly LoggedItem[], options = OPTIONS) => selected(engine, items, options),
  };
}

const there: SelectApart = (items, options) => Promise.resolve(selectContent(items, options));
const broken: SelectApart = () => Promise.reject(new RangeError('Maximum call stack size exceeded'));

describe('selected', () => {
  test.each([
    ['one item', (more: number) => [said('assistant', MAX_CHARS_HERE - ITEM + more)]],
    [
      'many items',
      (more: number) => Array.from({ length: 512 }, (_, n) => said('assistant', 64 + (n === 9 ? more : 0))),
    ],
    [
      'parts',
      (more: number) => [
        { type: 'message', content: [{ text: 'a'.repeat(MAX_CHARS_HERE - ITEM - 'message'.length + more) }] } as never,
      ],
    ],
  ])('is apart beyond the bound, and here up to it: %s', async (_, items) => {
    const { select, calls } = selecting(there);
    await select(items(0));
    expect(calls).toHaveLength(0);
    await select(items(1));
    expect(calls).toHaveLength(1);
  });

  test('sends no user messages apart that are kept whole anyway, and gives the same', async () => {
    const { select, calls } = selecting(there);
    const items = [said('user', 400), said('assistant', 2 * MAX_CHARS_HERE), said('user', 500)];
    for (const users of ['within', 'apart'] as const) {
      expect(await select(items, { ...OPTIONS, users })).toEqual(selectContent(items, { ...OPTIONS, users }));
    }
    expect(calls.map(given => given.length)).toEqual([3, 1]);
  });

  test('cuts plainly and says so if nothing could be selected', async () => {
    const { select, reports } = selecting(broken);
    const items = [said('developer', 100), said('assistant', 2 * MAX_CHARS_HERE), said('assistant', 200)];
    expect((await select(items)).content).toEqual([items[0], items[2]]);
    expect(reports.map(([at]) => at)).toEqual(['compaction.select']);
  });
});

test.each([true, false])('a session goes on whose compaction could select nothing, stored: %s', async store => {
  const world = new World({ compaction: { selectApart: broken } });
  const { engine } = world.boot();
  const parsed = parseCompactResponse({
    model: 'gpt',
    store,
    input: [
      { role: 'user', content: 'What is the code?' },
      { role: 'assistant', content: 'The code is 8812. '.repeat(10_000) },
    ],
  });
  if (!parsed.ok) throw parsed.error;
  const signal = new AbortController().signal;
  const { resource } = await engine.compact({ caller: ACME, request: parsed.value, labels: [], signal });
  expect(resource.output.map(item => item.type)).toEqual(['message', 'compaction']);
  const next = await ask(engine, { input: [...resource.output, { role: 'user', content: 'Go on.' }] as never });
  expect((await next.done).status).toBe('completed');
});
