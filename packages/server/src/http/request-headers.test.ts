import { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import { describe, expect, test } from 'vitest';
import { MAX_IDEMPOTENCY_KEY, MAX_LABELS, readIdempotencyKey, readLabels } from './request-headers.ts';

const withHeader = (name: string, value?: string): IncomingMessage => {
  const req = new IncomingMessage(new Socket());
  if (value !== undefined) req.headers[name] = value;
  return req;
};

describe('Idempotency-Key', () => {
  const key = (value?: string): string | null => readIdempotencyKey(withHeader('idempotency-key', value));

  test('is absent, or what it says', () => {
    expect(key()).toBeNull();
    expect(key('k')).toBe('k');
    expect(key('k'.repeat(MAX_IDEMPOTENCY_KEY))).toHaveLength(MAX_IDEMPOTENCY_KEY);
  });

  test.each(['', 'k'.repeat(MAX_IDEMPOTENCY_KEY + 1)])('of another length is refused', value => {
    expect(() => key(value)).toThrow(expect.objectContaining({ code: 'invalid_request', param: 'Idempotency-Key' }));
  });
});

describe('perdure-labels', () => {
  const labels = (value?: string): readonly string[] => readLabels(withHeader('perdure-labels', value));
  const some = (count: number): string => Array.from({ length: count }, (_, index) => `l${index}`).join(',');

  test('are a sorted set', () => {
    expect(labels()).toEqual([]);
    expect(labels('')).toEqual([]);
    expect(labels(' , ,')).toEqual([]);
    expect(labels('us-gov, restricted ,us-gov')).toEqual(['restricted', 'us-gov']);
    expect(labels('a.b_c-9')).toEqual(['a.b_c-9']);
  });

  test('have a bound in number and in length', () => {
    expect(labels(some(MAX_LABELS))).toHaveLength(MAX_LABELS);
    expect(() => labels(some(MAX_LABELS + 1))).toThrow(expect.objectContaining({ param: 'perdure-labels' }));
    expect(labels('l'.repeat(64))).toHaveLength(1);
    expect(() => labels('l'.repeat(65))).toThrow(expect.objectContaining({ param: 'perdure-labels' }));
  });

  test.each(['Upper', 'with space', '-dash-first', 'ünicode', 'semi;colon', 'ok,No'])('%j is refused', value => {
    expect(() => labels(value)).toThrow(expect.objectContaining({ code: 'invalid_request', param: 'perdure-labels' }));
  });
});
