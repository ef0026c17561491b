/** Skills and plugins: ZIP archives, unpacked within bounds. Nothing in them is run. */
import { perdureError } from '@perdure/protocol';
import type * as Fflate from 'fflate';
import { lateModule } from '../late-module.ts';

const fflate = lateModule<typeof Fflate>('fflate');

/** Files of one archive, and bytes of all of them unpacked. */
export const ARCHIVE_LIMITS: { readonly files: number; readonly bytes: number } = {
  files: 500,
  bytes: 16 * 1024 * 1024,
};

export interface Unpacked {
  /** Below the folder of the skill or plugin. */
  readonly path: string;
  readonly bytes: Uint8Array;
}

/** What must be in it. */
const MANIFEST = { skills: 'SKILL.md', plugins: '.codex-plugin/plugin.json' } as const;

/**
 * The files of an archive, links and folders left out. Where all lies in one folder, as archivers like to have it, that folder is dropped.
 * @throws invalid_request
 */
export function unpack(kind: keyof typeof MANIFEST, { name, data }: { name: string; data: string }): Unpacked[] {
  const wrong = (why: string): Error =>
    perdureError('invalid_request', `The archive of '${name}' ${why}.`, { param: `environment.${kind}` });
  let bytes = 0;
  let count = 0;
  let files: { readonly [path: string]: Uint8Array };
  try {
    files = fflate().unzipSync(Buffer.from(data, 'base64'), {
      filter: ({ name: path, originalSize }) => {
        if (path.endsWith('/')) return false;
        bytes += originalSize;
        count += 1;
        if (count > ARCHIVE_LIMITS.files) throw wrong(`holds more than ${ARCHIVE_LIMITS.files} files`);
        if (bytes > ARCHIVE_LIMITS.bytes) throw wrong(`unpacks to more than ${ARCHIVE_LIMITS.bytes} bytes`);
        return true;
      },
    });
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'invalid_request') throw error;
    throw wrong('is no ZIP archive');
  }
  const paths = Object.keys(files);
  if (paths.some(path => !isInside(path))) throw wrong('names a path that leads out of it');
  const top = `${paths[0]?.split('/')[0] ?? ''}/`;
  const manifest = MANIFEST[kind];
  const cut = paths.includes(manifest) || !paths.every(path => path.startsWith(top)) ? 0 : top.length;
  const all = paths.map(path => ({ path: path.slice(cut), bytes: files[path] ?? new Uint8Array() }));
  if (!all.some(({ path }) => path === manifest)) throw wrong(`has no ${manifest}`);
  return all;
}

function isInside(path: string): boolean {
  if (path.startsWith('/') || path.includes('\\') || path.includes('\0') || path.length > 512) return false;
  return path.split('/').every(part => part !== '' && part !== '.' && part !== '..');
}
