/** Whether the contracts let a key be made: it sells a product over a channel (CONTRACTS: `distribute`). */
import { EVERY_TENANT } from '../../engine/caller.ts';
import { decideDistribution } from '../../placement/decide.ts';
import { exclusionText } from '../../placement/explain.ts';
import type { Snapshot } from '../../placement/snapshot.ts';
import { type Config, saleOf } from '../config/config.ts';
import type { CheckedKeySpec } from './key-row.ts';

/** The contracts in force do not let the product be sold over the channel. */
export class KeySaleError extends Error {
  override readonly name = 'KeySaleError';
  readonly code = 'placement_refused';
}

export type SaleCheck = (spec: Pick<CheckedKeySpec, 'product' | 'channel' | 'segment' | 'tenant'>) => void;

/** @param snapshot what is in force now, @param now the time that contracts see, ms since 1970. The check throws `KeySaleError`. */
export function saleCheck(
  snapshot: () => Snapshot,
  config: Pick<Config, 'channels' | 'products'>,
  now: () => number,
): SaleCheck {
  return ({ product, channel, segment, tenant }) => {
    // An auditor of the deployment buys nothing: no call is made with its key.
    if (tenant === EVERY_TENANT) return;
    const sale = saleOf(config, product, channel);
    if (sale === null) return;
    const { outcome, exclusions } = decideDistribution(snapshot(), sale.channel, sale.product, segment, now(), tenant);
    if (outcome === 'allowed') return;
    throw new KeySaleError(
      `${product} may not be sold through ${channel}: ${exclusions.map(exclusionText).join('; ')}`,
    );
  };
}
