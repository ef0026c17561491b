/** T1 to T4 hold of every tree that any calls make. */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  closeSubagent,
  createSubagent,
  emptyTree,
  openSubagents,
  restSubagent,
  resumeSubagent,
  startSubagent,
  type SubagentTree,
} from './subagents.ts';

const RUNS = Number(process.env['PERDURE_PROPERTY_RUNS'] ?? 1_000);
const who = fc.constantFrom('root', 'root', 'root', 'root', 'a', 'b', 'c', 'nobody');
const step = fc.record({
  act: fc.constantFrom('create', 'create', 'create', 'close', 'resume', 'start', 'rest'),
  by: who,
  id: fc.constantFrom('a', 'b', 'c', 'd'),
});
const bounds = fc.record({
  depth: fc.integer({ min: 1, max: 3 }),
  open: fc.integer({ min: 1, max: 3 }),
  total: fc.integer({ min: 1, max: 6 }),
});

function applied(tree: SubagentTree, { act, by, id }: { act: string; by: string; id: string }, at: number) {
  if (act === 'create') return createSubagent(tree, by, { id, name: null, at });
  if (act === 'close') return closeSubagent(tree, by, id, at);
  if (act === 'resume') return resumeSubagent(tree, by, id);
  return act === 'start' ? startSubagent(tree, by, id) : restSubagent(tree, id);
}

test('T1 to T4, after every step', () => {
  fc.assert(
    fc.property(bounds, fc.array(step, { minLength: 20, maxLength: 40 }), (limits, steps) => {
      let tree = emptyTree('root', limits);
      for (const [at, one] of steps.entries()) {
        const before = tree;
        const change = applied(tree, one, at);
        if (!change.ok) continue;
        ({ tree } = change);
        const parentOf = (id: string) => tree.all.find(other => other.id === id) ?? null;
        expect(new Set(tree.all.map(({ id }) => id)).size).toBe(tree.all.length);
        expect(openSubagents(tree).length).toBeLessThanOrEqual(limits.open);
        expect(tree.all.length).toBeLessThanOrEqual(limits.total);
        for (const { parent, depth, status, running, closedAt } of tree.all) {
          const above = parentOf(parent);
          expect(depth).toBe(parent === 'root' ? 1 : (above?.depth ?? Number.NaN) + 1);
          expect(depth).toBeLessThanOrEqual(limits.depth);
          if (status === 'active' && above !== null) expect(above.status).toBe('active');
          expect(closedAt === null).toBe(status === 'active');
          if (status === 'closed') expect(running).toBe(false);
        }
        // Only what is below who asked is different.
        if (one.act === 'rest' || one.act === 'create') continue;
        const above = (id: string): readonly string[] => {
          const parent = before.all.find(other => other.id === id)?.parent;
          return parent === undefined ? [] : [parent, ...above(parent)];
        };
        for (const changed of change.changed) expect(above(changed.id)).toContain(one.by);
      }
    }),
    { numRuns: RUNS },
  );
});
