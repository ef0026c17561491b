import { KEY_SCOPES } from '@perdure/protocol';
import { expect, test } from 'vitest';
import { perdure } from '../cli/captured-io.test-support.ts';
import { SCOPES as CONFIGURABLE } from '../config/file-form.ts';
import { SCOPE_NAMES } from './scopes.ts';

test('what a key may have is the same on the command line, in the configuration and on the wire', () => {
  expect(SCOPE_NAMES.toSorted()).toEqual([...CONFIGURABLE].toSorted());
  expect(SCOPE_NAMES.toSorted()).toEqual([...KEY_SCOPES].toSorted());
});

test('perdure keys create --help says what each scope is for, and shows a key for each role', async () => {
  const { out, code } = await perdure(['keys', 'create', '--help'], {});
  expect(code).toBe(0);
  const [, scopes = '', shown = ''] = /\nScopes\n(.*)\nExamples\n(.*)$/s.exec(out) ?? [];
  const told = scopes
    .trimEnd()
    .split('\n')
    .map(line => /^ {2}(\w+) {2,}\S.{10,}$/.exec(line)?.[1] ?? line);
  expect(told.toSorted()).toEqual([...CONFIGURABLE].toSorted());
  // A key for calls has its two by default.
  const byDefault = ['inference'];
  for (const scope of CONFIGURABLE)
    expect([scope, shown.includes(`--scope ${scope}`) || byDefault.includes(scope)]).toEqual([scope, true]);
  for (const line of out.split('\n')) expect(line.length).toBeLessThanOrEqual(130);
});
