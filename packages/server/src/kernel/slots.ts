/**
 * Things that come and go by the thousand a second, each found by its number. A `Map` or `Set` makes a new table of itself every few of them, and V8's old
 * tables lead to the newer ones: once one of them is old, all that follow outlive each young collection (decision 0029).
 *
 * Each number is that of one thing at a time, and is given again once that was taken.
 */
export class Slots<T extends object> {
  readonly #things: (T | null)[] = [];
  /** Of a slot that is free: the next free one, or -1. */
  readonly #next: number[] = [];
  #free = -1;
  #size = 0;

  /** How many there are. */
  get size(): number {
    return this.#size;
  }

  /** @returns its number, from 0 */
  add(thing: T): number {
    this.#size += 1;
    const at = this.#free;
    if (at === -1) {
      this.#next.push(-1);
      return this.#things.push(thing) - 1;
    }
    this.#free = this.#next[at] ?? -1;
    this.#things[at] = thing;
    return at;
  }

  /** Takes it out. @returns null if there is none of that number */
  take(at: number): T | null {
    const thing = this.#things[at] ?? null;
    if (thing === null) return null;
    this.#size -= 1;
    this.#things[at] = null;
    this.#next[at] = this.#free;
    this.#free = at;
    return thing;
  }

  /** All there are, by their numbers. */
  *[Symbol.iterator](): IterableIterator<T> {
    for (const thing of this.#things) if (thing !== null) yield thing;
  }
}
