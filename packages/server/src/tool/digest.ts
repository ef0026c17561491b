/** SHA-256 as it is handed in: 32 bytes. */
export type Sha256 = (...parts: readonly (string | Uint8Array)[]) => Uint8Array;

export function hex(bytes: Uint8Array): string {
  return Array.from(bytes, byte => byte.toString(16).padStart(2, '0')).join('');
}
