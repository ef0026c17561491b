/** `read_file`, `write_file`, `list_files`. */
import * as z from 'zod';
import type { ToolOutcome } from '../../engine/tools/ports.ts';
import { HEAD_BYTES, isImage, mediaType, typeOf } from '../../engine/files/media-type.ts';
import { type BuiltinTool, builtinTool, done, failed } from './tool.ts';

const MIB = 1024 * 1024;
/** Of one file that is read, or written. */
const FILE_BYTES = 8 * MIB;
/** What is shown of a file at once. */
const SHOWN_CHARS = 100_000;
const DEFAULT_LINES = 2000;
const DEFAULT_FILES = 200;

export const READ_FILE: BuiltinTool = builtinTool(
  {
    name: 'read_file',
    description: 'Reads a file of the workspace: text by lines, or an image (PNG, JPEG, GIF, WebP) to look at.',
    idempotent: true,
  },
  z.strictObject({
    path: z.string().describe('Below /workspace.'),
    offset: z.int().min(1).nullish().describe('The first line to read, from 1. Default: 1.'),
    limit: z.int().min(1).max(100_000).nullish().describe(`How many lines. Default: ${DEFAULT_LINES}.`),
  }),
  async ({ path, offset, limit }, place) => {
    const bytes = await (await place.workspace()).read(path, FILE_BYTES);
    if (bytes === null) return failed('file_not_found', 'There is no such file.');
    const type = typeOf(bytes.subarray(0, HEAD_BYTES), mediaType(''), path);
    if (isImage(type)) {
      const image = `data:${type};base64,${Buffer.from(bytes).toString('base64')}`;
      return { ok: true, output: [{ type: 'input_image', image_url: image }], files: 1 };
    }
    return readText(bytes, offset ?? 1, limit ?? DEFAULT_LINES);
  },
);

function readText(bytes: Uint8Array, offset: number, limit: number): ToolOutcome {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return failed('not_text', `The file is no text in UTF-8: ${bytes.length} bytes.`);
  }
  const lines = text.split('\n');
  if (lines.at(-1) === '') lines.pop();
  const part = lines.slice(offset - 1, offset - 1 + limit);
  const shown = part.join('\n').slice(0, SHOWN_CHARS);
  const last = offset - 1 + shown.split('\n').length;
  if (part.length === 0) return done(`[the file has ${lines.length} lines]`, 1);
  if (shown.length < part.join('\n').length || last < lines.length)
    return done(`${shown}\n[lines ${offset} to ${last} of ${lines.length}]`, 1);
  return done(text.endsWith('\n') && offset === 1 ? `${shown}\n` : shown, 1);
}

export const WRITE_FILE: BuiltinTool = builtinTool(
  {
    name: 'write_file',
    description: 'Writes a file of the workspace as a whole. Folders on the way are made; what was there is replaced.',
    idempotent: true,
  },
  z.strictObject({
    path: z.string().describe('Below /workspace.'),
    content: z.string().max(FILE_BYTES).describe('All of its text.'),
  }),
  async ({ path, content }, place) => {
    const bytes = Buffer.from(content);
    if (bytes.length > FILE_BYTES) return failed('workspace_file_too_large', `A file has ${FILE_BYTES} bytes at most.`);
    await (await place.workspace()).write(path, bytes);
    return done(`${bytes.length} bytes written to ${path}`, 1);
  },
);

export const LIST_FILES: BuiltinTool = builtinTool(
  {
    name: 'list_files',
    description: 'Lists the files of the workspace below a folder, with their sizes, in the order of their names.',
    idempotent: true,
  },
  z.strictObject({
    path: z.string().nullish().describe('The folder, below /workspace. Default: all of it.'),
    after: z.string().nullish().describe('The path of the last file that was listed before.'),
    limit: z.int().min(1).max(1000).nullish().describe(`How many. Default: ${DEFAULT_FILES}.`),
  }),
  async ({ path, after, limit }, place) => {
    const most = limit ?? DEFAULT_FILES;
    const files = await (await place.workspace()).list(path ?? '', after ?? null, most);
    const rows = files.map(file => `${file.path}\t${file.size}`);
    const last = files.at(-1);
    if (last !== undefined && files.length === most) rows.push(`[more may follow: after ${last.path}]`);
    return done(rows.length === 0 ? '[no files]' : rows.join('\n'));
  },
);
