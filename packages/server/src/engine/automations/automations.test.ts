import { perdureError } from '@perdure/protocol';
import { describe, expect, test } from 'vitest';
import type { TenantId } from '../../kernel/ids.ts';
import { automationOf, automationResource, invocationResource, scheduledInvocationId } from './records.ts';
import { CALLER, change, NEW_SESSION, openWorld, RULES, START, type TestWorld, wanted } from './world.test-support.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const ALL = { order: 'asc', limit: 100, after: null } as const;
const runs = async (world: TestWorld, id: string) =>
  (await world.desk.invocations(CALLER, id, ALL)).entries.map(invocationResource);
const brief = async (world: TestWorld, id: string): Promise<readonly string[]> =>
  (await runs(world, id)).map(({ status, scheduled_at: at, skip_reason, error }) =>
    [status, at === null ? 'manual' : new Date(at * 1000).toISOString().slice(5, 16), skip_reason ?? error?.code]
      .filter(Boolean)
      .join(' '),
  );
const failing = async (work: Promise<unknown>): Promise<string> => {
  try {
    await work;
    return 'done';
  } catch (error) {
    const { code, param } = error as { code: string; param: string | null };
    return param === null ? code : `${code} ${param}`;
  }
};

describe('a schedule', () => {
  test('runs at its times and tells the session once each', async () => {
    const world = await openWorld();
    const { id } = await world.desk.create(CALLER, wanted({ expression: '0 * * * *' }));
    await world.pass(HOUR - 1);
    expect(await brief(world, id)).toEqual([]);
    await world.pass(1);
    await world.pass(30_000);
    await world.pass(HOUR);
    expect(await brief(world, id)).toEqual(['completed 11-22T11:00', 'completed 11-22T12:00']);
    expect([...world.sessions.told.values()]).toEqual([
      { session: 'sess_there', text: 'Look at the mail.' },
      { session: 'sess_there', text: 'Look at the mail.' },
    ]);
    expect(world.reported).toEqual([]);
  });

  test('a new session is started with the body as it was given, and what is secret is shown nowhere', async () => {
    const world = await openWorld();
    const made = await world.desk.create(
      CALLER,
      wanted({ type: 'once', run_at: START / 1000 + 60, target: NEW_SESSION }),
    );
    const row = await world.store.resource('automation', CALLER.tenant, made.id);
    expect(JSON.stringify(row)).not.toContain('hush');
    await world.pass(60_000);
    const { type: _type, ...body } = NEW_SESSION;
    expect([...world.sessions.started.values()]).toEqual([{ id: 'sess_1', body, principal: 'key_1' }]);
    const [run] = await runs(world, made.id);
    expect(run).toMatchObject({
      status: 'completed',
      session_id: 'sess_1',
      source: { automation: { status: 'active' } },
    });
    expect(JSON.stringify(run)).not.toContain('hush');
    expect(automationResource(await world.desk.read(CALLER, made.id))).toMatchObject({ status: 'completed' });
    expect(run?.id).toBe(scheduledInvocationId(made.id, START + 60_000));
  });

  test('a run that comes due while the one before waits is skipped, and says why', async () => {
    const world = await openWorld();
    const { id } = await world.desk.create(CALLER, wanted({ expression: '* * * * *' }));
    world.sessions.faults.push(...Array.from({ length: 8 }, () => 'busy' as const));
    await world.pass(60_000);
    await world.pass(60_000);
    world.sessions.faults.length = 0;
    await world.pass(30_000);
    await world.pass(30_000);
    expect(await brief(world, id)).toEqual([
      'completed 11-22T10:01',
      'skipped 11-22T10:02 pending_delivery',
      'completed 11-22T10:03',
    ]);
    expect(world.sessions.told.size).toBe(2);
  });
});

