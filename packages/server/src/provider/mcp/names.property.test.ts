import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { NAME_CHARS, toolNames } from './names.ts';

/** Words that meet: separators in labels and tools, forms that differ only in what is unsafe. */
const word = fc.oneof(
  fc.stringMatching(/^[ab_.-]{0,5}$/),
  fc.string({ maxLength: 80 }),
  fc.constantFrom('a__b', 'a_', '_b', 'ä', 'a.b', 'a_b', 'x'.repeat(70)),
);
const lists = fc.uniqueArray(fc.record({ label: word, tool: word }), {
  selector: ({ label, tool }) => JSON.stringify([label, tool]),
  maxLength: 40,
});

describe('names of MCP tools', () => {
  it('N1: are safe, short, and no two are alike', () => {
    fc.assert(
      fc.property(lists, tools => {
        const names = toolNames(tools);
        expect(new Set(names).size).toBe(tools.length);
        for (const name of names) {
          expect(name).toMatch(/^[A-Za-z0-9_-]+$/);
          expect(name.length).toBeLessThanOrEqual(NAME_CHARS);
        }
      }),
    );
  });

  it('N2: do not hang on the order of the list', () => {
    fc.assert(
      fc.property(
        lists.chain(list => fc.tuple(fc.constant(list), fc.shuffledSubarray(list, { minLength: list.length }))),
        ([list, shuffled]) => {
          const named = (tools: typeof list): ReadonlyMap<string, string | undefined> => {
            const names = toolNames(tools);
            return new Map(tools.map((tool, i) => [JSON.stringify([tool.label, tool.tool]), names[i]]));
          };
          const before = named(list);
          for (const [key, name] of named(shuffled)) expect(name).toBe(before.get(key));
        },
      ),
    );
  });

  it('stay as they are where they can only be read in one way', () => {
    expect(toolNames([{ label: 'files', tool: 'read_file' }])).toEqual(['files__read_file']);
    const [first, second] = toolNames([
      { label: 'a__b', tool: 'c' },
      { label: 'a', tool: 'b__c' },
    ]);
    expect(second).toBe('a__b__c');
    expect(first).toMatch(/^a__b__c_[0-9a-f]{10}$/);
  });

  it('are apart even where one is made to look like another', () => {
    const odd = { label: 'a__b', tool: 'c' };
    const [digested = ''] = toolNames([odd]);
    const forged = { label: 'a', tool: digested.slice('a__'.length) };
    for (const tools of [
      [odd, forged],
      [forged, odd],
    ]) {
      const names = toolNames(tools);
      expect(names[tools.indexOf(forged)]).toBe(digested);
      expect(new Set(names).size).toBe(2);
    }
    const seam = [
      { label: 'a_', tool: 'b' },
      { label: 'a', tool: '_b' },
    ];
    expect(toolNames(seam)).toEqual(toolNames(seam.toReversed()).toReversed());
    expect(toolNames(seam)[1]).toBe('a___b');
  });

  it('keep 64 characters and lose the 65th', () => {
    expect(toolNames([{ label: 'a', tool: 'b'.repeat(61) }])[0]).toBe(`a__${'b'.repeat(61)}`);
    expect(toolNames([{ label: 'a', tool: 'b'.repeat(62) }])[0]).toMatch(/^a__b{50}_[0-9a-f]{10}$/);
  });
});
