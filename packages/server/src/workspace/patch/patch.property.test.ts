import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { applyPatch } from './apply.ts';
import { type Line, parsePatch } from './parse.ts';

const SIGNS = { keep: ' ', remove: '-', add: '+' } as const;
// Lines that look like the patch's own words too.
const line = fc.oneof(
  fc.constantFrom('', 'a', 'b', '  a', '@@', '*** End Patch', '*** Add File: x', '+', '-', '*** End of File', 'it’s'),
  fc.string({ maxLength: 8 }).map(text => text.replaceAll(/[\r\n]/g, '_')),
);
const edit = fc.array(fc.record({ kind: fc.constantFrom<Line['kind']>('keep', 'remove', 'add'), text: line }), {
  minLength: 1,
  maxLength: 30,
});
const textOf = (lines: readonly Line[], not: Line['kind'], end: string): string =>
  lines
    .filter(({ kind }) => kind !== not)
    .map(({ text }) => text)
    .join('\n') + end;
const written = (lines: readonly Line[]): string => lines.map(({ kind, text }) => `${SIGNS[kind]}${text}\n`).join('');

it('makes of any file what the edit makes of it', () => {
  fc.assert(
    fc.property(edit, lines => {
      fc.pre(lines.some(({ kind }) => kind !== 'keep') && lines.some(({ kind }) => kind !== 'add'));
      const patch = `*** Begin Patch\n*** Update File: f\n@@\n${written(lines)}*** End of File\n*** End Patch`;
      const parsed = parsePatch(patch);
      if (!parsed.ok) throw new Error(parsed.why);
      const before = textOf(lines, 'add', '\n');
      const applied = applyPatch(parsed.changes, new Map([['f', before]]));
      if (!applied.ok) throw new Error(applied.why);
      const kept = lines.filter(({ kind }) => kind !== 'remove');
      const after = kept.length === 0 ? '' : textOf(lines, 'remove', '\n');
      expect(applied.edits).toEqual(before === after ? [] : [{ path: 'f', before, after }]);
    }),
  );
});

it('finds each part of a long file by three lines around it', () => {
  const marks = fc.uniqueArray(fc.nat(199), { minLength: 1, maxLength: 8 });
  fc.assert(
    fc.property(marks, fc.constantFrom('replace', 'insert', 'remove'), (chosen, how) => {
      const lines = Array.from({ length: 200 }, (_, i) => `line ${i}`);
      const at = chosen
        .toSorted((one, two) => one - two)
        .filter((one, i, all) => i === 0 || one - (all[i - 1] ?? 0) > 6);
      const chunks = at.map(i => {
        const [head, tail] = [lines.slice(Math.max(0, i - 3), i), lines.slice(i + 1, i + 4)];
        const middle =
          how === 'insert' ? ` ${lines[i]}\n+new ${i}\n` : `-${lines[i]}\n${how === 'replace' ? `+new ${i}\n` : ''}`;
        return `@@\n${head.map(one => ` ${one}\n`).join('')}${middle}${tail.map(one => ` ${one}\n`).join('')}`;
      });
      const parsed = parsePatch(`*** Begin Patch\n*** Update File: f\n${chunks.join('')}*** End Patch\n`);
      if (!parsed.ok) throw new Error(parsed.why);
      const text = `${lines.join('\n')}\n`;
      const applied = applyPatch(parsed.changes, new Map([['f', text]]));
      if (!applied.ok) throw new Error(applied.why);
      const expected = lines.flatMap((one, i) => {
        if (!at.includes(i)) return [one];
        if (how === 'insert') return [one, `new ${i}`];
        return how === 'replace' ? [`new ${i}`] : [];
      });
      expect(applied.edits[0]?.after).toBe(`${expected.join('\n')}\n`);
    }),
  );
});

it('never throws, whatever it is given, and changes nothing that it does not name', () => {
  const words = fc.constantFrom(
    '*** Begin Patch',
    '*** End Patch',
    '*** Update File: f',
    '*** Add File: g',
    '*** Delete File: f',
    '*** Move to: h',
    '*** End of File',
    '@@',
    '@@ a',
    ' a',
    '-a',
    '+b',
    '',
  );
  fc.assert(
    fc.property(fc.array(words, { maxLength: 14 }), fc.array(line, { maxLength: 6 }), (rows, file) => {
      const parsed = parsePatch(['*** Begin Patch', ...rows, '*** End Patch'].join('\n'));
      if (!parsed.ok) {
        expect(parsed.line).toBeGreaterThan(0);
        return;
      }
      const files = new Map<string, string | null>([
        ['f', file.join('\n')],
        ['other', 'x'],
      ]);
      const applied = applyPatch(parsed.changes, files);
      if (applied.ok) expect(applied.edits.map(({ path }) => path)).not.toContain('other');
    }),
  );
});
