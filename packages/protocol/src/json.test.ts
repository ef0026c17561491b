import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isJsonObject, JSON_UNSCANNED_CHARS, jsonExcess, jsonTextExcess } from './json.ts';

const nested = (depth: number): unknown => {
  let value: unknown = 1;
  for (let i = 0; i < depth; i++) value = i % 2 === 0 ? [value] : { in: value };
  return value;
};

it('bounds nesting, from both sides', () => {
  expect(jsonExcess(nested(5), 5, 100)).toBeNull();
  expect(jsonExcess(nested(6), 5, 100)).toBe('depth');
  expect(jsonExcess('leaf', 0, 0)).toBeNull();
});

it('bounds the number of values, from both sides', () => {
  expect(jsonExcess([1, [2, 3]], 9, 4)).toBeNull();
  expect(jsonExcess([1, [2, 3]], 9, 3)).toBe('nodes');
});

it('survives nesting that would exhaust the stack', () => {
  expect(jsonExcess(nested(1_000_000), 64, 1_000)).toBe('depth');
});

it('tells objects from lists and null', () => {
  expect([{}, [], null, 'x', undefined].map(isJsonObject)).toEqual([true, false, false, false, false]);
});

describe('of a text, before it is parsed', () => {
  /** Long enough to be looked at, by a text that holds what is none of its form. */
  const long = (value: unknown): string => JSON.stringify([`[{,"\\`.repeat(JSON_UNSCANNED_CHARS / 4), value]);
  const list = (length: number): readonly number[] => Array.from({ length }, () => 0);

  it('bounds nesting, from both sides', () => {
    expect(jsonTextExcess(long(nested(4)), 5, 100)).toBeNull();
    expect(jsonTextExcess(long(nested(5)), 5, 100)).toBe('depth');
  });

  it('bounds commas and brackets, from both sides', () => {
    expect(jsonTextExcess(long(list(98)), 5, 99)).toBeNull();
    expect(jsonTextExcess(long(list(99)), 5, 99)).toBe('nodes');
    expect(jsonTextExcess(long([[[[]]]]), 9, 4)).toBeNull();
    expect(jsonTextExcess(long([[[[]]]]), 9, 3)).toBe('nodes');
  });

  it('is not looked for in what is too short to matter', () => {
    const deep = '['.repeat(JSON_UNSCANNED_CHARS);
    expect(jsonTextExcess(deep, 64, 1000)).toBeNull();
    expect(jsonTextExcess(`${deep}[`, 64, 1000)).toBe('depth');
  });

  it('ends with the text, whatever that is', () => {
    const pad = ' '.repeat(JSON_UNSCANNED_CHARS);
    for (const end of ['', '"', '"a', '"\\', '"\\"', ']', ']]', '}'])
      expect(jsonTextExcess(`${pad}[[${end}`, 2, 9)).toBeNull();
  });

  it('refuses nothing that is taken once it is parsed, and lets twice as much through at most', () => {
    const text = fc.string({ unit: fc.constantFrom('[', ']', '{', '}', ',', '"', '\\', ':', 'a'), maxLength: 8 });
    const { tree } = fc.letrec(tie => ({
      tree: fc.oneof(
        { maxDepth: 6 },
        text,
        fc.integer(),
        fc.array(tie('tree'), { maxLength: 4 }),
        fc.dictionary(text, tie('tree'), { maxKeys: 4 }),
      ),
    }));
    const bounds = fc.record({
      depth: fc.nat(6),
      nodes: fc.integer({ min: 1, max: 30 }),
      indent: fc.constantFrom(undefined, 1),
    });
    fc.assert(
      fc.property(tree, bounds, (value, { depth, nodes, indent }) => {
        const written = JSON.stringify(value, null, indent);
        const padded = `${' '.repeat(JSON_UNSCANNED_CHARS + 1)}${written}`;
        const excess = jsonTextExcess(padded, depth, nodes);
        const parsed = jsonExcess(value, depth, nodes);
        if (excess !== null) expect(parsed).not.toBeNull();
        else expect(jsonExcess(value, depth, 2 * nodes)).toBeNull();
        if (parsed === null) expect(excess).toBeNull();
      }),
      { numRuns: Number(process.env['PERDURE_PROPERTY_RUNS'] ?? 3000) },
    );
  });
});
