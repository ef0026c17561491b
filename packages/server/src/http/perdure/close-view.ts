/** What the routes about closed months need. Made by main. */
import type { ClosedMonthResource, RestatementAnswer } from '@perdure/protocol';

export interface CloseView {
  /** In the order of the months. */
  list(): Promise<readonly ClosedMonthResource[]>;
  /** @param who a key's id, or `local` @throws PerdureError month_not_over, month_closed, closed_month_unreadable */
  close(who: string, month: string): Promise<ClosedMonthResource>;
  /** @throws PerdureError month_not_closed, nothing_to_restate, restatement_limit_reached, closed_month_unreadable */
  restate(who: string, month: string, reason: string): Promise<RestatementAnswer>;
}
