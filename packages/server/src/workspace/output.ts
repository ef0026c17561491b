/** What a command prints, bounded: its beginning and its end are kept, the middle is counted. */
export interface Output {
  add(bytes: Uint8Array): void;
  /** Bytes that were printed. */
  readonly printed: number;
  text(): string;
}

export function boundedOutput(most: number): Output {
  const headMost = Math.ceil(most / 2);
  const tailMost = most - headMost;
  const head: Buffer[] = [];
  let headBytes = 0;
  let tail: Buffer[] = [];
  let tailBytes = 0;
  let printed = 0;
  return {
    add(bytes) {
      printed += bytes.length;
      const first = Buffer.from(bytes.subarray(0, headMost - headBytes));
      if (first.length > 0) head.push(first);
      headBytes += first.length;
      const rest = Buffer.from(bytes.subarray(first.length));
      tail.push(rest);
      tailBytes += rest.length;
      // Joined now and then only: a command that prints byte by byte must not cost a copy for each.
      if (tailBytes > 4 * tailMost + 4096 || tail.length > 1024) {
        tail = [lastOf(tail, tailMost)];
        tailBytes = tail[0]?.length ?? 0;
      }
    },
    get printed() {
      return printed;
    },
    text() {
      const left = printed - headBytes - tailMost;
      const end = lastOf(tail, tailMost);
      if (left <= 0) return decode(Buffer.concat([...head, end]));
      return `${decode(wholeStart(Buffer.concat(head)))}\n[${left} bytes left out]\n${decode(wholeEnd(end))}`;
    },
  };
}

function lastOf(parts: readonly Buffer[], most: number): Buffer {
  const all = Buffer.concat(parts);
  return all.subarray(Math.max(0, all.length - most));
}

/** Bytes that are no UTF-8 become U+FFFD; NUL, which no store of texts likes, too. */
function decode(bytes: Buffer): string {
  return bytes.toString('utf8').replaceAll('\0', '�');
}

/** Without a character that was cut at the end. */
function wholeStart(bytes: Buffer): Buffer {
  for (let back = 1; back <= Math.min(3, bytes.length); back++) {
    const byte = bytes[bytes.length - back] ?? 0;
    if (byte < 0x80) return bytes;
    if (byte >= 0xc0) {
      const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2;
      return length > back ? bytes.subarray(0, bytes.length - back) : bytes;
    }
  }
  return bytes;
}

/** Without what is left of a character that was cut at the beginning. */
function wholeEnd(bytes: Buffer): Buffer {
  let skip = 0;
  while (skip < Math.min(3, bytes.length) && ((bytes[skip] ?? 0) & 0xc0) === 0x80) skip++;
  return bytes.subarray(skip);
}
