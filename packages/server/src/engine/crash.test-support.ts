/** A store whose process dies at its nth write: before the write happened, or after it did and before anyone was told. */
import type { ResponseId, SessionId, TenantId } from '../kernel/ids.ts';
import type { Append, EventRange, Release, RunRange } from './ports.ts';
import type { HomeStore } from '../store/home-store.ts';
import { storeError } from '../store/store-error.ts';

export interface Cut {
  readonly at: number;
  readonly when: 'before' | 'after';
}

export class DyingStore {
  /** Writes begun so far: appends, releases, changes of rows. */
  writes = 0;
  dead = false;
  readonly #cut: Cut | null;
  #died: () => void = () => undefined;
  /** Settles once the process has died. */
  readonly died: Promise<void> = new Promise(resolve => {
    this.#died = resolve;
  });

  constructor(cut: Cut | null) {
    this.#cut = cut;
  }

  readonly wrap = (store: HomeStore): HomeStore => {
    const read =
      <Args extends readonly unknown[], T>(work: (...args: Args) => Promise<T>) =>
      (...args: Args): Promise<T> =>
        this.dead ? this.#gone() : work(...args);
    const write =
      <Args extends readonly unknown[], T>(work: (...args: Args) => Promise<T>) =>
      async (...args: Args): Promise<T> => {
        if (this.dead) return this.#gone();
        this.writes += 1;
        const dies = this.#cut?.at === this.writes;
        if (dies && this.#cut?.when === 'before') return this.#die();
        const result = await work(...args);
        return dies ? this.#die() : result;
      };
    return {
      ...store,
      append: write((one: Append) => store.append(one)),
      release: write((one: Release) => store.release(one)),
      changeResources: write((...args: Parameters<HomeStore['changeResources']>) => store.changeResources(...args)),
      renew: read((owner: string, ttlMs: number) => store.renew(owner, ttlMs)),
      session: read((tenant: TenantId, session: SessionId) => store.session(tenant, session)),
      events: read((range: EventRange) => store.events(range)),
      response: read((tenant: TenantId, id: ResponseId, deleted?: 'deleted-too') =>
        store.response(tenant, id, deleted),
      ),
      runs: read((range: RunRange) => store.runs(range)),
      journal: read((tenant: TenantId, session: SessionId) => store.journal(tenant, session)),
      open: read((after: SessionId | null, limit: number) => store.open(after, limit)),
      retained: read((tenant: TenantId, session: SessionId) => store.retained(tenant, session)),
    };
  };

  #die(): Promise<never> {
    this.dead = true;
    this.#died();
    return this.#gone();
  }

  /** A dead process hears nothing: here it is told so, and tries in vain. */
  #gone(): Promise<never> {
    return Promise.reject(storeError('store_unavailable', 'the process is dead'));
  }
}
