/** Images and files that lie in the request itself: that they are what they say is checked here, and not by an upstream. */
import * as z from 'zod';
import { LIMITS } from './limits.ts';
import { fault } from './parse.ts';

const SCHEME = 'data:';
/** Characters before the comma of a `data:` URL. */
const MAX_HEAD = 256;

/** Base64 in its common alphabet. The padding may be left out. */
export function isBase64(text: string): boolean {
  // Not one pattern for all of it: that takes a place on a stack for each character.
  const end = text.search(/[^A-Za-z0-9+/]/);
  const length = end === -1 ? text.length : end;
  const padding = text.length - length;
  if (padding > 2 || text.slice(length) !== '='.repeat(padding)) return false;
  return padding === 0 ? length > 0 && length % 4 !== 1 : text.length % 4 === 0;
}

/** What a `data:` URL holds, if it is in base64; null if it is another kind of text, false if it is none that can be read. */
function inlineOf(text: string): { readonly type: string; readonly data: string } | null | false {
  if (text.slice(0, SCHEME.length).toLowerCase() !== SCHEME) return null;
  const comma = text.slice(0, MAX_HEAD).indexOf(',');
  const [type = '', ...parameters] = text.slice(SCHEME.length, Math.max(comma, SCHEME.length)).toLowerCase().split(';');
  return comma !== -1 && parameters.at(-1) === 'base64' && { type, data: text.slice(comma + 1) };
}

/** An image's address, or the image itself. */
export const imageUrl: z.ZodType<string> = z
  .string()
  .min(1)
  .max(LIMITS.imageUrlChars)
  .superRefine((url, ctx) => {
    const inline = inlineOf(url);
    if (inline === null || (inline !== false && inline.type.startsWith('image/') && isBase64(inline.data))) return;
    fault(ctx, 'invalid_request', 'An inline image must be base64 of an image: `data:image/png;base64,...`.');
  });

/** A file itself: base64, alone or as a `data:` URL. */
export const fileData: z.ZodType<string> = z
  .string()
  .min(1)
  .max(LIMITS.fileDataChars)
  .superRefine((text, ctx) => {
    const inline = inlineOf(text);
    if (inline !== false && isBase64(inline === null ? text : inline.data)) return;
    fault(ctx, 'invalid_request', 'A file must be base64, alone or as `data:application/pdf;base64,...`.');
  });
