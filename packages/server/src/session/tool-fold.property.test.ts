/** G1: facts are the same, with the same numbers, told commit by commit as they come or all at once from the log. */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { LoggedItem } from '../log/events.ts';
import { type Fact, type FoldEvent, ToolFold } from './tool-fold.ts';

const item = (n: number): LoggedItem => ({
  type: 'function_call',
  id: `fc_${n}`,
  call_id: `c${n}`,
  name: 't',
  arguments: '{}',
});
const request = (n: number, client: boolean, held: boolean): FoldEvent => ({
  type: 'tool.requested',
  head: {
    callId: `c${n}`,
    tool: 't',
    idempotent: false,
    arguments: 'd',
    item: `fc_${n}`,
    origin: { kind: client ? 'client' : 'builtin' },
    ...(held && { held: true as const }),
  },
  payload: { salt: 's' },
});
const asks = (n: number): FoldEvent => ({
  type: 'approval.requested',
  head: { approval: `a${n}`, callId: `c${n}`, arguments: 'd', policy: 'v', expiresAt: 9 },
  payload: null,
});
const ends = (n: number, failed: boolean): FoldEvent => {
  const items = [{ type: 'function_call_output', id: `fco_${n}`, call_id: `c${n}`, output: 'x' }];
  return failed
    ? { type: 'tool.failed', head: { callId: `c${n}`, code: 'no', count: 1 }, payload: { items, message: 'no' } }
    : { type: 'tool.completed', head: { callId: `c${n}`, count: 1 }, payload: { items } };
};

interface Tool {
  readonly client: boolean;
  readonly asked: boolean;
  readonly granted: boolean;
  readonly failed: boolean;
}

/** Commits as the engine lays them: all calls asked for, then what may start and what people are asked, then ends and answers in any order. */
function commits(tools: readonly Tool[], order: readonly number[]): readonly (readonly FoldEvent[])[] {
  const completed = {
    type: 'call.completed',
    head: {},
    payload: { items: tools.map((_, n) => item(n)), deltas: null },
  } as unknown as FoldEvent;
  const first = tools.flatMap((tool, n) => {
    const held = tool.client && tool.asked;
    return [request(n, tool.client, held), ...(held ? [asks(n)] : [])];
  });
  const started = tools.flatMap((tool, n): FoldEvent[] => {
    if (tool.client) return [];
    return tool.asked
      ? [asks(n)]
      : [{ type: 'tool.started', head: { callId: `c${n}`, approval: null }, payload: null }];
  });
  const rest = order.flatMap((at): (readonly FoldEvent[])[] => {
    const n = at % Math.max(1, tools.length);
    const tool = tools[n];
    if (tool === undefined) return [];
    if (!tool.asked) return [[ends(n, tool.failed)]];
    if (!tool.granted)
      return [[{ type: 'approval.denied', head: { approval: `a${n}` }, payload: { reason: '' } }, ends(n, true)]];
    const start: FoldEvent[] = tool.client
      ? []
      : [{ type: 'tool.started', head: { callId: `c${n}`, approval: `a${n}` }, payload: null }];
    return [
      [{ type: 'approval.granted', head: { approval: `a${n}` }, payload: null }],
      ...(start.length > 0 ? [start] : []),
      [ends(n, tool.failed)],
    ];
  });
  return [[completed, ...first], started, ...rest].filter(commit => commit.length > 0);
}

const tool: fc.Arbitrary<Tool> = fc.record({
  client: fc.boolean(),
  asked: fc.boolean(),
  granted: fc.boolean(),
  failed: fc.boolean(),
});
const histories = fc.array(tool, { minLength: 1, maxLength: 4 }).chain(tools =>
  fc.tuple(
    fc.constant(tools),
    fc.shuffledSubarray(
      tools.map((_, n) => n),
      { minLength: tools.length },
    ),
  ),
);

function told(events: readonly FoldEvent[], fold: ToolFold): Fact[] {
  return events.flatMap((event, i) => [...fold.take(event, 0, events[i + 1]?.type ?? null)]);
}

test('G1: facts do not depend on how the log is read', () => {
  fc.assert(
    fc.property(histories, ([tools, order]) => {
      const all = commits(tools, order);
      const fold = new ToolFold();
      const live = all.flatMap(commit => told(commit, fold));
      expect(told(all.flat(), new ToolFold())).toEqual(live);
    }),
  );
});

test('G2: each call ends once, is told of once and before its end; a client is told only of what may run', () => {
  fc.assert(
    fc.property(histories, ([tools, order]) => {
      const facts = told(commits(tools, order).flat(), new ToolFold());
      const of = (type: Fact['type'], n: number): number[] =>
        facts.flatMap((fact, i) => (fact.type === type && fact.json['call_id'] === `c${n}` ? [i] : []));
      for (const [n, { client, asked, granted }] of tools.entries()) {
        const [done, ...more] = of('perdure.tool_done', n);
        expect([done === undefined, more]).toEqual([false, []]);
        const shown = of('perdure.tool', n);
        expect(shown).toHaveLength(client && asked && !granted ? 0 : 1);
        for (const at of shown) expect(at).toBeLessThan(done ?? 0);
      }
      // The last word is that nothing is waited for any more.
      const standing = facts.filter(fact => fact.type === 'perdure.waiting' || fact.type === 'perdure.resumed');
      if (standing.length > 0) expect(standing.at(-1)?.type).toBe('perdure.resumed');
    }),
  );
});
