/** What lies on the disk, whatever the tables say: for tests that content is gone, or was never there. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The files below `folder` that hold the text in any of the forms that `formsOf` knows. */
export function filesWith(folder: string, text: string): readonly string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile())
    .map(entry => join(entry.parentPath, entry.name))
    .filter(file => holds(readIfThere(file), text));
}

export function holds(bytes: Buffer, text: string): boolean {
  return formsOf(text).some(form => bytes.includes(form));
}

/** A file may go between the listing and the reading: SQLite's own do. */
function readIfThere(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return Buffer.alloc(0);
    throw error;
  }
}

/** The text as programs write it: in UTF-8 and UTF-16, in JSON once and twice over, escaped to ASCII, in hex, in a URL, in base64 at each offset. */
export function formsOf(text: string): readonly Buffer[] {
  const json = (value: string): string => JSON.stringify(value).slice(1, -1);
  const ascii = (value: string): string =>
    value.replace(/[^\0-\x7f]/g, char => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);
  const texts = [text, json(text), json(json(text)), ascii(json(text)), encodeURIComponent(text)];
  const bytes = Buffer.from(text, 'utf8');
  const base64 = [0, 1, 2].map(offset => {
    const whole = Buffer.concat([Buffer.alloc(offset), bytes]).toString('base64');
    // The first and the last characters hold bits of what stands beside it.
    return whole.slice(Math.ceil((offset * 8) / 6), Math.floor(((offset + bytes.length) * 8) / 6));
  });
  const written = [
    ...new Set([...texts, ...base64, ...base64.map(url => url.replaceAll('+', '-').replaceAll('/', '_'))]),
  ];
  return [
    ...written.map(one => Buffer.from(one, 'utf8')),
    Buffer.from(text, 'utf16le'),
    Buffer.from(bytes.toString('hex')),
    Buffer.from(bytes.toString('hex').toUpperCase()),
  ];
}
