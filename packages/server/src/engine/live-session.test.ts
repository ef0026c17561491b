import { describe, expect, test } from 'vitest';
import type { SessionId } from '../kernel/ids.ts';
import type { HomeStore } from '../store/home-store.ts';
import { storeError } from '../store/store-error.ts';
import { type LiveSession, Sessions, WAITING_KEPT } from './live-session.ts';
import {
  ACME,
  actor,
  begun,
  claimed,
  clock,
  created,
  ID,
  labelled,
  readHeld,
  RIVAL,
  sessions,
  stores,
} from './live-session.test-support.ts';
import { codeOf, gate, sha256 } from './world.test-support.ts';

test('a session that begins while it is looked for is one session', async () => {
  const { store, held } = readHeld();
  const cache = sessions();
  const looked = cache.load(ACME, ID, store);
  const live = await begun(cache, store);
  held.open();
  expect(await looked).toBe(live);
  expect(await cache.load(ACME, ID, store)).toBe(live);
  await cache.commit(live, [labelled('eu')], { actor });
});

describe('V1: a change', () => {
  test('shows only after the store said that it is durable', async () => {
    const held = gate();
    let hold = false;
    const { store } = stores(inner => ({
      ...inner,
      append: async one => {
        if (hold) await held.opened;
        return inner.append(one);
      },
    }));
    const cache = sessions();
    const live = await begun(cache, store);
    hold = true;
    const commit = cache.commit(live, [labelled('pii')], { actor });
    await new Promise(resolve => setImmediate(resolve));
    expect(live.state?.labels).toEqual([]);
    held.open();
    await commit;
    expect(live.state?.labels).toEqual(['pii']);
  });

  test('comes after all before it, however many are asked for at once', async () => {
    const { store, plain } = stores();
    const cache = sessions();
    const live = await begun(cache, store);
    await Promise.all(['a', 'b', 'c', 'd'].map(label => cache.commit(live, [labelled(label)], { actor })));
    expect(live.state).toMatchObject({ seq: 5, labels: ['a', 'b', 'c', 'd'] });
    expect((await plain.session(ACME, ID))?.seq).toBe(5);
  });

  test('that looks before it writes does so alone', async () => {
    const { store } = stores();
    const cache = sessions();
    const live = await begun(cache, store);
    const seen: number[] = [];
    await Promise.all(
      [1, 2, 3].map(() =>
        cache.exclusive(live, async () => {
          seen.push(live.state?.seq ?? 0);
          await cache.commit(live, [labelled('x')], { actor });
        }),
      ),
    );
    expect(seen).toEqual([1, 2, 3]);
    // One that fails does not stop the next.
    expect(await codeOf(cache.exclusive(live, () => Promise.reject(new Error('x'))))).not.toBeNull();
    expect(await cache.exclusive(live, async () => 7)).toBe(7);
  });
});

