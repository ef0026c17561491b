/** M1, Z1, L2: a process dies at every write of a session whose agent has others work, before it and after it; another takes up what it left. */
import { expect, test } from 'vitest';
import { type Cut, DyingStore } from '../crash.test-support.ts';
import { desk, session, shown, TestTools } from '../tools/agent-world.test-support.ts';
import { ACME, type Booted, until, World } from '../world.test-support.ts';
import { closing, comesTo, lastSaid, MULTI, SAID, storedState, treeEqualsSessions } from './family.test-support.ts';

/** Begins the session, and lives until the process dies or the session rests. */
async function lives(
  made: World,
  cut: Cut | null,
): Promise<{ readonly id: string | null; readonly dying: DyingStore }> {
  const dying = new DyingStore(cut);
  const { engine } = made.boot({ tools: desk(new TestTools()), wrap: dying.wrap });
  try {
    const id = await session(engine, MULTI);
    await Promise.race([dying.died, comesTo(engine, id, 'idle')]);
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

const WRITES = 66;
/** After one write is before the next. */
const CUTS = Array.from({ length: WRITES }, (_, i): Cut => ({ at: i + 1, when: 'after' }));

test('a session with two sub-agents makes about as many writes as are tried', async () => {
  const made = new World();
  closing(made);
  const { dying } = await lives(made, null);
  // A few more or less, as turns come to rest beside each other.
  expect(dying.writes).toBeGreaterThanOrEqual(WRITES - 12);
  expect(dying.writes).toBeLessThanOrEqual(WRITES + 12);
});

test.each(CUTS)('$when write $at', async cut => {
  const made = new World();
  closing(made);
  const { id } = await lives(made, cut);
  if (id === null) return;
  const { engine, reported } = await recovered(made);
  await comesTo(engine, id, 'idle');
  const { data } = await engine.subagents.list(ACME, id, { order: 'asc', limit: 100, after: null });
  await until(() => data.every(one => storedState(made, sessionOf(one.id))?.turn === null), 'the rest of all');
  expect(reported).toEqual([]);
  // A turn of which a call had been shown when it was cut fails: nothing else of it does.
  expect(await standing(engine, id)).toMatch(/^(completed|failed upstream_interrupted)$/);
  const each: string[] = [];
  for (const one of data) {
    const turns = await engine.subagents.turns(ACME, id, one.id, { order: 'asc', limit: 100, after: null });
    // Each was told its task once.
    expect(turns.data).toHaveLength(1);
    expect(turns.data.flatMap(({ record }) => record.input)).toHaveLength(1);
    const { status = '', error = null } = turns.data[0]?.record.progress ?? {};
    expect([status, error?.code ?? null]).toEqual(
      status === 'completed' ? ['completed', null] : ['failed', 'upstream_interrupted'],
    );
    each.push(status === 'completed' ? 'completed' : 'failed null');
  }
  await treeEqualsSessions(engine, made, id);
  if ((await standing(engine, id)) !== 'completed') return;
  // One sub-agent for each call that asked for one, and one of them closed.
  expect(data.map(({ instructions, closedAt }) => [instructions, closedAt === null])).toEqual([
    ['alpha', false],
    ['beta', true],
  ]);
  const said = SAID.split(' | ').map((one, i) => (each[i] === 'completed' ? one : each[i]));
  expect(await lastSaid(engine, id)).toBe(said.join(' | '));
  const done = (await shown(engine, id)).filter(({ type }) => type === 'perdure.tool_done');
  expect(done).toHaveLength(4);
});

const sessionOf = (id: string): string => id.replace('subagent_', 'sess_');

async function standing(engine: Booted['engine'], id: string): Promise<string> {
  const { data } = await engine.agentSessions.turns(ACME, id, { order: 'desc', limit: 1, after: null });
  const { status, error } = data[0]?.record.progress ?? {};
  return error == null ? (status ?? '') : `${status ?? ''} ${error.code}`;
}
