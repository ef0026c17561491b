/**
 * The emulator's tokeniser. A piece is up to 4 blanks followed by up to 4 characters of a word or by one other
 * character, so that about 4 characters make a token, the pieces of a text put together are the text, and a surrogate
 * pair is never split. The same pieces are counted as usage and sent as deltas.
 */
const PIECE_CHARS = 4;

const isWordCode = (code: number): boolean =>
  (code >= 97 && code <= 122) || (code >= 65 && code <= 90) || (code >= 48 && code <= 57) || code >= 128;

const splitsPair = (text: string, at: number): boolean =>
  (text.charCodeAt(at - 1) & 0xfc00) === 0xd800 && (text.charCodeAt(at) & 0xfc00) === 0xdc00;

/** Where the piece that starts at `start` ends (exclusive). `start` must lie inside the text. */
function pieceEnd(text: string, start: number): number {
  const length = text.length;
  let at = start;
  const blanks = Math.min(start + PIECE_CHARS, length);
  while (at < blanks && text.charCodeAt(at) <= 32) at++;
  if (at >= length) return length;
  const code = text.charCodeAt(at);
  if (code <= 32) return at;
  if (!isWordCode(code)) return at + 1;
  const end = Math.min(at + PIECE_CHARS, length);
  at++;
  while (at < end && isWordCode(text.charCodeAt(at))) at++;
  return at < length && splitsPair(text, at) ? at + 1 : at;
}

/** How many pieces `piecesOf` would make, without making them: this reads megabytes of context for every answer. */
export function countTokens(text: string): number {
  let count = 0;
  let word = 0;
  let blanks = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (isWordCode(code)) {
      blanks = 0;
      if (word < PIECE_CHARS) word++;
      else if (splitsPair(text, at)) continue;
      else word = 1;
      if (word === 1) count++;
    } else if (code <= 32) {
      word = 0;
      if (blanks === PIECE_CHARS) {
        count++;
        blanks = 0;
      }
      blanks++;
    } else {
      count++;
      word = 0;
      blanks = 0;
    }
  }
  return blanks > 0 ? count + 1 : count;
}

/** The pieces of a text, in order. */
export function piecesOf(text: string): string[] {
  const pieces: string[] = [];
  for (let at = 0; at < text.length; ) {
    const end = pieceEnd(text, at);
    pieces.push(text.slice(at, end));
    at = end;
  }
  return pieces;
}

/** The longest beginning of a text that has at most `limit` tokens, and how many it has. */
export function firstTokens(text: string, limit: number): { readonly text: string; readonly tokens: number } {
  let at = 0;
  let tokens = 0;
  for (; at < text.length && tokens < limit; tokens++) at = pieceEnd(text, at);
  return { text: at >= text.length ? text : text.slice(0, at), tokens };
}
