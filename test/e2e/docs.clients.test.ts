/** The blocks of docs/clients.md, run as they stand: only the address of the server and the name of the model are this test's. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { MODEL, type Stack, startStack } from '../support/stack.ts';

let stack: Stack;
let folder = '';
beforeAll(async () => {
  stack = await startStack();
  // Below the repository, where the clients are installed.
  folder = mkdtempSync(join(import.meta.dirname, '../../node_modules/.cache-docs-'));
});
afterAll(async () => {
  rmSync(folder, { recursive: true, force: true });
  await stack.close();
});
afterEach(() => {
  vi.restoreAllMocks();
});

const page = readFileSync(join(import.meta.dirname, '../../docs/clients.md'), 'utf8');
const blocks = [...page.matchAll(/```ts\n(.*?)```/gs)].map(([, code = '']) => code);
const titleOf = (code: string): string => /from '(.*?)'/.exec(code)?.[1] ?? '';

test('the page has its blocks', () => {
  expect(blocks.length).toBeGreaterThanOrEqual(5);
  for (const block of blocks) expect(block).toContain('http://127.0.0.1:4180/v1');
});

test.each(blocks.map((code, index) => [titleOf(code), code, index] as const))('%s', async (_, code, index) => {
  const printed: unknown[] = [];
  vi.spyOn(console, 'log').mockImplementation((...words) => void printed.push(...words));
  const file = join(folder, `block-${index}.ts`);
  writeFileSync(file, code.replaceAll('http://127.0.0.1:4180', stack.url).replaceAll('gpt-5.5-emulated', MODEL));
  await import(file);
  expect(printed.join(' ')).toMatch(/My (dog|boat|cat|horse) is called (Rex|Nina|Mia|Pepper)\./);
});
