/** Whether the server takes work, and what is missing if it does not: what `/readyz` says. */
import type { ReadyResource } from '@perdure/protocol';
import type { HomeStore } from '../store/home-store.ts';
import type { LifeSigns } from '../store/sqlite/lasting-link.ts';
import { type StorePulse, watchStore } from './store-pulse.ts';

export interface Readiness {
  /** What the last process left unfinished is settled, or under way. */
  recovered(): void;
  /** A thread of a home's store has ended: the home does not answer in full until it is back. */
  threadDied(home: string, thread: string): void;
  threadRevived(home: string, thread: string): void;
  /** The store, its writes watched from now on: a home whose store takes none is not there. */
  watch(home: string, store: HomeStore, storeMs: number): HomeStore;
  drain(): void;
  readonly draining: boolean;
  now(): ReadyResource;
}

export function makeReadiness(homes: readonly string[]): Readiness {
  /** Threads that are missing, by home. */
  const missing = new Map(homes.map(home => [home, new Set<string>()]));
  const pulses = new Map<string, StorePulse>();
  const whole = (home: string): boolean => (missing.get(home)?.size ?? 0) === 0 && pulses.get(home)?.well() !== false;
  let recovered = false;
  let draining = false;
  return {
    recovered: () => void (recovered = true),
    threadDied: (home, thread) => void missing.get(home)?.add(thread),
    threadRevived: (home, thread) => void missing.get(home)?.delete(thread),
    watch(home, store, storeMs) {
      const pulse = watchStore(store, storeMs, () => performance.now());
      pulses.set(home, pulse);
      return pulse.store;
    },
    drain: () => void (draining = true),
    get draining() {
      return draining;
    },
    now() {
      const checks = [
        { name: 'recovery', ok: recovered },
        ...homes.map(home => ({ name: `store:${home}`, ok: whole(home) })),
      ];
      if (draining) return { status: 'draining', checks };
      if (checks.some(({ name, ok }) => name !== 'recovery' && !ok)) return { status: 'unavailable', checks };
      return { status: recovered ? 'ready' : 'starting', checks };
    },
  };
}

/** What is told of a home's threads, and to whom. */
export function lifeSigns(home: string, readiness: Readiness, log: (line: string) => void): LifeSigns {
  return {
    died(thread, error, forGood) {
      readiness.threadDied(home, thread);
      const until = forGood ? 'this server is started again' : 'it is back, which is being tried';
      log(`home ${home}: ${error.message}: its requests fail with store_unavailable until ${until}`);
    },
    revived(thread) {
      readiness.threadRevived(home, thread);
      log(`home ${home}: its ${thread} is back`);
    },
  };
}
