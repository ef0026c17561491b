/**
 * Whether a home's store takes writes, by what became of the last ones: one that hangs, or whose disk is full, is not told of by its threads.
 *
 * P1  A write that failed, or that has been under way for longer than `storeMs`, says that the store is not well; one that began later and
 *     succeeded says that it is.
 * P2  Nothing is written for it unless somebody asks and nothing else tells: then a sign of life, once a second at most.
 */
import { isStoreError } from '../engine/ports.ts';
import { Slots } from '../kernel/slots.ts';
import type { HomeStore } from '../store/home-store.ts';

/** How long what became of a write tells how the store is, ms. */
export const TOLD_MS = 10_000;
/** Between two writes that only ask how it is, ms. */
const ASK_EVERY_MS = 1000;
/** Whose sign of life is written: nobody's, so that nobody is taken to live by it. */
const ASKING = 'readiness';

export interface StorePulse {
  /** The same store, its writes watched. */
  readonly store: HomeStore;
  /** As far as is known. If that is long ago, or not well, the store is asked: the next call says what it answered. */
  well(): boolean;
}

/** @param now ms of a clock that is never put back */
export function watchStore(given: HomeStore, storeMs: number, now: () => number): StorePulse {
  /** When the writes under way began. */
  const underWay = new Slots<{ readonly at: number }>();
  /** When the last of those that succeeded began: what began before it and has not ended will not tell any more. */
  let through = Number.NEGATIVE_INFINITY;
  let told: { readonly ok: boolean; readonly at: number } = { ok: true, at: now() };
  let asked = { at: Number.NEGATIVE_INFINITY, over: true };

  function watched<A extends readonly unknown[], T>(write: (...args: A) => Promise<T>): (...args: A) => Promise<T> {
    return (...args) => {
      const at = now();
      const slot = underWay.add({ at });
      const work = write(...args);
      work.then(
        () => {
          told = { ok: true, at: now() };
          underWay.take(slot);
          through = Math.max(through, at);
        },
        (error: unknown) => {
          underWay.take(slot);
          if (isStoreError(error)) told = { ok: false, at: now() };
        },
      );
      return work;
    };
  }

  const store: HomeStore = {
    ...given,
    append: watched((...args) => given.append(...args)),
    release: watched((...args) => given.release(...args)),
    renew: watched((...args) => given.renew(...args)),
    reserve: watched((...args) => given.reserve(...args)),
    changeResources: watched((...args) => given.changeResources(...args)),
  };

  function ask(): void {
    const since = now() - asked.at;
    if (since < (asked.over ? ASK_EVERY_MS : storeMs)) return;
    const one = { at: now(), over: false };
    asked = one;
    const over = (): void => void (one.over = true);
    store.renew(ASKING, 1).then(over, over);
  }

  return {
    store,
    well() {
      const since = now() - storeMs;
      const hangs = [...underWay].some(({ at }) => at > through && at <= since);
      const well = told.ok && !hangs;
      if (!well || now() - told.at >= TOLD_MS) ask();
      return well;
    },
  };
}
