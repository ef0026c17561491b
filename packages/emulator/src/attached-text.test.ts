import { expect, test } from 'vitest';
import { attachedText } from './attached-text.ts';

const base64 = (text: string): string => Buffer.from(text).toString('base64');

test('a text file is read from a data URL, with and without parameters, and from base64 alone', () => {
  const text = 'The harbour opens at five. Ä.';
  expect(attachedText(`data:text/plain;base64,${base64(text)}`)).toBe(text);
  expect(attachedText(`data:text/csv;charset=utf-8;base64,${base64(text)}`)).toBe(text);
  expect(attachedText(`data:application/json;base64,${base64('{}')}`)).toBe('{}');
  expect(attachedText(base64(text))).toBe(text);
});

test('what is no text is none', () => {
  expect(attachedText(undefined)).toBeNull();
  expect(attachedText('')).toBeNull();
  expect(attachedText(`data:image/png;base64,${base64('text')}`)).toBeNull();
  expect(attachedText(Buffer.from([0xff, 0xfe, 0x00, 0x41]).toString('base64'))).toBeNull();
  expect(attachedText(`data:text/plain;base64,${'A'.repeat(8 * 1024 * 1024)}`)).toBeNull();
});
