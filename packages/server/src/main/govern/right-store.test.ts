/** Rights of first refusal over a store that several processes share, by a hand-set clock. */
import { expect, test } from 'vitest';
import { type HomeId, makeIds } from '../../kernel/ids.ts';
import { knownAt } from '../../contract/recorded.ts';
import { emptyMemoryData } from '../../store/memory/memory-data.ts';
import { openMemoryHome } from '../../store/memory/open-memory-home.ts';
import type { Config } from '../config/config.ts';
import { parseConfig } from '../config/load.ts';
import { contractFolder } from '../contracts.ts';
import { openGoverned } from './open.ts';

const DAY = 86_400_000;
const START = Date.UTC(2026, 4, 8, 12);
const ops = { principal: 'key_ops', tenant: 'local', all: true };
const second = { principal: 'key_second', tenant: 'local', all: true };
const OFFER = { date: '2026-04-28', deadline: '2026-05-09', source: 'a letter' };
const FILE = `
homes: [{ id: azure-us, cloud: azure, region: eastus2 }]
targets:
  - { id: aws-gpt, vendor: openai, model: gpt, cloud: aws, region: us-east-1, base_url: "http://127.0.0.1:1" }
`;

function world(more: Partial<Config> = {}) {
  const { config } = parseConfig(FILE, { file: 'f', env: {}, base: process.cwd() });
  const own = { ...config, contracts: [contractFolder('openai-2026-04', '.')], ...more };
  const clock = { time: START, now: () => clock.time, monotonic: () => clock.time };
  const store = openMemoryHome({ home: 'azure-us' as HomeId, clock, data: emptyMemoryData() });
  const ids = makeIds(clock, into => crypto.getRandomValues(into));
  const boot = () => openGoverned(own, { control: store, stores: [store], clock, ids, how: 'serve' });
  return { clock, store, boot };
}

type Governed = Awaited<ReturnType<ReturnType<typeof world>['boot']>>;

/** What a decision of this process is told now. */
function told({ active }: Governed, now: number, state: 'offered' | 'accepted' | 'declined' | 'lapsed'): boolean {
  const { recorded } = active.at(now).loaded.snapshot;
  const key = knownAt(recorded, now, 'api').firstRefusalKey;
  return (JSON.parse(key || '[]') as readonly [string, readonly string[]][]).some(
    ([name, ids]) => name === state && ids.includes('azure-first'),
  );
}

test('another process follows a move, and time alone lets an offer lapse', async () => {
  const { boot, clock } = world();
  const [one, two] = [await boot(), await boot()];
  await one.desk.offerRight(ops, 'azure-first', OFFER);
  expect([told(one, clock.time, 'offered'), told(two, clock.time, 'offered')]).toEqual([true, false]);
  await two.active.follow();
  expect(told(two, clock.time, 'offered')).toBe(true);
  const end = Date.UTC(2026, 4, 10);
  expect([told(two, end - 1, 'offered'), told(two, end, 'offered'), told(two, end, 'lapsed')]).toEqual([
    true,
    false,
    true,
  ]);
  clock.time = end;
  await expect(two.desk.answerRight(ops, 'azure-first', 'decline', { source: 'x' })).rejects.toMatchObject({
    code: 'right_state_conflict',
  });
  // Dated while it was open, and recorded later.
  const late = await two.desk.answerRight(ops, 'azure-first', 'decline', { date: '2026-05-09', source: 'x' });
  expect(late.states).toEqual([{ product: null, state: 'declined', since: '2026-05-09', until: null }]);
  expect(told(two, end, 'declined')).toBe(true);
});

test.each(['a first move', 'an answer'])('of two who record %s at once, one is told no', async what => {
  const { boot, store } = world();
  const [one, two] = [await boot(), await boot()];
  if (what === 'an answer') await one.desk.offerRight(ops, 'azure-first', OFFER);
  const before = (await store.audit(0, 100)).length;
  const record = (desk: Governed['desk'], how: 'accept' | 'decline') =>
    what === 'an answer'
      ? desk.answerRight(ops, 'azure-first', how, { source: 'x' })
      : desk.offerRight(ops, 'azure-first', OFFER);
  const outcomes = await Promise.allSettled([record(one.desk, 'accept'), record(two.desk, 'decline')]);
  const told = outcomes.map(one => (one.status === 'fulfilled' ? 'done' : String(one.reason)));
  expect(told.toSorted((a, b) => a.length - b.length)).toEqual([
    'done',
    expect.stringMatching(/changed it at the same time|cannot be recorded/i),
  ]);
  expect((await store.audit(0, 100)).length).toBe(before + 1);
});

test('where a second person is required, each move waits for one, until its time', async () => {
  const { boot, clock } = world({ requireSecondPerson: true });
  const governed = await boot();
  const { desk } = governed;
  await desk.offerRight(ops, 'azure-first', OFFER);
  expect(told(governed, clock.time, 'offered')).toBe(false);
  expect((await desk.rights())[0]?.states).toEqual([]);
  await expect(desk.decideRight(ops, 'azure-first', 'approve')).rejects.toMatchObject({
    code: 'second_person_required',
  });
  await desk.decideRight(second, 'azure-first', 'approve');
  expect(told(governed, clock.time, 'offered')).toBe(true);
  await desk.answerRight(second, 'azure-first', 'decline', { source: 'x' });
  clock.time += 10 * DAY;
  await expect(desk.decideRight(ops, 'azure-first', 'approve')).rejects.toMatchObject({ code: 'not_pending' });
  expect((await desk.rights())[0]?.moves.at(-1)).toMatchObject({ move: 'decline', state: 'expired' });
  expect(told(governed, clock.time, 'lapsed')).toBe(true);
});

test('a restart finds what was recorded', async () => {
  const { boot, clock } = world();
  const first = await boot();
  await first.desk.offerRight(ops, 'azure-first', OFFER);
  await first.desk.answerRight(ops, 'azure-first', 'accept', { source: 'x' });
  expect(told(await boot(), clock.time, 'accepted')).toBe(true);
});
