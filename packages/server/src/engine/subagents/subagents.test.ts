/** Sub-agents over an engine with everything real but the upstream: how they are made, told, waited for, stopped, closed, and ended with their session. */
import { expect, test } from 'vitest';
import { becomes, desk, outcomes, session, TestTools } from '../tools/agent-world.test-support.ts';
import { World } from '../world.test-support.ts';
import { lastSaid, MULTI, pair, SAID, treeEqualsSessions } from './family.test-support.ts';

test('an owner makes two, waits for both, and is told what they said', async () => {
  const made = new World();
  pair(made);
  const { engine, reported } = made.boot({ tools: desk(new TestTools()) });
  const id = await session(engine, MULTI);
  await becomes(engine, id, 'idle');
  expect(reported).toEqual([]);
  expect((await outcomes(engine, id)).map(one => (one as readonly unknown[]).slice(0, 2))).toEqual([
    ['create_subagent', 'done'],
    ['create_subagent', 'done'],
    ['wait_for_subagents', 'done'],
  ]);
  expect(await lastSaid(engine, id)).toBe(SAID);
  await treeEqualsSessions(engine, made, id);
});
