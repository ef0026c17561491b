import { describe, expect, it } from 'vitest';
import { applyPatch, pathsOf } from './apply.ts';
import { MOST_CHANGES, parsePatch } from './parse.ts';

function patched(body: string, files: { readonly [path: string]: string | null }): unknown {
  const parsed = parsePatch(`*** Begin Patch\n${body}\n*** End Patch`);
  if (!parsed.ok) return `line ${parsed.line}: ${parsed.why}`;
  const all = new Map(pathsOf(parsed.changes).map(path => [path, files[path] ?? null]));
  const applied = applyPatch(parsed.changes, all);
  if (!applied.ok) return applied.why;
  return Object.fromEntries(applied.edits.map(({ path, after }) => [path, after]));
}

describe('a patch', () => {
  it('adds, changes, moves and deletes files', () => {
    const body = `*** Add File: new.txt
+one
+
*** Update File: a.ts
*** Move to: b.ts
@@ class A {
   f() {
-    return 1;
+    return 2;
   }
*** Delete File: c.txt`;
    const a = 'class B {\n  f() {\n    return 1;\n  }\n}\nclass A {\n  f() {\n    return 1;\n  }\n}\n';
    expect(patched(body, { 'a.ts': a, 'c.txt': 'x' })).toEqual({
      'new.txt': 'one\n\n',
      'a.ts': null,
      'b.ts': 'class B {\n  f() {\n    return 1;\n  }\n}\nclass A {\n  f() {\n    return 2;\n  }\n}\n',
      'c.txt': null,
    });
  });

  it('changes a line of a file that has more lines than a call takes arguments', () => {
    const lines = Array.from({ length: 200_000 }, (_, n) => `line ${n}`);
    const file = (middle: string): string => `${lines.with(150_000, middle).join('\n')}\n`;
    const body = '*** Update File: f\n@@\n line 149999\n-line 150000\n+changed';
    expect(patched(body, { f: file('line 150000') })).toEqual({ f: file('changed') });
    const first = '*** Update File: f\n@@\n-line 0\n+changed';
    expect(patched(first, { f: file('x') })).toEqual({ f: file('x').replace('line 0', 'changed') });
  });

  it('inserts after the line that is named, else at the end', () => {
    expect(patched('*** Update File: f\n@@ a\n+x', { f: 'a\nb\n' })).toEqual({ f: 'a\nx\nb\n' });
    expect(patched('*** Update File: f\n@@\n+x', { f: 'a\nb\n' })).toEqual({ f: 'a\nb\nx\n' });
  });

  it('finds the last place with an end of file', () => {
    const body = '*** Update File: f\n@@\n-a\n+b';
    expect(patched(body, { f: 'a\na\n' })).toEqual({ f: 'b\na\n' });
    expect(patched(`${body}\n*** End of File`, { f: 'a\na\n' })).toEqual({ f: 'a\nb\n' });
  });

  it('leaves the end of the file, line breaks and kept lines as they are', () => {
    expect(patched('*** Update File: f\n-a\n+b', { f: 'a' })).toEqual({ f: 'b' });
    expect(patched('*** Update File: f\n a\n-b\n+c', { f: 'a  \r\nb\r\n' })).toEqual({ f: 'a  \r\nc\r\n' });
    expect(patched("*** Update File: f\n it's\n+c", { f: '  it’s\n' })).toEqual({ f: '  it’s\nc\n' });
  });

  it('says why it cannot be applied, and does nothing then', () => {
    const files = { f: 'a\n', g: 'x\n' };
    expect(patched('*** Update File: f\n-z\n+b', files)).toBe('f: part 1 is not found: no lines like "z"');
    expect(patched('*** Update File: f\n@@ q\n-a\n+b', files)).toBe('f: part 1 has "@@ q", which is not found');
    expect(patched('*** Delete File: g\n*** Update File: none\n-a\n+b', files)).toBe('none is not there');
    expect(patched('*** Add File: f\n+b', files)).toBe('f is there already: update it, or delete it first');
    expect(patched('*** Update File: f\n*** Move to: g\n-a\n+b', files)).toBe('g is there already');
  });

  it('says which line is wrong', () => {
    expect(parsePatch('')).toEqual({ ok: false, line: 1, why: 'it must begin with "*** Begin Patch"' });
    expect(parsePatch('*** Begin Patch\n*** Delete File: f\n')).toMatchObject({ ok: false, line: 4 });
    expect(patched('what', {})).toMatch(/^line 2: /);
    expect(patched('*** Update File: f\nwhat', {})).toBe('line 3: a line of a change begins with a space, "-" or "+"');
    expect(patched('*** Update File: f\n a', {})).toBe('line 4: the part changes nothing');
    expect(patched('*** Delete File: ', {})).toBe('line 2: it names no file');
    expect(parsePatch('*** Begin Patch\n*** Delete File: f\n*** End Patch\nmore')).toMatchObject({
      ok: false,
      line: 4,
    });
  });

  it('changes as many files as it may, and no more', () => {
    const deletes = (count: number): string =>
      Array.from({ length: count }, (_, i) => `*** Delete File: ${i}`).join('\n');
    expect(parsePatch(`*** Begin Patch\n${deletes(MOST_CHANGES)}\n*** End Patch`).ok).toBe(true);
    expect(parsePatch(`*** Begin Patch\n${deletes(MOST_CHANGES + 1)}\n*** End Patch`).ok).toBe(false);
  });
});
