import { describe, expect, test } from 'vitest';
import { SseParser } from './sse.ts';

const take = (max: number, ...chunks: string[]): string[] => {
  const events: string[] = [];
  const parser = new SseParser(max);
  for (const chunk of chunks) parser.push(Buffer.from(chunk), data => events.push(data));
  return events;
};

describe('events', () => {
  test('data lines of an event are joined; other fields and comments are passed over', () => {
    expect(take(100, ': ping\nevent: a\ndata: one\ndata:two\nid: 3\n\ndata\n\n')).toEqual(['one\ntwo']);
  });

  test('an event that does not end is not told', () => {
    expect(take(100, 'data: one\n\ndata: two\n')).toEqual(['one']);
  });

  test('a byte order mark is dropped at the head of the stream and nowhere else', () => {
    expect(take(100, '\ufeffdata: one\n\n\ufeffdata: two\n\n')).toEqual(['one']);
  });
});

describe('S2: the bound of an event', () => {
  // `data: ` and the line end are counted too: 7 bytes.
  test('an event as large as the bound passes, one byte more does not', () => {
    expect(take(17, `data: ${'x'.repeat(9)}\n\n`)).toEqual(['x'.repeat(9)]);
    expect(() => take(17, `data: ${'x'.repeat(10)}\n\n`)).toThrow('too large');
  });

  test('it holds before the event ends, and for many small lines', () => {
    expect(() => take(100, 'data: ', 'x'.repeat(95))).toThrow('too large');
    expect(() => take(100, 'data: x\n'.repeat(13))).toThrow('too large');
  });

  test('a later event may be larger by what came before it: it repeats the answer', () => {
    const first = `data: ${'x'.repeat(10)}\n\n`;
    expect(take(18, first, `data: ${'y'.repeat(28)}\n\n`)).toHaveLength(2);
    expect(() => take(18, first, `data: ${'y'.repeat(29)}\n\n`)).toThrow('too large');
  });
});