describe('what was missed', () => {
  test('run_once: one run stands for all', async () => {
    const world = await openWorld();
    const { id } = await world.desk.create(CALLER, wanted({ expression: '0 9 * * *' }));
    await world.pass(5 * DAY);
    expect(await brief(world, id)).toEqual(['completed 11-27T09:00']);
    const [{ from } = { from: null }] = (await world.desk.invocations(CALLER, id, ALL)).entries;
    expect(from).toBe(Date.parse('2026-11-23T09:00:00Z'));
    await world.pass(DAY);
    expect(await brief(world, id)).toEqual(['completed 11-27T09:00', 'completed 11-28T09:00']);
  });

  test('skip: it is recorded and not run, unless it is fresh', async () => {
    const world = await openWorld({ missed: 'skip' });
    const { id } = await world.desk.create(CALLER, wanted({ expression: '0 9 * * *' }));
    const due = Date.parse('2026-11-23T09:00:00Z') - START;
    await world.pass(due + RULES.graceMs);
    expect(await brief(world, id)).toEqual(['completed 11-23T09:00']);
    await world.pass(DAY + 1);
    expect(await brief(world, id)).toEqual(['completed 11-23T09:00', 'skipped 11-24T09:00 missed_run']);
  });

  test('a single run that was missed and is skipped completes its automation', async () => {
    const world = await openWorld({ missed: 'skip' });
    const { id } = await world.desk.create(CALLER, wanted({ type: 'once', run_at: START / 1000 + 60 }));
    await world.pass(DAY);
    expect(await brief(world, id)).toEqual(['skipped 11-22T10:01 missed_run']);
    expect(await world.desk.read(CALLER, id)).toMatchObject({ status: 'completed' });
  });
});

