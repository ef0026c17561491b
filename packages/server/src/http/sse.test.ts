import { createServer, request, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { once } from 'node:events';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { Worker } from 'node:worker_threads';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { dataEvent, EventStream, namedEvent, PIECE_CHARS } from './sse.ts';
import type { HttpLimits } from './types.ts';

/** On real sockets: what is held back, and by whom, only they know. */
let server: Server;
let accept: (res: ServerResponse) => void;
let accepted: Promise<ServerResponse>;
const sockets: Socket[] = [];
beforeEach(async () => {
  accepted = new Promise(resolve => {
    accept = resolve;
  });
  server = createServer((_, res) => accept(res)).listen(0, '127.0.0.1');
  await once(server, 'listening');
});
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  server.closeAllConnections();
  await new Promise(resolve => server.close(resolve));
});

const limits = (over: Partial<HttpLimits> = {}): HttpLimits => ({
  bodyBytes: 1_000,
  bodyMs: 1_000,
  heartbeatMs: 60_000,
  requestMs: 60_000,
  patienceMs: 60_000,
  ...over,
});
const port = (): number => (server.address() as AddressInfo).port;
const reading = (): Promise<IncomingMessage> =>
  new Promise((resolve, reject) => request({ port: port(), agent: false }, resolve).on('error', reject).end());
/** Asks and reads nothing of the answer. */
const deaf = (): Socket => {
  const socket = connect(port(), '127.0.0.1', () => socket.write('GET / HTTP/1.1\r\nhost: localhost\r\n\r\n'));
  socket.pause();
  socket.on('error', () => undefined);
  sockets.push(socket);
  return socket;
};
const text = async (message: IncomingMessage): Promise<string> => {
  let whole = '';
  for await (const chunk of message.setEncoding('utf8')) whole += String(chunk);
  return whole;
};

test('events are told from one another by their frames', () => {
  expect(namedEvent('response.created', '{"a":1}')).toBe('event: response.created\ndata: {"a":1}\n\n');
  expect(dataEvent('[DONE]')).toBe('data: [DONE]\n\n');
});

test('the head is sent before any event', async () => {
  const message = reading();
  const stream = new EventStream(await accepted, limits(), { 'perdure-placement': 'plc_1' });
  const { headers, statusCode } = await message;
  expect(statusCode).toBe(200);
  expect(headers).toMatchObject({
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-cache, no-transform',
    'x-accel-buffering': 'no',
    'perdure-placement': 'plc_1',
  });
  stream.end();
});

test('what is written arrives whole and in order, large and small', async () => {
  const message = reading();
  const stream = new EventStream(await accepted, limits());
  const read = text(await message);
  const batches = [['data: 1\n\n', 'data: 2\n\n'], [`data: ${'x'.repeat(3_000_000)}\n\n`], [], ['data: 3\n\n']];
  for (const batch of batches) await stream.write(batch);
  stream.end();
  expect(await read).toBe(batches.flat().join(''));
});

/** Everything that comes back for a request, as it is on the wire. */
async function wireOf(request: string, say: (stream: EventStream) => Promise<void>): Promise<string> {
  const socket = connect(port(), '127.0.0.1', () => socket.write(request));
  sockets.push(socket);
  let whole = '';
  socket.setEncoding('utf8').on('data', (text: string) => (whole += text));
  const stream = new EventStream(await accepted, limits());
  await say(stream);
  stream.end();
  await once(socket, 'close');
  return whole.slice(whole.indexOf('\r\n\r\n') + 4);
}
const said = async (stream: EventStream): Promise<void> => {
  await stream.write(['data: 1\n\n', 'data: \u00e9\u{1f600}\n\n']);
  await stream.write([]);
  await stream.write(['data: 2\n\n']);
};

test('L12: a batch is one chunk, and an empty one is none', async () => {
  expect(await wireOf('GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n', said)).toBe(
    '17\r\ndata: 1\n\ndata: \u00e9\u{1f600}\n\n\r\n9\r\ndata: 2\n\n\r\n0\r\n\r\n',
  );
});

