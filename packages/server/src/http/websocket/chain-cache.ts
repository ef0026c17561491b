/**
 * Responses that are not stored, as long as their connection lives: what a `previous_response_id` on it may name. In memory only, and
 * bounded twice; what was used least recently goes first. Turns that several responses share are counted once.
 */
import type { InputItem } from '@perdure/protocol';
import type { HeldContext } from '../../engine/stateless-context.ts';
import { textSize } from '../../engine/stateless-context.ts';

type Run = HeldContext['runs'][number];

/** Input that a warm-up holds for the stored response that will continue it. */
export interface Deferred {
  readonly input: readonly InputItem[];
  /** The stored response that the warm-up continued. */
  readonly previous: string | null;
}

export interface HeldResponse {
  readonly lane: string | null;
  readonly context: HeldContext;
  /** Null unless it is a warm-up whose client let it be stored. */
  readonly deferred: Deferred | null;
}

export class ChainCache {
  readonly #bounds: { readonly entries: number; readonly bytes: number };
  /** In order of use: the first is the one used least recently. */
  readonly #held = new Map<string, HeldResponse>();
  /** How many of the responses have a run in their context, and its size. */
  readonly #runs = new Map<Run, { uses: number; readonly bytes: number }>();
  #bytes = 0;

  constructor(bounds: { readonly entries: number; readonly bytes: number }) {
    this.#bounds = bounds;
  }

  get size(): number {
    return this.#held.size;
  }

  /** Bytes of text that it holds, two a character. */
  get bytes(): number {
    return this.#bytes;
  }

  get(id: string): HeldResponse | null {
    const held = this.#held.get(id);
    if (held === undefined) return null;
    this.#held.delete(id);
    this.#held.set(id, held);
    return held;
  }

  /** Keeps it, at the cost of others. One that is too large alone is not kept. */
  put(held: HeldResponse): void {
    this.evict(held.context.id);
    this.#held.set(held.context.id, held);
    for (const run of held.context.runs) this.#use(run);
    while (this.#held.size > this.#bounds.entries || this.#bytes > this.#bounds.bytes) {
      const [oldest] = this.#held.keys();
      if (oldest === undefined) return;
      this.evict(oldest);
    }
  }

  evict(id: string): void {
    const held = this.#held.get(id);
    if (held === undefined) return;
    this.#held.delete(id);
    for (const run of held.context.runs) this.#letGo(run);
  }

  clear(): void {
    this.#held.clear();
    this.#runs.clear();
    this.#bytes = 0;
  }

  #use(run: Run): void {
    const known = this.#runs.get(run);
    if (known !== undefined) {
      known.uses += 1;
      return;
    }
    const bytes = textSize(run.items) * 2;
    this.#runs.set(run, { uses: 1, bytes });
    this.#bytes += bytes;
  }

  #letGo(run: Run): void {
    const known = this.#runs.get(run);
    if (known === undefined) return;
    known.uses -= 1;
    if (known.uses > 0) return;
    this.#runs.delete(run);
    this.#bytes -= known.bytes;
  }
}