describe('delivery', () => {
  test('what fails for the time being is tried again under the same key, further and further apart', async () => {
    const world = await openWorld();
    const { id } = await world.desk.create(
      CALLER,
      wanted({ type: 'once', run_at: START / 1000 + 60, target: NEW_SESSION }),
    );
    world.sessions.faults.push('after', perdureError('no_target_available'), 'after');
    await world.pass(60_000);
    for (const ms of [999, 1, 1_999, 1]) await world.pass(ms);
    expect(world.sessions.calls).toBe(3);
    await world.pass(4_000);
    expect(await brief(world, id)).toEqual(['completed 11-22T10:01']);
    expect(world.sessions.started.size).toBe(1);
  });

  test('and no longer than is configured', async () => {
    const world = await openWorld({ tryMs: 10_000 });
    const { id } = await world.desk.create(
      CALLER,
      wanted({ type: 'once', run_at: START / 1000 + 60, target: NEW_SESSION }),
    );
    world.sessions.faults.push(...Array.from({ length: 20 }, () => perdureError('no_target_available')));
    await world.pass(60_000);
    for (let i = 0; i < 20; i++) await world.pass(1_000);
    expect(await brief(world, id)).toEqual(['failed 11-22T10:01 no_target_available']);
    expect(await world.desk.read(CALLER, id)).toMatchObject({
      status: 'completed',
      problem: { code: 'no_target_available' },
    });
  });

  test('a refusal fails it at once; a schedule goes on', async () => {
    const world = await openWorld();
    const { id } = await world.desk.create(CALLER, wanted({ expression: '* * * * *', target: NEW_SESSION }));
    world.sessions.faults.push(perdureError('placement_refused'));
    await world.pass(60_000);
    await world.pass(60_000);
    expect(await brief(world, id)).toEqual(['failed 11-22T10:01 placement_refused', 'completed 11-22T10:02']);
  });

  test('a message that may have come is sent again under its key, though the session is busy with it', async () => {
    const world = await openWorld();
    const { id } = await world.desk.create(CALLER, wanted({ type: 'once', run_at: START / 1000 + 60 }));
    world.sessions.faults.push('after', 'busy');
    await world.pass(60_000);
    await world.pass(60_000);
    expect(await brief(world, id)).toEqual(['completed 11-22T10:01']);
    expect([world.sessions.told.size, world.sessions.again]).toEqual([1, 1]);
  });

  test('what was never tried is delivered, however long the server was away', async () => {
    const world = await openWorld();
    const { id } = await world.desk.create(
      CALLER,
      wanted({ type: 'once', run_at: START / 1000 + 60, target: NEW_SESSION }),
    );
    await world.desk.invoke(CALLER, id);
    await world.pass(RULES.keyMs * 3);
    expect(await brief(world, id)).toEqual(['completed 11-22T10:01', 'completed manual'].toReversed());
  });

  test('a session that waits for hours is told in the end', async () => {
    const world = await openWorld({ keyMs: HOUR, tryMs: HOUR });
    const { id } = await world.desk.create(CALLER, wanted({ type: 'once', run_at: START / 1000 + 60 }));
    world.sessions.faults.push(...Array.from({ length: 400 }, () => 'busy' as const));
    await world.pass(60_000);
    for (let i = 0; i < 300; i++) await world.pass(60_000);
    world.sessions.faults.length = 0;
    await world.pass(60_000);
    expect(await brief(world, id)).toEqual(['completed 11-22T10:01']);
  });

  test('what may have been delivered under a key that is forgotten is not delivered again', async () => {
    for (const [ms, status] of [
      [RULES.keyMs, 'completed'],
      [RULES.keyMs + 1, 'failed'],
    ] as const) {
      const world = await openWorld({ tryMs: RULES.keyMs });
      const { id } = await world.desk.create(
        CALLER,
        wanted({ type: 'once', run_at: START / 1000 + 60, target: NEW_SESSION }),
      );
      world.sessions.faults.push('after');
      await world.pass(60_000);
      await world.pass(ms);
      const [run] = await runs(world, id);
      expect([run?.status, run?.error?.code]).toEqual([status, status === 'failed' ? 'outcome_unknown' : undefined]);
      expect(world.sessions.started.size).toBe(1);
    }
  });

  test('a session that is gone ends the automation', async () => {
    const world = await openWorld();
    const periodic = await world.desk.create(CALLER, wanted({ expression: '* * * * *' }));
    const once = await world.desk.create(CALLER, wanted({ type: 'once', run_at: START / 1000 + 60 }));
    world.sessions.sessions.delete('sess_there');
    await world.pass(60_000);
    await world.pass(600_000);
    for (const { id } of [periodic, once])
      expect(await brief(world, id)).toEqual(['failed 11-22T10:01 session_not_found']);
    expect(await world.desk.read(CALLER, periodic.id)).toMatchObject({ status: 'paused' });
    expect(await world.desk.read(CALLER, once.id)).toMatchObject({ status: 'completed' });
  });

  test('a revoked key pauses what it made, and whoever resumes it answers for it', async () => {
    const world = await openWorld();
    const { id } = await world.desk.create(CALLER, wanted({ expression: '* * * * *', target: NEW_SESSION }));
    world.revoked.add('key_1');
    await world.pass(60_000);
    expect(await brief(world, id)).toEqual(['failed 11-22T10:01 principal_revoked']);
    expect(await world.desk.read(CALLER, id)).toMatchObject({
      status: 'paused',
      problem: { code: 'principal_revoked' },
    });
    expect(world.sessions.calls).toBe(0);
    await world.desk.resume({ ...CALLER, principal: 'key_2' }, id);
    await world.pass(60_000);
    expect([...world.sessions.started.values()].map(one => one.principal)).toEqual(['key_2']);
  });

  test('what was sealed with another key is not delivered', async () => {
    const world = await openWorld();
    const { id } = await world.desk.create(CALLER, wanted({ expression: '* * * * *' }));
    const row = await world.store.resource('automation', CALLER.tenant, id);
    const body = JSON.parse(row?.body ?? '{}') as object;
    const forged = { ...body, sealed: world.deps.seal.seal('other' as TenantId, id, {}) };
    if (row !== null)
      await world.store.changeResources(
        [{ op: 'put', row: { ...row, version: 2, body: JSON.stringify(forged) } }],
        null,
      );
    await world.pass(60_000);
    expect(await brief(world, id)).toEqual(['failed 11-22T10:01 target_unreadable']);
  });
});

