/**
 * Alerts in the store: what was raised, and what is still to be delivered. One record a subject, so that they do not grow with time.
 *
 * O1  A crossing and what is to be delivered of it are one commit: it is never noted and not told, nor told again after it was delivered.
 * O2  A delivery is struck off after it was made. A process that ends in between makes it again, under the same id.
 */
import { createHash } from 'node:crypto';
import type { ControlRecords } from '../../engine/control-records.ts';
import { type Crossing, crossingKey } from '../../money/crossings.ts';
import { auditEntry } from '../govern/audit.ts';

export interface PendingAlert {
  /** The webhook-id. */
  readonly id: string;
  /** Of the webhook, in the configuration. */
  readonly receiver: string;
  /** When it was raised, ms since 1970. */
  readonly at: number;
  readonly type: Crossing['type'];
  readonly data: Crossing['data'];
}

export interface AbandonedAlert extends PendingAlert {
  readonly abandonedAt: number;
  /** Why the last try failed. */
  readonly why: string;
}

interface AlertBody {
  readonly subject: string;
  /** What was raised, by period: the last ones. */
  readonly raised: { readonly [period: string]: readonly string[] };
  readonly pending: readonly PendingAlert[];
  readonly abandoned: readonly AbandonedAlert[];
}

/** Periods of a subject that are remembered: the one that runs, the one before, and one to spare. */
const PERIODS_KEPT = 3;
/** Alerts of a subject that were given up and are still shown. */
const ABANDONED_KEPT = 5;

export class AlertOutbox {
  readonly #store: ControlRecords;
  readonly #now: () => number;
  readonly #bodies = new Map<string, { readonly version: number; readonly body: AlertBody }>();
  /** One change at a time. */
  #last: Promise<unknown> = Promise.resolve();

  private constructor(store: ControlRecords, now: () => number) {
    this.#store = store;
    this.#now = now;
  }

  static async open(store: ControlRecords, now: () => number): Promise<AlertOutbox> {
    const outbox = new AlertOutbox(store, now);
    await outbox.#read();
    return outbox;
  }

  async #read(): Promise<void> {
    for (const { body, version } of await this.#store.records('alert')) {
      const parsed = JSON.parse(body) as AlertBody;
      this.#bodies.set(parsed.subject, { version, body: parsed });
    }
  }

  get pending(): readonly PendingAlert[] {
    return [...this.#bodies.values()].flatMap(({ body }) => body.pending);
  }

  get abandoned(): readonly AbandonedAlert[] {
    return [...this.#bodies.values()].flatMap(({ body }) => body.abandoned);
  }

  /** Notes what was not noted yet, for the webhooks that want it. */
  async raise(crossings: readonly Crossing[], receivers: (crossing: Crossing) => readonly string[]): Promise<void> {
    for (const [subject, all] of Map.groupBy(crossings, one => one.subject)) {
      if (all.every(one => this.#isRaised(one))) continue;
      await this.#change(subject, 'alert.raised', body => {
        const fresh = all.filter(one => body.raised[one.period]?.includes(crossingKey(one)) !== true);
        const raised = { ...body.raised };
        for (const one of fresh) raised[one.period] = [...(raised[one.period] ?? []), crossingKey(one)];
        const told = fresh.flatMap(one => receivers(one).map(receiver => this.#message(one, receiver)));
        return { ...body, raised: lastOf(raised), pending: [...body.pending, ...told] };
      });
    }
  }

  /** Strikes a delivery off. */
  delivered(alert: PendingAlert): Promise<void> {
    return this.#strike(alert, 'alert.delivered', body => body);
  }

  /** Gives a delivery up; it is shown for a while. */
  abandon(alert: PendingAlert, why: string): Promise<void> {
    const given: AbandonedAlert = { ...alert, abandonedAt: this.#now(), why };
    return this.#strike(alert, 'alert.abandoned', body => ({
      ...body,
      abandoned: [...body.abandoned, given].slice(-ABANDONED_KEPT),
    }));
  }

  #isRaised(crossing: Crossing): boolean {
    const raised = this.#bodies.get(crossing.subject)?.body.raised[crossing.period];
    return raised?.includes(crossingKey(crossing)) === true;
  }

  /** Named by what it tells, so that the same crossing is the same message whoever raises it. */
  #message(crossing: Crossing, receiver: string): PendingAlert {
    const { type, subject, period, data } = crossing;
    const name = JSON.stringify([receiver, subject, period, crossingKey(crossing)]);
    return { id: `msg_${digest(name)}`, receiver, at: this.#now(), type, data };
  }

  async #strike(alert: PendingAlert, action: string, more: (body: AlertBody) => AlertBody): Promise<void> {
    const found = [...this.#bodies.values()].find(({ body }) => body.pending.some(({ id }) => id === alert.id));
    if (found === undefined) return;
    await this.#change(found.body.subject, action, body =>
      more({ ...body, pending: body.pending.filter(({ id }) => id !== alert.id) }),
    );
  }

  #change(subject: string, action: string, to: (body: AlertBody) => AlertBody): Promise<void> {
    const changed = this.#last.then(async () => {
      const known = this.#bodies.get(subject);
      const body = to(known?.body ?? { subject, raised: {}, pending: [], abandoned: [] });
      const version = (known?.version ?? 0) + 1;
      const id = `alr_${digest(subject)}`;
      const record = { kind: 'alert' as const, id, tenant: null, version, body: JSON.stringify(body) };
      const entry = auditEntry({ at: this.#now(), actor: 'engine', action, subject: id, tenant: null, body });
      if (!(await this.#store.putRecord(record, entry))) {
        // What is in memory is behind: a write whose outcome was not known may have been made.
        await this.#read();
        throw new Error('the alerts were changed meanwhile');
      }
      this.#bodies.set(subject, { version, body });
    });
    this.#last = changed.catch(() => undefined);
    return changed;
  }
}

function lastOf(raised: AlertBody['raised']): AlertBody['raised'] {
  return Object.fromEntries(
    Object.entries(raised)
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .slice(-PERIODS_KEPT),
  );
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 28);
}
