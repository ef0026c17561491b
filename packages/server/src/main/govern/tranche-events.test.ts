/** What tranches wait for is what is in force: events of the settings that were accepted, and those that people recorded. */
import { expect, test } from 'vitest';
import { eventDays } from '../money/usage-view.ts';
import type { Governed } from './open.ts';
import { configOf, ops, second, START, world } from './world.test-support.ts';

const IPO = { id: 'ipo-filed', date: '2026-03-18', source: 's' };
const days = ({ active }: Governed): ReturnType<typeof eventDays> =>
  eventDays(active.at(START).loaded.snapshot.recorded.events);

test('an event that is edited into the file counts for no tranche before a second person agrees, and one that is recorded neither', async () => {
  const strict = configOf({ requireSecondPerson: true });
  const made = world(strict);
  expect(days(await made.boot())).toEqual({});
  const edited = { ...strict, events: [IPO] };
  expect(days(await made.boot(edited))).toEqual({});
  expect(days(await made.boot(edited, 'look'))).toEqual({});
  const { desk } = await made.boot(edited);
  const { id } = await desk.recordEvent(ops, { event: 'agi-verified', date: '2026-03-19', source: 's' });
  expect(days(await made.boot(edited))).toEqual({});
  await desk.decideEvent(second, id, 'approve');
  expect(days(await made.boot(edited))).toEqual({ 'agi-verified': Date.UTC(2026, 2, 19) });
});

test('where nobody else is needed, the file counts beside what was recorded', async () => {
  const made = world(configOf({ events: [IPO] }));
  expect(days(await made.boot())).toEqual({ 'ipo-filed': Date.UTC(2026, 2, 18) });
});
