/** A planted defect: a home that says "durable" before it is. In the place of the real one by `release-before-commit.ts`. */
import type { HomeStore } from '../../../packages/server/src/store/home-store.ts';
import {
  openSqliteHome as openReal,
  type SqliteHomeOptions,
} from '../../../packages/server/src/store/sqlite/open-sqlite-home.ts';

/** ms between the answer and the write: the window in which a kill loses what was acknowledged. */
const EARLY_MS = 40;

export async function openSqliteHome(options: SqliteHomeOptions): Promise<HomeStore> {
  const real = await openReal(options);
  let order: Promise<unknown> = Promise.resolve();
  const later = (write: () => Promise<unknown>): void => {
    const due = new Promise(resolve => setTimeout(resolve, EARLY_MS));
    order = order.then(() => due).then(write, write);
    order.catch(() => undefined);
  };
  return {
    ...real,
    append(append) {
      later(() => real.append(append));
      return Promise.resolve({ ok: true });
    },
    release(release) {
      later(() => real.release(release));
      return Promise.resolve(true);
    },
  };
}
