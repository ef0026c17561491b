/** Forms as bytes: what a client that means harm, or breaks off, can send. */
import type { IncomingMessage } from 'node:http';
import { PassThrough } from 'node:stream';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type FileForm, guardForm, readFileForm } from './form.ts';

const BOUNDARY = 'b0undary';
const CRLF = '\r\n';

const part = (disposition: string, body: string, more = ''): string =>
  `--${BOUNDARY}${CRLF}Content-Disposition: form-data; ${disposition}${CRLF}${more}${CRLF}${body}${CRLF}`;
const FILE = part('name="file"; filename="a.txt"', 'said', `Content-Type: text/plain${CRLF}`);
const PURPOSE = part('name="purpose"', 'user_data');
const END = `--${BOUNDARY}--${CRLF}`;

interface Read {
  readonly form: FileForm;
  readonly bytes: string;
}

function read(
  chunks: readonly (string | Uint8Array)[],
  how: { readonly type?: string; readonly end?: 'cut' | 'hang'; readonly write?: () => Promise<void> } = {},
): Promise<Read> {
  const stream = new PassThrough();
  const headers = { 'content-type': how.type ?? `multipart/form-data; boundary=${BOUNDARY}` };
  const req = Object.assign(stream, { headers }) as unknown as IncomingMessage;
  const taken: Uint8Array[] = [];
  const write = async (bytes: Uint8Array): Promise<void> => {
    await how.write?.();
    taken.push(bytes);
  };
  const done = readFileForm(req, { totalMs: 5_000, idleMs: how.end === 'hang' ? 50 : 5_000, write });
  for (const chunk of chunks) stream.write(chunk);
  if (how.end === undefined) stream.end();
  if (how.end === 'cut') stream.destroy();
  return done.then(form => ({ form, bytes: Buffer.concat(taken).toString() }));
}
const failing = async (work: Promise<unknown>): Promise<string> => {
  try {
    await work;
    return 'read';
  } catch (error) {
    const { code, status, message } = error as { code?: string; status?: number; message: string };
    return code === undefined ? message : `${status} ${code}`;
  }
};

test('a form is the same form however it is cut, and whichever part comes first', async () => {
  const forms = [`${FILE}${PURPOSE}${END}`, `${PURPOSE}${FILE}${END}`].map(text => Buffer.from(text));
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...forms), fc.array(fc.nat(400), { maxLength: 6 }), async (form, cuts) => {
      const at = [0, ...cuts.filter(cut => cut < form.length).toSorted((a, b) => a - b), form.length];
      const chunks = at.slice(1).map((to, i) => form.subarray(at[i], to));
      const { form: said, bytes } = await read(chunks.filter(chunk => chunk.length > 0));
      expect([said.filename, said.type, said.fields['purpose'], bytes]).toEqual([
        'a.txt',
        'text/plain',
        'user_data',
        'said',
      ]);
    }),
    { numRuns: 40 },
  );
});

test('a name with a path in it is the last of it; names of other scripts stay', async () => {
  const named = async (name: string): Promise<string> =>
    (await read([part(`name="file"; filename="${name}"`, 'x'), END])).form.filename;
  expect(await named('../../etc/passwd')).toBe('passwd');
  expect(await named('C:\\temp\\a.txt')).toBe('a.txt');
  expect(await named('färbe 日本.txt')).toBe('färbe 日本.txt');
});

describe('what is no form with one file', () => {
  const cases: readonly (readonly [string, readonly string[], string])[] = [
    ['nothing', [], '400 invalid_request'],
    ['an end alone', [END], '400 invalid_request'],
    ['no file', [PURPOSE, END], '400 invalid_request'],
    ['two files', [FILE, FILE, END], '400 invalid_request'],
    ['a file of another name', [part('name="data"; filename="a"', 'x'), END], '400 invalid_request'],
    ['a field twice', [FILE, PURPOSE, PURPOSE, END], '400 invalid_request'],
    ['no end', [FILE, PURPOSE], '400 invalid_request'],
    ['a file without an end', [FILE.slice(0, -4)], '400 invalid_request'],
    ['a name without characters', [part('name="file"; filename=""', 'x'), END], '400 invalid_request'],
    [
      '17 fields',
      [FILE, ...Array.from({ length: 17 }, (_, i) => part(`name="f${i}"`, 'x')), END],
      '400 invalid_request',
    ],
    ['16 fields', [FILE, ...Array.from({ length: 16 }, (_, i) => part(`name="f${i}"`, 'x')), END], 'read'],
    ['a field too long', [FILE, part('name="x"', 'y'.repeat(1_025)), END], '400 invalid_request'],
    ['a field as long as may be', [FILE, part('name="x"', 'y'.repeat(1_024)), END], 'read'],
    [
      'a field without a name',
      [`--${BOUNDARY}${CRLF}Content-Disposition: form-data${CRLF}${CRLF}x${CRLF}`, FILE, END],
      '400 invalid_request',
    ],
    ['a field whose name says nothing', [FILE, part('name', 'x'), END], '400 invalid_request'],
    ['a file without a name of its part', [part('filename="a"', 'x'), END], '400 invalid_request'],
    ['a proto', [FILE, part('name="__proto__"', 'x'), END], 'read'],
  ];
  test.each(cases)('%s', async (_, chunks, expected) => {
    expect(await failing(read([chunks.join('')]))).toBe(expected);
  });

  test('no boundary', async () => {
    expect(await failing(read([FILE, END], { type: 'multipart/form-data' }))).toBe('400 invalid_request');
  });

  test('another media type', () => {
    const guard = (type: string): unknown => guardForm({ headers: { 'content-type': type } });
    expect(() => guard('application/json')).toThrow(expect.objectContaining({ code: 'unsupported_media_type' }));
    expect(() => guard('Multipart/Form-Data; boundary=x')).not.toThrow();
    const coded = { 'content-type': 'multipart/form-data; boundary=x', 'content-encoding': 'gzip' };
    expect(() => guardForm({ headers: coded })).toThrow(expect.objectContaining({ code: 'unsupported_media_type' }));
  });
});

test('what breaks off, or comes no further, ends; so does what the taker refuses', async () => {
  expect(await failing(read([FILE.slice(0, 40)], { end: 'cut' }))).toBe('400 invalid_request');
  expect(await failing(read([FILE.slice(0, 40)], { end: 'hang' }))).toBe('408 request_too_slow');
  const full = (): Promise<void> => Promise.reject(new Error('full'));
  expect(await failing(read([FILE, PURPOSE, END], { write: full }))).toBe('full');
  expect(await failing(read([FILE], { write: full, end: 'hang' }))).toBe('full');
});
