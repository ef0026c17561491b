import { expect, test } from 'vitest';
import { FILE_EXPIRY, FILE_LIST_LIMIT, FILE_PAGE, parseFileForm, parseFileListQuery } from './file.ts';

const form = (fields: { readonly [name: string]: string }): unknown => {
  const parsed = parseFileForm(fields);
  return parsed.ok ? parsed.value : `${parsed.error.code} ${parsed.error.param}`;
};
const list = (query: { readonly [name: string]: readonly string[] }): unknown => {
  const parsed = parseFileListQuery(query);
  return parsed.ok ? parsed.value : `${parsed.error.code} ${parsed.error.param}`;
};
const expiring = (seconds: number | string): unknown =>
  form({ purpose: 'user_data', 'expires_after[anchor]': 'created_at', 'expires_after[seconds]': String(seconds) });

test('a form needs a purpose that this server has', () => {
  for (const purpose of ['user_data', 'assistants', 'vision'])
    expect(form({ purpose, other: 'x' })).toEqual({ purpose, expiresAfter: null });
  expect(form({})).toBe('invalid_request purpose');
  expect(form({ purpose: 'mine' })).toBe('invalid_request purpose');
  expect(form({ purpose: 'batch' })).toBe('unsupported_parameter purpose');
});

test('a file lasts an hour at least and thirty days at most, from its creation', () => {
  expect(expiring(FILE_EXPIRY.least)).toEqual({ purpose: 'user_data', expiresAfter: FILE_EXPIRY.least });
  expect(expiring(FILE_EXPIRY.most)).toEqual({ purpose: 'user_data', expiresAfter: FILE_EXPIRY.most });
  for (const wrong of [FILE_EXPIRY.least - 1, FILE_EXPIRY.most + 1, '1e4', '-3600', ''])
    expect(expiring(wrong)).toBe('invalid_request expires_after.seconds');
  expect(form({ purpose: 'user_data', 'expires_after[anchor]': 'created_at' })).toBe('invalid_request expires_after');
  expect(form({ purpose: 'user_data', 'expires_after[seconds]': '3600' })).toBe('invalid_request expires_after');
  expect(form({ purpose: 'user_data', 'expires_after[anchor]': 'last_use', 'expires_after[seconds]': '3600' })).toBe(
    'invalid_request expires_after',
  );
});

test('a list is asked for with OpenAI’s bounds, and gives pages of its own size', () => {
  const usual = { purpose: null, order: 'desc', after: null, limit: FILE_PAGE };
  expect(list({})).toEqual(usual);
  expect(list({ limit: [String(FILE_LIST_LIMIT)] })).toEqual(usual);
  expect(list({ limit: ['1'], order: ['asc'], purpose: ['vision'], after: ['file-1'] })).toEqual({
    purpose: 'vision',
    order: 'asc',
    after: 'file-1',
    limit: 1,
  });
  for (const limit of ['0', String(FILE_LIST_LIMIT + 1), 'x'])
    expect(list({ limit: [limit] })).toBe('invalid_request limit');
  expect(list({ order: ['up'] })).toBe('invalid_request order');
  expect(list({ limit: ['1', '2'] })).toBe('invalid_request limit');
});
