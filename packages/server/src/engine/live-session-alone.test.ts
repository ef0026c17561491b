import { expect, test } from 'vitest';
import type { SessionId } from '../kernel/ids.ts';
import {
  ACME,
  actor,
  begun,
  created,
  ID,
  labelled,
  readHeld,
  RIVAL,
  sessions,
  stores,
} from './live-session.test-support.ts';
import { codeOf } from './world.test-support.ts';

test('a log that is begun alone is found while it is written, and counts for nothing', async () => {
  const { store } = stores();
  const cache = sessions(10_000);
  const kept = await begun(cache, store);
  for (let i = 0; i < 20; i++) {
    const id = `sess_alone${i}` as SessionId;
    const alone = cache.beginAlone(ACME, id, store);
    await cache.commit(alone, [created], { actor });
    await cache.commit(alone, [labelled('eu')], { actor });
    expect(cache.size).toBe(1);
    expect(await cache.load(ACME, id, store)).toBe(alone);
    expect(await cache.load(RIVAL, id, store)).toBeNull();
    cache.forget(alone);
    cache.forget(alone);
    expect(await codeOf(cache.commit(alone, [labelled('us')], { actor }))).toBe('store_unavailable');
  }
  expect(await cache.load(ACME, ID, store)).toBe(kept);
  // Were it counted when it goes, the bound would come later than it says.
  const more = [1, 2, 3, 4].map(i => cache.begin(ACME, `sess_more${i}` as SessionId, store));
  expect(cache.size).toBe(4);
  expect([kept.stale, ...more.map(({ stale }) => stale)]).toEqual([true, false, false, false, false]);
  const read = await cache.load(ACME, 'sess_alone3' as SessionId, store);
  expect([read?.begun, read?.state?.labels]).toEqual([false, ['eu']]);
});

test('one that begins while it is looked for is the same log', async () => {
  const { store, held } = readHeld();
  const cache = sessions();
  const looked = cache.load(ACME, ID, store);
  const alone = cache.beginAlone(ACME, ID, store);
  await cache.commit(alone, [created], { actor });
  held.open();
  expect(await looked).toBe(alone);
});
