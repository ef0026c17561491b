/** Lists of tools that were asked for lately: by tenant, server and credential, bounded in time and number. */
import type { Listed } from './connection.ts';

export class ListCache {
  readonly #kept = new Map<string, { readonly listed: Listed; readonly until: number }>();
  readonly #now: () => number;
  readonly #ms: number;
  readonly #most: number;

  /** @param now monotonic, ms */
  constructor(now: () => number, { listMs, lists }: { readonly listMs: number; readonly lists: number }) {
    this.#now = now;
    this.#ms = listMs;
    this.#most = lists;
  }

  get(key: string): Listed | null {
    const kept = this.#kept.get(key);
    return kept !== undefined && this.#now() < kept.until ? kept.listed : null;
  }

  set(key: string, listed: Listed): void {
    this.#kept.delete(key);
    this.#kept.set(key, { listed, until: this.#now() + this.#ms });
    for (const oldest of this.#kept.keys()) {
      if (this.#kept.size <= this.#most) return;
      this.#kept.delete(oldest);
    }
  }

  drop(key: string): void {
    this.#kept.delete(key);
  }
}
