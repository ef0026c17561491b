import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { pathOf, Router } from './router.ts';

const path = (url: string, host = 'h:80'): string | null => pathOf({ url, headers: { host } });

test.each([
  ['/', '/'],
  ['/v1/responses', '/v1/responses'],
  ['/v1/responses?stream=true&x=%2e', '/v1/responses'],
  ['/v1/responses/', '/v1/responses/'],
  ['//v1', '//v1'],
  ['/v1/./x/../y', '/v1/y'],
  ['/..', '/'],
  ['/v1/%72esponses', '/v1/responses'],
  // A parameter is decoded apart: what it escapes stays escaped.
  ['/v1/files/a%2Fb', '/v1/files/a%2Fb'],
  ['/v1/files/a%252Fb', '/v1/files/a%252Fb'],
  ['/v1/files/%', '/v1/files/%'],
  ['/v1/files/%ff', '/v1/files/%ff'],
  ['', '/'],
  ['http://other/v1/models?x', '/v1/models'],
  ['https://other', '/'],
])('%s asks for %s', (url, wanted) => expect(path(url)).toBe(wanted));

test.each([
  '*',
  'v1/responses',
  'other:443',
  'ftp://other/v1',
  'http://',
  'http://[',
  '/v1\\responses',
  'http://h/\\x',
])('%s is no address', url => expect(path(url)).toBeNull());

test('a backslash in a query is the query’s', () => expect(path('/v1/models?a=\\')).toBe('/v1/models'));

test.each(['localhost', 'LOCALHOST:4180', '127.0.0.1:1', '[::1]:80', 'a-b.example', 'h:80'])('%s is a host', host =>
  expect(path('/x', host)).toBe('/x'),
);
test.each(['', 'a b', 'a/b', 'u@h', 'h:99999', 'h:x', 'h?x', 'h#x', '[::1'])('%s is none', host =>
  expect(path('/x', host)).toBeNull(),
);
test('a request without a host has no address, unless it is a whole one', () => {
  expect(pathOf({ url: '/x', headers: {} })).toBeNull();
  expect(pathOf({ url: 'http://h/x', headers: {} })).toBe('/x');
});

test('no address is too odd to be answered', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary-ascii' }), fc.string({ unit: 'binary-ascii' }), (url, host) => {
      const found = path(url, host);
      expect(found === null || found.startsWith('/')).toBe(true);
      const plain = path(`/${url.replaceAll(/[^\w/.-]/g, '')}`, 'h');
      expect(plain).not.toMatch(/\/\.\.?(\/|$)/);
    }),
    { numRuns: 2000 },
  );
});

test('the first that was added of those that fit is found, with its parameters decoded', () => {
  const router = new Router<string>();
  router.add('POST', '/v1/responses/compact', 'compact');
  router.add('GET', '/v1/responses/:id', 'get');
  router.add('POST', '/v1/conversations/:id/items/:item', 'item');
  router.add('ALL', '/v1/responses/:id', 'other');
  const find = (method: string, at: string, ...names: readonly string[]): readonly (string | null)[] => {
    const found = router.find(method, at);
    return [found?.handler ?? null, ...names.map(name => found?.param(name) ?? null)];
  };
  expect(find('POST', '/v1/responses/compact')).toEqual(['compact']);
  expect(find('GET', '/v1/responses/compact', 'id')).toEqual(['get', 'compact']);
  expect(find('HEAD', '/v1/responses/r', 'id')).toEqual(['get', 'r']);
  expect(find('PATCH', '/v1/responses/r', 'id')).toEqual(['other', 'r']);
  expect(find('POST', '/v1/conversations/c%2F%25/items/%ff', 'id', 'item', 'none')).toEqual(['item', 'c/%', '%ff', '']);
  expect(find('GET', '/v1/responses/r/')).toEqual([null]);
  expect(find('GET', '/v1')).toEqual([null]);
});
