/**
 * Commits that nobody waits for are put off a little and set going together: they reach the store in one tick, and so the disk in one commit.
 * What a crash takes with it meanwhile is what recovery settles anyway.
 */

/** How long one may be put off, ms. */
export const TAIL_MS = 20;

export class TailCommits {
  #waiting: (() => void)[] = [];
  #timer: NodeJS.Timeout | null = null;

  /** Resolves when it is time to commit. */
  turn(): Promise<void> {
    return new Promise(resolve => {
      this.#waiting.push(resolve);
      this.#timer ??= setTimeout(() => this.flush(), TAIL_MS);
    });
  }

  /** Now. */
  flush(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const go of waiting) go();
  }
}
