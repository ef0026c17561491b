import { once } from 'node:events';
import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { putIn, putIntoHeaders } from './credentials.ts';
import { LEAST_SCRUBBED, Scrubber } from './scrub.ts';

const placeholder = fc
  .uint8Array({ minLength: 24, maxLength: 24 })
  .map(bytes => `perdure_${Buffer.from(bytes).toString('hex')}`);
const secret = fc.string({ minLength: LEAST_SCRUBBED, maxLength: 40, unit: 'grapheme' });

async function through(scrubber: Scrubber, chunks: readonly Buffer[]): Promise<Buffer> {
  const stream = scrubber.stream();
  const parts: Buffer[] = [];
  stream.on('data', (part: Buffer) => parts.push(part));
  for (const chunk of chunks) stream.write(chunk);
  stream.end();
  await once(stream, 'end');
  return Buffer.concat(parts);
}

it('L9: takes a value out however the answer comes in parts, as it does of the whole', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(placeholder, secret), { minLength: 1, maxLength: 3 }),
      fc.array(fc.oneof(fc.constantFrom(0, 1, 2), fc.string({ maxLength: 12 })), { maxLength: 12 }),
      fc.array(fc.nat({ max: 60 }), { maxLength: 12 }),
      async (values, told, cuts) => {
        const scrubber = new Scrubber();
        scrubber.learn(new Map(values));
        const text = told.map(one => (typeof one === 'string' ? one : (values[one]?.[1] ?? ''))).join('');
        const bytes = Buffer.from(text);
        const chunks: Buffer[] = [];
        let from = 0;
        for (const cut of cuts) {
          chunks.push(bytes.subarray(from, from + cut));
          from += cut;
        }
        chunks.push(bytes.subarray(from));
        const whole = scrubber.bytes(bytes);
        expect((await through(scrubber, chunks)).equals(whole)).toBe(true);
        for (const [name, value] of values) {
          if (values.every(([other]) => !other.includes(value))) expect(whole.includes(Buffer.from(value))).toBe(false);
          if (text === value)
            expect(values.some(([one]) => whole.toString() === one) || whole.includes(name)).toBe(true);
        }
      },
    ),
  );
});

it('finds a value in the encodings that hosts echo it in', () => {
  fc.assert(
    fc.property(placeholder, fc.string({ minLength: 16, maxLength: 40 }), (name, value) => {
      const scrubber = new Scrubber();
      scrubber.learn(new Map([[name, value]]));
      const forms = [value, JSON.stringify(value).slice(1, -1), encodeURIComponent(value)];
      for (const form of [...forms, Buffer.from(value).toString('hex')])
        expect(scrubber.bytes(Buffer.from(form)).toString()).toBe(name);
      for (const before of ['', 'a', 'ab']) {
        const echoed = Buffer.from(`${before}${value}z`).toString('base64');
        expect(scrubber.bytes(Buffer.from(echoed)).toString()).toContain(name);
      }
    }),
  );
});

it('holds nothing back that no value begins with: what has come is handed on', async () => {
  const scrubber = new Scrubber();
  scrubber.learn(new Map([['perdure_1', 'secret-value']]));
  const stream = scrubber.stream();
  const told: string[] = [];
  stream.on('data', (part: Buffer) => told.push(part.toString()));
  for (const part of ['data: one\n\n', 'data: sec', 'ond\n\n', 'data: secret-', 'value\n\n']) {
    stream.write(part);
    await new Promise(resolve => setImmediate(resolve));
  }
  expect(told).toEqual(['data: one\n\n', 'data: ', 'second\n\n', 'data: ', 'perdure_1\n\n']);
});

it('leaves values alone that are shorter than what tears up text, and takes out those that are as long', () => {
  const scrubber = new Scrubber();
  scrubber.learn(new Map([['perdure_1', 'x'.repeat(LEAST_SCRUBBED - 1)]]));
  expect(scrubber.empty).toBe(true);
  scrubber.learn(new Map([['perdure_1', 'x'.repeat(LEAST_SCRUBBED)]]));
  expect(scrubber.header(`a ${'x'.repeat(LEAST_SCRUBBED)}`)).toBe('a perdure_1');
});

it('puts a value in once, whatever it holds, and nothing where no placeholder is', () => {
  const values = new Map([
    ['perdure_a', 'holds perdure_b'],
    ['perdure_b', '$& $1 ü'],
  ]);
  expect(putIn('x perdure_a perdure_b', values)).toBe('x holds perdure_b $& $1 Ã¼');
  const basic = (text: string): string => `Basic ${Buffer.from(text).toString('base64')}`;
  expect(
    putIntoHeaders(
      { authorization: basic('me:perdure_a'), cookie: ['perdure_a', 'none'], 'x-perdure_a': 'none' },
      values,
    ),
  ).toEqual({ authorization: basic('me:holds perdure_b'), cookie: ['holds perdure_b', 'none'], 'x-perdure_a': 'none' });
  fc.assert(
    fc.property(fc.string(), text => {
      expect(putIntoHeaders({ authorization: text }, values)).toEqual({ authorization: text });
    }),
  );
});
