/** What lies on the disk, whatever the tables say: for tests that content is gone, or was never there. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The files below `folder` that hold the text, in UTF-8 or UTF-16. */
export function filesWith(folder: string, text: string): readonly string[] {
  const needles = [Buffer.from(text, 'utf8'), Buffer.from(text, 'utf16le')];
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile())
    .map(entry => join(entry.parentPath, entry.name))
    .filter(file => {
      const bytes = readFileSync(file);
      return needles.some(needle => bytes.includes(needle));
    });
}
