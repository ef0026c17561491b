/** L6, L7: a process dies at every write of a turn that runs tools, before it and after it; another takes up what it left. */
import { expect, test } from 'vitest';
import { textOf } from '../../log/events.ts';
import { type Cut, DyingStore } from '../crash.test-support.ts';
import { batches, message } from '../scripted-provider.test-support.ts';
import { ACME, World } from '../world.test-support.ts';
import { becomes, calls, desk, outcomes, session, shown, TestTools } from './agent-world.test-support.ts';

const NAMES = ['safe', 'once'] as const;

/** Begins the session, lives until the process dies or the turn rests, and says what its reader saw. */
async function lives(
  made: World,
  tools: TestTools,
  cut: Cut | null,
  ask: boolean,
): Promise<{ readonly id: string | null; readonly seen: readonly string[] }> {
  const dying = new DyingStore(cut);
  const { engine } = made.boot({
    tools: desk(tools, name => (ask && name === 'once' ? 'ask' : 'permit')),
    wrap: dying.wrap,
  });
  const seen: string[] = [];
  let id: string | null = null;
  const left = new AbortController();
  // What was shown before is still on its way to its reader.
  void dying.died.then(() => setImmediate(() => left.abort()));
  try {
    id = await session(engine);
    const follow = engine.agentSessions.follow(ACME, id, { turn: null, seq: 0 }, left.signal);
    for await (const { events } of follow) {
      for (const { json } of events) seen.push(json);
      if (events.some(({ type }) => type === 'response.completed' || type === 'perdure.waiting')) break;
    }
  } catch {
    // Whoever asked hears nothing of a process that died.
  }
  left.abort();
  return { id, seen };
}

const WRITES = 9;
const CUTS = Array.from({ length: WRITES }, (_, i) => i + 1).flatMap(at =>
  (['before', 'after'] as const).map((when): Cut => ({ at, when })),
);

test.each(CUTS)('$when write $at', async cut => {
  const made = new World();
  made.provider.inTurn(
    () => batches(calls(['safe', '{"n":1}'], ['once', '{"n":2}'])),
    () => batches(message('Done.')),
  );
  const tools = new TestTools();
  const { id, seen } = await lives(made, tools, cut, false);
  if (id === null) return;
  made.pass(60_000);
  const { engine } = made.boot({ tools: desk(tools) });
  await engine.recover();
  const status = await becomes(engine, id, 'idle', 'requires_action');
  const runs = (name: string): typeof tools.ran => tools.ran.filter(run => run.name === name);
  // Whatever was not said to be safe to run twice ran once at most, and if nobody knows whether it did its work, people are asked.
  expect(runs('once').length).toBeLessThanOrEqual(1);
  for (const name of NAMES) expect(new Set(runs(name).map(({ key }) => key)).size).toBeLessThanOrEqual(1);
  if (status === 'requires_action') {
    const [action] = (await engine.agentSessions.view(ACME, id)).actions;
    expect(action?.['why']).toBe('outcome_unknown');
    await engine.approvals.deny(ACME.tenant, textOf(action?.['approval']), 'key:boss', '');
    await becomes(engine, id, 'idle');
  }
  const ended = (await outcomes(engine, id)) as readonly (readonly string[])[];
  const last = JSON.parse((await shown(engine, id)).at(-1)?.json ?? '{}') as { response: { status: string } };
  if (last.response.status === 'completed') expect(new Set(ended.map(([name]) => name))).toEqual(new Set(NAMES));
  else expect(last.response.status).toBe('failed');
  // What its reader saw stands, and nothing of it is said again (L2).
  const all = (await shown(engine, id)).map(({ json }) => json);
  expect(all.slice(0, seen.length)).toEqual(seen);
  if (cut.at === WRITES) expect(seen.length).toBeGreaterThan(5);
});

test('a turn that runs tools makes as many writes as are tried', async () => {
  const made = new World();
  made.provider.inTurn(
    () => batches(calls(['safe', '{}'], ['once', '{}'])),
    () => batches(message('Done.')),
  );
  const dying = new DyingStore(null);
  const { engine } = made.boot({ tools: desk(new TestTools()), wrap: dying.wrap });
  await becomes(engine, await session(engine), 'idle');
  expect(dying.writes).toBeGreaterThanOrEqual(WRITES);
});

test.each(CUTS.slice(4))('a granted approval is neither lost nor used twice: $when write $at', async cut => {
  const made = new World();
  made.provider.inTurn(
    () => batches(calls(['once', '{"n":2}'])),
    () => batches(message('Done.')),
  );
  const tools = new TestTools();
  const { id } = await lives(made, tools, null, true);
  if (id === null) throw new Error('no session');
  made.pass(60_000);
  // Another process is told yes, and dies at one of its writes.
  const dying = new DyingStore({ at: cut.at - 4, when: cut.when });
  const second = made.boot({ tools: desk(tools, () => 'ask'), wrap: dying.wrap });
  const [action] = (await second.engine.agentSessions.view(ACME, id)).actions;
  const approval = textOf(action?.['approval']);
  const told = await second.engine.approvals.grant(ACME.tenant, approval, 'key:boss').then(
    () => true,
    () => false,
  );
  if (told) await Promise.race([dying.died, becomes(second.engine, id, 'idle')]);
  made.pass(60_000);
  const { engine } = made.boot({ tools: desk(tools, () => 'ask') });
  await engine.recover();
  await becomes(engine, id, 'idle', 'requires_action');
  const view = await engine.agentSessions.view(ACME, id);
  expect(tools.ran.length).toBeLessThanOrEqual(1);
  const [open] = view.actions;
  // Who was told yes is never asked the same again.
  if (told) expect(open?.['why'] ?? 'outcome_unknown').toBe('outcome_unknown');
  if (view.status === 'idle') expect(tools.ran).toHaveLength(1);
});
