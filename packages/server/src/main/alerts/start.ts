/** Puts the alerts of a server together, if its configuration names webhooks. */
import type { Engine } from '../../engine/engine.ts';
import type { HomeStore } from '../../store/home-store.ts';
import type { Config } from '../config/config.ts';
import { statementOf, type UsageDesk } from '../money/usage-view.ts';
import type { RunningAlerts } from './alerts.ts';

export interface AlertSources {
  readonly engine: Engine;
  readonly money: UsageDesk;
  readonly control: HomeStore;
  readonly report: (what: string, error: unknown) => void;
  readonly log: (line: string) => void;
  /** The time that contracts see. */
  readonly asOf: () => number;
}

/** Null, and nothing loaded, without webhooks. */
export async function alertsOf(
  { alerts: receivers, limits }: Config,
  { engine, money, control, asOf, ...rest }: AlertSources,
): Promise<RunningAlerts | null> {
  if (receivers.length === 0) return null;
  const { startAlerts } = await import('./alerts.ts');
  const { spend } = engine;
  return startAlerts({
    ...rest,
    receivers,
    limits,
    store: control,
    now: money.now,
    balances: () => (spend.known ? [...spend.pastBalances(), ...spend.balances()] : null),
    statement: async () => {
      const { commitments, shares, prepaid, tranches } = money.terms;
      return commitments.length + shares.length + prepaid.length + tranches.length === 0
        ? null
        : statementOf(money, asOf());
    },
  });
}
