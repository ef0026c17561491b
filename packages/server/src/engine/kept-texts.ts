/**
 * Texts kept in their order as bytes, outside of the heap that the collector walks: what a running turn keeps of itself is most of what would outlive a
 * young collection when hundreds of them run (decision 0029).
 *
 * K1  A text comes back as it was. It is well-formed Unicode, which is what `JSON.stringify` writes.
 * K2  None is moved once it is there: a long turn is not copied to make room.
 */

/** Bytes of the first block; each one after it is twice as large, up to the most. A text that is larger has a block of its own. */
const LEAST_BYTES = 2048;
const MOST_BYTES = 256 * 1024;
/** A block has room for the ends of so many texts: they are seldom shorter than this, in bytes. */
const BYTES_A_TEXT = 32;
/** The most bytes that a UTF-16 code unit takes in UTF-8. */
const BYTES_A_UNIT = 3;

interface Block {
  /** The number of its first text. */
  readonly first: number;
  readonly bytes: Buffer;
  /** Where each text ends, in bytes from the block's beginning. */
  readonly ends: Uint32Array;
  count: number;
}

export class KeptTexts {
  readonly #blocks: Block[] = [];
  #length = 0;

  /** How many there are. */
  get length(): number {
    return this.#length;
  }

  add(text: string): void {
    const block = this.#room(text);
    const from = endOf(block, block.count - 1);
    block.ends[block.count++] = from + block.bytes.write(text, from, 'utf8');
    this.#length += 1;
  }

  /** Text `at`, counted from 0. @throws RangeError if there is none */
  text(at: number): string {
    const block = this.#blockOf(at);
    const i = at - block.first;
    return block.bytes.toString('utf8', endOf(block, i - 1), endOf(block, i));
  }

  /** Bytes of the texts from `from` on, before `to`. */
  bytes(from: number, to: number): number {
    let sum = 0;
    for (let b = this.#blocks.length - 1; b >= 0; b--) {
      const block = this.#blocks[b];
      if (block === undefined || block.first + block.count <= from) break;
      const [first, last] = [Math.max(from, block.first), Math.min(to, block.first + block.count)];
      if (last > first) sum += endOf(block, last - 1 - block.first) - endOf(block, first - 1 - block.first);
    }
    return sum;
  }

  #room(text: string): Block {
    const last = this.#blocks.at(-1);
    if (last !== undefined && last.count < last.ends.length) {
      const left = last.bytes.length - endOf(last, last.count - 1);
      // To count exactly takes a pass over the text: only where it may not fit.
      if (text.length * BYTES_A_UNIT <= left || Buffer.byteLength(text) <= left) return last;
    }
    const wanted = last === undefined ? LEAST_BYTES : Math.min(MOST_BYTES, last.bytes.length * 2);
    const size = Math.max(wanted, Buffer.byteLength(text));
    const block: Block = {
      first: this.#length,
      // Not from node's pool, whose blocks would be held by the smallest part of them.
      bytes: Buffer.allocUnsafeSlow(size),
      ends: new Uint32Array(Math.ceil(wanted / BYTES_A_TEXT)),
      count: 0,
    };
    this.#blocks.push(block);
    return block;
  }

  #blockOf(at: number): Block {
    let [low, high] = [0, this.#blocks.length - 1];
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((this.#blocks[middle]?.first ?? 0) <= at) low = middle;
      else high = middle - 1;
    }
    const block = this.#blocks[low];
    if (block === undefined || at < block.first || at >= block.first + block.count)
      throw new RangeError(`there is no text ${at} of ${this.#length}`);
    return block;
  }
}

/** Where text `i` of a block ends; the block's beginning before the first. */
function endOf(block: Block, i: number): number {
  return i < 0 ? 0 : (block.ends[i] ?? 0);
}
