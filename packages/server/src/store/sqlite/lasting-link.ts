/** A worker that is begun anew when it ends by itself. What waited for it fails, and so does what comes before it is back; then all goes on. */
import { storeError } from '../store-error.ts';
import type { ArgsOf, ResultOf, WorkerSetup } from './messages.ts';
import { WorkerLink } from './worker-link.ts';

/** Deaths within `DEATHS_MS` after which it is not begun again: something kills it, and more of the same would hide it. */
export const MAX_DEATHS = 5;
export const DEATHS_MS: number = 10 * 60_000;
/** Before the first new beginning, ms; doubled for each death that came before it within `DEATHS_MS`. */
const FIRST_WAIT_MS = 100;

export type StoreThread = 'writer' | 'reader';

/** What a home's owner is told of its threads. */
export interface LifeSigns {
  /** It ended by itself, or could not be begun again. `forGood`: it will not be tried again. */
  died(thread: StoreThread, error: Error, forGood: boolean): void;
  /** It was begun anew, and answers. */
  revived(thread: StoreThread): void;
}

export class LastingLink<O> {
  readonly #entry: StoreThread;
  readonly #setup: WorkerSetup;
  readonly #signs: LifeSigns;
  #link: WorkerLink<O> | null = null;
  /** Moments of the deaths within `DEATHS_MS`, ms of the monotonic clock. */
  #deaths: readonly number[] = [];
  #closed = false;
  #waits: NodeJS.Timeout | undefined;

  private constructor(entry: StoreThread, setup: WorkerSetup, signs: LifeSigns) {
    this.#entry = entry;
    this.#setup = setup;
    this.#signs = signs;
  }

  /** @throws StoreError if the worker cannot open the file */
  static async open<O>(entry: StoreThread, setup: WorkerSetup, signs: LifeSigns): Promise<LastingLink<O>> {
    const lasting = new LastingLink<O>(entry, setup, signs);
    await lasting.#begin();
    return lasting;
  }

  call<K extends keyof O & string>(op: K, args: ArgsOf<O, K>): Promise<ResultOf<O, K>> {
    if (this.#link !== null) return this.#link.call(op, args);
    return Promise.reject(storeError('store_unavailable', `the store's ${this.#entry} ended and is not back yet`));
  }

  /** Ends the worker, whatever it is at; what waits fails. */
  async terminate(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#waits);
    await this.#link?.terminate();
  }

  async #begin(): Promise<void> {
    const link = await WorkerLink.open<O>(this.#entry, this.#setup, error => this.#died(error));
    this.#link = link;
    if (this.#closed) await link.terminate();
  }

  #died(error: Error): void {
    this.#link = null;
    const now = performance.now();
    this.#deaths = [...this.#deaths.filter(at => at > now - DEATHS_MS), now];
    const forGood = this.#deaths.length >= MAX_DEATHS;
    this.#signs.died(this.#entry, error, forGood);
    if (forGood || this.#closed) return;
    // Not unref'd: a process that lives by its store alone has a store again.
    this.#waits = setTimeout(() => void this.#revive(), FIRST_WAIT_MS * 2 ** (this.#deaths.length - 1));
  }

  async #revive(): Promise<void> {
    try {
      await this.#begin();
    } catch (error) {
      if (!this.#closed) this.#died(error instanceof Error ? error : new Error(String(error)));
      return;
    }
    if (!this.#closed) this.#signs.revived(this.#entry);
  }
}
