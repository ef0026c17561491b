/** Alerts of a running server: looks at what is spent, raises what was crossed, delivers what was raised. All beside the calls. */
import type { ControlRecords } from '../../engine/control-records.ts';
import type { CapBalance } from '../../money/caps.ts';
import {
  capCrossings,
  commitmentCrossings,
  type Crossing,
  prepaidCrossings,
  shareCrossings,
  shortfallCrossing,
  trancheCrossings,
} from '../../money/crossings.ts';
import type { AlertConfig, Config } from '../config/config.ts';
import type { Statement } from '../money/wire.ts';
import { makeSender } from '../../provider/webhook/deliver.ts';
import { AlertOutbox, type PendingAlert } from './outbox.ts';

export interface AlertParts {
  readonly receivers: readonly AlertConfig[];
  readonly limits: Pick<Config['limits'], 'alertCheckMs' | 'alertTimeoutMs' | 'alertRetryMs' | 'alertHours'>;
  readonly store: ControlRecords;
  /** ms since 1970. */
  readonly now: () => number;
  /** Caps with what stands against them, the periods that ended last too; null until the log has been read. */
  readonly balances: () => readonly CapBalance[] | null;
  /** What the contracts come to; null if they have no terms to alert on. Reads the log. */
  readonly statement: () => Promise<Statement | null>;
  readonly report: (what: string, error: unknown) => void;
  /** A line for the operator. */
  readonly log: (line: string) => void;
}

export interface RunningAlerts {
  close(): Promise<void>;
}

const HOUR_MS = 3_600_000;
/** Between two looks at what the contracts come to: each reads the log. */
const STATEMENT_MS = HOUR_MS;
const RETRY_MOST_MS = HOUR_MS;
/** Deliveries at once. */
const AT_ONCE = 8;

export async function startAlerts(parts: AlertParts): Promise<RunningAlerts> {
  const { limits, now, receivers, report } = parts;
  const outbox = await AlertOutbox.open(parts.store, now);
  const sender = makeSender(limits.alertTimeoutMs, now);
  const byId = new Map(receivers.map(receiver => [receiver.id, receiver]));
  const tries = new Map<string, { readonly count: number; readonly at: number; readonly why: string }>();
  const under = new Map<string, Promise<void>>();
  let closed = false;
  let looking: Promise<void> | null = null;
  let stated = Number.NEGATIVE_INFINITY;

  const percents: Percents = of => [...new Set(receivers.flatMap(one => one[of]))];
  const wantedBy = (crossing: Crossing): readonly string[] =>
    receivers.filter(receiver => wants(receiver, crossing)).map(({ id }) => id);

  async function look(): Promise<void> {
    const balances = parts.balances();
    if (balances === null) return;
    await outbox.raise(
      balances.flatMap(one => capCrossings(one, percents('caps'))),
      wantedBy,
    );
    if (now() - stated < STATEMENT_MS) return;
    stated = now();
    const statement = await parts.statement();
    if (statement !== null) await outbox.raise(termCrossings(statement, percents), wantedBy);
  }

  async function attempt(alert: PendingAlert, receiver: AlertConfig): Promise<void> {
    const body = JSON.stringify({ type: alert.type, timestamp: new Date(alert.at).toISOString(), data: alert.data });
    const sent = await sender.send(receiver, { id: alert.id, body });
    if (closed) return;
    if (sent.ok) {
      tries.delete(alert.id);
      await outbox.delivered(alert);
      return;
    }
    const count = (tries.get(alert.id)?.count ?? 0) + 1;
    // Half of the wait is by chance, so that what failed together does not come again together.
    const wait = Math.min(RETRY_MOST_MS, limits.alertRetryMs * 2 ** Math.min(count - 1, 20));
    tries.set(alert.id, { count, at: now() + wait / 2 + Math.random() * (wait / 2), why: sent.why });
    if (count === 1) parts.log(`alert to ${alert.receiver} failed (${sent.why}); it is tried again`);
  }

  const isOld = ({ at }: PendingAlert): boolean => now() - at >= limits.alertHours * HOUR_MS;

  async function step(alert: PendingAlert): Promise<void> {
    const receiver = byId.get(alert.receiver);
    if (isOld(alert)) {
      const why = receiver === undefined ? 'not configured' : (tries.get(alert.id)?.why ?? 'too old');
      await outbox.abandon(alert, why);
      tries.delete(alert.id);
      parts.log(`alert to ${alert.receiver} given up after ${limits.alertHours} hours (${why})`);
    } else if (receiver !== undefined) await attempt(alert, receiver);
  }

  function deliver(): void {
    for (const alert of outbox.pending) {
      if (under.size >= AT_ONCE) return;
      if (under.has(alert.id) || ((tries.get(alert.id)?.at ?? 0) > now() && !isOld(alert))) continue;
      const work = step(alert)
        .catch((error: unknown) => report('alerts', error))
        .finally(() => under.delete(alert.id));
      under.set(alert.id, work);
    }
  }

  function tick(): void {
    if (closed) return;
    deliver();
    if (looking !== null) return;
    looking = look()
      .catch((error: unknown) => report('alerts', error))
      .finally(() => {
        looking = null;
        if (!closed) deliver();
      });
  }

  const timer = setInterval(tick, limits.alertCheckMs);
  timer.unref();
  tick();
  return {
    close: async () => {
      closed = true;
      clearInterval(timer);
      await sender.close();
      await Promise.all([...under.values(), looking]);
    },
  };
}

function wants(receiver: AlertConfig, { type, threshold }: Crossing): boolean {
  switch (type) {
    case 'cap.threshold':
      return threshold !== null && receiver.caps.includes(threshold);
    case 'commitment.threshold':
      return threshold !== null && receiver.commitments.includes(threshold);
    case 'share.threshold':
      return threshold !== null && receiver.shares.includes(threshold);
    case 'prepaid.threshold':
      return threshold !== null && receiver.prepaid.includes(threshold);
    case 'commitment.shortfall':
      return receiver.shortfall;
    case 'tranche.notice':
    case 'tranche.payable':
      return receiver.tranches;
  }
}

type Percents = (of: 'caps' | 'commitments' | 'shares' | 'prepaid') => readonly number[];

function termCrossings(statement: Statement, percents: Percents): readonly Crossing[] {
  const { commitments, shares, prepaid, tranches } = statement;
  return [
    ...commitments.flatMap(one => [
      ...commitmentCrossings(one, one.contract, percents('commitments')),
      ...[shortfallCrossing(one, one.contract)].filter(found => found !== null),
    ]),
    ...shares.flatMap(one => shareCrossings(one, one.contract, percents('shares'))),
    ...prepaid.flatMap(one => prepaidCrossings(one, one.contract, percents('prepaid'))),
    ...tranches.flatMap(one => trancheCrossings(one, one.contract)),
  ];
}
