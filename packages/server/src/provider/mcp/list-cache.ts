/** Lists of tools that were asked for lately: by tenant, server and credential, bounded in time, number and bytes. */
import type { Listed } from './connection.ts';
import type { McpLimits } from './limits.ts';

interface Kept {
  readonly listed: Listed;
  readonly until: number;
  readonly bytes: number;
}

export class ListCache {
  readonly #kept = new Map<string, Kept>();
  readonly #now: () => number;
  readonly #limits: Pick<McpLimits, 'listMs' | 'lists' | 'listBytes'>;
  #bytes = 0;

  /** @param now monotonic, ms */
  constructor(now: () => number, limits: Pick<McpLimits, 'listMs' | 'lists' | 'listBytes'>) {
    this.#now = now;
    this.#limits = limits;
  }

  get(key: string): Listed | null {
    const kept = this.#kept.get(key);
    return kept !== undefined && this.#now() < kept.until ? kept.listed : null;
  }

  /** The oldest go first; one that is larger than all may be is not kept. */
  set(key: string, listed: Listed): void {
    const { listMs, lists, listBytes } = this.#limits;
    this.drop(key);
    const bytes = Buffer.byteLength(JSON.stringify(listed));
    this.#kept.set(key, { listed, until: this.#now() + listMs, bytes });
    this.#bytes += bytes;
    for (const oldest of this.#kept.keys()) {
      if (this.#kept.size <= lists && this.#bytes <= listBytes) return;
      this.drop(oldest);
    }
  }

  drop(key: string): void {
    this.#bytes -= this.#kept.get(key)?.bytes ?? 0;
    this.#kept.delete(key);
  }
}
