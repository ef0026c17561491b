import { ERROR_CODES, ERRORS, isErrorCode } from '@perdure/protocol';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { OF_CLIENTS } from './advice.ts';
import { errorPage } from './page.ts';

const root = new URL('../../../../../', import.meta.url).pathname;

/** The product's own modules, by path: what it is made of, without what tests it. */
function sources(...folders: readonly string[]): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const folder of folders)
    for (const name of readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }))
      if (name.endsWith('.ts') && !/\.(test|test-support)\.ts$/.test(name))
        found.set(`${folder}/${name}`, readFileSync(join(root, folder, name), 'utf8'));
  return found;
}

test('docs/errors.md is up to date (npm run error-docs)', () => {
  expect(readFileSync(join(root, 'docs/errors.md'), 'utf8')).toBe(errorPage());
});

test('every code of the catalogue is said by the code that it is meant for', () => {
  // The catalogue itself and the page about it say every code.
  const own = /protocol\/src\/errors\.ts$|server\/src\/main\/errors\/|openapi\//;
  const said = (of: ReadonlyMap<string, string>): string =>
    [...of].flatMap(([path, text]) => (own.test(path) ? [] : [text])).join('\n');
  const server = said(sources('packages/server/src', 'packages/protocol/src'));
  const client = said(sources('packages/client/src'));
  const quoted = (text: string, code: string): boolean => text.includes(`'${code}'`);
  expect(server.length).toBeGreaterThan(500_000);
  expect(ERROR_CODES.filter(code => !OF_CLIENTS.has(code) && !quoted(server, code))).toEqual([]);
  expect([...OF_CLIENTS].filter(code => !quoted(client, code))).toEqual([]);
  expect([...OF_CLIENTS].filter(code => new RegExp(`perdureError\\(\\s*'${code}'`).test(server))).toEqual([]);
});

test('every code that is thrown is in the catalogue', () => {
  const thrown = new Set<string>();
  for (const text of sources('packages/server/src', 'packages/protocol/src').values())
    for (const [, code = ''] of text.matchAll(/perdureError\(\s*'([^']+)'/g)) thrown.add(code);
  expect(thrown.size).toBeGreaterThan(30);
  expect([...thrown].filter(code => !isErrorCode(code))).toEqual([]);
});

test('each example is what the server writes', () => {
  const page = errorPage();
  for (const code of ERROR_CODES) {
    const [, rest = ''] = page.split(`\n## ${code}\n`);
    const text = rest.split('\n## ')[0] ?? '';
    expect(text).toContain(ERRORS[code].summary);
    if (OF_CLIENTS.has(code)) continue;
    const [, head = '', body = ''] = /```http\n([\s\S]*?)\n\n([\s\S]*?)\n```/.exec(text) ?? [];
    expect(head).toContain(`HTTP/1.1 ${ERRORS[code].status}`);
    expect(head.includes('retry-after: 1')).toBe(ERRORS[code].next === 'retry-after');
    expect(JSON.parse(body)).toEqual({
      error: { message: ERRORS[code].summary, type: ERRORS[code].type, code, param: null },
    });
  }
});
