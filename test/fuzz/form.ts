/** Forms that upload a file, right and wrong, as text: what is wrong with them has no other form. */
import * as fc from 'fast-check';
import { junk } from './junk.ts';

const BOUNDARY = 'fuzz';
export const FORM_TYPE: string = `multipart/form-data; boundary=${BOUNDARY}`;

const part = (disposition: string, value: string): string =>
  `--${BOUNDARY}\r\ncontent-disposition: ${disposition}\r\n${value}\r\n`;
const field = (name: string, value: string): string => part(`form-data; name="${name}"`, `\r\n${value}`);
const file = (filename: string, type: string, bytes: string): string =>
  part(`form-data; name="file"; filename="${filename}"`, `content-type: ${type}\r\n\r\n${bytes}`);
const END = `--${BOUNDARY}--\r\n`;

const RIGHT: readonly (readonly string[])[] = [
  [field('purpose', 'user_data'), file('a.txt', 'text/plain', 'Rex is a dog.')],
  [file('a.png', 'image/png', '\u0089PNG'), field('purpose', 'vision')],
  [
    field('purpose', 'assistants'),
    field('expires_after[anchor]', 'created_at'),
    field('expires_after[seconds]', '3600'),
    file('a.json', 'application/json', '{}'),
  ],
];
const WRONG: readonly string[] = [
  '',
  END,
  `--${BOUNDARY}\r\n`,
  part('form-data', '\r\nx'),
  part('form-data; name=', '\r\nx'),
  part('attachment', ''),
  field('purpose', 'batch'),
  field('purpose', '\u0000'),
  field('__proto__', 'x'),
  field('expires_after', '1'),
  field('expires_after[seconds]', '1e9'),
  field('expires_after[seconds][a]', '1'),
  field('x'.repeat(200), 'x'),
  field('a', 'x'.repeat(5_000)),
  file('', 'text/plain', 'x'),
  file('../../a.txt', 'text/plain', 'x'),
  file('a\u0000.txt', 'text/plain', 'x'),
  file('a'.repeat(3_000), 'text/plain', 'x'),
  file('a.exe', 'application/x-msdownload', 'MZ'),
  file('a.txt', '', ''),
  file('a.txt', 'a/b; c=\u00ff', 'x'),
  file('a.bin', 'text/plain\r\ncontent-transfer-encoding: base64', '!!!'),
  file('\u00ff\ud83d.txt', 'text/plain', `\r\n--${BOUNDARY}x\r\n`),
];
const NAMES = ['purpose', 'file', 'expires_after[anchor]', 'expires_after[seconds]', 'x'];

const stray: fc.Arbitrary<string> = fc.oneof(
  fc.constantFrom(...WRONG),
  fc.tuple(fc.constantFrom(...NAMES), junk).map(([name, value]) => field(name, value)),
  junk.map(value => file('a.txt', 'text/plain', value)),
);

/** A right form, or one with a part put in, in place of another, or left out. */
export const form: fc.Arbitrary<string> = fc
  .record({
    parts: fc.constantFrom(...RIGHT),
    change: fc.constantFrom('none', 'add', 'replace', 'remove'),
    at: fc.nat(8),
    other: stray,
    end: fc.oneof({ weight: 9, arbitrary: fc.constant(END) }, { weight: 1, arbitrary: fc.constantFrom('', '--fuzz') }),
  })
  .map(({ parts, change, at, other, end }) => {
    const all = [...parts];
    const from = at % all.length;
    if (change !== 'none') all.splice(from, change === 'add' ? 0 : 1, ...(change === 'remove' ? [] : [other]));
    return `${all.join('')}${end}`;
  });
