/** Bad stores: each breaks one promise of the port on purpose, so that a test can show that the conformance cases notice. */
import type { Clock } from '../../kernel/clock.ts';
import type { HomeId } from '../../kernel/ids.ts';
import type { StoreFactory } from '../conformance-case.ts';
import { caseClock } from '../fixtures.ts';
import type { HomeStore } from '../home-store.ts';
import { emptyMemoryData, type MemoryData } from '../memory/memory-data.ts';
import { openMemoryHome } from '../memory/open-memory-home.ts';

export interface Plant {
  readonly name: string;
  /** Its fault is that it does not answer: then nothing but a deadline can notice. */
  readonly silent?: true;
  /** Changes how a good store behaves. `data` is what it keeps. */
  readonly spoil?: (good: HomeStore, data: MemoryData, clock: Clock) => Partial<HomeStore>;
  /** Changes what is kept, before it is opened again. */
  readonly reopen?: (data: MemoryData) => void;
}

export function planted(plant: Plant): StoreFactory {
  return {
    name: plant.name,
    async create() {
      const data = emptyMemoryData();
      const { set, clock } = caseClock();
      const open = (): HomeStore => {
        const good = openMemoryHome({ home: 'test' as HomeId, clock, data });
        return { ...good, ...plant.spoil?.(good, data, clock) };
      };
      let last = open();
      return {
        store: last,
        clock: set,
        async reopen(how) {
          if (how === 'orderly') await last.close();
          plant.reopen?.(data);
          last = open();
          return last;
        },
        dispose: () => last.close(),
      };
    },
  };
}
