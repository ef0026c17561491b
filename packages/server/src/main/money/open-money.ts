/** Usage and money of a server: what is summed and stated, and the months that it closes. */
import type { ControlRecords } from '../../engine/control-records.ts';
import type { Engine } from '../../engine/engine.ts';
import type { UsageFollower } from '../../engine/usage-follower.ts';
import type { CloseView } from '../../http/perdure/close-view.ts';
import type { IdPrefix } from '../../kernel/ids.ts';
import type { Config } from '../config/config.ts';
import type { LoadedSnapshot } from '../snapshots.ts';
import { booksOf } from './books.ts';
import { openCloseDesk } from './close-desk.ts';
import { closedBook } from './closes.ts';
import { BY_ALL, BY_TERMS, KeptUsage } from './kept-usage.ts';
import { termsOf, termsSource } from './terms.ts';
import { eventDays, type UsageDesk } from './usage-view.ts';

export interface MoneyParts {
  readonly engine: Pick<Engine, 'usage' | 'followUsage' | 'tenants' | 'spend'>;
  readonly control: Pick<ControlRecords, 'records' | 'putRecord'>;
  readonly id: (prefix: IdPrefix) => string;
  /** What is in force. */
  readonly loaded: () => LoadedSnapshot;
  readonly shadowPpm: (commitment: string) => number | null;
  readonly report: (what: string, error: unknown) => void;
  readonly now: () => number;
}

export async function openMoney(
  config: Pick<Config, 'data' | 'targets' | 'rates'>,
  { engine, control, id, loaded, shadowPpm, report, now }: MoneyParts,
): Promise<{ readonly money: UsageDesk; readonly closes: CloseView }> {
  const contracts = () => loaded().contracts.map(termsSource);
  const rating = { books: booksOf(config), closed: closedBook(config.data) };
  const follow = (from: number): UsageFollower => engine.followUsage(from);
  const money: UsageDesk = {
    usage: (window, after) => engine.usage(window, after),
    tenants: () => engine.tenants(),
    balances: () => engine.spend.balances(),
    ...rating,
    kept: { all: new KeptUsage(BY_ALL, follow, rating), terms: new KeptUsage(BY_TERMS, follow, rating) },
    get terms() {
      return termsOf(contracts());
    },
    get events() {
      return eventDays(loaded().snapshot.recorded.events);
    },
    shadowPpm,
    now,
  };
  const recount = (): Promise<void> => engine.spend.recount();
  return { money, closes: await openCloseDesk({ data: config.data, control, id, money, contracts, report, recount }) };
}
