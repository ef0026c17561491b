/** What a patch makes of files: all of it, or why not. Pure. */
import type { Change, Chunk } from './parse.ts';

export interface Edit {
  readonly path: string;
  /** Null: it is not there. */
  readonly before: string | null;
  /** Null: it goes. */
  readonly after: string | null;
}

export type Applied =
  | { readonly ok: true; readonly edits: readonly Edit[] }
  | { readonly ok: false; readonly why: string };

/** Paths that a patch reads or writes: what `applyPatch` must be told of. */
export function pathsOf(changes: readonly Change[]): readonly string[] {
  const paths = changes.flatMap(change =>
    change.kind === 'update' && change.moveTo !== null ? [change.path, change.moveTo] : [change.path],
  );
  return [...new Set(paths)];
}

/** @param files what lies at each path of `pathsOf`; null: nothing */
export function applyPatch(changes: readonly Change[], files: ReadonlyMap<string, string | null>): Applied {
  const now = new Map(files);
  for (const change of changes) {
    const why = applyChange(change, now);
    if (why !== null) return { ok: false, why };
  }
  const edits = [...now].flatMap(([path, after]): readonly Edit[] => {
    const before = files.get(path) ?? null;
    return before === after ? [] : [{ path, before, after }];
  });
  return { ok: true, edits };
}

function applyChange(change: Change, now: Map<string, string | null>): string | null {
  const { path } = change;
  const before = now.get(path) ?? null;
  if (change.kind === 'add') {
    if (before !== null) return `${path} is there already: update it, or delete it first`;
    now.set(path, change.lines.map(line => `${line}\n`).join(''));
    return null;
  }
  if (before === null) return `${path} is not there`;
  if (change.kind === 'delete') {
    now.set(path, null);
    return null;
  }
  const updated = applyChunks(before, change.chunks);
  if ('why' in updated) return `${path}: ${updated.why}`;
  if (change.moveTo !== null && change.moveTo !== path) {
    if ((now.get(change.moveTo) ?? null) !== null) return `${change.moveTo} is there already`;
    now.set(path, null);
  }
  now.set(change.moveTo ?? path, updated.text);
  return null;
}

/** The end of the file stays as it is: with a last line break, or without. */
function applyChunks(text: string, chunks: readonly Chunk[]): { readonly text: string } | { readonly why: string } {
  const ended = text === '' || text.endsWith('\n');
  const lines = text === '' ? [] : (ended ? text.slice(0, -1) : text).split('\n');
  const carriage = lines.length > 0 && lines.every(line => line.endsWith('\r')) ? '\r' : '';
  const result: string[] = [];
  let at = 0;
  for (const [i, chunk] of chunks.entries()) {
    const found = place(lines, chunk, at);
    if ('why' in found) return { why: `part ${i + 1} ${found.why}` };
    while (at < found.at) result.push(lines[at++] ?? '');
    for (const { kind, text: line } of chunk.lines) {
      // What is kept stays as the file has it, even if the patch writes its spaces otherwise.
      if (kind === 'keep') result.push(lines[at] ?? '');
      if (kind === 'add') result.push(line + carriage);
      else at++;
    }
  }
  while (at < lines.length) result.push(lines[at++] ?? '');
  return { text: result.length === 0 ? '' : `${result.join('\n')}${ended ? '\n' : ''}` };
}

function place(
  lines: readonly string[],
  chunk: Chunk,
  from: number,
): { readonly at: number } | { readonly why: string } {
  let start = from;
  for (const anchor of chunk.anchors) {
    const at = find(lines, [anchor], start, false);
    if (at === null) return { why: `has "@@ ${shown(anchor)}", which is not found` };
    start = at + 1;
  }
  const old = chunk.lines.filter(({ kind }) => kind !== 'add').map(({ text }) => text);
  // Nothing to find it by: after the line that was named, else at the end.
  if (old.length === 0) return { at: chunk.anchors.length > 0 && !chunk.atEnd ? start : lines.length };
  // The anchor may be the first line that is kept, too.
  const at =
    find(lines, old, start, chunk.atEnd) ??
    (chunk.anchors.length > 0 ? find(lines, old, start - 1, chunk.atEnd) : null);
  return at === null
    ? { why: `is not found: no lines like "${shown(old.find(one => one.trim() !== '') ?? '')}"` }
    : { at };
}

/** From strict to lenient: models write spaces and quotes otherwise than files have them. */
const READINGS: readonly ((line: string) => string)[] = [
  line => line,
  line => line.trimEnd(),
  line => line.trim(),
  line =>
    line
      .trim()
      .replaceAll(/[\u2010-\u2015\u2212]/g, '-')
      .replaceAll(/[\u2018-\u201B]/g, "'")
      .replaceAll(/[\u201C-\u201F]/g, '"')
      .replaceAll(/[\u00A0\u2000-\u200A\u202F\u3000]/g, ' '),
];

function find(lines: readonly string[], wanted: readonly string[], from: number, atEnd: boolean): number | null {
  const last = lines.length - wanted.length;
  for (const read of READINGS) {
    const there = wanted.map(read);
    for (let at = atEnd ? Math.max(from, last) : from; at <= last; at++)
      if (there.every((line, i) => read(lines[at + i] ?? '') === line)) return at;
  }
  return null;
}

const SHOWN = 80;

function shown(line: string): string {
  return line.length > SHOWN ? `${line.slice(0, SHOWN)}...` : line;
}
