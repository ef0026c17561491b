/** What bytes are: by what they begin with, else by what the client said, else by the name's ending. */

const BY_ENDING: { readonly [ending: string]: string } = {
  csv: 'text/csv',
  gif: 'image/gif',
  htm: 'text/html',
  html: 'text/html',
  jpeg: 'image/jpeg',
  jpg: 'image/jpeg',
  json: 'application/json',
  jsonl: 'application/jsonl',
  md: 'text/markdown',
  pdf: 'application/pdf',
  png: 'image/png',
  txt: 'text/plain',
  webp: 'image/webp',
  xml: 'application/xml',
  yaml: 'application/yaml',
  yml: 'application/yaml',
};

/** Images that models take. */
const IMAGES: ReadonlySet<string> = new Set(['image/png', 'image/jpeg', 'image/gif', 'image/webp']);
const MEDIA_TYPE = /^[a-z0-9][a-z0-9!#$&^_.+-]{0,63}\/[a-z0-9][a-z0-9!#$&^_.+-]{0,63}$/;
/** Bytes that are enough to know an image by. */
export const HEAD_BYTES = 16;
export const UNKNOWN_TYPE = 'application/octet-stream';

export function isImage(type: string): boolean {
  return IMAGES.has(type);
}

/** A media type without parameters; null if it is none. */
export function mediaType(given: string | null | undefined): string | null {
  const type = given?.split(';')[0]?.trim().toLowerCase() ?? '';
  return MEDIA_TYPE.test(type) ? type : null;
}

/** @param head the first `HEAD_BYTES` of it, or all */
export function typeOf(head: Uint8Array, said: string | null, filename: string): string {
  const seen = sniff(head);
  if (seen !== null) return seen;
  const ending = BY_ENDING[filename.split('.').at(-1)?.toLowerCase() ?? ''];
  // What claims to be an image and does not begin like one is none.
  const known = said !== null && said !== UNKNOWN_TYPE ? said : (ending ?? UNKNOWN_TYPE);
  return isImage(known) ? UNKNOWN_TYPE : known;
}

function sniff(head: Uint8Array): string | null {
  const ascii = String.fromCharCode(...head.subarray(0, HEAD_BYTES));
  if (ascii.startsWith('\x89PNG\r\n\x1a\n')) return 'image/png';
  if (ascii.startsWith('\xff\xd8\xff')) return 'image/jpeg';
  if (ascii.startsWith('GIF87a') || ascii.startsWith('GIF89a')) return 'image/gif';
  if (ascii.startsWith('RIFF') && ascii.slice(8, 12) === 'WEBP') return 'image/webp';
  if (ascii.startsWith('%PDF-')) return 'application/pdf';
  return null;
}
