/** Entry bundles of tlog-tiles: each entry after its length in two bytes, the high one first. */
export const MAX_ENTRY_BYTES = 65_535;

/** @throws RangeError for an entry that is too long */
export function encodeEntries(entries: readonly Uint8Array[]): Uint8Array {
  const bundle = new EntryBundle();
  for (const entry of entries) bundle.push(entry);
  return bundle.bytes();
}

/** A bundle that grows, entry by entry. */
export class EntryBundle {
  #bytes: Uint8Array = new Uint8Array(FIRST_BYTES);
  #length = 0;
  #count = 0;

  get count(): number {
    return this.#count;
  }

  /** @throws RangeError for an entry that is too long */
  push(entry: Uint8Array): void {
    const { length } = entry;
    if (length > MAX_ENTRY_BYTES) throw new RangeError(`an entry has at most ${MAX_ENTRY_BYTES} bytes, not ${length}`);
    const end = this.#length + 2 + length;
    if (end > this.#bytes.length) this.#widen(end);
    this.#bytes[this.#length] = length >>> 8;
    this.#bytes[this.#length + 1] = length & 0xff;
    this.#bytes.set(entry, this.#length + 2);
    this.#length = end;
    this.#count += 1;
  }

  /** A copy. */
  bytes(): Uint8Array {
    return this.#bytes.slice(0, this.#length);
  }

  clear(): void {
    this.#length = 0;
    this.#count = 0;
  }

  #widen(least: number): void {
    const wider = new Uint8Array(Math.max(least, this.#bytes.length * 2));
    wider.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = wider;
  }
}

/** A full bundle of most kinds. */
const FIRST_BYTES = 32_768;

/** The entries, as views of the bundle; null if it is cut or has another count. */
export function decodeEntries(bundle: Uint8Array, count: number): readonly Uint8Array[] | null {
  const entries: Uint8Array[] = [];
  let at = 0;
  while (at < bundle.length) {
    const [high, low] = [bundle[at], bundle[at + 1]];
    if (high === undefined || low === undefined) return null;
    const end = at + 2 + high * 256 + low;
    if (end > bundle.length) return null;
    entries.push(bundle.subarray(at + 2, end));
    at = end;
  }
  return entries.length === count ? entries : null;
}
