/** A store that stops answering on demand: each operation that is named hangs, and what hangs never ends. */
import type { HomeId } from '../../packages/server/src/kernel/ids.ts';
import { systemClock } from '../../packages/server/src/main/compose.ts';
import type { HomeStore } from '../../packages/server/src/store/home-store.ts';
import { openSqliteHome } from '../../packages/server/src/store/sqlite/open-sqlite-home.ts';

export type StoreOperation = keyof HomeStore;

export class HangingStores {
  readonly #hung = new Set<StoreOperation>();
  #caught = 0;

  hang(...operations: readonly StoreOperation[]): void {
    for (const operation of operations) this.#hung.add(operation);
  }

  /** Operations answer again; what hangs already hangs for ever. */
  heal(): void {
    this.#hung.clear();
    this.#caught = 0;
  }

  /** How many calls were left hanging since the last `heal`. */
  get caught(): number {
    return this.#caught;
  }

  readonly openHome = async (home: HomeId, dir: string): Promise<HomeStore> => {
    const store = await openSqliteHome({ dir, home, clock: systemClock, exclusive: true });
    return new Proxy(store, {
      get: (target, name) => {
        const value: unknown = Reflect.get(target, name);
        if (typeof value !== 'function') return value;
        return (...args: readonly unknown[]): unknown => {
          if (this.#hung.has(name as StoreOperation)) {
            this.#caught += 1;
            return new Promise(() => undefined);
          }
          return Reflect.apply(value, target, args);
        };
      },
    });
  };
}
