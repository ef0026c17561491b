import { expect, test } from 'vitest';
import { isImage, mediaType, typeOf } from './media-type.ts';

const head = (text: string): Uint8Array => Uint8Array.from(text, char => char.charCodeAt(0));

test('images and PDFs are known by what they begin with, whatever is said', () => {
  expect(typeOf(head('\x89PNG\r\n\x1a\n'), 'text/plain', 'a.txt')).toBe('image/png');
  expect(typeOf(head('\xff\xd8\xff\xe0'), null, '')).toBe('image/jpeg');
  expect(typeOf(head('GIF89a'), null, '')).toBe('image/gif');
  expect(typeOf(head('RIFF1234WEBP'), null, '')).toBe('image/webp');
  expect(typeOf(head('RIFF1234WAVE'), null, 'a.bin')).toBe('application/octet-stream');
  expect(typeOf(head('%PDF-1.7'), 'application/octet-stream', 'a')).toBe('application/pdf');
});

test('what says that it is an image and does not begin like one is none', () => {
  for (const type of ['image/png', 'image/webp']) expect(isImage(typeOf(head('text'), type, 'a.png'))).toBe(false);
  expect(isImage(typeOf(head(''), null, 'a.png'))).toBe(false);
});

test('else the client says, else the name', () => {
  expect(typeOf(head('a,b'), 'text/csv', 'a.txt')).toBe('text/csv');
  expect(typeOf(head('# a'), 'application/octet-stream', 'READ.ME.md')).toBe('text/markdown');
  expect(typeOf(head('x'), null, 'none')).toBe('application/octet-stream');
});

test('a media type is read without its parameters, and only if it is one', () => {
  expect(mediaType('Text/HTML; charset=utf-8')).toBe('text/html');
  for (const wrong of ['', 'text', 'text/', '/x', 'a b/c', 'text/plain\r\nx: y', `text/${'x'.repeat(65)}`, null])
    expect(mediaType(wrong), String(wrong)).toBeNull();
});
