import { ERROR_CODES } from '@perdure/protocol';
import { expect, test } from 'vitest';
import { perdure } from './cli/captured-io.test-support.ts';

test('one is told with what helps', async () => {
  const { code, out } = await perdure(['errors', 'spend_cap_reached']);
  expect(code).toBe(0);
  expect(out).toBe(
    [
      'spend_cap_reached: The call could pass a spend cap.',
      '',
      'Who runs the server must change something. `details` names the cap and when it begins anew. Ask the operator to raise it.',
      '',
      'HTTP  TYPE              WHAT HELPS',
      '429   rate_limit_error  ask-operator',
      '',
    ].join('\n'),
  );
});

test('all are listed, for people and for programs', async () => {
  const { out } = await perdure(['errors']);
  expect(out.trimEnd().split('\n')).toHaveLength(ERROR_CODES.length + 1);
  const listed = JSON.parse((await perdure(['errors', '--json'])).out) as { code: string; advice: string }[];
  expect(listed.map(({ code }) => code)).toEqual(ERROR_CODES);
  expect(JSON.parse((await perdure(['errors', 'not_found', '--json'])).out)).toEqual({
    code: 'not_found',
    status: 404,
    type: 'invalid_request_error',
    next: 'fix-request',
    summary: 'There is nothing at this address.',
    advice: 'The same request fails again: change it.',
  });
});

test('what is no code is a mistake, with the nearest that is', async () => {
  expect(await perdure(['errors', 'rate_limit_exceded'])).toEqual({
    code: 2,
    out: '',
    err: 'There is no error code "rate_limit_exceded".\nDid you mean rate_limit_exceeded?\n',
  });
});
