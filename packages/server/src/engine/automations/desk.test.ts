import { describe, expect, test } from 'vitest';
import type { TenantId } from '../../kernel/ids.ts';
import { ALL, brief, CALLER, change, failing, NEW_SESSION, openWorld, START, wanted } from './world.test-support.ts';

const HOUR = 3_600_000;

describe('changes', () => {
  test('only what is given, and the next time follows', async () => {
    const world = await openWorld();
    const { id } = await world.desk.create(CALLER, wanted({ metadata: { a: '1' } }));
    const after = await world.desk.update(CALLER, id, change({ name: 'hourly', expression: '0 * * * *' }));
    expect(after).toMatchObject({ name: 'hourly', metadata: { a: '1' }, nextAt: START + HOUR });
    expect(await world.desk.update(CALLER, id, change({ timezone: 'Asia/Kolkata' }))).toMatchObject({
      nextAt: START + HOUR / 2,
    });
    expect(await failing(world.desk.update(CALLER, id, change({ run_at: 9_000_000 })))).toBe('invalid_request run_at');
    expect(await failing(world.desk.update(CALLER, id, change({ target: NEW_SESSION })))).toBe(
      'invalid_request target.type',
    );
    const gone = { type: 'existing_session', session_id: 'sess_none', instructions: 'x' };
    expect(await failing(world.desk.update(CALLER, id, change({ target: gone })))).toBe(
      'invalid_request target.session_id',
    );
    expect(await failing(world.desk.update(CALLER, id, change({ expression: '0 0 31 2 *' })))).toBe(
      'invalid_request expression',
    );
    const once = await world.desk.create(CALLER, wanted({ type: 'once', run_at: START / 1000 + 60 }));
    expect(await failing(world.desk.update(CALLER, once.id, change({ timezone: 'UTC' })))).toBe(
      'invalid_request timezone',
    );
  });

  test('one that an agent made keeps telling the session of that agent', async () => {
    const world = await openWorld();
    world.sessions.sessions.add('sess_other');
    const by = { type: 'agent', session_id: 'sess_there', tool_call_id: 'call_1' } as const;
    const { id } = await world.desk.create(CALLER, wanted(), by);
    const other = { type: 'existing_session', session_id: 'sess_other', instructions: 'x' };
    expect(await failing(world.desk.update(CALLER, id, change({ target: other })))).toBe(
      'invalid_request target.session_id',
    );
  });

  test('what is deleted is gone with all its runs, also what waited', async () => {
    const world = await openWorld();
    const { id } = await world.desk.create(CALLER, wanted({ expression: '* * * * *' }));
    for (let i = 0; i < 30; i++) await world.pass(60_000);
    world.sessions.faults.push('busy');
    const run = await world.desk.invoke(CALLER, id);
    const told = world.sessions.told.size;
    await world.desk.delete(CALLER, id);
    expect(await failing(world.desk.read(CALLER, id))).toBe('automation_not_found');
    expect(await failing(world.desk.invocation(CALLER, id, run.id))).toBe('automation_not_found');
    expect((await world.desk.list(CALLER, ALL, null)).entries).toEqual([]);
    for (let i = 0; i < 3; i++) await world.pass(60_000);
    expect(world.sessions.told.size).toBe(told);
    for (const kind of ['automation', 'invocation'] as const)
      expect(await world.store.countResources({ kind, tenant: CALLER.tenant })).toBe(0);
  });

  test('old runs go, the newest stay', async () => {
    const world = await openWorld({ kept: 3 });
    const { id } = await world.desk.create(CALLER, wanted({ expression: '* * * * *' }));
    for (let i = 0; i < 6; i++) await world.pass(60_000);
    expect(await brief(world, id)).toEqual(['completed 11-22T10:04', 'completed 11-22T10:05', 'completed 11-22T10:06']);
  });
});

test('lists: page by page, and of one session', async () => {
  const world = await openWorld();
  const made: string[] = [];
  for (let i = 0; i < 5; i++) {
    const target = i % 2 === 0 ? undefined : NEW_SESSION;
    made.push((await world.desk.create(CALLER, wanted(target === undefined ? {} : { target }))).id);
    world.now += 1;
  }
  const ids = async (query: object, session: string | null = null) => {
    const { entries, hasMore } = await world.desk.list(CALLER, { ...ALL, ...query }, session);
    return [...entries.map(one => made.indexOf(one.id)), hasMore];
  };
  expect(await ids({ limit: 2 })).toEqual([0, 1, true]);
  expect(await ids({ limit: 3, after: made[1] })).toEqual([2, 3, 4, false]);
  expect(await ids({ order: 'desc' })).toEqual([4, 3, 2, 1, 0, false]);
  expect(await ids({}, 'sess_there')).toEqual([0, 2, 4, false]);
  expect(await ids({ limit: 2 }, 'sess_there')).toEqual([0, 2, true]);
});

test('L10: another tenant sees none of it, on every verb', async () => {
  const world = await openWorld();
  const { id } = await world.desk.create(CALLER, wanted());
  const run = await world.desk.invoke(CALLER, id);
  const other = { ...CALLER, tenant: 'other' as TenantId };
  const { desk } = world;
  const asked = [
    desk.read(other, id),
    desk.update(other, id, {}),
    desk.delete(other, id),
    desk.pause(other, id),
    desk.resume(other, id),
    desk.invoke(other, id),
    desk.invocation(other, id, run.id),
    desk.invocations(other, id, ALL),
  ];
  for (const one of asked) expect(await failing(one)).toBe('automation_not_found');
  expect((await desk.list(other, ALL, null)).entries).toEqual([]);
  const second = await desk.create(CALLER, wanted());
  expect(await failing(desk.invocation(CALLER, second.id, run.id))).toBe('invocation_not_found');
});

test('a tenant has as many as it may, and no more', async () => {
  const world = await openWorld({ perTenant: 2 });
  await world.desk.create(CALLER, wanted());
  await world.desk.create(CALLER, wanted());
  expect(await failing(world.desk.create(CALLER, wanted()))).toBe('automation_limit_reached');
});

test('what could not be started is refused when it is made', async () => {
  const world = await openWorld();
  const { agent: _agent, ...rest } = NEW_SESSION;
  expect(await failing(world.desk.create(CALLER, wanted({ target: { ...rest, agent_id: 'agent_none' } })))).toBe(
    'not_found',
  );
  const target = { type: 'existing_session', session_id: 'sess_none', instructions: 'x' };
  expect(await failing(world.desk.create(CALLER, wanted({ target })))).toBe('invalid_request target.session_id');
});
