/**
 * The lines of a stream that comes in pieces. Whoever writes chooses the pieces: a long line in pieces of a byte each must not cost more than
 * its bytes, so nothing is looked through or copied again with every piece.
 */
const FIRST_BYTES = 4_096;
const NEWLINE = 10;

export class LineBuffer {
  readonly #most: number;
  #held: Buffer = Buffer.alloc(0);
  #size = 0;

  /** @param most bytes of a line, without its end */
  constructor(most: number) {
    this.#most = most;
  }

  /** The lines that end with it, without their ends. Null: one is longer than any may be, and nothing after it can be read. */
  append(chunk: Buffer): readonly string[] | null {
    const lines: string[] = [];
    let from = 0;
    for (;;) {
      const at = chunk.indexOf(NEWLINE, from);
      const rest = chunk.subarray(from, at < 0 ? chunk.length : at);
      if (this.#size + rest.length > this.#most) {
        this.clear();
        return null;
      }
      if (at < 0) {
        this.#keep(rest);
        return lines;
      }
      const line = this.#size === 0 ? rest : Buffer.concat([this.#held.subarray(0, this.#size), rest]);
      lines.push(line.toString('utf8').replace(/\r$/, ''));
      this.clear();
      from = at + 1;
    }
  }

  #keep(rest: Buffer): void {
    const size = this.#size + rest.length;
    if (size > this.#held.length) {
      const grown = Buffer.alloc(Math.min(this.#most, Math.max(2 * this.#held.length, size, FIRST_BYTES)));
      this.#held.copy(grown, 0, 0, this.#size);
      this.#held = grown;
    }
    rest.copy(this.#held, this.#size);
    this.#size = size;
  }

  clear(): void {
    this.#size = 0;
    this.#held = Buffer.alloc(0);
  }
}
