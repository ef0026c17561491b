import { ROUTES } from '@perdure/protocol';
import { expect, test } from 'vitest';
import { routes } from './app.ts';
import type { HttpDeps } from './types.ts';

/** Only the table is looked at: no handler runs, so nothing of what they need is there. */
const table = routes({} as HttpDeps);
const SERVED_APART = ['get /healthz', 'get /readyz', 'get /openapi.json'];
/** A witness's signature says who it is. */
const NEEDS_NO_KEY = ['post /ledger/{home}/cosignature', ...SERVED_APART];
const formOf = (path: string): string => path.replace(/:\w+(\{\.\+\})?|\{\w+\}/g, '*');

test('the server has the routes of the OpenAPI document, and no other', () => {
  const served = table.map(([method, path]) => `${method.toLowerCase()} ${formOf(path)}`);
  const documented = ROUTES.map(({ method, path }) => `${method} ${formOf(path)}`);
  expect(served).toHaveLength(new Set(served).size);
  expect([...served, ...SERVED_APART].toSorted()).toEqual(documented.toSorted());
  expect(ROUTES.filter(route => route.open === true).map(({ method, path }) => `${method} ${path}`)).toEqual(
    NEEDS_NO_KEY,
  );
});

test('every route asks for a scope, and only reading is open to those who may only read', () => {
  for (const [method, path, scopes] of table) {
    if (scopes === null) {
      expect(NEEDS_NO_KEY.map(formOf)).toContain(`${method.toLowerCase()} ${formOf(path)}`);
      continue;
    }
    expect([path, scopes.length > 0]).toEqual([path, true]);
    const changes = method !== 'GET' && path !== '/perdure/v1/whatif';
    if (changes)
      expect([method, path, scopes.includes('read') || scopes.includes('auditor')]).toEqual([method, path, false]);
    // What an auditor reads holds no content.
    if (scopes.includes('auditor')) expect(path).toMatch(/^\/(v1\/models|perdure\/v1|ledger)/);
  }
});
