import type { Ending } from './delivery.ts';

/** One request as it was seen; what is not readonly is learned later. Of the headers the names only: a credential is never kept. */
export interface LoggedRequest {
  readonly number: number;
  readonly requestId: string;
  readonly cloud: string;
  readonly method: string;
  readonly path: string;
  model: string | null;
  stream: boolean;
  readonly body: { readonly sha256: string; readonly bytes: number };
  /** Items of the input or messages. */
  items: number;
  readonly headerNames: readonly string[];
  /** Milliseconds since 1970. */
  readonly startedAt: number;
  endedAt: number | null;
  status: number | null;
  ended: Ending | null;
  faults: readonly string[];
}

export const MAX_LOGGED = 1_000;
export const MAX_BODIES = 50;

/** The last requests, and (if asked for) the last bodies. */
export class RequestLog {
  readonly #recordBodies: boolean;
  #entries: LoggedRequest[] = [];
  #bodies = new Map<number, string>();
  #total = 0;

  constructor(recordBodies: boolean) {
    this.#recordBodies = recordBodies;
  }

  add(entry: LoggedRequest, body: () => string): void {
    this.#total++;
    this.#entries.push(entry);
    // Trimmed in bulk: taking one off the front of an array at every request would move all the others.
    if (this.#entries.length >= 2 * MAX_LOGGED) this.#entries = this.#entries.slice(-MAX_LOGGED);
    if (!this.#recordBodies) return;
    this.#bodies.set(entry.number, body());
    for (const number of this.#bodies.keys()) {
      if (this.#bodies.size <= MAX_BODIES) break;
      this.#bodies.delete(number);
    }
  }

  clear(): void {
    this.#entries = [];
    this.#bodies.clear();
    this.#total = 0;
  }

  /** Oldest first; `total` counts also those no longer kept. */
  read(): { readonly total: number; readonly requests: readonly unknown[] } {
    const requests = this.#entries.slice(-MAX_LOGGED).map(entry => {
      const text = this.#bodies.get(entry.number);
      return text === undefined ? entry : { ...entry, bodyText: text };
    });
    return { total: this.#total, requests };
  }
}
