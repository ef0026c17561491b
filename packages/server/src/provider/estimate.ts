/**
 * Tokens by size: an upper estimate without a tokeniser. Text in ASCII is 3 to 5 bytes a token, marks and code at the low end; other
 * scripts are denser. The vocabularies in use stay below this for ordinary text of any script.
 */
const UNITS_PER_TOKEN = 3;
const EXTRA_BYTES_PER_TOKEN = 2;
/** The most that common models count for one image in full detail. */
export const IMAGE_TOKENS = 2_000;

/**
 * @param text JSON as it is sent
 * @param bytes its length in UTF-8
 */
export function textTokens(text: string, bytes: number): number {
  return Math.ceil(text.length / UNITS_PER_TOKEN + (bytes - text.length) / EXTRA_BYTES_PER_TOKEN);
}

/** The same, where only the text is at hand. */
export function jsonTokens(text: string): number {
  return textTokens(text, Buffer.byteLength(text, 'utf8'));
}
