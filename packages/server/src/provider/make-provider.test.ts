/** The way of a call: what upstreams see of it, sockets included. */
import { describe, expect, test } from 'vitest';
import { makeProvider } from './make-provider.ts';
import { Connections } from './transport/connections.ts';
import { DRAIN_BYTES, MAX_ERROR_BYTES } from './transport/exchange.ts';
import { ADDED, answered, COMPLETED, delta, sleep, through, withUpstream } from './responses-upstream.test-support.ts';
import { type Answer, callTo, EVENT_STREAM, outcomeOf, silentUpstream, userRun } from './raw-upstream.test-support.ts';

const SHORT_MS = 300;

describe('the request', () => {
  test('carries these headers and no others', async () => {
    await withUpstream(
      answered,
      {},
      async (provider, { baseUrl, requests }) => {
        await outcomeOf(
          provider.call(callTo(baseUrl, { upstream: { target: 't', baseUrl, model: 'm', apiKey: 'k-1' } })),
        );
        const { host, 'content-length': length, ...headers } = requests[0]?.headers ?? {};
        expect(headers).toEqual({
          accept: 'text/event-stream',
          authorization: 'Bearer k-1',
          connection: 'keep-alive',
          'content-type': 'application/json',
          'user-agent': 'perdure/1.2.3',
        });
        expect(length).toBe(String(Buffer.byteLength(requests[0]?.body ?? '')));
        expect(host).toMatch(/^127/);
      },
      { userAgent: 'perdure/1.2.3' },
    );
  });

  test('without a key it carries no authorization', async () => {
    await withUpstream(answered, {}, async (provider, { baseUrl, requests }) => {
      await outcomeOf(provider.call(callTo(baseUrl)));
      expect(requests[0]?.headers).not.toHaveProperty('authorization');
    });
  });

  test.each([
    ['/v1', '/v1/responses'],
    ['/v1/', '/v1/responses'],
    ['', '/responses'],
    ['/openai/v1?api-version=preview', '/openai/v1/responses?api-version=preview'],
  ])('to base URL ...%s goes to %s', async (base, path) => {
    await withUpstream(answered, {}, async (provider, { baseUrl, requests }) => {
      await outcomeOf(provider.call(callTo(baseUrl.replace('/v1', base))));
      expect(requests[0]?.path).toBe(path);
    });
  });

  test.each(['ftp://127.0.0.1/v1', 'not a url', 'http://user:secret@127.0.0.1/v1', 'file:///etc/passwd'])(
    'never goes to %s',
    async baseUrl => {
      const provider = makeProvider({ dialect: 'openai-responses' });
      const { error } = await outcomeOf(provider.call(callTo(baseUrl)));
      expect(error).toMatchObject({ providerError: 'upstream_rejected', status: null, unsent: true });
      expect(String(error)).not.toContain('secret');
      await provider.close();
    },
  );

  test('a key that no header can hold is refused without being repeated (L9)', async () => {
    await withUpstream(answered, {}, async (provider, { baseUrl, requests }) => {
      const apiKey = 'secret\r\nx-evil: 1';
      const { error } = await outcomeOf(
        provider.call(callTo(baseUrl, { upstream: { target: 't', baseUrl, model: 'm', apiKey } })),
      );
      expect(error).toMatchObject({ providerError: 'upstream_credentials', unsent: true });
      expect(`${String(error)} ${JSON.stringify(error)}`).not.toContain('secret');
      expect(requests).toHaveLength(0);
    });
  });
});

describe('unsent is what failed before a byte of the request was written', () => {
  test('what the dialect cannot say', async () => {
    await withUpstream(answered, {}, async (provider, { baseUrl, opened }) => {
      const call = callTo(baseUrl, { settings: { logitBias: { 5: 1 } } });
      const said = { providerError: 'upstream_invalid_request', param: 'logit_bias', unsent: true };
      expect((await outcomeOf(provider.call(call))).error).toMatchObject(said);
      await expect(provider.answer(call)).rejects.toMatchObject(said);
      expect(opened()).toBe(0);
    });
  });

  test('no such name; no TLS; a handshake that does not end; aborted while it connects', async () => {
    const ask = async (baseUrl: string, signal?: AbortSignal): Promise<unknown> => {
      const provider = makeProvider({ dialect: 'openai-responses', limits: { connectMs: SHORT_MS } });
      const { error } = await outcomeOf(provider.call(callTo(baseUrl, signal === undefined ? {} : { signal })));
      await provider.close();
      return error;
    };
    expect(await ask('http://nowhere.invalid/v1')).toMatchObject({ providerError: 'upstream_error', unsent: true });
    await withUpstream(answered, {}, async (_, { baseUrl, requests }) => {
      expect(await ask(baseUrl.replace('http:', 'https:'))).toMatchObject({ unsent: true });
      expect(requests).toHaveLength(0);
    });
    await using silent = await silentUpstream();
    expect(await ask(silent.baseUrl)).toMatchObject({ providerError: 'upstream_timeout', unsent: true });
    expect(await ask(silent.baseUrl, AbortSignal.timeout(20))).toMatchObject({
      providerError: 'aborted',
      unsent: true,
    });
  });

  test('not what an upstream has read, whatever it then does', async () => {
    const cut: Answer = response => void response.destroy();
    await withUpstream(cut, {}, async (provider, { baseUrl, requests }) => {
      const { error } = await outcomeOf(provider.call(callTo(baseUrl)));
      expect(error).toMatchObject({ providerError: 'upstream_error' });
      expect(error).not.toHaveProperty('unsent');
      expect(requests).toHaveLength(1);
    });
  });
});