test('L12: a client of HTTP/1.0 gets no chunks', async () => {
  expect(await wireOf('GET / HTTP/1.0\r\n\r\n', said)).toBe('data: 1\n\ndata: \u00e9\u{1f600}\n\ndata: 2\n\n');
});

test('a connection serves the next request after a stream', async () => {
  const socket = connect(port(), '127.0.0.1');
  sockets.push(socket);
  let whole = '';
  socket.setEncoding('utf8').on('data', (text: string) => (whole += text));
  socket.write('GET / HTTP/1.1\r\nhost: localhost\r\n\r\n');
  const first = new EventStream(await accepted, limits());
  await first.write(['data: 1\n\n']);
  first.end();
  await expect.poll(() => whole).toContain('0\r\n\r\n');
  const again = new Promise<ServerResponse>(resolve => {
    accept = resolve;
  });
  socket.write('GET / HTTP/1.1\r\nhost: localhost\r\n\r\n');
  const second = new EventStream(await again, limits());
  await second.write(['data: 2\n\n']);
  second.end();
  await expect.poll(() => whole.split('HTTP/1.1 200 OK').length).toBe(3);
  await expect.poll(() => whole).toContain('data: 2\n\n\r\n0\r\n\r\n');
});

test('a reader that does not read holds the writer back, also from small batches, and lets it go on', async () => {
  const socket = deaf();
  const stream = new EventStream(await accepted, limits());
  const event = namedEvent('x', JSON.stringify('x'.repeat(1_000)));
  const most = 100_000;
  let written = 0;
  const writing = (async (): Promise<void> => {
    for (; written < most; written += 1) await stream.write([event]);
  })();
  let before = -1;
  await expect
    .poll(
      () => {
        const stuck = before === written;
        before = written;
        return stuck;
      },
      { interval: 200, timeout: 10_000 },
    )
    .toBe(true);
  expect(written).toBeGreaterThan(0);
  expect(written).toBeLessThan(most / 2);
  socket.resume();
  await writing;
  expect(written).toBe(most);
});

test('of a long stream no more than a piece waits for a reader that does not read', async () => {
  const socket = deaf();
  const res = await accepted;
  const stream = new EventStream(res, limits());
  const event = namedEvent('x', JSON.stringify('x'.repeat(1_000)));
  const whole = Array.from({ length: 20_000 }, () => event);
  let written = false;
  const writing = stream.write(whole).then(() => (written = true));
  await new Promise(resolve => setTimeout(resolve, 200));
  expect(written).toBe(false);
  // What the socket holds beside what the kernel took: a piece with its frame, and what was being sent.
  expect(res.socket?.writableLength).toBeGreaterThan(0);
  expect(res.socket?.writableLength).toBeLessThan(2 * PIECE_CHARS);
  let read = 0;
  socket.on('data', (bytes: Buffer) => (read += bytes.length)).resume();
  await writing;
  stream.end();
  await expect.poll(() => read, { timeout: 10_000 }).toBeGreaterThan(event.length * whole.length);
});

test('a piece ends before the event that would pass it; one event is never cut', async () => {
  const batches = [
    ['a'.repeat(PIECE_CHARS - 1), 'b'],
    ['a'.repeat(PIECE_CHARS), 'b'],
    ['a', 'b'.repeat(PIECE_CHARS + 1)],
  ];
  const sizes: number[][] = [];
  for (const batch of batches) {
    accepted = new Promise(resolve => {
      accept = resolve;
    });
    const message = reading();
    const res = await accepted;
    const stream = new EventStream(res, limits());
    const seen: number[] = [];
    const write = res.write.bind(res);
    res.write = ((text: string) => {
      seen.push(text.replace(/^[0-9a-f]+\r\n/, '').length - 2);
      return write(text);
    }) as typeof res.write;
    const read = text(await message);
    await stream.write(batch);
    stream.end();
    expect((await read).length).toBe(batch.join('').length);
    sizes.push(seen);
  }
  expect(sizes).toEqual([[PIECE_CHARS], [PIECE_CHARS, 1], [1, PIECE_CHARS + 1]]);
});

