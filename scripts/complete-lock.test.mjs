import assert from 'node:assert/strict';
import { test } from 'node:test';
import { complete, platformOf } from './complete-lock.mjs';

void test('a name tells the platform', () => {
  assert.deepEqual(platformOf('@biomejs/cli-darwin-arm64'), { os: ['darwin'], cpu: ['arm64'] });
  assert.deepEqual(platformOf('@biomejs/cli-linux-x64-musl'), { os: ['linux'], cpu: ['x64'], libc: ['musl'] });
  assert.deepEqual(platformOf('@oxlint/binding-linux-arm-gnueabihf'), { os: ['linux'], cpu: ['arm'], libc: ['glibc'] });
  assert.deepEqual(platformOf('@oxlint-tsgolint/win32-x64'), { os: ['win32'], cpu: ['x64'] });
  assert.equal(platformOf('fsevents'), null);
});

void test('what the lock names and does not hold is added, once, and nothing else is changed', () => {
  const lock = {
    packages: {
      '': { optionalDependencies: { 'tool-linux-x64': '1.0.0' } },
      'node_modules/tool': {
        dev: true,
        optionalDependencies: { 'tool-linux-x64': '1.0.0', 'tool-darwin-arm64': '1.0.0', fsevents: '2.0.0' },
      },
      'node_modules/tool-linux-x64': { version: '1.0.0', integrity: 'sha512-x' },
    },
  };
  assert.deepEqual(complete(lock), ['tool-darwin-arm64']);
  assert.deepEqual(lock.packages['node_modules/tool-darwin-arm64'], {
    version: '1.0.0',
    os: ['darwin'],
    cpu: ['arm64'],
    dev: true,
    optional: true,
  });
  assert.equal(lock.packages['node_modules/tool-linux-x64'].integrity, 'sha512-x');
  assert.deepEqual(Object.keys(lock.packages), [
    '',
    'node_modules/tool',
    'node_modules/tool-darwin-arm64',
    'node_modules/tool-linux-x64',
  ]);
  assert.deepEqual(complete(lock), []);
});
