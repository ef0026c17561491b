/** L2, L4, L6: a process dies at every write of a turn that waits for a worker, before it and after it; another takes up what it left. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { textOf } from '../../log/events.ts';
import { type Cut, DyingStore } from '../crash.test-support.ts';
import { batches, message } from '../scripted-provider.test-support.ts';
import { becomes, calls, session } from '../tools/agent-world.test-support.ts';
import { ACME, until } from '../world.test-support.ts';
import { environmentOf, follows, has, selfHosted, ToldWorld, worker } from './told-world.test-support.ts';

let told: ToldWorld;
beforeEach(() => {
  told = new ToldWorld();
  told.world.provider.inTurn(
    () => batches(calls(['once', '{"n":1}'])),
    () => batches(message('Done.')),
  );
});
afterEach(() => told.workspaces.remove());

const WRITES = 11;
const CUTS = Array.from({ length: WRITES }, (_, i) => i + 1).flatMap(at =>
  (['before', 'after'] as const).map((when): Cut => ({ at, when })),
);

/** The session lives until it rests or its process dies; a worker connects when it waits. */
async function lives(dying: DyingStore): Promise<string | null> {
  const { engine } = told.boot({ wrap: dying.wrap });
  let id: string | null = null;
  const work = (async () => {
    id = await selfHosted(engine);
    await becomes(engine, id, 'requires_action');
    await (await worker(engine, await environmentOf(engine, id))).comes();
    await becomes(engine, id, 'idle');
  })();
  await Promise.race([dying.died, work]).catch(() => undefined);
  work.catch(() => undefined);
  return id;
}

test.each(CUTS)('$when write $at', async cut => {
  const id = await lives(new DyingStore(cut));
  if (id === null) return;
  told.world.pass(60_000);
  const { engine } = told.boot();
  await engine.recover();
  // Its log may not be there: who asked for it was not answered.
  const known = await engine.agentSessions.view(ACME, id).then(
    () => true,
    () => false,
  );
  if (!known) return;
  await becomes(engine, id, 'idle', 'requires_action');
  const one = await worker(engine, await environmentOf(engine, id), 'worker-two');
  await one.comes();
  let action = '';
  await until(() => {
    engine.agentSessions.view(ACME, id).then(
      view => {
        const [first] = view.actions;
        action = view.status === 'idle' ? 'none' : textOf(first?.['why']);
      },
      () => undefined,
    );
    return action !== '';
  }, 'its end, or a question');
  if (action !== 'none') {
    expect(action).toBe('outcome_unknown');
    const [asked] = (await engine.agentSessions.view(ACME, id)).actions;
    await engine.approvals.deny(ACME.tenant, textOf(asked?.['approval']), 'key:boss', '');
    await becomes(engine, id, 'idle');
  }
  expect(told.tools.ran.length).toBeLessThanOrEqual(1);
  const seen = await follows(engine, id, has('agent.session.idle'));
  // Each event once, with the same id whoever reads.
  expect(new Set(seen.map(event => event.id)).size).toBe(seen.length);
  expect((await follows(engine, id, has('agent.session.idle'))).map(event => event.id)).toEqual(
    seen.map(event => event.id),
  );
});

test('a turn that waits for a worker makes as many writes as are tried', async () => {
  const dying = new DyingStore(null);
  expect(await Promise.race([lives(dying), dying.died])).not.toBeNull();
  expect(dying.writes).toBeGreaterThanOrEqual(WRITES);
});

const HOSTED = { environment: { type: 'openai_hosted' }, input: undefined };

test.each(CUTS.slice(0, 8))(
  'a hosted environment that was made is told of though the process dies: $when write $at',
  async cut => {
    const dying = new DyingStore(cut);
    const first = told.boot({ wrap: dying.wrap });
    const made = await Promise.race([session(first.engine, HOSTED), dying.died.then(() => null)]).catch(() => null);
    const id = made;
    if (id === null) return;
    const ready = has('agent.session.environment.ready');
    await Promise.race([dying.died, follows(first.engine, id, ready)]).catch(() => undefined);
    told.world.pass(120_000);
    const { engine } = told.boot();
    await engine.recover();
    await engine.environments.sweep();
    const seen = await follows(engine, id, ready);
    expect(seen.filter(({ type }) => type === 'agent.session.environment.ready')).toHaveLength(1);
    expect(new Set(seen.map(event => event.id)).size).toBe(seen.length);
  },
);
