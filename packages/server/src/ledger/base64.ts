/** Base 64 (RFC 4648, part 4) and hexadecimal. Only the one canonical form of some bytes is read: another would be a second text for one record. */

export function toBase64(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += String.fromCharCode(byte);
  return btoa(text);
}

/** Null unless it is exactly what `toBase64` writes. */
export function fromBase64(text: string): Uint8Array | null {
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(text) || text.length % 4 !== 0) return null;
  const binary = atob(text);
  const bytes = Uint8Array.from(binary, char => char.charCodeAt(0));
  return btoa(binary) === text ? bytes : null;
}

const HEX: readonly string[] = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

export function toHex(bytes: Uint8Array): string {
  let text = '';
  for (let at = 0; at < bytes.length; at++) text += HEX[bytes[at] ?? 0];
  return text;
}

/** Null unless it is lower-case hexadecimal of whole bytes. */
export function fromHex(text: string): Uint8Array | null {
  if (!/^([0-9a-f]{2})*$/.test(text)) return null;
  const bytes = new Uint8Array(text.length / 2);
  for (let at = 0; at < bytes.length; at++)
    bytes[at] = (valueOf(text.charCodeAt(at * 2)) << 4) | valueOf(text.charCodeAt(at * 2 + 1));
  return bytes;
}

/** Of a digit: `0` is 48, `a` is 97. */
function valueOf(code: number): number {
  return code < 97 ? code - 48 : code - 87;
}
