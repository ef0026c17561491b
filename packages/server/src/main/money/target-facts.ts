/** Where a target was and what it cost, as a placement saw it: from the snapshot that it names, else as configured. */
import type { TargetFacts, UsageSource } from '../../engine/usage.ts';
import { METERS, type TokenPrices } from '../../money/prices.ts';
import type { Prices, TargetPlace } from '../../placement/facts.ts';
import { parseDocument, placesOf } from '../snapshots.ts';
import type { Config } from '../config/config.ts';

/** Versions kept in memory. */
const VERSIONS_MOST = 32;

export function targetFactsOf(config: Pick<Config, 'homes' | 'targets'>): UsageSource['target'] {
  const configured = factsById(placesOf(config, Date.now()).filter(place => place.kind === 'target'));
  const versions = new Map<string, Promise<ReadonlyMap<string, TargetFacts>>>();
  return async (store, version, target) => {
    let known = versions.get(version);
    if (known === undefined) {
      if (versions.size >= VERSIONS_MOST) versions.delete(versions.keys().next().value ?? '');
      known = store.document(version).then(text => {
        const places = text === null ? [] : parseDocument(text).places;
        return factsById(places.filter(place => place.kind === 'target'));
      });
      versions.set(version, known);
      known.catch(() => versions.delete(version));
    }
    return (await known).get(target) ?? configured.get(target) ?? null;
  };
}

function factsById(places: readonly TargetPlace[]): ReadonlyMap<string, TargetFacts> {
  return new Map(
    places.map(({ id, cloud, region, accelerator, prices }) => {
      return [id, { cloud, region, accelerator, prices: placePrices(prices) }];
    }),
  );
}

/** The prices that a placement saw, as rating takes them. Null if there are none: a target without prices is kept with zeros. */
export function placePrices({
  inputPerMtok: input,
  cachedInputPerMtok: cached,
  outputPerMtok: output,
  cacheWritePerMtok: written = input,
  reasoningPerMtok: reasoning = output,
}: Prices): TokenPrices | null {
  const prices = { input, cached, written, output, reasoning };
  return METERS.some(meter => prices[meter] > 0) ? prices : null;
}
