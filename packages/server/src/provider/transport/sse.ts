/**
 * Server-sent events, as far as model providers use them: the `data` of each event. Works on bytes; a text is made once an event.
 *
 * S1  The same bytes give the same events, however they are cut into chunks.
 * S2  What is held is bounded: an event larger than its bound ends the parse, complete or not.
 */
const LF = 0x0a;
const CR = 0x0d;
const COLON = 0x3a;
const SPACE = 0x20;
const DATA = [0x64, 0x61, 0x74, 0x61] as const;
const BOM = [0xef, 0xbb, 0xbf] as const;
const FIRST_CARRY_BYTES = 4096;

/** Takes the data of an event, its lines joined by LF. Events without data are not told of. */
export type OnData = (data: string) => void;

export class OversizeEvent extends Error {
  override readonly name = 'OversizeEvent';
  readonly oversizeEvent = true;
}

export class SseParser {
  readonly #maxEventBytes: number;
  /** The beginning of a line whose end has not come; the first `#carried` bytes are filled. */
  #carry: Buffer = Buffer.alloc(0);
  #carried = 0;
  #data: string | null = null;
  #afterCr = false;
  /** Offsets in the stream, line ends normalised: of the next byte, and of the first byte of the current event. */
  #offset = 0;
  #eventAt = 0;

  /** @param maxEventBytes of one event, beyond the size of all that came before it (a last event repeats the answer) */
  constructor(maxEventBytes: number) {
    this.#maxEventBytes = maxEventBytes;
  }

  /** @throws OversizeEvent; after that the parser is spent */
  push(chunk: Buffer, onData: OnData): void {
    const bytes = this.#afterCr || chunk.includes(CR) ? this.#normalise(chunk) : chunk;
    let start = 0;
    for (let end = bytes.indexOf(LF); end !== -1; end = bytes.indexOf(LF, start)) {
      this.#offset += end - start + 1;
      this.#check();
      if (this.#carried === 0) {
        this.#line(bytes, start, end, onData);
      } else {
        this.#keep(bytes, start, end);
        const length = this.#carried;
        this.#carried = 0;
        this.#line(this.#carry, 0, length, onData);
      }
      start = end + 1;
    }
    if (start < bytes.length) {
      this.#offset += bytes.length - start;
      this.#check();
      this.#keep(bytes, start, bytes.length);
    }
  }

  #check(): void {
    if (this.#offset - this.#eventAt > this.#maxEventBytes + this.#eventAt)
      throw new OversizeEvent('an event is too large');
  }

  #line(bytes: Buffer, from: number, end: number, onData: OnData): void {
    // A byte order mark may only lead the stream: then this line is the first of all.
    const start =
      this.#eventAt === 0 && this.#offset === end - from + 1 && startsWith(bytes, from, end, BOM) ? from + 3 : from;
    if (start === end) {
      const data = this.#data;
      this.#data = null;
      this.#eventAt = this.#offset;
      if (data !== null && data !== '') onData(data);
      return;
    }
    if (!startsWith(bytes, start, end, DATA)) return;
    const after = start + DATA.length;
    if (after < end && bytes[after] !== COLON) return;
    const value = bytes[after + 1] === SPACE ? after + 2 : after + 1;
    const text = value < end ? bytes.toString('utf8', value, end) : '';
    this.#data = this.#data === null ? text : `${this.#data}\n${text}`;
  }

  /** Doubles its room, so that an event that comes byte by byte is copied a bounded number of times. */
  #keep(bytes: Buffer, start: number, end: number): void {
    const needed = this.#carried + end - start;
    if (needed > this.#carry.length) {
      const grown = Buffer.allocUnsafe(Math.max(needed, this.#carry.length * 2, FIRST_CARRY_BYTES));
      this.#carry.copy(grown, 0, 0, this.#carried);
      this.#carry = grown;
    }
    bytes.copy(this.#carry, this.#carried, start, end);
    this.#carried = needed;
  }

  /** CR LF and CR alone become LF. Rare: JSON escapes both, so that a CR can only end a line. */
  #normalise(chunk: Buffer): Buffer {
    const out = Buffer.allocUnsafe(chunk.length);
    let length = 0;
    for (const byte of chunk) {
      const skip = byte === LF && this.#afterCr;
      this.#afterCr = byte === CR;
      if (!skip) out[length++] = byte === CR ? LF : byte;
    }
    return out.subarray(0, length);
  }
}

function startsWith(bytes: Buffer, start: number, end: number, prefix: readonly number[]): boolean {
  if (end - start < prefix.length) return false;
  for (let index = 0; index < prefix.length; index++) if (bytes[start + index] !== prefix[index]) return false;
  return true;
}
