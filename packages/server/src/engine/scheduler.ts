/**
 * Timers are a column (`wakeAt`), not promises: one timer of this process looks for the sessions whose time has come, however many wait (L4).
 * A nudge brings the look forward; without any, it comes round by itself, so that what another process left is found too.
 */
import { perdureError, toPerdureError } from '@perdure/protocol';
import type { SessionRow } from '../log/rows.ts';
import { within } from './deadline.ts';
import type { Clock, Scheduler, SessionLog } from './ports.ts';

/** At the latest, ms between two looks. */
export const LOOK_EVERY_MS = 30_000;
/** Sessions woken in one look at one home; more are taken in the next, at once. */
export const WOKEN_AT_ONCE = 100;

export interface SchedulerOptions {
  readonly stores: readonly SessionLog[];
  readonly clock: Clock;
  readonly storeMs: number;
  readonly report: (what: string, error: unknown) => void;
}

export function makeScheduler({ stores, clock, storeMs, report }: SchedulerOptions): Scheduler {
  let wake: ((row: SessionRow) => Promise<void>) | null = null;
  let timer: NodeJS.Timeout | null = null;
  /** On the wall clock: when the timer fires. */
  let next = Number.POSITIVE_INFINITY;
  let looking: Promise<void> = Promise.resolve();

  function arm(at: number): void {
    if (wake === null || at >= next) return;
    if (timer !== null) clearTimeout(timer);
    next = at;
    timer = setTimeout(fire, Math.max(0, Math.min(at - clock.now(), LOOK_EVERY_MS))).unref();
  }

  function fire(): void {
    timer = null;
    next = Number.POSITIVE_INFINITY;
    looking = look()
      .catch(error => report('scheduler', toPerdureError(error)))
      .then(() => arm(clock.now() + LOOK_EVERY_MS));
  }

  async function look(): Promise<void> {
    for (const store of stores) {
      const due = store.due(clock.now(), WOKEN_AT_ONCE);
      const rows = await within(storeMs, due, () => perdureError('store_unavailable'));
      const results = await Promise.allSettled(rows.map(async row => wake?.(row)));
      const failed = results.filter(result => result.status === 'rejected');
      for (const { reason } of failed) report('scheduler', reason);
      // A full page may have more behind it; one that failed altogether would only fail again at once.
      if (rows.length === WOKEN_AT_ONCE && failed.length < rows.length) arm(clock.now());
    }
  }

  return {
    start(onDue) {
      wake = onDue;
      arm(clock.now());
    },
    nudge: arm,
    async stop() {
      wake = null;
      if (timer !== null) clearTimeout(timer);
      timer = null;
      await looking;
    },
  };
}
