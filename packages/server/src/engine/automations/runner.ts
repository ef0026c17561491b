/**
 * The scheduler of automations: finds those that are due and the invocations that are to be delivered, in rows; one timer for all (L4).
 *
 * S1  A moment's invocation and the automation's next moment are one commit, and the id is made of automation and moment: no moment runs
 *     twice, whoever dies when.
 * S2  A look can end anywhere: what is left to do is read from the store, never remembered.
 */
import { toPerdureError } from '@perdure/protocol';
import { killPoint } from '../kill-point.ts';
import type { ResourceChange, ResourceRow } from '../resources.ts';
import { claimDue } from './claim.ts';
import { deliver } from './deliver.ts';
import type { AutomationDeps } from './ports.ts';
import {
  type Automation,
  automationOf,
  automationRow,
  type Invocation,
  invocationOf,
  invocationRow,
} from './records.ts';

/** At the latest, ms between two looks. */
export const LOOK_EVERY_MS = 30_000;
/** Rows that one look takes of a kind; more are taken in the next, at once. */
const PAGE = 100;
/** Before the next look if this one was full, ms: one that failed altogether would only fail again at once. */
const MORE_MS = 200;
/** Deliveries under way at once. */
const DELIVERIES = 16;
/** Invocations that go with one change: below what the store takes. */
const REMOVED_AT_ONCE = 24;

export interface AutomationRunner {
  readonly start: () => void;
  /** There is something to do at that time, ms since 1970. */
  readonly nudge: (at: number) => void;
  /** One look now, and all that it delivers. */
  readonly look: () => Promise<void>;
  /** Ends after what is under way. */
  readonly stop: () => Promise<void>;
}

export function makeAutomationRunner(deps: AutomationDeps): AutomationRunner {
  const { clock, store, report } = deps;
  const underWay = new Map<string, Promise<void>>();
  let running = false;
  let timer: NodeJS.Timeout | null = null;
  /** On the wall clock: when the timer fires. */
  let next = Number.POSITIVE_INFINITY;
  let looking: Promise<void> = Promise.resolve();

  function arm(at: number): void {
    if (!running || at >= next) return;
    if (timer !== null) clearTimeout(timer);
    next = at;
    timer = setTimeout(fire, Math.max(0, Math.min(at - clock.now(), LOOK_EVERY_MS))).unref();
  }

  function fire(): void {
    timer = null;
    next = Number.POSITIVE_INFINITY;
    looking = lookNow()
      .catch(error => report('automations', toPerdureError(error)))
      .then(() => arm(clock.now() + LOOK_EVERY_MS));
  }

  async function lookNow(): Promise<void> {
    const now = clock.now();
    // What comes due before the next look is told to the timer.
    const due = (await store.dueResources('automation', now + LOOK_EVERY_MS, PAGE)).map(automationOf);
    for (const automation of due) {
      if ((automation.nextAt ?? 0) > now) arm(automation.nextAt ?? 0);
      else await reporting(() => takeUp(automation, now));
    }
    const waiting = (await store.dueResources('invocation', now + LOOK_EVERY_MS, PAGE)).map(invocationOf);
    for (const invocation of waiting) {
      if ((invocation.tryAt ?? 0) > now) arm(invocation.tryAt ?? 0);
      else await begin(invocation);
    }
    const full = (moments: readonly (number | null)[]): boolean =>
      moments.length === PAGE && moments.every(at => (at ?? 0) <= now);
    if (full(due.map(one => one.nextAt)) || full(waiting.map(one => one.tryAt))) arm(now + MORE_MS);
  }

  async function reporting(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      report('automations', toPerdureError(error));
    }
  }

  async function takeUp(automation: Automation, now: number): Promise<void> {
    if (automation.status === 'deleted') return clear(automation);
    const last =
      automation.last === null ? null : await store.resource('invocation', automation.tenant, automation.last);
    const pending = last !== null && invocationOf(last).status === 'queued';
    const claim = claimDue(automation, pending, now, deps.rules);
    if (claim === null) return;
    killPoint('automation.before-claim');
    const put = (row: ResourceRow): ResourceChange => ({ op: 'put', row });
    const changes = [put(automationRow(claim.automation)), put(invocationRow(claim.invocation))];
    const taken = await store.changeResources([...changes, ...(await tooOld(automation))], null);
    if (taken) {
      killPoint('automation.after-claim');
      if (claim.automation.nextAt !== null) arm(claim.automation.nextAt);
      return;
    }
    // Somebody changed it, and the next look sees how; or the clock was put back before a moment that has run: it is not run again.
    const ran = await store.resource('invocation', automation.tenant, claim.invocation.id);
    if (ran !== null) {
      const { status, last: _last, ...rest } = claim.automation;
      const ended = rest.nextAt === null ? 'completed' : status;
      await store.changeResources([put(automationRow({ ...rest, last: automation.last, status: ended }))], null);
    }
  }

  /** The oldest settled invocations over those that are kept. */
  async function tooOld({ tenant, id: parent }: Automation): Promise<readonly ResourceChange[]> {
    const query = { kind: 'invocation', tenant, parent } as const;
    const over = (await store.countResources(query)) + 1 - deps.rules.kept;
    if (over <= 0) return [];
    const limit = Math.min(over, REMOVED_AT_ONCE);
    const rows = await store.resources({ ...query, order: 'asc', limit, after: null });
    return rows.filter(row => invocationOf(row).status !== 'queued').map(removal);
  }

  /** Removes a deleted automation's invocations, and it after them. */
  async function clear(automation: Automation): Promise<void> {
    const { tenant, id, version } = automation;
    const query = { kind: 'invocation', tenant, parent: id, order: 'asc', after: null } as const;
    const rows = await store.resources({ ...query, limit: REMOVED_AT_ONCE });
    const last = rows.length < REMOVED_AT_ONCE;
    const own = { op: 'remove', kind: 'automation', tenant, id, version } as const;
    await store.changeResources([...rows.map(removal), ...(last ? [own] : [])], null);
    arm(clock.now());
  }

  async function begin(invocation: Invocation): Promise<void> {
    const { id } = invocation;
    if (underWay.has(id)) return;
    // The rest waits for a place: a slow delivery must not have all others wait for all of it.
    while (underWay.size >= DELIVERIES) await Promise.race(underWay.values());
    const work = reporting(() => deliver(deps, invocation)).finally(() => {
      underWay.delete(id);
      // Its next attempt, or the next run of its automation, may be due sooner than the next look.
      arm(clock.now() + 1_000);
    });
    underWay.set(id, work);
  }

  return {
    start() {
      running = true;
      arm(clock.now());
    },
    nudge: arm,
    async look() {
      await looking;
      await lookNow();
      await Promise.all(underWay.values());
    },
    async stop() {
      running = false;
      if (timer !== null) clearTimeout(timer);
      timer = null;
      await looking;
      await Promise.all(underWay.values());
    },
  };
}

function removal({ kind, tenant, id, version }: ResourceRow): ResourceChange {
  return { op: 'remove', kind, tenant, id, version };
}
