import { describe, expect, test } from 'vitest';
import { startEmulator } from '@perdure/emulator';
import type { ProviderError } from '../../engine/ports.ts';
import { type Harness, failed, QUICK } from './harness.ts';
import { outcomeOf, textOf } from '../raw-upstream.test-support.ts';
import { brokenLaw } from '../step-laws.test-support.ts';

/** Upstreams that refuse, and upstreams that break off. */
export function failsWell(harness: Harness): void {
  describe('refusals', () => {
    const cases: readonly [number, ProviderError['providerError'], boolean][] = [
      [400, 'upstream_invalid_request', false],
      [401, 'upstream_credentials', true],
      [403, 'upstream_credentials', true],
      [404, 'upstream_rejected', true],
      [408, 'upstream_error', true],
      [409, 'upstream_error', true],
      [413, 'upstream_invalid_request', false],
      [422, 'upstream_invalid_request', false],
      [429, 'upstream_rate_limited', true],
      [500, 'upstream_error', true],
      [502, 'upstream_error', true],
      [503, 'upstream_error', true],
      [529, 'upstream_error', true],
    ];
    test.each(cases)('HTTP %i is %s (retryable: %s)', async (status, code, retryable) => {
      const outcome = await harness.ask(`Hello [[fault: status ${status}]]`);
      expect(outcome.steps).toEqual([]);
      expect(failed(outcome)).toMatchObject({ providerError: code, retryable, status });
      expect(failed(outcome).requestId).toMatch(/^\S+$/);
    });

    test('the time asked for is kept, in seconds or milliseconds', async () => {
      expect(failed(await harness.ask('Hello [[fault: status 429 retry-after 2]]')).retryAfterMs).toBe(2000);
      expect(failed(await harness.ask('Hello [[fault: status 503 retry-after-ms 250]]')).retryAfterMs).toBe(250);
      expect(failed(await harness.ask('Hello [[fault: status 503]]')).retryAfterMs).toBeNull();
    });

    test('a wrong key is a matter of credentials, and is not repeated (L9)', async () => {
      const apiKey = 'a-wrong-key-0123456789';
      const upstream = harness.upstream({ apiKey });
      const error = failed(await outcomeOf(harness.asked(harness.callOf({ upstream }))));
      expect(error).toMatchObject({ providerError: 'upstream_credentials', status: 401 });
      expect(JSON.stringify([error.message, error.stack, error])).not.toContain(apiKey);
    });

    test('an unknown model is the target at fault', async () => {
      const upstream = harness.upstream({ model: 'unknown-model' });
      expect(failed(await outcomeOf(harness.asked(harness.callOf({ upstream }))))).toMatchObject({
        providerError: 'upstream_rejected',
        status: 404,
      });
    });

    test('a field at fault is named, in the words of the upstream', async () => {
      const error = failed(await harness.ask('Hello', { temperature: 9 }));
      expect(error).toMatchObject({
        providerError: 'upstream_invalid_request',
        retryable: false,
        status: 400,
        param: 'temperature',
      });
      expect(error.message).toContain('temperature');
    });

    test('nobody listens', async () => {
      const gone = await startEmulator({});
      const baseUrl = gone.baseUrl('azure');
      await gone.close();
      expect(
        failed(await outcomeOf(harness.asked(harness.callOf({ upstream: harness.upstream({ baseUrl }) })))),
      ).toMatchObject({
        providerError: 'upstream_error',
        retryable: true,
        status: null,
        unsent: true,
      });
    });
  });

  describe('breaks', () => {
    if (harness.mode === 'whole') breaksWhole(harness);
    else breaksStreamed(harness);

    test('cut before the first byte: nothing of it happened, it may be tried again', async () => {
      const outcome = await harness.ask('Hello [[fault: cut 0]]');
      expect(outcome.steps).toEqual([]);
      expect(failed(outcome)).toMatchObject({ providerError: 'upstream_error', retryable: true });
      // It was asked: what it did is its secret.
      expect(failed(outcome).unsent).toBeUndefined();
    });
  });
}

function breaksStreamed(harness: Harness): void {
  test.each(['cut 3', 'malformed 3', 'error-event 3', 'oversize 3'])(
    '%s: what came is given out, then upstream_interrupted',
    async fault => {
      const outcome = await harness.ask(`Hello [[words: 60]] [[latency: 2]] [[fault: ${fault}]]`);
      expect(brokenLaw(outcome.steps, false)).toBeNull();
      expect(outcome.steps.filter(step => step.type === 'delta').length).toBe(3);
      expect(failed(outcome)).toMatchObject({ providerError: 'upstream_interrupted', retryable: false });
    },
  );

  test('an answer without its end is interrupted, not complete', async () => {
    const outcome = await harness.ask('Hello [[words: 20]] [[fault: truncate]]');
    expect(brokenLaw(outcome.steps, false)).toBeNull();
    expect(outcome.steps.some(step => step.type === 'end')).toBe(false);
    expect(textOf(outcome.steps)).not.toBe('');
    expect(failed(outcome)).toMatchObject({ providerError: 'upstream_interrupted', retryable: false });
  });
}

function breaksWhole(harness: Harness): void {
  test.each(['cut 3', 'malformed', 'truncate'])('%s: nothing is given out, upstream_interrupted', async fault => {
    const outcome = await harness.ask(`Hello [[words: 60]] [[fault: ${fault}]]`);
    expect(outcome.steps).toEqual([]);
    expect(failed(outcome)).toMatchObject({ providerError: 'upstream_interrupted', retryable: false });
  });

  test('a body that is larger than maxResponseBytes is left, one that is not is read', async () => {
    const padded = 8 * 1024 * 1024;
    for (const [maxResponseBytes, code] of [
      [padded, 'upstream_interrupted'],
      [padded + 64 * 1024, null],
    ] as const) {
      const bounded = harness.make({ ...QUICK, maxResponseBytes });
      const outcome = await harness.ask('Hello [[fault: oversize]]', {}, bounded);
      expect(code === null ? outcome.error : failed(outcome).providerError).toBe(code);
      expect(outcome.steps.length > 0).toBe(code === null);
      await bounded.close();
    }
  });
}
