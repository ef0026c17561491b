import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canSearch, foundBy, offered, type Searchable, searchOutput } from './search.ts';
import { searchTools } from './search-index.ts';

const tools: fc.Arbitrary<readonly Searchable[]> = fc.uniqueArray(
  fc.record({
    name: fc.stringMatching(/^[a-z]{1,6}(__|_)[a-zA-Z]{1,8}$/),
    description: fc.option(fc.lorem({ maxCount: 6 })),
    parameters: fc.constant({ type: 'object' }),
    deferred: fc.boolean(),
  }),
  { selector: ({ name }) => name, maxLength: 30 },
);

describe('tool search', () => {
  it('T1: a deferred tool is offered if, and only if, it was found; any other always', () => {
    fc.assert(
      fc.property(tools, fc.array(fc.nat(40), { maxLength: 10 }), (definitions, picks) => {
        const found = new Set(picks.flatMap(pick => definitions[pick]?.name ?? []));
        const names = offered(definitions, found).map(({ name }) => name);
        for (const { name, deferred } of definitions) expect(names.includes(name)).toBe(!deferred || found.has(name));
        expect(canSearch(definitions, found)).toBe(names.length < definitions.length);
      }),
    );
  });

  it('T2: what a search says, and only that, is found', () => {
    fc.assert(
      fc.property(tools, fc.array(fc.string(), { maxLength: 3 }), (definitions, noise) => {
        const [first, second] = [definitions.slice(0, 3), definitions.slice(3, 5)];
        const outputs = [searchOutput(first), ...noise, searchOutput(second)];
        expect([...foundBy(outputs)]).toEqual([...first, ...second].map(({ name }) => name));
      }),
    );
  });

  it('whoever asks for the very name of a deferred tool gets it first, in any order of the tools', () => {
    fc.assert(
      fc.property(
        tools.chain(list => fc.tuple(fc.constant(list), fc.shuffledSubarray([...list], { minLength: list.length }))),
        ([definitions, shuffled]) => {
          for (const { name, deferred } of definitions) {
            const hits = searchTools(definitions, name, 5);
            expect(hits.every(hit => hit.deferred)).toBe(true);
            if (deferred) expect(hits[0]?.name.toLowerCase()).toBe(name.toLowerCase());
            expect(searchTools(shuffled, name, 5)).toEqual(hits);
          }
        },
      ),
      { numRuns: 50 },
    );
  });
});
