/** Large compactions beside the thread that serves: what is chosen is the same, and others are served meanwhile. */
import { expect, test, vi } from 'vitest';
import { promisify } from 'node:util';
import type { LoggedItem } from '../../log/events.ts';
import { selectContent, type Selection } from '../../session/compaction/select.ts';
import { makeSelectApart, MAX_THREADS } from './thread.ts';

vi.setConfig({ testTimeout: 60_000 });

const PROSE = Array.from({ length: 40_000 }, (_, n) => `In step ${n} Ada took item-${n % 97} to the store.`).join(' ');
const ITEMS: readonly LoggedItem[] = [
  { type: 'message', id: 'msg_0', role: 'developer', content: 'Be brief.' },
  { type: 'message', id: 'msg_1', role: 'user', content: 'What was done?' },
  { type: 'message', id: 'msg_2', role: 'assistant', content: PROSE },
];
const OPTIONS = { budget: 3000, users: 'within' } as const;

/** Ticks of a timer until something is settled. */
async function ticksUntil(settled: Promise<unknown>): Promise<number> {
  let ticks = 0;
  const timer = setInterval(() => (ticks += 1), 1);
  await settled.finally(() => clearInterval(timer));
  return ticks;
}

test('gives what is given here, and the event loop turns meanwhile', async () => {
  const apart = makeSelectApart()(ITEMS, OPTIONS);
  const ticks = await ticksUntil(apart);
  expect(await apart).toEqual(selectContent(ITEMS, OPTIONS));
  // Here it takes one turn of the loop, however long: no tick.
  expect(ticks).toBeGreaterThan(10);
});

test('what cannot be selected is told, and the next is selected', async () => {
  const apart = makeSelectApart();
  const bad = [
    { type: 'message', id: 'msg_1', role: 'assistant', content: [null] },
  ] as unknown as readonly LoggedItem[];
  const worse = { ...OPTIONS, summary: 7 as unknown as string };
  await expect(apart(bad, worse)).rejects.toThrow('trim');
  expect((await apart(ITEMS, OPTIONS)).users).toEqual([]);
});

test('so many run at once, the next begins when one ends, well or badly', async () => {
  const begun: PromiseWithResolvers<Selection>[] = [];
  const apart = makeSelectApart(() => {
    const one = Promise.withResolvers<Selection>();
    begun.push(one);
    return one.promise;
  });
  const none: Selection = { users: [], content: [] };
  const made = Array.from({ length: MAX_THREADS + 2 }, () => apart([], OPTIONS).catch(() => none));
  await promisify(setImmediate)();
  expect(begun).toHaveLength(MAX_THREADS);
  begun[0]?.reject(new Error('broken'));
  await made[0];
  await promisify(setImmediate)();
  expect(begun).toHaveLength(MAX_THREADS + 1);
  begun[1]?.resolve(none);
  await made[1];
  await promisify(setImmediate)();
  expect(begun).toHaveLength(MAX_THREADS + 2);
  for (const one of begun) one.resolve(none);
  await Promise.all(made);
  // All places are free again.
  const again = Array.from({ length: MAX_THREADS + 1 }, () => apart([], OPTIONS));
  await promisify(setImmediate)();
  expect(begun).toHaveLength(2 * MAX_THREADS + 2);
  begun.at(-1)?.resolve(none);
  begun.at(-2)?.resolve(none);
  await promisify(setImmediate)();
  begun.at(-1)?.resolve(none);
  await Promise.all(again);
});
