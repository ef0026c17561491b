import { type PerdureError, perdureError } from '@perdure/protocol';
import { expect, test } from 'vitest';
import { faultAsSent } from './fault-as-sent.ts';

const at = (param: string | null): PerdureError =>
  perdureError('file_not_found', 'gone', { param, status: 410, details: { a: 1 }, retryAfterMs: 5 });

test.each([
  ['input[0].content[1].file_id', 'prompt.variables'],
  ['input[1].content', 'prompt.variables'],
  ['input[2].content[1].file_id', 'input[0].content[1].file_id'],
  ['input[12]', 'input[10]'],
])('after two messages of a prompt %s is %s', (param, shown) => {
  const { code, message, status, details, retryAfterMs } = at(param);
  expect(faultAsSent(at(param), { prompt_items: 2 })).toMatchObject({
    param: shown,
    code,
    message,
    status,
    details,
    retryAfterMs,
  });
});

test('what is of no item, of no prompt or not ours stays as it is', () => {
  for (const error of [at('input'), at('model'), at(null), at('inputs[3]'), new Error('x')])
    expect(faultAsSent(error, { prompt_items: 2 })).toBe(error);
  const first = at('input[0]');
  expect(faultAsSent(first, {})).toBe(first);
});
