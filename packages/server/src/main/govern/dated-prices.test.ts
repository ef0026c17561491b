/** A4 of the contracts in force: prices are those of the day. */
import { expect, test } from 'vitest';
import { decide } from '../../placement/decide.ts';
import { call } from '../../placement/fixture.test-support.ts';
import type { Snapshot } from '../../placement/snapshot.ts';
import { booted, configOf, DAY, NONE, ops, START } from './world.test-support.ts';

test('A4: a dated price steers from its first moment on, without a restart, and is what records name', async () => {
  const day = Date.UTC(2026, 3, 1);
  const later = Date.UTC(2026, 4, 1);
  const activated = Date.UTC(2026, 3, 15);
  const at = (from: number | null, input: number) => ({
    from,
    prices: { input, cached: input, written: input, output: input, reasoning: input },
  });
  const [target] = configOf().targets;
  if (target === undefined) throw new Error('there is a target');
  const dear = { ...target, id: 'azure-gpt', cloud: 'azure', priceBook: [at(null, 5)] };
  const dated = { ...target, priceBook: [at(null, 9), at(day, 4), at(later, 7)] };
  const { active, desk, clock, store } = await booted({ targets: [dated, dear] });
  const one = call({ at: START, inputTokens: 1_000_000 });
  const seen = (now: number) => {
    const { loaded, from } = active.at(now);
    const place = loaded.snapshot.byId.get('aws-gpt');
    const price = place?.kind === 'target' ? place.prices.inputPerMtok : null;
    const open: Snapshot = { ...loaded.snapshot, enforce: false };
    return [price, from, decide(open, 'infer', one, {}).chosen];
  };
  expect(seen(START)).toEqual([9, START, 'azure-gpt']);
  // Made ready before it comes: nothing is computed, and nothing written, at its first moment (A2).
  expect([seen(day - 1)[0], seen(day)[0], seen(later)[0]]).toEqual([9, 4, 4]);
  expect(seen(day)).toEqual([4, START, 'aws-gpt']);
  const { snapshot, document } = active.at(day).loaded;
  expect(await store.document(snapshot.version)).toBe(document);
  expect(active.at(day)).toBe(active.at(day + DAY));
  expect(active.eras()).toHaveLength(1);
  // Nothing is looked at anew before then.
  clock.time = day - 1;
  expect(await active.follow()).toBe(false);
  expect(seen(later)[0]).toBe(4);
  clock.time = day;
  const during = active.at(day);
  expect(await active.follow()).toBe(false);
  expect(active.at(day).loaded).toBe(during.loaded);
  expect([seen(later - 1)[0], seen(later)[0]]).toEqual([4, 7]);
  // What is for later begins at the prices of its own time, and changes with them.
  await desk.activate(ops, { contracts: [NONE], effective: '2026-04-15' });
  expect([seen(activated - 1), seen(activated), seen(later)].map(([price, from]) => [price, from])).toEqual([
    [4, START],
    [4, activated],
    [7, activated],
  ]);
  clock.time = later;
  expect(await active.follow()).toBe(false);
  expect(seen(later + DAY)).toEqual([7, activated, 'azure-gpt']);
});