describe('pause and resume', () => {
  test('nothing runs meanwhile, and what passed is not made up for', async () => {
    const world = await openWorld();
    const { id } = await world.desk.create(CALLER, wanted({ expression: '* * * * *' }));
    expect(await world.desk.pause(CALLER, id)).toMatchObject({ status: 'paused' });
    await world.pass(10 * 60_000);
    expect(await world.desk.pause(CALLER, id)).toMatchObject({ status: 'paused' });
    expect(await world.desk.resume(CALLER, id)).toMatchObject({ status: 'active', nextAt: world.now + 60_000 });
    expect(await world.desk.resume(CALLER, id)).toMatchObject({ status: 'active' });
    await world.pass(60_000);
    expect(await brief(world, id)).toEqual(['completed 11-22T10:11']);
  });

  test('a run that waits to be delivered is held, and goes on after', async () => {
    const world = await openWorld();
    const { id } = await world.desk.create(CALLER, wanted({ type: 'once', run_at: START / 1000 + 60 }));
    world.sessions.faults.push('busy');
    await world.pass(60_000);
    await world.desk.pause(CALLER, id);
    await world.pass(HOUR);
    await world.pass(HOUR);
    expect(await brief(world, id)).toEqual(['queued 11-22T10:01']);
    expect(await failing(world.desk.update(CALLER, id, change({ run_at: world.now / 1000 + 60 })))).toBe(
      'invalid_request run_at',
    );
    await world.desk.resume(CALLER, id);
    await world.pass(0);
    expect(await brief(world, id)).toEqual(['completed 11-22T10:01']);
  });

  test('a single run whose time passed while it was paused needs another', async () => {
    const world = await openWorld();
    const { id } = await world.desk.create(CALLER, wanted({ type: 'once', run_at: START / 1000 + 60 }));
    await world.desk.pause(CALLER, id);
    await world.pass(HOUR);
    expect(await failing(world.desk.resume(CALLER, id))).toBe('invalid_request run_at');
    // A run that somebody asks for changes nothing of it.
    world.sessions.faults.push('busy');
    await world.desk.invoke(CALLER, id);
    await world.pass(0);
    expect(await failing(world.desk.resume(CALLER, id))).toBe('invalid_request run_at');
    await world.desk.update(CALLER, id, change({ run_at: world.now / 1000 + 60 }));
    expect(await world.desk.resume(CALLER, id)).toMatchObject({ status: 'active' });
    await world.pass(60_000);
    expect(await brief(world, id)).toEqual(['completed manual', 'completed 11-22T11:01']);
    expect(await failing(world.desk.resume(CALLER, id))).toBe('invalid_request run_at');
    expect(await world.desk.pause(CALLER, id)).toMatchObject({ status: 'completed' });
  });
});

describe('runs that somebody asks for', () => {
  test('one now, though it is paused; another is skipped while it waits', async () => {
    const world = await openWorld();
    const { id } = await world.desk.create(CALLER, wanted());
    await world.desk.pause(CALLER, id);
    world.sessions.faults.push('busy');
    expect(invocationResource(await world.desk.invoke(CALLER, id))).toMatchObject({
      status: 'queued',
      scheduled_at: null,
      source: { type: 'manual' },
      session_id: 'sess_there',
    });
    await world.pass(0);
    await world.desk.invoke(CALLER, id);
    await world.pass(5_000);
    expect((await brief(world, id)).toSorted()).toEqual(['completed manual', 'skipped manual pending_delivery']);
    expect(await world.desk.read(CALLER, id)).toMatchObject({ status: 'paused' });
  });
});

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

test('a clock that is put back runs no time again, and a resume sets a schedule right that was far ahead', async () => {
  const world = await openWorld();
  const { id } = await world.desk.create(CALLER, wanted({ expression: '0 * * * *' }));
  await world.pass(2 * HOUR);
  await world.pass(-2 * HOUR);
  await world.desk.pause(CALLER, id);
  await world.desk.resume(CALLER, id);
  for (let i = 0; i < 8; i++) await world.pass(HOUR / 2);
  expect(await brief(world, id)).toEqual([
    'completed 11-22T11:00',
    'completed 11-22T12:00',
    'completed 11-22T13:00',
    'completed 11-22T14:00',
  ]);
  expect(world.sessions.told.size).toBe(4);
  const row = await world.store.resource('automation', CALLER.tenant, id);
  expect(row === null ? null : automationOf(row).nextAt).toBe(Date.parse('2026-11-22T15:00:00Z'));
});
