/** `apply_patch`: changes files of the workspace by a patch, all of it or nothing. */
import * as z from 'zod';
import type { Workspace } from '../../engine/tools/ports.ts';
import { applyPatch, type Edit, pathsOf } from '../patch/apply.ts';
import { parsePatch } from '../patch/parse.ts';
import { pathNames } from '../paths.ts';
import { type BuiltinTool, builtinTool, done, failed } from './tool.ts';

const MIB = 1024 * 1024;
const PATCH_CHARS = 4 * MIB;
const FILE_BYTES = 8 * MIB;

export const APPLY_PATCH: BuiltinTool = builtinTool(
  {
    name: 'apply_patch',
    description: `Changes files of the workspace by a patch, all of it or nothing. The patch has this form:
*** Begin Patch
*** Add File: path
+each line
*** Update File: path
*** Move to: new path (if it moves)
@@ a line before, as a function's first (if it helps to find the place)
 a line that stays
-a line that goes
+a line that comes
*** Delete File: path
*** End Patch`,
    idempotent: false,
  },
  z.strictObject({ input: z.string().max(PATCH_CHARS).describe('The whole patch.') }),
  async ({ input }, place) => {
    const parsed = parsePatch(input);
    if (!parsed.ok) return failed('invalid_patch', `Line ${parsed.line} of the patch: ${parsed.why}.`);
    const workspace = await place.workspace();
    const files = new Map<string, string | null>();
    const seen = new Set<string>();
    for (const path of pathsOf(parsed.changes)) {
      const same = pathNames(path).join('/');
      if (seen.has(same)) return failed('invalid_patch', `The patch writes ${path} in two ways.`);
      seen.add(same);
      const bytes = await workspace.read(path, FILE_BYTES);
      const text = bytes === null ? null : textOf(bytes);
      if (text === undefined) return failed('not_text', `${path} is no text in UTF-8.`);
      files.set(path, text);
    }
    const applied = applyPatch(parsed.changes, files);
    if (!applied.ok) return failed('patch_does_not_apply', `Nothing was changed: ${applied.why}.`);
    await write(workspace, applied.edits);
    return done(applied.edits.map(row).join('\n') || '[nothing changed]', applied.edits.length);
  },
);

function textOf(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

/** If one fails (the quota, a folder in the way), those before it are put back. */
async function write(workspace: Workspace, edits: readonly Edit[]): Promise<void> {
  const put = async (path: string, text: string | null): Promise<unknown> =>
    text === null ? workspace.remove(path) : workspace.write(path, Buffer.from(text));
  const written: Edit[] = [];
  try {
    // What goes, goes last: until then nothing is lost.
    for (const edit of edits.toSorted((one, two) => Number(one.after === null) - Number(two.after === null))) {
      written.push(edit);
      await put(edit.path, edit.after);
    }
  } catch (error) {
    for (const { path, before } of written.toReversed()) await put(path, before).catch(() => undefined);
    throw error;
  }
}

function row({ path, before, after }: Edit): string {
  if (after === null) return `D ${path}`;
  return `${before === null ? 'A' : 'M'} ${path}`;
}