test('a reader that does not read for too long is cut, and the writer told', async () => {
  deaf();
  const res = await accepted;
  const stream = new EventStream(res, limits({ patienceMs: 50 }));
  const flood = async (): Promise<void> => {
    for (;;) await stream.write([`data: ${'x'.repeat(100_000)}\n\n`]);
  };
  await expect(flood()).rejects.toMatchObject({ code: 'deadline_exceeded' });
  expect([stream.open, res.destroyed]).toEqual([false, true]);
  // What comes after is dropped without a word.
  await stream.write(['data: late\n\n']);
  stream.end();
});

test('a reader is not cut for what held the server itself up', async () => {
  const reader = new Worker(
    `const { connect } = require('node:net');
     const { parentPort, workerData } = require('node:worker_threads');
     const socket = connect(workerData, '127.0.0.1', () => socket.write('GET / HTTP/1.1\\r\\nhost: localhost\\r\\n\\r\\n'));
     socket.on('data', () => {}).on('error', () => {}).pause();
     parentPort.on('message', () => socket.resume());`,
    { eval: true, workerData: port() },
  );
  const stream = new EventStream(await accepted, limits({ patienceMs: 1_000 }));
  let written = 0;
  const writing = (async (): Promise<void> => {
    for (; written < 400; written++) await stream.write([`data: ${'x'.repeat(50_000)}\n\n`]);
  })();
  let before = -1;
  await expect
    .poll(
      () => {
        const stuck = before === written;
        before = written;
        return stuck;
      },
      { interval: 100 },
    )
    .toBe(true);
  expect(written).toBeLessThan(400);
  // The reader, in a thread of its own, goes on in time; we do not see it before the time is over.
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a worker has no origin
  reader.postMessage('read');
  await new Promise<void>(resolve => {
    setImmediate(() => {
      const until = Date.now() + 1_500;
      while (Date.now() < until);
      resolve();
    });
  });
  await writing;
  expect(stream.open).toBe(true);
  stream.end();
  await reader.terminate();
});

test('a reader that leaves ends the wait', async () => {
  const socket = deaf();
  const stream = new EventStream(await accepted, limits());
  const writing = (async (): Promise<void> => {
    while (stream.open) await stream.write([`data: ${'x'.repeat(100_000)}\n\n`]);
  })();
  await new Promise(resolve => setTimeout(resolve, 50));
  socket.destroy();
  await writing;
  expect(stream.open).toBe(false);
});

test('a quiet stream has heartbeats, which are no events, until it ends', async () => {
  const message = reading();
  const stream = new EventStream(await accepted, limits({ heartbeatMs: 5 }));
  const read = text(await message);
  await new Promise(resolve => setTimeout(resolve, 60));
  await stream.write(['data: 1\n\n']);
  stream.end();
  const whole = await read;
  expect(whole).toMatch(/^(: still here\n\n)+data: 1\n\n(: still here\n\n)*$/);
});

test('a stream that its writer forgot sends nothing more once the reader has gone', async () => {
  const socket = deaf();
  const res = await accepted;
  const stream = new EventStream(res, limits({ heartbeatMs: 5 }));
  socket.destroy();
  await once(res, 'close');
  let writes = 0;
  res.write = () => {
    writes += 1;
    return true;
  };
  await new Promise(resolve => setTimeout(resolve, 60));
  expect([writes, stream.open]).toEqual([0, false]);
});

test('a stream that is cut does not look complete', async () => {
  const message = reading();
  const stream = new EventStream(await accepted, limits());
  const read = text(await message);
  await stream.write(['data: 1\n\n']);
  stream.cut();
  await expect(read).rejects.toThrow('aborted');
});
