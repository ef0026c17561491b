/** Which leaves placements are, by the files of a data folder: also while a server works on them. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { bodyHome, homeTag } from '../../kernel/ids.ts';
import {
  bodyOfPlacement,
  leafOfPlacement,
  type LedgerOpenings,
  openLedgerOpenings,
} from '../../store/sqlite/ledger-openings.ts';
import { type LeafFinder, openLeafFinder } from './evidence.ts';

export interface PlacementLeaves {
  /** The number of a placement's leaf in its home's log; null if it was not sealed when this was opened, or there is no such placement. */
  leafOf(placement: string): Promise<number | null>;
  close(): void;
}

export interface LeavesPlace {
  /** The data folder. */
  readonly data: string;
  readonly homes: readonly { readonly id: string }[];
}

interface Home {
  readonly openings: LedgerOpenings;
  readonly finder: LeafFinder;
}

/** @throws if a home's file cannot be read; LedgerError if its log is damaged */
export async function openPlacementLeaves({ data, homes }: LeavesPlace): Promise<PlacementLeaves> {
  const byTag = new Map<string, Home>();
  for (const { id } of homes) {
    if (!existsSync(join(data, `${id}.db`))) continue;
    byTag.set(homeTag(id), { openings: openLedgerOpenings(data, id), finder: await openLeafFinder(data, id) });
  }
  return {
    async leafOf(placement) {
      const body = bodyOfPlacement(placement);
      const home = body === null ? undefined : byTag.get(bodyHome(body));
      const leaf = home === undefined ? null : leafOfPlacement(home.openings, placement);
      return leaf === null || home === undefined ? null : home.finder.indexOf(leaf);
    },
    close() {
      for (const { openings, finder } of byTag.values()) {
        openings.close();
        finder.close();
      }
    },
  };
}
