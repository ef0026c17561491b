import { describe, expect, it } from 'vitest';
import type { Listed } from './connection.ts';
import { ListCache } from './list-cache.ts';

const listed = (name: string): Listed => ({
  tools: [{ name, description: null, schema: {}, says: { idempotent: false } }],
  left: [],
});
const SIZE = Buffer.byteLength(JSON.stringify(listed('a')));

describe('kept lists', () => {
  const made = (over: object = {}) => {
    let now = 0;
    const cache = new ListCache(() => now, { listMs: 100, lists: 2, listBytes: 10 * SIZE, ...over });
    const keys = (): string => ['a', 'b', 'c'].filter(key => cache.get(key) !== null).join('');
    return { cache, keys, later: (ms: number) => void (now += ms) };
  };

  it('are as many as may be, the newest', () => {
    const { cache, keys } = made();
    for (const key of ['a', 'b', 'a', 'c']) cache.set(key, listed(key));
    expect(keys()).toBe('ac');
  });

  it('have as many bytes as may be, and one that has more is not kept', () => {
    const { cache, keys } = made({ listBytes: 2 * SIZE, lists: 3 });
    for (const key of ['a', 'b', 'b']) cache.set(key, listed(key));
    expect(keys()).toBe('ab');
    cache.set('c', listed('c'));
    expect(keys()).toBe('bc');
    cache.drop('b');
    cache.set('a', listed('a'));
    expect(keys()).toBe('ac');
    cache.set('b', listed('b'.repeat(3 * SIZE)));
    expect(keys()).toBe('');
  });

  it('are taken as they were for their time, and no longer', () => {
    const { cache, keys, later } = made();
    cache.set('a', listed('a'));
    later(99);
    expect(keys()).toBe('a');
    later(1);
    expect(keys()).toBe('');
  });
});