describe('V2: a commit that fails', () => {
  test.each([
    ['store_full', 'store_full'],
    ['store_unavailable', 'store_unavailable'],
    ['store_corrupt', 'store_unavailable'],
  ] as const)('with %s is told as %s; the session is forgotten and read again', async (kind, code) => {
    let fails = false;
    const { store } = stores(inner => ({
      ...inner,
      append: one => (fails ? Promise.reject(storeError(kind, 'scripted')) : inner.append(one)),
    }));
    const cache = sessions();
    const live = await begun(cache, store);
    fails = true;
    expect(await codeOf(cache.commit(live, [labelled('a')], { actor }))).toBe(code);
    expect([live.stale, cache.size, live.state?.labels]).toEqual([true, 0, []]);
    fails = false;
    // Who still holds the forgotten one cannot write with it.
    expect(await codeOf(cache.commit(live, [labelled('a')], { actor }))).toBe('store_unavailable');
    const again = await cache.load(ACME, ID, store);
    expect(again?.state).toMatchObject({ seq: 1, labels: [] });
    expect(again).not.toBe(live);
  });

  test('because it took too long may yet have happened: what is read again says', async () => {
    const held = gate();
    let slow = false;
    const { store } = stores(inner => ({
      ...inner,
      append: async one => {
        const result = await inner.append(one);
        if (slow) await held.opened;
        return result;
      },
    }));
    const cache = sessions(1_000_000, 20);
    const live = await begun(cache, store);
    slow = true;
    expect(await codeOf(cache.commit(live, [labelled('late')], { actor }))).toBe('store_unavailable');
    slow = false;
    held.open();
    expect((await cache.load(ACME, ID, store))?.state).toMatchObject({ seq: 2, labels: ['late'] });
  });

  test('takes those that were queued behind it with it: they were made for a state that never came', async () => {
    let fails = true;
    const { store, plain } = stores(inner => ({
      ...inner,
      append: one => {
        const fail = fails && one.expectedSeq === 1;
        if (fail) fails = false;
        return fail ? Promise.reject(storeError('store_unavailable', 'x')) : inner.append(one);
      },
    }));
    const cache = sessions();
    const live = await begun(cache, store);
    const codes = await Promise.all(['a', 'b'].map(label => codeOf(cache.commit(live, [labelled(label)], { actor }))));
    expect(codes).toEqual(['store_unavailable', 'store_unavailable']);
    expect((await plain.session(ACME, ID))?.seq).toBe(1);
  });

  test('L3: because another process was quicker, or has claimed the session, changes nothing', async () => {
    const { store, plain } = stores();
    const [one, two] = [sessions(), sessions()];
    const mine = await begun(one, store);
    const theirs = await two.load(ACME, ID, plain);
    if (theirs === null) throw new Error('not found');
    await two.commit(theirs, [claimed, labelled('theirs')], { actor });
    expect(await codeOf(one.commit(mine, [labelled('mine')], { actor }))).toBe('conversation_locked');
    const now = await one.load(ACME, ID, store);
    expect(now?.state).toMatchObject({ epoch: 2, owner: 'proc_2', labels: ['theirs'] });
    await one.commit(now as LiveSession, [labelled('mine')], { actor });
    expect(await codeOf(two.commit(theirs, [labelled('lost')], { actor }))).toBe('conversation_locked');
    expect((await plain.session(ACME, ID))?.seq).toBe(4);
  });

  test('because the table of states does not allow it leaves the session as it was', async () => {
    const { store } = stores();
    const cache = sessions();
    const live = await begun(cache, store);
    await expect(cache.commit(live, [created], { actor })).rejects.toThrow('event_not_allowed');
    expect(live.stale).toBe(false);
    await cache.commit(live, [labelled('a')], { actor });
    expect(live.state?.seq).toBe(2);
  });
});

describe('loading', () => {
  test('L1: reads the kept state, or folds the log where none is kept; both are the same', async () => {
    const { store } = stores(inner => ({
      ...inner,
      session: async (tenant, id) => {
        const row = await inner.session(tenant, id);
        return row && { ...row, state: null };
      },
    }));
    const plainCache = sessions();
    const live = await begun(plainCache, store);
    for (let i = 0; i < 3; i++) await plainCache.commit(live, [labelled(`l${i}`)], { actor });
    expect((await sessions().load(ACME, ID, store))?.state).toEqual(live.state);
  });

  test('two who ask at once get the same session', async () => {
    const { store } = stores();
    await begun(sessions(), store);
    const cache = sessions();
    const [a, b] = await Promise.all([cache.load(ACME, ID, store), cache.load(ACME, ID, store)]);
    expect(a).not.toBeNull();
    expect(a).toBe(b);
  });

  test('L10: another tenant’s session is not there, cached or not, and asking for it hides it from nobody', async () => {
    const { store } = stores();
    await begun(sessions(), store);
    const cache = sessions();
    const [foreign, own] = await Promise.all([cache.load(RIVAL, ID, store), cache.load(ACME, ID, store)]);
    expect([foreign, own?.session]).toEqual([null, ID]);
    expect(await cache.load(RIVAL, ID, store)).toBeNull();
    expect(await cache.load(ACME, ID, store)).toBe(own);
  });

  test('what hangs is given up, and asked again by the next', async () => {
    let hangs = true;
    const { store } = stores(inner => ({
      ...inner,
      session: (tenant, id) => (hangs ? new Promise(() => undefined) : inner.session(tenant, id)),
    }));
    await begun(sessions(), store);
    const cache = sessions(1_000_000, 20);
    expect(await codeOf(cache.load(ACME, ID, store))).toBe('store_unavailable');
    hangs = false;
    expect((await cache.load(ACME, ID, store))?.session).toBe(ID);
  });
});

