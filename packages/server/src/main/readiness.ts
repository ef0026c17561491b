/** Whether the server takes work, and what is missing if it does not: what `/readyz` says. */
import type { ReadyResource } from '@perdure/protocol';

export interface Readiness {
  /** What the last process left unfinished is settled, or under way. */
  recovered(): void;
  /** A home's store answers no more, until the server is started again. */
  homeDied(home: string): void;
  drain(): void;
  readonly draining: boolean;
  now(): ReadyResource;
}

export function makeReadiness(homes: readonly string[]): Readiness {
  const dead = new Set<string>();
  let recovered = false;
  let draining = false;
  return {
    recovered: () => void (recovered = true),
    homeDied: home => void dead.add(home),
    drain: () => void (draining = true),
    get draining() {
      return draining;
    },
    now() {
      const checks = [
        { name: 'recovery', ok: recovered },
        ...homes.map(home => ({ name: `store:${home}`, ok: !dead.has(home) })),
      ];
      if (draining) return { status: 'draining', checks };
      if (dead.size > 0) return { status: 'unavailable', checks };
      return { status: recovered ? 'ready' : 'starting', checks };
    },
  };
}
