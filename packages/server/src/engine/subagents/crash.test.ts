/** M1, Z1, L2: a process dies at every write of a session whose agent has others work, before it and after it; another takes up what it left. */
import { expect, test } from 'vitest';
import { type Cut, DyingStore } from '../crash.test-support.ts';
import { becomes, desk, session, shown, TestTools } from '../tools/agent-world.test-support.ts';
import { ACME, type Booted, World } from '../world.test-support.ts';
import { closing, lastSaid, MULTI, SAID, treeEqualsSessions } from './family.test-support.ts';

/** Begins the session, and lives until the process dies or the session rests. */
async function lives(made: World, cut: Cut | null): Promise<{ readonly id: string | null; readonly dying: DyingStore }> {
  const dying = new DyingStore(cut);
  const { engine } = made.boot({ tools: desk(new TestTools()), wrap: dying.wrap });
  try {
    const id = await session(engine, MULTI);
    await Promise.race([dying.died, becomes(engine, id, 'idle')]);
    return { id, dying };
  } catch {
    return { id: null, dying };
  }
}

async function recovered(made: World): Promise<Booted> {
  made.pass(60_000);
  const booted = made.boot({ tools: desk(new TestTools()) });
  await booted.engine.recover();
  return booted;
}

const WRITES = 44;
const CUTS = Array.from({ length: WRITES }, (_, i) => i + 1).flatMap(at =>
  (['before', 'after'] as const).map((when): Cut => ({ at, when })),
);

test('a session with two sub-agents makes about as many writes as are tried', async () => {
  const made = new World();
  closing(made);
  const { dying } = await lives(made, null);
  expect(dying.writes).toBeGreaterThanOrEqual(WRITES - 6);
  expect(dying.writes).toBeLessThanOrEqual(WRITES + 6);
});

test.each(CUTS)('$when write $at', async cut => {
  const made = new World();
  closing(made);
  const { id } = await lives(made, cut);
  if (id === null) return;
  const { engine, reported } = await recovered(made);
  await becomes(engine, id, 'idle');
  expect(reported).toEqual([]);
  expect(await lastSaid(engine, id)).toBe(SAID);
  // One sub-agent for each call that asked for one, each told its task once, and one of them closed.
  const { data } = await engine.subagents.list(ACME, id, { order: 'asc', limit: 100, after: null });
  expect(data.map(({ instructions, closedAt }) => [instructions, closedAt === null])).toEqual([
    ['alpha', false],
    ['beta', true],
  ]);
  for (const one of data) {
    const turns = await engine.subagents.turns(ACME, id, one.id, { order: 'asc', limit: 100, after: null });
    expect(turns.data.map(({ record }) => record.progress.status)).toEqual(['completed']);
    expect(turns.data.flatMap(({ record }) => record.input)).toHaveLength(1);
  }
  await treeEqualsSessions(engine, made, id);
  const done = (await shown(engine, id)).filter(({ type }) => type === 'perdure.tool_done');
  expect(done).toHaveLength(4);
});
