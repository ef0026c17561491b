/** What is asked for under one name is done one after another, in this process. */
export class OneAfterAnother {
  readonly #last = new Map<string, Promise<unknown>>();

  /** Waits for those before it, however they ended. */
  run<T>(name: string, work: () => Promise<T>): Promise<T> {
    const before = this.#last.get(name) ?? Promise.resolve();
    const mine = before.then(work, work);
    this.#last.set(name, mine);
    const forget = (): void => {
      if (this.#last.get(name) === mine) this.#last.delete(name);
    };
    mine.then(forget, forget);
    return mine;
  }
}
