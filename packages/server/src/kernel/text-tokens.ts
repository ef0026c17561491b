/**
 * Tokens by size: an upper estimate without a tokeniser. Text in ASCII is 3 to 5 bytes a token, marks and code at the low end; other
 * scripts are denser. The vocabularies in use stay below this for ordinary text of any script.
 *
 * Weights are sixths of a token: integers that can be added up before they are rounded.
 */
export const WEIGHT_OF_TOKEN = 6;
const WEIGHT_OF_UNIT = 2;
const WEIGHT_OF_EXTRA_BYTE = 3;
/** The most that common models count for one image in full detail. */
export const IMAGE_TOKENS = 2_000;

/** @param bytes the length of the text in UTF-8 */
export function textWeight(text: string, bytes: number): number {
  return text.length * WEIGHT_OF_UNIT + (bytes - text.length) * WEIGHT_OF_EXTRA_BYTE;
}

/**
 * @param text JSON as it is sent
 * @param bytes its length in UTF-8
 */
export function textTokens(text: string, bytes: number): number {
  return Math.ceil(textWeight(text, bytes) / WEIGHT_OF_TOKEN);
}

/** The length of a text in UTF-8, where there is no buffer to ask. A lone surrogate counts as what replaces it. */
export function utf8Bytes(text: string): number {
  let bytes = text.length;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit < 0x80) continue;
    if (unit < 0x800) bytes += 1;
    else if (unit >= 0xd800 && unit <= 0xdbff && isLow(text.charCodeAt(i + 1))) {
      bytes += 2;
      i += 1;
    } else bytes += 2;
  }
  return bytes;
}

function isLow(unit: number): boolean {
  return unit >= 0xdc00 && unit <= 0xdfff;
}
