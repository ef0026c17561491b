/** The text of a file that was sent as a data URL, or as base64 alone; null if it holds none. */
const DATA_URL = /^data:([^;,]*)(?:;[^;,]+)*;base64,/i;
const TEXT_TYPES = /^(text\/|application\/(json|jsonl|xml|yaml)$|$)/i;
/** Files are read up to here, in characters of base64: the emulator is no reader of books. */
const MOST_CHARS = 8 * 1024 * 1024;

export function attachedText(data: unknown): string | null {
  if (typeof data !== 'string' || data.length > MOST_CHARS) return null;
  const head = DATA_URL.exec(data);
  if (head !== null && !TEXT_TYPES.test(head[1] ?? '')) return null;
  const text = Buffer.from(head === null ? data : data.slice(head[0].length), 'base64').toString('utf8');
  // A byte that is no UTF-8, or a zero: it is no text.
  return text === '' || /[\ufffd\0]/.test(text) ? null : text;
}