describe('connections', () => {
  // With one place at the gate the second call waits until the first has let go of its connection, or lost it.
  test.each([
    [14, 1],
    [DRAIN_BYTES, 1],
    [DRAIN_BYTES + 1, 2],
  ])('%i bytes after the last event: two calls take %i connections', async (bytes, opened) => {
    const chatty: Answer = response => {
      response.writeHead(200, EVENT_STREAM).write(ADDED + COMPLETED);
      setTimeout(() => response.end(': '.padEnd(bytes, 'x')), 20);
    };
    await withUpstream(chatty, { maxConnectionsPerOrigin: 1 }, async (provider, upstream) => {
      for (let round = 0; round < 2; round++) {
        expect((await outcomeOf(provider.call(callTo(upstream.baseUrl)))).error).toBeNull();
      }
      expect(upstream.opened()).toBe(opened);
    });
  });

  test('an answer that does not end after its last event costs the connection', async () => {
    const open: Answer = response => response.writeHead(200, EVENT_STREAM).write(ADDED + COMPLETED);
    await withUpstream(open, {}, async (provider, upstream) => {
      expect((await outcomeOf(provider.call(callTo(upstream.baseUrl)))).error).toBeNull();
      await upstream.allClosed();
    });
  });

  test('as many may wait as the limit says; one more is turned away; who leaves the line is never sent', async () => {
    const held: (() => void)[] = [];
    const hold: Answer = (response, request) => void held.push(() => answered(response, request));
    await withUpstream(hold, { maxConnectionsPerOrigin: 1, maxWaitingPerOrigin: 2 }, async (provider, upstream) => {
      const abort = new AbortController();
      const ask = (text: string, signal?: AbortSignal) =>
        outcomeOf(
          provider.call(
            callTo(upstream.baseUrl, { context: [userRun(text)], ...(signal !== undefined && { signal }) }),
          ),
        );
      const first = ask('first');
      const leaver = ask('leaver', abort.signal);
      const last = ask('last');
      expect((await ask('too many')).error).toMatchObject({ providerError: 'upstream_error', retryable: true });
      abort.abort();
      expect((await leaver).error).toMatchObject({ providerError: 'aborted' });
      while (held.length === 0) await sleep(5);
      held.pop()?.();
      expect((await first).error).toBeNull();
      while (held.length === 0) await sleep(5);
      held.pop()?.();
      expect((await last).error).toBeNull();
      expect(upstream.requests.map(({ body }) => /first|leaver|last/.exec(body)?.[0])).toEqual(['first', 'last']);
      expect(upstream.opened()).toBe(1);
    });
  });

  test('who leaves while the connection is being made is never sent', async () => {
    await withUpstream(answered, {}, async (provider, upstream) => {
      const abort = new AbortController();
      const leaver = outcomeOf(provider.call(callTo(upstream.baseUrl, { signal: abort.signal })));
      abort.abort();
      expect((await leaver).error).toMatchObject({ providerError: 'aborted' });
      for (let round = 0; round < 2; round++) {
        expect((await outcomeOf(provider.call(callTo(upstream.baseUrl)))).error).toBeNull();
      }
      await sleep(50);
      expect(upstream.requests).toHaveLength(2);
    });
  });

  test('a connection that the upstream closed while idle is not used again', async () => {
    await withUpstream(answered, {}, async (provider, upstream) => {
      await outcomeOf(provider.call(callTo(upstream.baseUrl)));
      for (const socket of upstream.open) socket.end();
      await upstream.allClosed();
      await sleep(20);
      expect((await outcomeOf(provider.call(callTo(upstream.baseUrl)))).error).toBeNull();
    });
  });

  test('shared ones are closed by who made them; closing ends what runs', async () => {
    const connections = new Connections({ connectMs: 1000, maxConnectionsPerOrigin: 4, maxWaitingPerOrigin: 4 });
    const silent: Answer = () => undefined;
    await withUpstream(
      silent,
      {},
      async (provider, upstream) => {
        const waiting = outcomeOf(provider.call(callTo(upstream.baseUrl)));
        while (upstream.requests.length === 0) await sleep(5);
        await provider.close();
        expect(upstream.open.size).toBe(1);
        await connections.close();
        expect((await waiting).error).toMatchObject({ providerError: 'upstream_error' });
        await upstream.allClosed();
        expect((await outcomeOf(provider.call(callTo(upstream.baseUrl)))).error).toMatchObject({
          providerError: 'upstream_error',
        });
      },
      { connections },
    );
  });
});

