import { describe, expect, test } from 'vitest';
import { httpFailure, MAX_MESSAGE_CHARS, MAX_PARAM_CHARS } from './http-failure.ts';

const SECRET = 'aVerySecretKey';

function failure(status: number, error: object | string, headers = {}) {
  const body = typeof error === 'string' ? error : JSON.stringify({ error });
  return httpFailure({ status, headers, body }, SECRET, 0);
}

describe('a request that does not fit', () => {
  test.each([
    [400, { code: 'context_length_exceeded', message: 'Too long.' }],
    [400, { type: 'exceed_context_size_error', message: 'Too long.' }],
    [400, { message: "This model's maximum context length is 8192 tokens." }],
    [413, { message: 'The input exceeds the context window.' }],
  ])('%i %j', (status, error) => {
    expect(failure(status, error)).toMatchObject({
      providerError: 'context_length_exceeded',
      retryable: false,
      status,
    });
  });

  test('other statuses with such words keep their own meaning', () => {
    expect(failure(500, { message: 'maximum context length' }).providerError).toBe('upstream_error');
    expect(failure(429, { code: 'context_length_exceeded' }).providerError).toBe('upstream_rate_limited');
  });
});

describe('whose fault a refusal is', () => {
  test.each([400, 413, 422])('HTTP %i is that of the request', status => {
    expect(failure(status, { message: 'No.' })).toMatchObject({
      providerError: 'upstream_invalid_request',
      retryable: false,
    });
  });

  test.each([
    [404, { message: 'No.' }],
    [405, { message: 'No.' }],
    [400, { message: 'No.', param: 'model' }],
    [400, { message: 'No.', code: 'model_not_found' }],
    [400, { message: 'No.', code: 'DeploymentNotFound' }],
    [400, { message: 'No.', code: 'invalid_api_key' }],
  ])('HTTP %i with %j is that of the target', (status, error) => {
    expect(failure(status, error).providerError).toBe('upstream_rejected');
  });
});

describe('what the upstream says', () => {
  test('is passed on for a refused request, with the field at fault', () => {
    const error = failure(400, { message: "Unknown parameter: 'x'.", param: 'x' });
    expect(error).toMatchObject({
      message: "The model provider refused the request: Unknown parameter: 'x'.",
      param: 'x',
    });
  });

  test.each([401, 403, 404, 429, 500, 302, 418])('is not for HTTP %i', status => {
    expect(failure(status, { message: 'WORDS', param: 'p' }).message).not.toContain('WORDS');
    expect(failure(status, { message: 'WORDS', param: 'p' }).param).toBeNull();
  });

  test.each([
    `The key ${SECRET} is wrong.`,
    'Incorrect API key provided: sk-proj-abc123def.',
    'Bad header Bearer abcdef',
    'Could not reach https://user:pass@inside/v1',
  ])('is dropped if it could hold a credential: %s (L9)', message => {
    const error = failure(400, { message, param: message });
    expect(error.message).toBe('The model provider answered with HTTP 400.');
    expect(error.param).toBeNull();
  });

  test('is one line, of bounded length', () => {
    expect(failure(400, { message: 'a\r\nb\u0000c' }).message).toMatch(/: a b c$/);
    const longest = 'y'.repeat(MAX_MESSAGE_CHARS);
    expect(failure(400, { message: longest }).message.endsWith(longest)).toBe(true);
    expect(failure(400, { message: `${longest}y` }).message.endsWith(`${longest}...`)).toBe(true);
    expect(failure(400, { message: 'm', param: 'p'.repeat(MAX_PARAM_CHARS) }).param).not.toBeNull();
    expect(failure(400, { message: 'm', param: 'p'.repeat(MAX_PARAM_CHARS + 1) }).param).toBeNull();
  });

  test('need not be JSON', () => {
    expect(failure(400, '<html>no</html>').message).toBe('The model provider answered with HTTP 400.');
  });
});

test.each(['x-request-id', 'apim-request-id', 'x-amzn-requestid'])('the request id of %s is kept', name => {
  expect(failure(500, {}, { [name]: 'abc-1' }).requestId).toBe('abc-1');
  expect(failure(500, {}, { [name]: 'a'.repeat(200) }).requestId).toHaveLength(200);
  expect(failure(500, {}, { [name]: 'a'.repeat(201) }).requestId).toBeNull();
  expect(failure(500, {}, { [name]: 'a b' }).requestId).toBeNull();
});

test('a time to wait is kept only where waiting helps', () => {
  expect(failure(429, {}, { 'retry-after': '3' }).retryAfterMs).toBe(3000);
  expect(failure(503, {}, { 'retry-after': '3' }).retryAfterMs).toBe(3000);
  expect(failure(400, {}, { 'retry-after': '3' }).retryAfterMs).toBeNull();
});
