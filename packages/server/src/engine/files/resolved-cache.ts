/** Runs with their bytes in them, for as long as they are of use and there is room. */
import type { ContextRun } from '../ports.ts';
import { refers } from './parts.ts';

interface Entry {
  readonly run: ContextRun;
  readonly files: ReadonlySet<string>;
  /** ms since 1970 from which it says too much; null: never. */
  readonly until: number | null;
  readonly bytes: number;
}

export class ResolvedCache {
  readonly #most: number;
  readonly #refers = new WeakMap<ContextRun, boolean>();
  readonly #weights = new WeakMap<ContextRun, number>();
  /** In the order of their last use. */
  readonly #entries = new Map<ContextRun, Entry>();
  #bytes = 0;
  #forgotten = 0;

  /** @param most bytes that all runs together may take */
  constructor(most: number) {
    this.#most = most;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Changes whenever a file is forgotten: what was read before may hold it, and is not taken after. */
  get epoch(): number {
    return this.#forgotten;
  }

  /** Whether the run speaks of bytes that are not in it. Looked at once a run. */
  refers(run: ContextRun): boolean {
    let known = this.#refers.get(run);
    if (known === undefined) {
      known = refers(run.items);
      this.#refers.set(run, known);
    }
    return known;
  }

  /** Bytes of the files in a run, images aside; 0 until they were read. */
  weight(run: ContextRun): number {
    return this.#weights.get(run) ?? 0;
  }

  get(run: ContextRun, now: number): ContextRun | null {
    const entry = this.#entries.get(run);
    if (entry === undefined) return null;
    this.#drop(run, entry);
    if (entry.until !== null && entry.until <= now) return null;
    this.#add(run, entry);
    return entry.run;
  }

  put(
    run: ContextRun,
    made: ContextRun,
    about: {
      readonly files: readonly string[];
      readonly until: number | null;
      readonly bytes: number;
      readonly epoch: number;
      readonly weight: number;
    },
  ): void {
    this.#weights.set(run, about.weight);
    if (about.bytes * 2 > this.#most || about.epoch !== this.#forgotten) return;
    const before = this.#entries.get(run);
    if (before !== undefined) this.#drop(run, before);
    // Twice: once as items, once as they are encoded for an upstream.
    this.#add(run, { run: made, files: new Set(about.files), until: about.until, bytes: about.bytes * 2 });
    for (const [oldest, entry] of this.#entries) {
      if (this.#bytes <= this.#most) return;
      this.#drop(oldest, entry);
    }
  }

  /** A file is gone: nothing that holds its bytes is used again. */
  forget(file: string): void {
    this.#forgotten += 1;
    for (const [run, entry] of this.#entries) if (entry.files.has(file)) this.#drop(run, entry);
  }

  #add(run: ContextRun, entry: Entry): void {
    this.#entries.set(run, entry);
    this.#bytes += entry.bytes;
  }

  #drop(run: ContextRun, entry: Entry): void {
    this.#entries.delete(run);
    this.#bytes -= entry.bytes;
  }
}
