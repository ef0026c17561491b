import { describe, expect, test } from 'vitest';
import { guardJson, guardLocal, guardPlain, isLoopbackHost } from './guard.ts';

const code = (work: () => void): unknown => {
  try {
    work();
    return null;
  } catch (error) {
    return error instanceof Error && 'code' in error ? error.code : error;
  }
};

describe('a host is this machine', () => {
  test.each(['localhost', 'LOCALHOST:80', '127.0.0.1', '127.255.255.254:65535', '[::1]', '[::1]:4180'])('%s', host => {
    expect(isLoopbackHost(host)).toBe(true);
  });
  test.each([
    '',
    'localhost.',
    'localhost.example',
    'xlocalhost',
    '128.0.0.1',
    '127.0.0.1.example',
    '127.1',
    '::1',
    '[::2]',
    'localhost:123456',
    'localhost:',
    'localhost@example',
    '127.0.0.1 ',
  ])('or is not: %s', host => {
    expect(isLoopbackHost(host)).toBe(false);
  });
});

describe('without keys', () => {
  const host = 'localhost:4180';
  test.each([
    [{ host }, null],
    [{ host, origin: 'http://localhost:4180' }, null],
    [{ host, 'sec-fetch-site': 'none' }, null],
    [{ host, 'sec-fetch-site': 'same-origin', origin: 'http://localhost:4180' }, null],
    [{}, 'host_not_allowed'],
    [{ host: 'evil.example' }, 'host_not_allowed'],
    [{ host: 'evil.example', origin: 'http://evil.example' }, 'host_not_allowed'],
    [{ host, origin: 'https://localhost:4180' }, 'origin_not_allowed'],
    [{ host, origin: 'http://localhost:4181' }, 'origin_not_allowed'],
    [{ host, origin: 'null' }, 'origin_not_allowed'],
    [{ host, 'sec-fetch-site': 'cross-site' }, 'origin_not_allowed'],
    [{ host, 'sec-fetch-site': 'same-site' }, 'origin_not_allowed'],
    [{ host, 'sec-fetch-site': '' }, 'origin_not_allowed'],
    [{ host, 'sec-fetch-site': 'cross-site', origin: 'http://localhost:4180' }, 'origin_not_allowed'],
  ])('%j: %s', (headers, expected) => {
    expect(code(() => guardLocal({ headers }))).toBe(expected);
  });
});

describe('a body is JSON', () => {
  test.each(['application/json', 'APPLICATION/JSON', 'application/json; charset=utf-8', 'application/json ;x=y'])(
    'as %s',
    type => {
      expect(code(() => guardJson({ headers: { 'content-type': type } }))).toBeNull();
    },
  );
  test.each([
    undefined,
    '',
    'text/plain',
    'application/jsonp',
    'application/json-patch+json',
    'text/json',
    'multipart/form-data',
  ])('and not as %s', type => {
    const headers = type === undefined ? {} : { 'content-type': type };
    expect(code(() => guardJson({ headers }))).toBe('unsupported_media_type');
  });
});

test.each([
  [undefined, null],
  ['identity', null],
  ['Identity ', null],
  ['gzip', 'unsupported_media_type'],
  ['zstd', 'unsupported_media_type'],
  ['identity, gzip', 'unsupported_media_type'],
  ['', 'unsupported_media_type'],
])('a body is not compressed: %s', (encoding, expected) => {
  const coded = encoding === undefined ? {} : { 'content-encoding': encoding };
  expect(code(() => guardPlain({ headers: coded }))).toBe(expected);
  expect(code(() => guardJson({ headers: { 'content-type': 'application/json', ...coded } }))).toBe(expected);
});
