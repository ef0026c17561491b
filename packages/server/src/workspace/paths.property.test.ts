import { posix } from 'node:path';
import { isPerdureError } from '@perdure/protocol';
import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { folderName, pathNames, WORKSPACE_PATH } from './paths.ts';

const name = fc.constantFrom('a', 'b.c', '..', '.', '', ' ', '...', 'workspace', '\0', 'é', '-', '~');
const path = fc
  .tuple(
    fc.constantFrom('', '/', `${WORKSPACE_PATH}/`, `${WORKSPACE_PATH}x/`, '//workspace/'),
    fc.array(name, { maxLength: 8 }),
  )
  .map(([start, names]) => start + names.join('/'));

it('WS1: a path is refused, or is one below the workspace', () => {
  fc.assert(
    fc.property(path, text => {
      let names: readonly string[];
      try {
        names = pathNames(text);
      } catch (error) {
        expect(isPerdureError(error) && error.code).toBe('workspace_path_refused');
        return;
      }
      const whole = posix.join(WORKSPACE_PATH, ...names);
      expect(whole === WORKSPACE_PATH || whole.startsWith(`${WORKSPACE_PATH}/`)).toBe(true);
      expect(posix.resolve(WORKSPACE_PATH, text.replace(/^\/+/, '/'))).toBe(whole);
      expect(pathNames(names.join('/'))).toEqual(names);
    }),
  );
});

it('a name of a folder is one folder, and none that is hidden', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string({ maxLength: 200 }), name), text => {
      try {
        expect(posix.basename(folderName(text, 'name'))).toBe(text);
        expect(text.startsWith('.')).toBe(false);
      } catch (error) {
        expect(isPerdureError(error) && error.code).toBe('invalid_request');
      }
    }),
  );
});

it('bounds of a path, from both sides', () => {
  const names = (count: number, length: number): string => Array(count).fill('x'.repeat(length)).join('/');
  expect(pathNames(names(64, 1))).toHaveLength(64);
  expect(() => pathNames(names(65, 1))).toThrow('64 folders');
  expect(pathNames(names(1, 255))).toHaveLength(1);
  expect(() => pathNames(names(1, 256))).toThrow('too long');
  expect(pathNames(names(16, 255).slice(0, 4096))).toHaveLength(16);
  expect(() => pathNames(names(17, 240).padEnd(4097, '/'))).toThrow('too long');
});
