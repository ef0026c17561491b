/** Answers in one piece, from the side of the socket. */
import { describe, expect, test } from 'vitest';
import { ADDED, COMPLETED, withUpstream } from './responses-upstream.test-support.ts';
import { type Answer, callTo, EVENT_STREAM, outcomeOfAnswer, textOf, userRun } from './raw-upstream.test-support.ts';

const JSON_TYPE = { 'content-type': 'application/json' } as const;
const SHORT_MS = 300;

const saying = (text: string): string =>
  JSON.stringify({
    id: 'resp_1',
    status: 'completed',
    output: [{ type: 'message', status: 'completed', content: [{ type: 'output_text', text }] }],
  });
const BODY = saying('a');
const answered: Answer = response => response.writeHead(200, JSON_TYPE).end(BODY);

describe('the request', () => {
  test('asks for JSON, in one piece', async () => {
    await withUpstream(answered, {}, async (provider, { baseUrl, requests }) => {
      expect((await outcomeOfAnswer(provider.answer(callTo(baseUrl)))).error).toBeNull();
      expect(requests[0]?.headers.accept).toBe('application/json');
      expect(JSON.parse(requests[0]?.body ?? '')).toMatchObject({ stream: false, store: false });
    });
  });

  test('without what another provider refuses to read, still in one piece', async () => {
    const picky: Answer = (response, request) => {
      if (!request.body.includes('encrypted_content')) return answered(response, request);
      response.writeHead(400, JSON_TYPE).end('{"error":{"code":"invalid_encrypted_content"}}');
    };
    const sealed = {
      items: [{ type: 'reasoning', id: 'rs_1', status: 'completed', summary: [], encrypted_content: 'seal' }],
    };
    await withUpstream(picky, {}, async (provider, { baseUrl, requests }) => {
      const { steps, error } = await outcomeOfAnswer(
        provider.answer(callTo(baseUrl, { context: [sealed, userRun('Hi')] })),
      );
      expect(error).toBeNull();
      expect(textOf(steps)).toBe('a');
      expect(requests.map(({ body }) => body.includes('"stream":false'))).toEqual([true, true]);
    });
  });
});

describe('the answer', () => {
  test('is told in one piece: its items, then its end', async () => {
    await withUpstream(answered, {}, async (provider, { baseUrl }) => {
      const steps = await provider.answer(callTo(baseUrl));
      expect(steps[0]?.type).toBe('item');
      expect(steps.at(-1)?.type).toBe('end');
    });
  });

  test('may come cut anywhere, also inside a character', async () => {
    const bytes = Buffer.from(saying('état — 状態'), 'utf8');
    const slow: Answer = response => {
      response.writeHead(200, { 'content-type': 'Application/JSON; charset=utf-8' });
      let sent = 0;
      const timer = setInterval(() => {
        response.write(bytes.subarray(sent, ++sent));
        if (sent < bytes.length) return;
        clearInterval(timer);
        response.end();
      }, 1);
    };
    await withUpstream(slow, {}, async (provider, { baseUrl }) => {
      const { steps, error } = await outcomeOfAnswer(provider.answer(callTo(baseUrl)));
      expect(error).toBeNull();
      expect(textOf(steps)).toBe('état — 状態');
    });
  });

  test('leaves its connection to the next call', async () => {
    await withUpstream(answered, { maxConnectionsPerOrigin: 1 }, async (provider, upstream) => {
      for (let round = 0; round < 5; round++) {
        expect((await outcomeOfAnswer(provider.answer(callTo(upstream.baseUrl)))).error).toBeNull();
      }
      expect(upstream.opened()).toBe(1);
    });
  });

  test('maxResponseBytes: as many pass, one more does not', async () => {
    for (const [maxResponseBytes, error] of [
      [BODY.length, null],
      [BODY.length - 1, expect.objectContaining({ providerError: 'upstream_interrupted', retryable: false })],
    ] as const) {
      await withUpstream(answered, { maxResponseBytes }, async (provider, upstream) => {
        expect((await outcomeOfAnswer(provider.answer(callTo(upstream.baseUrl)))).error).toEqual(error);
      });
    }
  });

  test('is not given to who aborted, though all of it had come', async () => {
    const abort = new AbortController();
    const aborting: Answer = response =>
      response
        .writeHead(200, { ...JSON_TYPE, 'content-length': BODY.length + 1 })
        .write(BODY, () => setTimeout(() => abort.abort(), 20));
    await withUpstream(aborting, {}, async (provider, upstream) => {
      expect(await outcomeOfAnswer(provider.answer(callTo(upstream.baseUrl, { signal: abort.signal })))).toMatchObject({
        steps: [],
        error: { providerError: 'aborted' },
      });
      await upstream.allClosed();
    });
  });
});

describe('what is no answer', () => {
  test.each<[string, Answer]>([
    ['a stream of events', response => response.writeHead(200, EVENT_STREAM).end(ADDED + COMPLETED)],
    ['a page', response => response.writeHead(200, { 'content-type': 'text/html' }).end(BODY)],
    ['of no type', response => response.writeHead(200).end(BODY)],
    ['compressed', response => response.writeHead(200, { ...JSON_TYPE, 'content-encoding': 'gzip' }).end('x')],
    ['empty', response => response.writeHead(200, JSON_TYPE).end()],
  ])('%s: nothing began, another target may be asked', async (_, answer) => {
    await withUpstream(answer, {}, async (provider, upstream) => {
      expect((await outcomeOfAnswer(provider.answer(callTo(upstream.baseUrl)))).error).toMatchObject({
        providerError: 'upstream_error',
        retryable: true,
      });
    });
  });

  test.each<[string, Answer]>([
    ['no JSON', response => response.writeHead(200, JSON_TYPE).end('<html>')],
    ['no object', response => response.writeHead(200, JSON_TYPE).end('[]')],
    ['two objects', response => response.writeHead(200, JSON_TYPE).end(BODY + BODY)],
    ['half an object', response => response.writeHead(200, JSON_TYPE).end(BODY.slice(0, -1))],
    [
      'a body that breaks off',
      response =>
        response.writeHead(200, { ...JSON_TYPE, 'content-length': '99' }).write('{', () => response.destroy()),
    ],
  ])('%s: interrupted', async (_, answer) => {
    await withUpstream(answer, {}, async (provider, upstream) => {
      expect(await outcomeOfAnswer(provider.answer(callTo(upstream.baseUrl)))).toMatchObject({
        steps: [],
        error: { providerError: 'upstream_interrupted', retryable: false },
      });
    });
  });

  test('half of one, and then silence: the socket is closed', async () => {
    const half: Answer = response => void response.writeHead(200, JSON_TYPE).write(BODY.slice(0, 20));
    await withUpstream(half, { idleMs: SHORT_MS }, async (provider, upstream) => {
      expect((await outcomeOfAnswer(provider.answer(callTo(upstream.baseUrl)))).error).toMatchObject({
        providerError: 'upstream_timeout',
        retryable: false,
      });
      await upstream.allClosed();
    });
  });
});
