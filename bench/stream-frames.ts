/** The moment at which a delta left, written into its text: one clock serves all processes of a machine. */
const DIGITS = 16;
const MARK = '"delta":"';

/** Microseconds of the machine's monotonic clock. */
export function micros(): number {
  return Number(process.hrtime.bigint() / 1000n);
}

export function stamp(): string {
  return String(micros()).padStart(DIGITS, '0');
}

/** Finds the deltas of a stream, whatever pieces it comes in. */
export class DeltaFinder {
  #rest = '';

  /** Calls `found` with each delta's stamp. */
  take(text: string, found: (sentMicros: number) => void): void {
    const whole = this.#rest + text;
    let from = 0;
    for (;;) {
      const at = whole.indexOf(MARK, from);
      if (at === -1) break;
      const start = at + MARK.length;
      if (start + DIGITS > whole.length) {
        this.#rest = whole.slice(at);
        return;
      }
      found(Number(whole.slice(start, start + DIGITS)));
      from = start + DIGITS;
    }
    // A mark may be cut by the end of a piece.
    this.#rest = whole.slice(Math.max(from, whole.length - MARK.length + 1));
  }
}
