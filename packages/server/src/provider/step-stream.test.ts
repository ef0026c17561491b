/** What comes back: its bounds, its pace, its breaks. */
import { describe, expect, test } from 'vitest';
import { ADDED, answered, COMPLETED, delta, event, sleep, withUpstream } from './responses-upstream.test-support.ts';
import { type Answer, callTo, EVENT_STREAM, outcomeOf, textOf, userRun } from './raw-upstream.test-support.ts';

describe('sizes', () => {
  const body = ADDED + delta('x'.repeat(2000)) + COMPLETED;
  const whole: Answer = response => response.writeHead(200, EVENT_STREAM).end(body);

  test('maxResponseBytes: as many pass, one more does not', async () => {
    for (const [maxResponseBytes, error] of [
      [body.length, null],
      [body.length - 1, expect.objectContaining({ providerError: 'upstream_interrupted', retryable: false })],
    ] as const) {
      await withUpstream(whole, { maxResponseBytes }, async (provider, upstream) => {
        expect((await outcomeOf(provider.call(callTo(upstream.baseUrl)))).error).toEqual(error);
      });
    }
  });

  test('maxEventBytes: what an upstream repeats of the settings does not count', async () => {
    const instructions = 'i'.repeat(4000);
    const echo: Answer = response =>
      response.writeHead(200, EVENT_STREAM).end(event({ type: 'x', instructions }) + ADDED + COMPLETED);
    await withUpstream(echo, { maxEventBytes: 1000 }, async (provider, upstream) => {
      expect(
        (await outcomeOf(provider.call(callTo(upstream.baseUrl, { settings: { instructions } })))).error,
      ).toBeNull();
      expect((await outcomeOf(provider.call(callTo(upstream.baseUrl)))).error).toMatchObject({
        providerError: 'upstream_interrupted',
        message: 'The model provider sent an event that is too large.',
      });
    });
  });
});

describe('X2: back-pressure', () => {
  const TOTAL_BYTES = 64 * 1024 * 1024;
  const piece = delta('x'.repeat(16 * 1024));

  test('an upstream that floods is held back while nobody pulls, and nothing is lost', async () => {
    let written = 0;
    const flood: Answer = response => {
      response.writeHead(200, EVENT_STREAM).write(ADDED);
      const pour = () => {
        while (written < TOTAL_BYTES) {
          written += piece.length;
          if (!response.write(piece)) {
            response.once('drain', pour);
            return;
          }
        }
        response.end(COMPLETED);
      };
      pour();
    };
    await withUpstream(flood, { maxResponseBytes: 2 * TOTAL_BYTES }, async (provider, upstream) => {
      const stream = await provider.call(callTo(upstream.baseUrl));
      // Settled: nothing more is written for a while. What was is in the kernel's buffers, which are far smaller than the flood.
      for (let before = -1; before !== written; await sleep(250)) before = written;
      expect(written).toBeLessThan(TOTAL_BYTES / 2);
      let got = 0;
      for await (const steps of stream) {
        const batch = textOf(steps).length;
        // One read: what was queued and the one read of the socket that went over the mark.
        expect(batch).toBeLessThan(1024 * 1024);
        got += batch;
      }
      expect(got).toBe((written / piece.length) * 16 * 1024);
    });
  });
});

test('who aborted gets nothing more, though all of it had come', async () => {
  await withUpstream(answered, {}, async (provider, upstream) => {
    const abort = new AbortController();
    const stream = await provider.call(callTo(upstream.baseUrl, { signal: abort.signal }));
    abort.abort();
    expect(await outcomeOf(Promise.resolve(stream))).toMatchObject({ steps: [], error: { providerError: 'aborted' } });
  });
});

describe('what only its maker can read (L1)', () => {
  const sealed = {
    items: [{ type: 'reasoning', id: 'rs_1', status: 'completed', summary: [], encrypted_content: 'seal' }],
  };
  const picky: Answer = (response, request) => {
    if (!request.body.includes('encrypted_content')) return answered(response, request);
    const error = { code: 'invalid_encrypted_content', message: 'Could not be verified.' };
    response.writeHead(400).end(JSON.stringify({ error }));
  };

  test('is left out when another provider refuses it', async () => {
    await withUpstream(picky, {}, async (provider, upstream) => {
      const { steps, error } = await outcomeOf(
        provider.call(callTo(upstream.baseUrl, { context: [sealed, userRun('Hi')] })),
      );
      expect(error).toBeNull();
      expect(textOf(steps)).toBe('a');
      expect(upstream.requests).toHaveLength(2);
    });
  });

  test('once: a refusal for another reason, or of nothing sealed, stands', async () => {
    const refuse: Answer = response => response.writeHead(400).end('{"error":{"code":"invalid_encrypted_content"}}');
    await withUpstream(refuse, {}, async (provider, upstream) => {
      expect((await outcomeOf(provider.call(callTo(upstream.baseUrl, { context: [sealed] })))).error).toMatchObject({
        providerError: 'upstream_invalid_request',
      });
      expect(upstream.requests).toHaveLength(2);
      await outcomeOf(provider.call(callTo(upstream.baseUrl)));
      expect(upstream.requests).toHaveLength(3);
    });
    const other: Answer = response => response.writeHead(400).end('{"error":{"code":"other"}}');
    await withUpstream(other, {}, async (provider, upstream) => {
      await outcomeOf(provider.call(callTo(upstream.baseUrl, { context: [sealed] })));
      expect(upstream.requests).toHaveLength(1);
    });
  });
});

test('steps that one read brings are one batch; what came before a break is given out before it', async () => {
  const broken: Answer = response => {
    response.writeHead(200, EVENT_STREAM).write(ADDED + delta('a') + delta('b') + 'data: {"broken\n\n');
  };
  await withUpstream(broken, {}, async (provider, upstream) => {
    const stream = await provider.call(callTo(upstream.baseUrl));
    const iterator = stream[Symbol.asyncIterator]();
    const first = await iterator.next();
    expect(first.done).toBe(false);
    expect(textOf(first.value ?? [])).toBe('ab');
    await expect(iterator.next()).rejects.toMatchObject({ providerError: 'upstream_interrupted' });
    expect(await iterator.next()).toEqual({ done: true, value: undefined });
    await upstream.allClosed();
  });
});
