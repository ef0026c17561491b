import { describe, expect, test } from 'vitest';
import { pageOf } from './page.ts';

const items = ['a', 'b', 'c', 'd', 'e'].map(id => ({ id }));
const page = (query: Partial<Parameters<typeof pageOf>[1]>) => {
  const { page: found, hasMore } = pageOf(items, { order: 'asc', limit: 20, ...query } as Parameters<typeof pageOf>[1]);
  return [found.map(item => item.id).join(''), hasMore];
};

describe('a page', () => {
  test.each([
    [{}, 'abcde', false],
    [{ order: 'desc' }, 'edcba', false],
    [{ limit: 5 }, 'abcde', false],
    [{ limit: 4 }, 'abcd', true],
    [{ limit: 1 }, 'a', true],
    [{ after: 'b', limit: 2 }, 'cd', true],
    [{ after: 'b', limit: 3 }, 'cde', false],
    [{ after: 'e' }, '', false],
    [{ order: 'desc', after: 'd', limit: 2 }, 'cb', true],
    [{ order: 'desc', after: 'b' }, 'a', false],
    [{ before: 'd', limit: 2 }, 'bc', true],
    [{ before: 'd', limit: 3 }, 'abc', false],
    [{ before: 'a' }, '', false],
    [{ order: 'desc', before: 'b', limit: 2 }, 'dc', true],
  ] as const)('%j is %s, more: %s', (query, ids, more) => {
    expect(page(query)).toEqual([ids, more]);
  });

  test('of nothing is empty', () => {
    expect(pageOf([], { order: 'desc', limit: 20 } as Parameters<typeof pageOf>[1])).toEqual({
      page: [],
      hasMore: false,
    });
  });

  test.each(['after', 'before'])('from a cursor that is none of the list is refused (%s)', name => {
    expect(() => page({ [name]: 'x' })).toThrow(
      expect.objectContaining({ code: 'item_not_found', status: 400, param: name }),
    );
  });
});
