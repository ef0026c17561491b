import { perdureError } from '@perdure/protocol';
import { describe, expect, test } from 'vitest';
import type { TenantId } from '../../kernel/ids.ts';
import { automationOf, automationResource, invocationResource, scheduledInvocationId } from './records.ts';
import {
  ALL,
  brief,
  CALLER,
  change,
  failing,
  NEW_SESSION,
  openWorld,
  RULES,
  runs,
  START,
  wanted,
} from './world.test-support.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

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
