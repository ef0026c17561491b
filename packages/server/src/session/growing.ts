/**
 * What grows with each delta of an open part, as bytes outside of the heap that the collector walks: arrays of texts and numbers, grown anew every few
 * deltas, were most of what outlived a young collection when hundreds of answers are streamed (decision 0029).
 */

const LEAST_NUMBERS = 8;
const LEAST_BYTES = 512;
/** The most bytes that a UTF-16 code unit takes in UTF-8. */
const BYTES_A_UNIT = 3;

const ENCODER = new TextEncoder();
const DECODER = new TextDecoder('utf-8', { ignoreBOM: true });

/** Whole numbers from 0 to 2^32 - 1, in their order. */
export class GrowingNumbers {
  #numbers = new Uint32Array(LEAST_NUMBERS);
  #length = 0;

  push(number: number): void {
    if (this.#length === this.#numbers.length) {
      const larger = new Uint32Array(this.#length * 2);
      larger.set(this.#numbers);
      this.#numbers = larger;
    }
    this.#numbers[this.#length++] = number;
  }

  list(): number[] {
    return Array.from(this.#numbers.subarray(0, this.#length));
  }
}

/** A text that comes in pieces. It comes back as it was, halves of surrogate pairs too. */
export class GrowingText {
  /** All of it as long as that is one piece. */
  #first = '';
  /** All of it afterwards: UTF-8. */
  #bytes: Uint8Array | null = null;
  #length = 0;
  /** All of it once a piece was no well-formed Unicode, which UTF-8 cannot hold. */
  #pieces: string[] | null = null;

  add(piece: string): void {
    if (this.#pieces !== null) this.#pieces.push(piece);
    else if (this.#bytes === null && this.#first === '') this.#first = piece;
    else if (!piece.isWellFormed() || !this.#first.isWellFormed()) this.#pieces = [this.text(), piece];
    else {
      if (this.#bytes === null) {
        this.#write(this.#first);
        this.#first = '';
      }
      this.#write(piece);
    }
  }

  text(): string {
    if (this.#pieces !== null) return this.#pieces.join('');
    return this.#bytes === null ? this.#first : DECODER.decode(this.#bytes.subarray(0, this.#length));
  }

  #write(piece: string): void {
    const wanted = this.#length + piece.length * BYTES_A_UNIT;
    let bytes = this.#bytes;
    if (bytes === null || wanted > bytes.length) {
      const larger = new Uint8Array(Math.max(LEAST_BYTES, wanted, (bytes?.length ?? 0) * 2));
      if (bytes !== null) larger.set(bytes);
      bytes = this.#bytes = larger;
    }
    this.#length += ENCODER.encodeInto(piece, bytes.subarray(this.#length)).written;
  }
}
