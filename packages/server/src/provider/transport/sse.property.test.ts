import { array, assert, constantFrom, nat, oneof, property, tuple } from 'fast-check';
import { expect, test } from 'vitest';
import { SseParser } from './sse.ts';

/** The meaning of a stream, said slowly: whole, as text, line by line. */
function slowly(bytes: Buffer): string[] {
  const text = bytes.toString('utf8').replace(/^\ufeff/, '');
  const lines = text.replaceAll('\r\n', '\n').replaceAll('\r', '\n').split('\n').slice(0, -1);
  const events: string[] = [];
  let data: string[] = [];
  for (const line of lines) {
    if (line === '') {
      if (data.join('\n') !== '') events.push(data.join('\n'));
      data = [];
    } else if (line === 'data' || line.startsWith('data:')) {
      data.push(line.slice(5).replace(/^ /, ''));
    }
  }
  return events;
}

function parsed(chunks: readonly Buffer[]): string[] {
  const events: string[] = [];
  const parser = new SseParser(1 << 20);
  for (const chunk of chunks) parser.push(chunk, data => events.push(data));
  return events;
}

function cut(bytes: Buffer, at: readonly number[]): Buffer[] {
  const places = [0, ...at.map(place => place % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
  return places.slice(1).map((end, index) => bytes.subarray(places[index], end));
}

const text = constantFrom('', 'x', '{"a":1}', ' lead', 'é😀状', 'data:', 'a: b', '\ufeff', '0123456789'.repeat(30));
const field = constantFrom(
  'data: ',
  'data:',
  'data:  ',
  'data',
  'event: ',
  ': ',
  'id: ',
  'retry:',
  'Data: ',
  'dat',
  '\ufeffdata: ',
);
const ending = constantFrom('\n', '\n', '\n', '\r\n', '\r');
const line = tuple(field, text, ending).map(parts => parts.join(''));
const blank = ending;
const stream = tuple(
  constantFrom('', '\ufeff'),
  array(oneof({ weight: 3, arbitrary: line }, { weight: 2, arbitrary: blank })),
).map(([mark, lines]) => Buffer.from(mark + lines.join(''), 'utf8'));

test('S1: any chunking of the same bytes yields the same events, and they are the right ones', () => {
  let withEvents = 0;
  assert(
    property(stream, array(nat()), (bytes, places) => {
      const expected = slowly(bytes);
      if (expected.length > 0) withEvents++;
      expect(parsed([bytes])).toEqual(expected);
      expect(parsed(cut(bytes, places))).toEqual(expected);
      expect(parsed(Array.from(bytes, byte => Buffer.of(byte)))).toEqual(expected);
    }),
    { numRuns: 2_000 },
  );
  // The property would hold of a generator that makes no events.
  expect(withEvents).toBeGreaterThan(500);
});

test('S1: an oversize event is one in any chunking', () => {
  const said = (chunks: readonly Buffer[]) => {
    const events: string[] = [];
    const parser = new SseParser(24);
    try {
      for (const chunk of chunks) parser.push(chunk, data => events.push(data));
      return { events, oversize: false };
    } catch {
      return { events, oversize: true };
    }
  };
  assert(
    property(array(nat({ max: 60 }), { maxLength: 5 }), array(nat()), (sizes, places) => {
      const bytes = Buffer.from(sizes.map(size => `data: ${'x'.repeat(size)}\n\n`).join(''));
      expect(said(cut(bytes, places))).toEqual(said([bytes]));
    }),
  );
});
