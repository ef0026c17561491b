/** Which servers spoke the older protocol lately: those that do are slow to say that they do not know the newer one. */

/** A server may have learnt the newer one by then; ms. */
export const ERA_MS: number = 600_000;

export class OlderServers {
  readonly #until = new Map<string, number>();
  readonly #now: () => number;
  readonly #most: number;

  /** @param now monotonic, ms. @param most that are remembered */
  constructor(now: () => number, most: number) {
    this.#now = now;
    this.#most = most;
  }

  has(server: string): boolean {
    return this.#now() < (this.#until.get(server) ?? 0);
  }

  /** What is known already is not known for longer. */
  learn(server: string, older: boolean): void {
    if (older && this.has(server)) return;
    this.#until.delete(server);
    if (!older) return;
    this.#until.set(server, this.#now() + ERA_MS);
    for (const oldest of this.#until.keys()) {
      if (this.#until.size <= this.#most) return;
      this.#until.delete(oldest);
    }
  }
}
