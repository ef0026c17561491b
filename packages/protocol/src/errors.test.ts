import { describe, expect, it } from 'vitest';
import { ERROR_CODES, ERRORS, isErrorCode } from './errors.ts';
import {
  errorBody,
  isPerdureError,
  perdureError,
  retryAfterSeconds,
  streamErrorEvent,
  toPerdureError,
} from './perdure-error.ts';

describe('the catalogue', () => {
  it('gives each code a status of an error and a type that fits it', () => {
    for (const code of ERROR_CODES) {
      const { status, type, summary } = ERRORS[code];
      const fits =
        status === 401
          ? 'authentication_error'
          : status === 403
            ? 'permission_error'
            : status === 429
              ? 'rate_limit_error'
              : status >= 500
                ? 'server_error'
                : 'invalid_request_error';
      expect({ code, type }).toEqual({ code, type: fits });
      expect(summary).toMatch(/^[A-Z].*\.\)?$/);
    }
  });

  it('pins the statuses that clients act on', () => {
    const pinned = {
      invalid_request: 400,
      previous_response_not_found: 400,
      conversation_locked: 400,
      context_length_exceeded: 400,
      missing_api_key: 401,
      invalid_api_key: 401,
      placement_refused: 403,
      no_contract_in_force: 403,
      home_not_permitted: 403,
      label_not_allowed_here: 403,
      session_product_mismatch: 403,
      response_not_found: 404,
      model_not_found: 404,
      method_not_allowed: 405,
      idempotency_completed: 409,
      body_too_large: 413,
      unsupported_media_type: 415,
      idempotency_key_reused: 422,
      idempotency_outcome_unknown: 409,
      upstream_rate_limited: 429,
      internal_error: 500,
      upstream_error: 502,
      no_target_available: 503,
      store_unavailable: 503,
      server_draining: 503,
      deadline_exceeded: 504,
      request_too_slow: 408,
      store_full: 507,
    } as const;
    for (const [code, status] of Object.entries(pinned)) {
      expect(isErrorCode(code) && ERRORS[code].status, code).toBe(status);
    }
  });

  it('knows its codes, and not what every object has', () => {
    expect(isErrorCode('placement_refused')).toBe(true);
    expect(isErrorCode('toString')).toBe(false);
    expect(new Set(ERROR_CODES).size).toBe(131);
  });
});

describe('an error', () => {
  it('is known by its brand, across copies of this package', () => {
    const foreign = Object.assign(new Error('x'), { [Symbol.for('perdure.error')]: true, code: 'not_found' });
    expect(isPerdureError(perdureError('not_found'))).toBe(true);
    expect(isPerdureError(foreign)).toBe(true);
    for (const other of [new Error('x'), { code: 'not_found' }, null, 'x', undefined])
      expect(isPerdureError(other)).toBe(false);
  });

  it("has OpenAI's envelope, byte for byte", () => {
    const error = perdureError('invalid_request', "Missing required parameter: 'model'.", { param: 'model' });
    expect(JSON.stringify(errorBody(error))).toBe(
      '{"error":{"message":"Missing required parameter: \'model\'.","type":"invalid_request_error","code":"invalid_request","param":"model"}}',
    );
  });

  it('carries details only where there are any', () => {
    const body = errorBody(perdureError('placement_refused', 'No.', { details: { targets: ['a'] } }));
    expect(body.error.details).toEqual({ targets: ['a'] });
    expect(errorBody(perdureError('not_found')).error).not.toHaveProperty('details');
  });

  it('goes into a stream flat and nested at once', () => {
    const error = perdureError('upstream_interrupted');
    expect(JSON.stringify(streamErrorEvent(error, 7))).toBe(
      '{"type":"error","sequence_number":7,"code":"upstream_interrupted","message":"The answer of the model provider broke off.",' +
        '"param":null,"error":{"message":"The answer of the model provider broke off.","type":"server_error","code":"upstream_interrupted","param":null}}',
    );
  });

  it('takes another status in its range, and a type that fits it', () => {
    const rejected = perdureError('upstream_rejected', 'No.', { status: 422 });
    expect([rejected.status, rejected.type]).toEqual([422, 'invalid_request_error']);
    expect(perdureError('upstream_rejected', 'No.', { status: 429 }).type).toBe('rate_limit_error');
    for (const status of [200, 399, 600]) expect(perdureError('upstream_rejected', 'No.', { status }).status).toBe(502);
    for (const status of [400, 599]) expect(perdureError('upstream_rejected', 'No.', { status }).status).toBe(status);
  });

  it('says nothing of a thrown value that is not ours', () => {
    const error = toPerdureError(new Error('password=hunter2 at /etc/secrets'));
    expect(error.code).toBe('internal_error');
    expect(JSON.stringify(errorBody(error))).not.toContain('hunter2');
    const own = perdureError('not_found');
    expect(toPerdureError(own)).toBe(own);
  });

  it('rounds retry-after up to whole seconds, at least one', () => {
    const after = (retryAfterMs: number): number | null =>
      retryAfterSeconds(perdureError('server_draining', 'x', { retryAfterMs }));
    expect([after(0), after(1), after(1000), after(1001)]).toEqual([1, 1, 1, 2]);
    expect(retryAfterSeconds(perdureError('no_target_available'))).toBe(1);
    expect(retryAfterSeconds(perdureError('not_found'))).toBeNull();
  });
});
