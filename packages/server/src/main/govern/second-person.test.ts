/** Where another must approve: events, and what the configuration settles. */
import { expect, test } from 'vitest';
import { booted, configOf, DAY, ops, second, wanted, world } from './world.test-support.ts';

test('an event that needs a second person counts once another approves it', async () => {
  const { desk, active, clock } = await booted({ requireSecondPerson: true });
  const facts = () => (JSON.parse(active.at(clock.time).loaded.document) as { events?: unknown }).events;
  const given = { event: 'agi-verified', date: '2026-03-19', source: 's' };
  const { id, state } = await desk.recordEvent(ops, given);
  expect([state, facts()]).toEqual(['pending', undefined]);
  await expect(desk.decideEvent(ops, id, 'approve')).rejects.toMatchObject({ code: 'second_person_required' });
  expect(await desk.decideEvent(second, id, 'approve')).toMatchObject({ state: 'recorded', decided_by: 'key_second' });
  expect(facts()).toEqual([{ id: 'agi-verified', date: '2026-03-19', source: 's' }]);
  await expect(desk.decideEvent(second, id, 'approve')).rejects.toMatchObject({ code: 'not_pending' });
  const other = await desk.recordEvent(ops, { ...given, event: 'ipo-filed' });
  expect(await desk.decideEvent(second, other.id, 'reject')).toMatchObject({ state: 'rejected' });
  const late = await desk.recordEvent(ops, { ...given, event: 'injunction' });
  clock.time += 30 * DAY;
  await expect(desk.decideEvent(second, late.id, 'approve')).rejects.toMatchObject({ code: 'not_pending' });
  expect((await desk.events()).map(one => one.state)).toEqual(['expired', 'rejected', 'recorded']);
});

test('without that rule one event alone can ask for a second person', async () => {
  const { desk } = await booted();
  const given = { event: 'agi-verified', date: '2026-03-19', source: 's' };
  expect(await desk.recordEvent(ops, { ...given, require_second: true })).toMatchObject({ state: 'pending' });
  expect(await desk.recordEvent(ops, given)).toMatchObject({ state: 'recorded', expires_at: null });
});

test('what the file settles is taken up and audited; where a second person is required it waits for one', async () => {
  const { boot, clock, store } = world();
  const strict = { requireSecondPerson: true };
  await boot(configOf(strict));
  const lax = configOf({
    requireSecondPerson: false,
    enforce: false,
    onAmbiguity: 'refuse',
    asOf: { text: '2026-03-01', ms: Date.UTC(2026, 2, 1) },
    events: [{ id: 'agi-verified', date: '2026-03-19', source: 'the file' }],
  });
  clock.time += DAY;
  const edited = await boot(lax);
  const document = (): object => JSON.parse(edited.active.at(clock.time).loaded.document) as object;
  expect(document()).toMatchObject({ enforce: true, onAmbiguity: 'flag' });
  expect(document()).not.toHaveProperty('events');
  expect(edited.asOf).toBeNull();
  const [asked] = await edited.desk.settings();
  expect(asked).toMatchObject({ state: 'pending', requested_by: 'config', enforce: false, as_of: '2026-03-01' });
  expect(edited.warnings().join()).toContain(`enforce: false (in force: true)`);
  expect(edited.warnings().join()).toContain(`perdure contracts approve ${asked?.id}`);
  // Another start asks for nothing twice, and the rule holds for all that is asked meanwhile.
  await boot(lax);
  expect(await store.records('settings')).toHaveLength(2);
  expect(await edited.desk.activate(ops, wanted())).toMatchObject({ state: 'pending' });
  const local = { principal: 'local', tenant: 'local', all: true };
  await expect(edited.desk.decideSettings(local, asked?.id ?? '', 'approve')).rejects.toMatchObject({
    code: 'second_person_required',
  });
  await edited.desk.decideSettings(second, asked?.id ?? '', 'approve');
  expect(document()).toMatchObject({ enforce: false, onAmbiguity: 'refuse', events: [{ id: 'agi-verified' }] });
  expect(edited.warnings()).toEqual([]);
  expect((await boot(lax)).asOf).toMatchObject({ text: '2026-03-01' });
  expect((await store.audit(0, 20)).map(({ action, actor }) => `${actor} ${action}`)).toEqual([
    'config settings.requested',
    'config activation.requested',
    'config settings.requested',
    'key:key_ops activation.requested',
    'key:key_second settings.approved',
  ]);
  await expect(edited.desk.decideSettings(second, 'cfg_none', 'reject')).rejects.toMatchObject({
    code: 'settings_not_found',
  });
});
