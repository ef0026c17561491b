/**
 * Patches in the V4A form, which models of OpenAI and the Codex command line write:
 *
 *   *** Begin Patch
 *   *** Update File: src/a.ts        *** Add File: b.txt        *** Delete File: c.txt
 *   *** Move to: src/b.ts            +a line
 *   @@ function f() {
 *    context
 *   -old line
 *   +new line
 *   *** End of File
 *   *** End Patch
 *
 * No line numbers: a part is found by its lines, from where the last one ended. Pure.
 */

export type Line = { readonly kind: 'keep' | 'remove' | 'add'; readonly text: string };

export interface Chunk {
  /** Lines that come somewhere before, each after the one before it. */
  readonly anchors: readonly string[];
  readonly lines: readonly Line[];
  /** Its last line is the last of the file. */
  readonly atEnd: boolean;
}

export type Change =
  | { readonly kind: 'add'; readonly path: string; readonly lines: readonly string[] }
  | { readonly kind: 'delete'; readonly path: string }
  | {
      readonly kind: 'update';
      readonly path: string;
      readonly moveTo: string | null;
      readonly chunks: readonly Chunk[];
    };

export type Parsed =
  | { readonly ok: true; readonly changes: readonly Change[] }
  /** `line` counts from 1. */
  | { readonly ok: false; readonly line: number; readonly why: string };

const BEGIN = '*** Begin Patch';
const END = '*** End Patch';
const ADD = '*** Add File: ';
const DELETE = '*** Delete File: ';
const UPDATE = '*** Update File: ';
const MOVE = '*** Move to: ';
const END_OF_FILE = '*** End of File';

/** Files that one patch changes. */
export const MOST_CHANGES = 200;

export function parsePatch(text: string): Parsed {
  const lines = text.replaceAll('\r\n', '\n').split('\n');
  let at = lines.findIndex(line => line.trim() !== '');
  const wrong = (why: string): Parsed => ({ ok: false, line: at + 1, why });
  if (lines[at]?.trim() !== BEGIN)
    return { ok: false, line: Math.max(at, 0) + 1, why: `it must begin with "${BEGIN}"` };
  at++;
  const changes: Change[] = [];
  while (at < lines.length) {
    const line = lines[at] ?? '';
    if (line.trimEnd() === END) {
      const rest = lines.slice(at + 1).findIndex(one => one.trim() !== '');
      if (rest >= 0) return { ok: false, line: at + 2 + rest, why: `nothing may follow "${END}"` };
      return changes.length === 0 ? wrong('it changes nothing') : { ok: true, changes };
    }
    if (changes.length === MOST_CHANGES) return wrong(`it changes more than ${MOST_CHANGES} files`);
    if (line.trim() === '') {
      at++;
      continue;
    }
    const path = pathIn(line);
    if (path === null) return wrong(`"${ADD}", "${UPDATE}", "${DELETE}" or "${END}" must come here`);
    if (path === '') return wrong('it names no file');
    at++;
    if (line.startsWith(DELETE)) changes.push({ kind: 'delete', path });
    else if (line.startsWith(ADD)) {
      const added = takeAdded();
      changes.push({ kind: 'add', path, lines: added });
    } else {
      const update = takeUpdate(path);
      if ('why' in update) return wrong(update.why);
      changes.push(update);
    }
  }
  return wrong(`"${END}" is missing`);

  function takeAdded(): readonly string[] {
    const added: string[] = [];
    for (; (lines[at] ?? '').startsWith('+'); at++) added.push((lines[at] ?? '').slice(1));
    return added;
  }

  function takeUpdate(path: string): Change | { readonly why: string } {
    let moveTo: string | null = null;
    if ((lines[at] ?? '').startsWith(MOVE)) {
      moveTo = (lines[at] ?? '').slice(MOVE.length).trim();
      if (moveTo === '') return { why: 'it names no file to move to' };
      at++;
    }
    const chunks: Chunk[] = [];
    while (at < lines.length && !isHeader(lines[at] ?? '')) {
      const chunk = takeChunk();
      if ('why' in chunk) return chunk;
      chunks.push(chunk);
    }
    if (chunks.length === 0 && moveTo === null) return { why: 'the update changes nothing' };
    return { kind: 'update', path, moveTo, chunks };
  }

  function takeChunk(): Chunk | { readonly why: string } {
    const anchors: string[] = [];
    let marked = false;
    for (; (lines[at] ?? '').startsWith('@@'); at++) {
      marked = true;
      // `@@ -1,2 +1,2 @@` is of another form of patches: its numbers are often wrong, and not needed.
      const anchor = (lines[at] ?? '')
        .slice(2)
        .replace(/^ -\d[\d,]* \+\d[\d,]* @@/, '')
        .replace(/^ /, '');
      if (anchor.trim() !== '') anchors.push(anchor);
    }
    const taken: Line[] = [];
    for (; at < lines.length; at++) {
      const line = lines[at] ?? '';
      if (line.startsWith('@@') || isHeader(line) || line === END_OF_FILE) break;
      const kind = line === '' ? 'keep' : KINDS[line[0] ?? ''];
      if (kind === undefined) return { why: 'a line of a change begins with a space, "-" or "+"' };
      taken.push({ kind, text: line.slice(1) });
    }
    const atEnd = lines[at] === END_OF_FILE;
    if (atEnd) at++;
    // An empty line before the next header is a gap between the two, not a line of the file.
    const last = taken.at(-1);
    if (!atEnd && last?.text === '' && last.kind === 'keep' && lines[at - 1] === '' && isHeader(lines[at] ?? ''))
      taken.pop();
    if (taken.every(({ kind }) => kind === 'keep'))
      return { why: marked || taken.length > 0 ? 'the part changes nothing' : 'a change must come here' };
    return { anchors, lines: taken, atEnd };
  }
}

const KINDS: { readonly [sign: string]: Line['kind'] } = { ' ': 'keep', '-': 'remove', '+': 'add' };

function isHeader(line: string): boolean {
  return pathIn(line) !== null || line.trimEnd() === END;
}

function pathIn(line: string): string | null {
  const header = [ADD, DELETE, UPDATE].find(one => line.startsWith(one));
  return header === undefined ? null : line.slice(header.length).trim();
}