describe('deadlines, from the side of the socket', () => {
  test('connectMs: a handshake that does not come is given up', async () => {
    await through(await silentUpstream(), { connectMs: SHORT_MS, firstByteMs: 60_000 }, async (provider, upstream) => {
      expect((await outcomeOf(provider.call(callTo(upstream.baseUrl)))).error).toMatchObject({
        providerError: 'upstream_timeout',
        retryable: true,
      });
      await upstream.allClosed();
    });
  });

  test('firstByteMs holds for the connection too', async () => {
    await through(await silentUpstream(), { connectMs: 60_000, firstByteMs: SHORT_MS }, async (provider, upstream) => {
      expect((await outcomeOf(provider.call(callTo(upstream.baseUrl)))).error).toMatchObject({
        providerError: 'upstream_timeout',
        retryable: true,
      });
    });
  });

  test.each<[string, Answer]>([
    ['no headers', () => undefined],
    ['headers alone', response => response.writeHead(200, EVENT_STREAM).flushHeaders()],
    ['a first event alone', response => void response.writeHead(200, EVENT_STREAM).write(ADDED)],
  ])('%s: the socket is closed', async (_, answer) => {
    await withUpstream(answer, { firstByteMs: SHORT_MS, idleMs: SHORT_MS }, async (provider, upstream) => {
      expect((await outcomeOf(provider.call(callTo(upstream.baseUrl)))).error).toMatchObject({
        providerError: 'upstream_timeout',
      });
      await upstream.allClosed();
    });
  });

  test('idleMs is between two reads, not of all of them', async () => {
    const slow: Answer = response => {
      response.writeHead(200, EVENT_STREAM).write(ADDED);
      let left = 5;
      const timer = setInterval(() => {
        response.write(delta('a'));
        if (--left > 0) return;
        clearInterval(timer);
        response.end(COMPLETED);
      }, SHORT_MS);
    };
    await withUpstream(slow, { idleMs: 4 * SHORT_MS }, async (provider, upstream) => {
      expect((await outcomeOf(provider.call(callTo(upstream.baseUrl)))).error).toBeNull();
    });
  });

  test('X1: a reader that pauses is no silence of the upstream', async () => {
    let finish = () => {};
    const held: Answer = response => {
      response.writeHead(200, EVENT_STREAM).write(ADDED);
      finish = () => response.end(delta('a') + COMPLETED);
    };
    await withUpstream(held, { idleMs: SHORT_MS }, async (provider, upstream) => {
      const stream = await provider.call(callTo(upstream.baseUrl));
      for (let round = 0; round < 2; round++) await sleep(2 * SHORT_MS);
      finish();
      expect((await outcomeOf(Promise.resolve(stream))).error).toBeNull();
    });
  });
});

describe('answers that are none', () => {
  test('a redirect is not followed', async () => {
    const answer: Answer = response => response.writeHead(302, { location: '/v1/elsewhere' }).end();
    await withUpstream(answer, {}, async (provider, upstream) => {
      expect((await outcomeOf(provider.call(callTo(upstream.baseUrl)))).error).toMatchObject({
        providerError: 'upstream_rejected',
        status: 302,
      });
      expect(upstream.requests).toHaveLength(1);
    });
  });

  test.each<[string, Answer]>([
    ['JSON', response => response.writeHead(200, { 'content-type': 'application/json' }).end('{}')],
    ['compressed', response => response.writeHead(200, { ...EVENT_STREAM, 'content-encoding': 'gzip' }).end('x')],
    ['empty', response => response.writeHead(200, EVENT_STREAM).end()],
  ])('%s', async (_, answer) => {
    await withUpstream(answer, {}, async (provider, upstream) => {
      expect((await outcomeOf(provider.call(callTo(upstream.baseUrl)))).error).toMatchObject({
        providerError: 'upstream_error',
        retryable: true,
      });
    });
  });

  test.each<[string, number, Answer]>([
    ['is endless', 60_000, response => void response.writeHead(503).write('x'.repeat(MAX_ERROR_BYTES + 1))],
    ['never ends', SHORT_MS, response => void response.writeHead(503).write('x')],
    [
      'is cut',
      60_000,
      response => response.writeHead(503, { 'content-length': '10' }).write('x', () => response.destroy()),
    ],
  ])('an error whose body %s is told by its status', async (_, firstByteMs, answer) => {
    await withUpstream(answer, { firstByteMs }, async (provider, upstream) => {
      expect((await outcomeOf(provider.call(callTo(upstream.baseUrl)))).error).toMatchObject({
        providerError: 'upstream_error',
        status: 503,
      });
      await upstream.allClosed();
    });
  });

  test('an error is read as far as the limit', async () => {
    const said = JSON.stringify({ error: { message: 'said at the end' } });
    const long: Answer = response => response.writeHead(400).end(said.padStart(MAX_ERROR_BYTES));
    await withUpstream(long, {}, async (provider, upstream) => {
      expect(String((await outcomeOf(provider.call(callTo(upstream.baseUrl)))).error)).toContain('said at the end');
    });
  });
});
