import { describe, expect, test } from 'vitest';
import type { Provider } from '../../engine/ports.ts';
import type { Step } from '../../log/steps.ts';
import type { ProviderLimits } from '../limits.ts';
import { type Harness, busy, endOf, failed, idle, QUICK, requestsOf, SHORT_MS } from './harness.ts';
import { outcomeOf, textOf } from '../raw-upstream.test-support.ts';

/** Deadlines from both sides, and callers that leave. */
export function endsInTime(harness: Harness): void {
  describe('deadlines', () => {
    const within = async (limits: Partial<ProviderLimits>, use: (provider: Provider) => Promise<void>) => {
      const bounded = harness.make({ ...QUICK, ...limits });
      try {
        await use(bounded);
      } finally {
        await bounded.close();
      }
    };

    test('no headers within firstByteMs: upstream_timeout, retryable, and the upstream is left', async () => {
      await within({ firstByteMs: SHORT_MS }, async bounded => {
        const outcome = await harness.ask('Hello [[fault: hang]]', {}, bounded);
        expect(failed(outcome)).toMatchObject({ providerError: 'upstream_timeout', retryable: true });
        await idle(harness.emulator());
      });
    });

    test('headers alone are not the first byte', async () => {
      await within({ firstByteMs: SHORT_MS }, async bounded => {
        const outcome = await harness.ask('Hello [[fault: hang 0]]', {}, bounded);
        expect(failed(outcome)).toMatchObject({ providerError: 'upstream_timeout', retryable: true });
        await idle(harness.emulator());
      });
    });

    test('slow headers within firstByteMs pass, though idleMs is shorter', async () => {
      await within({ firstByteMs: 20 * SHORT_MS, idleMs: SHORT_MS }, async bounded => {
        const { error } = await harness.ask(`Hello [[fault: slow-headers ${2 * SHORT_MS}]]`, {}, bounded);
        expect(error).toBeNull();
      });
    });

    test('silence beyond idleMs in the middle: upstream_timeout, not retryable, and the upstream is left', async () => {
      await within({ idleMs: SHORT_MS }, async bounded => {
        const outcome = await harness.ask('Hello [[words: 30]] [[fault: hang 4]]', {}, bounded);
        const deltas = outcome.steps.filter(step => step.type === 'delta').length;
        expect(deltas).toBe(harness.mode === 'whole' ? 0 : 4);
        expect(failed(outcome)).toMatchObject({ providerError: 'upstream_timeout', retryable: false });
        await idle(harness.emulator());
      });
    });

    test.runIf(harness.mode === 'streamed')('tokens slower than firstByteMs but within idleMs pass', async () => {
      await within({ firstByteMs: SHORT_MS, idleMs: 20 * SHORT_MS }, async bounded => {
        const { steps, error } = await harness.ask(`Hello [[words: 3]] [[latency: ${SHORT_MS}]]`, {}, bounded);
        expect(error).toBeNull();
        expect(endOf(steps).outcome).toBe('completed');
      });
    });
  });

  describe('aborts', () => {
    test('before it begins: nothing is sent', async () => {
      const before = await requestsOf(harness.emulator());
      expect(failed(await outcomeOf(harness.call('Hello', {}, harness.provider(), AbortSignal.abort())))).toMatchObject(
        {
          providerError: 'aborted',
          retryable: false,
        },
      );
      expect(await requestsOf(harness.emulator())).toBe(before);
    });

    test('before the headers', async () => {
      const abort = new AbortController();
      const waiting = outcomeOf(harness.call('Hello [[fault: hang]]', {}, harness.provider(), abort.signal));
      await busy(harness.emulator());
      abort.abort();
      expect(failed(await waiting)).toMatchObject({ providerError: 'aborted' });
      await idle(harness.emulator());
    });

    test('while its answer is waited for', async () => {
      const abort = new AbortController();
      const reading = outcomeOf(
        harness.call('Hello [[words: 30]] [[fault: hang 4]]', {}, harness.provider(), abort.signal),
      );
      await busy(harness.emulator());
      abort.abort();
      expect(failed(await reading)).toMatchObject({ providerError: 'aborted' });
      await idle(harness.emulator());
    });

    test.runIf(harness.mode === 'streamed')('while nobody pulls; what had come is not given out any more', async () => {
      const abort = new AbortController();
      const stream = await harness.call('Hello [[words: 30]] [[fault: hang 4]]', {}, harness.provider(), abort.signal);
      abort.abort();
      await idle(harness.emulator());
      const { steps, error } = await outcomeOf(Promise.resolve(stream));
      expect(steps).toEqual([]);
      expect(error).toMatchObject({ providerError: 'aborted' });
    });

    test.runIf(harness.mode === 'streamed')('the reader leaves the loop', async () => {
      for await (const batch of await harness.call('Hello [[words: 30]] [[fault: hang 4]]'))
        if (batch.length > 0) break;
      await idle(harness.emulator());
    });

    test.runIf(harness.mode === 'streamed')('the reader leaves while a pull waits', async () => {
      const stream = await harness.call('Hello [[words: 30]] [[fault: hang 4]]');
      const iterator = stream[Symbol.asyncIterator]();
      let last = iterator.next();
      for (let deltas = 0; deltas < 4; last = iterator.next())
        deltas += ((await last).value ?? []).filter((step: Step) => step.type === 'delta').length;
      await iterator.return?.();
      // It ends, as aborted if nothing had come for it.
      await last.catch(error => expect(error).toMatchObject({ providerError: 'aborted' }));
      expect(await iterator.next()).toEqual({ done: true, value: undefined });
      await idle(harness.emulator());
    });

    test.runIf(harness.mode === 'streamed')('the reader leaves before its first pull', async () => {
      const stream = await harness.call('Hello [[words: 30]] [[fault: hang 4]]');
      const iterator = stream[Symbol.asyncIterator]();
      await iterator.return?.();
      await idle(harness.emulator());
      expect(await iterator.next()).toEqual({ done: true, value: undefined });
    });
  });

  test('more calls than connections: the rest wait, and all are answered', async () => {
    const narrow = harness.make({ ...QUICK, maxConnectionsPerOrigin: 2 });
    const outcomes = await Promise.all(
      Array.from({ length: 12 }, (_, at) => harness.ask(`Number ${at} was said.`, {}, narrow)),
    );
    for (const [at, { steps, error }] of outcomes.entries()) {
      expect(error).toBeNull();
      expect(textOf(steps)).toContain(`Number ${at} was said.`);
    }
    await narrow.close();
  });
}