describe('V3: the cache', () => {
  const id = (n: number): SessionId => `sess_${n}` as SessionId;
  async function filled(cache: Sessions, store: HomeStore, n: number, chars: number): Promise<LiveSession> {
    const live = await begun(cache, store, id(n));
    live.context.begin();
    cache.grew(live.context.add([{ type: 'message', id: 'm', text: 'x'.repeat(chars) }], 1));
    return live;
  }

  test('keeps what fits, and lets go of what was used least recently', async () => {
    const { store } = stores();
    const cache = sessions(110_000);
    const lives: LiveSession[] = [];
    for (let n = 0; n < 3; n++) lives.push(await filled(cache, store, n, 12_000));
    expect(lives.map(live => live.stale)).toEqual([false, false, false]);
    await cache.load(ACME, id(0), store);
    lives.push(await filled(cache, store, 3, 12_000), await filled(cache, store, 4, 12_000));
    expect(lives.map(live => live.stale)).toEqual([false, true, false, false, false]);
  });

  test('holds nothing of what was done to a session: a turn and all its events would stay as long as it', async () => {
    const { store } = stores();
    const cache = sessions();
    const live = await begun(cache, store);
    expect(await cache.exclusive(live, async () => 'a turn')).toBe('a turn');
    expect(await live.gate).toBeUndefined();
    await cache.commit(live, [labelled('pii')], { actor });
    expect(await live.commits).toBeUndefined();
  });

  test('never lets go of a session that someone is about to change', async () => {
    const { store } = stores();
    const cache = sessions(1000);
    const live = await begun(cache, store);
    await cache.exclusive(live, async () => {
      live.context.begin();
      cache.grew(live.context.add([{ type: 'message', id: 'm', text: 'x'.repeat(5000) }], 1));
      expect(live.stale).toBe(false);
      await cache.commit(live, [labelled('a')], { actor });
    });
    expect(live.state?.labels).toEqual(['a']);
    // Once nobody is at it, it goes with the next that grows.
    await filled(cache, store, 2, 10);
    expect(live.stale).toBe(true);
  });

  test('is bounded also where sessions hold no context: they weigh something too', async () => {
    const { store } = stores();
    const writer = sessions();
    for (let n = 0; n < 200; n++) await begun(writer, store, id(n));
    const cache = sessions(64 * 1024);
    for (let n = 0; n < 200; n++) await cache.load(ACME, id(n), store);
    expect(cache.size).toBeLessThan(100);
    expect(cache.size).toBeGreaterThan(0);
  });

  test('forgets a session once, whoever says it how often', async () => {
    const { store } = stores();
    const cache = sessions(110_000);
    const first = await filled(cache, store, 1, 12_000);
    cache.forget(first);
    cache.forget(first);
    const lives: LiveSession[] = [];
    for (let n = 2; n < 7; n++) lives.push(await filled(cache, store, n, 12_000));
    // Four of them fit: had the first been subtracted twice, five would.
    expect(lives.filter(live => !live.stale).length).toBeLessThan(5);
  });
});

describe('V4: sessions that wait for people', () => {
  /** As it is once its turn waits. */
  const waits = (live: LiveSession): void => {
    if (live.state !== null)
      live.state = { ...live.state, phase: 'waiting', turn: { tools: [], approvals: [] } as never };
  };

  async function waitingOnes(cache: Sessions, store: HomeStore, count: number): Promise<readonly LiveSession[]> {
    const all: LiveSession[] = [];
    for (let i = 0; i < count; i++) {
      const live = await begun(cache, store, `sess_w${i}` as SessionId);
      waits(live);
      cache.rest(live);
      all.push(live);
    }
    return all;
  }

  test('however many wait, the latest alone are kept; one that was looked at is a late one', async () => {
    const { store } = stores();
    const cache = sessions(100_000_000);
    const all = await waitingOnes(cache, store, WAITING_KEPT);
    expect(cache.size).toBe(WAITING_KEPT);
    await cache.load(ACME, 'sess_w0' as SessionId, store);
    const more = await begun(cache, store, 'sess_more' as SessionId);
    waits(more);
    cache.rest(more);
    expect([all[0]?.stale, all[1]?.stale, all[2]?.stale, more.stale]).toEqual([false, true, false, false]);
    expect(cache.size).toBe(WAITING_KEPT);
  });

  test('one that somebody is at stays, and so does one whose turn still runs here', async () => {
    const { store } = stores();
    const running = new Set<SessionId>();
    const cache = new Sessions({
      clock,
      storeMs: 200,
      cacheBytes: 100_000,
      sha256,
      salt: () => new Uint8Array(16),
      atWork: ({ session }) => running.has(session),
    });
    const [used, atWork, neither] = await waitingOnes(cache, store, 3);
    if (used === undefined || atWork === undefined || neither === undefined) throw new Error('there are not three');
    running.add(atWork.session);
    await cache.exclusive(used, async () => {
      cache.grew(100_000);
      expect([used.stale, atWork.stale, neither.stale]).toEqual([false, false, true]);
    });
  });
});
