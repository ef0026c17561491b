import { expect, test } from 'vitest';
import { isLoopback } from './loopback.ts';

test.each(['127.0.0.1', '127.8.9.10', 'localhost', 'LOCALHOST', '::1', '[::1]', '0:0:0:0:0:0:0:1'])(
  '%s is this machine',
  host => {
    expect(isLoopback(host)).toBe(true);
  },
);

test.each([
  '0.0.0.0',
  '::',
  '10.0.0.1',
  '127.0.0.1.example',
  'x127.0.0.1',
  'localhost.example',
  '1270.0.0.1',
  '',
  '::2',
])('%s is not', host => {
  expect(isLoopback(host)).toBe(false);
});
