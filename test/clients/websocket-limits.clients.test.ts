import { connect, type Socket } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import type { Step } from '../../packages/server/src/log/steps.ts';
import { batches, END, message } from '../../packages/server/src/engine/scripted-provider.test-support.ts';
import { type Gate, gate, until } from '../../packages/server/src/engine/world.test-support.ts';
import { CONNECTION_BOUNDS } from '../../packages/server/src/http/websocket/limits.ts';
import { refused, TestSocket } from '../support/socket.ts';
import { type SocketWorld, startSocketWorld } from '../support/socket-world.ts';

/** What a connection may not do, each bound from both sides. */
let served: SocketWorld | null = null;
afterEach(async () => {
  await served?.close();
  served = null;
});

async function start(over: Parameters<typeof startSocketWorld>[0] = {}): Promise<SocketWorld> {
  served = await startSocketWorld(over);
  return served;
}

const open = (world: SocketWorld, key = 'ACME'): Promise<TestSocket> => TestSocket.open(world, { key });
const GPT = { model: 'gpt', store: false };

function waits(opens: Gate): () => AsyncGenerator<readonly Step[]> {
  return async function* script() {
    await opens.opened;
    yield message('Hi.');
    yield [END];
  };
}

describe('connections', () => {
  test('count as requests of their key, with each response after the first; one too many is refused, and the socket stays', async () => {
    const rule = { per: 'key', tenant: null, key: null, requestsPerDay: null, tokensPerMinute: null } as const;
    const world = await start({ rates: [{ ...rule, requestsPerMinute: 2, concurrentRequests: null }] });
    const socket = await open(world);
    for (const expected of ['response.completed', 'response.completed', 'error']) {
      socket.create('Hello', GPT);
      const frame = await socket.next(({ type }) => type === 'response.completed' || type === 'error');
      expect(frame.type).toBe(expected);
      if (expected === 'error') expect(frame).toMatchObject({ status: 429, error: { code: 'rate_limit_exceeded' } });
    }
    expect(socket.ws.readyState).toBe(socket.ws.OPEN);
  });

  test('are bounded for a key and for the server, and one that ends makes room', async () => {
    const world = await start({ websocket: { connections: 3, connectionsPerKey: 2 } });
    const first = await open(world);
    await open(world);
    const full = { status: 429, code: 'websocket_connection_limit_reached' };
    expect(await refused(world, { key: 'ACME' })).toMatchObject(full);
    await open(world, 'RIVAL');
    expect(await refused(world, { key: 'RIVAL' })).toMatchObject(full);
    first.close();
    await first.closed;
    await expect
      .poll(() =>
        open(world)
          .then(() => true)
          .catch(() => false),
      )
      .toBe(true);
  });

  test('end when their time is over: an idle one at once, a busy one after what runs', async () => {
    const world = await start({ websocket: { lifetimeMs: 1_500 } });
    const opens = gate();
    world.world.provider.follow(waits(opens));
    const [idle, busy] = await Promise.all([open(world), open(world)]);
    busy.create('Hello.', GPT);
    busy.create('Queued.', GPT);
    expect(await idle.closed).toMatchObject({ code: 1001 });
    const limit = { type: 'error', status: 400, error: { code: 'websocket_connection_limit_reached' } };
    expect(idle.frames).toMatchObject([limit]);
    // What had not begun is told to go elsewhere; so is what comes now.
    expect(await busy.end()).toMatchObject(limit);
    busy.create('Late.', { ...GPT, stream_id: 'late' });
    expect(await busy.of('error', 'late')).toMatchObject(limit);
    opens.open();
    expect(await busy.end()).toMatchObject({ status: 'completed' });
    expect(await busy.closed).toMatchObject({ code: 1001 });
    expect(busy.frames.at(-1)).toMatchObject({
      ...limit,
      error: { message: expect.stringContaining('Create a new websocket connection to continue.') },
    });
  });

  test('end with the server, after what runs, within its time', async () => {
    const world = await start();
    const opens = gate();
    world.world.provider.follow(waits(opens));
    const [idle, busy, stuck] = await Promise.all([open(world), open(world), open(world)]);
    busy.create('Hello.', GPT);
    stuck.create('Hello.', GPT);
    await until(() => world.world.provider.calls.length === 2, 'the calls');
    const closed = world.sockets.close(500);
    expect(await idle.closed).toMatchObject({ code: 1012 });
    busy.create('More.', GPT);
    expect(await busy.end()).toMatchObject({ status: 503, error: { code: 'server_draining' } });
    expect(await refused(world, { key: 'ACME' })).toMatchObject({ status: 503, code: 'server_draining' });
    stuck.ws.pause();
    opens.open();
    expect(await busy.end()).toMatchObject({ status: 'completed' });
    expect(await busy.closed).toMatchObject({ code: 1012 });
    await closed;
    stuck.ws.resume();
    await stuck.closed;
  });

  test('that answer no ping are ended', async () => {
    const world = await start({ limits: { heartbeatMs: 50 } });
    const alive = await open(world);
    const dead = await TestSocket.open(world, { key: 'ACME', autoPong: false });
    expect(await dead.closed).toMatchObject({ code: 1006 });
    expect(alive.ws.readyState).toBe(alive.ws.OPEN);
  });
});

describe('frames', () => {
  test('wait in bounded number', async () => {
    const world = await start();
    const opens = gate();
    world.world.provider.follow(waits(opens));
    const socket = await open(world);
    const { frames } = CONNECTION_BOUNDS;
    for (let i = 0; i < frames + 2; i++) socket.create('Hello.', GPT);
    expect(await socket.end()).toMatchObject({ status: 429, error: { code: 'websocket_queue_full' } });
    opens.open();
    for (let i = 0; i < frames + 1; i++) expect(await socket.end()).toMatchObject({ status: 'completed' });
  });

  test('run at most sixteen at once, whatever their lanes', async () => {
    const world = await start();
    const opens = gate();
    const { responses } = CONNECTION_BOUNDS;
    let running = 0;
    let most = 0;
    world.world.provider.follow(async function* script() {
      running += 1;
      most = Math.max(most, running);
      yield* waits(opens)();
      running -= 1;
    });
    const socket = await open(world);
    for (let i = 0; i <= responses; i++) socket.create('Hello.', { ...GPT, stream_id: `lane_${i}` });
    await until(() => world.world.provider.calls.length === responses, 'the calls');
    opens.open();
    for (let i = 0; i <= responses; i++) expect(await socket.end()).toMatchObject({ status: 'completed' });
    expect(most).toBe(responses);
  });

  test('may be as large as a request body, and no larger', async () => {
    const world = await start({ limits: { bodyBytes: 4096 } });
    const socket = await open(world);
    const frame = (bytes: number): string => {
      const empty = JSON.stringify({ type: 'response.create', ...GPT, input: '' });
      return JSON.stringify({ type: 'response.create', ...GPT, input: 'x'.repeat(bytes - empty.length) });
    };
    socket.send(frame(4096));
    expect(await socket.end()).toMatchObject({ status: 'completed' });
    socket.ws.on('error', () => undefined);
    socket.send(frame(4097));
    expect(await socket.closed).toMatchObject({ code: 1009 });
  });
});

describe('what a connection holds', () => {
  test('is bounded in bytes: what was used least recently goes first', async () => {
    const world = await start({ websocket: { cacheBytes: 5_000 } });
    world.world.provider.follow(() => batches(message('Ok.')));
    const socket = await open(world);
    const ids: string[] = [];
    for (const _ of [1, 2, 3]) {
      socket.create('x'.repeat(1_000), GPT);
      ids.push((await socket.end()).id);
    }
    socket.create('And?', { ...GPT, previous_response_id: ids[0] });
    expect(await socket.end()).toMatchObject({ error: { code: 'previous_response_not_found' } });
    socket.create('And?', { ...GPT, previous_response_id: ids[2] });
    expect(await socket.end()).toMatchObject({ status: 'completed' });
  });
});

describe('a client that does not read', () => {
  /** Opens a socket that reads its handshake and nothing more, and sends one frame. */
  async function deaf(world: SocketWorld, frame: object): Promise<Socket> {
    const raw = connect(Number(new URL(world.url).port), '127.0.0.1');
    const head = 'GET /v1/responses HTTP/1.1\r\nhost: x\r\nconnection: Upgrade\r\nupgrade: websocket\r\n';
    raw.write(
      `${head}sec-websocket-version: 13\r\nsec-websocket-key: ${btoa('0123456789abcdef')}\r\nauthorization: Bearer ACME\r\n\r\n`,
    );
    await new Promise(resolve => raw.once('data', resolve));
    raw.pause();
    const body = Buffer.from(JSON.stringify(frame));
    const header = Buffer.from([0x81, 0xfe, body.length >> 8, body.length & 255, 0, 0, 0, 0]);
    raw.write(Buffer.concat([header, body]));
    return raw;
  }

  test.each([true, false])('is cut after its patience, and nothing piles up for it (store: %s)', async store => {
    const world = await start({ limits: { patienceMs: 300 }, world: { limits: { outputChars: 1e9 } } });
    let given = 0;
    const CHUNK = 'x'.repeat(64 * 1024);
    const CHUNKS = 400;
    world.world.provider.follow(async function* script() {
      yield message('').slice(0, 2);
      for (; given < CHUNKS; given++) {
        yield [{ type: 'delta', index: 0, part: 0, text: CHUNK }];
        await new Promise(resolve => setImmediate(resolve));
      }
      yield [...message('').slice(-2), END];
    });
    const raw = await deaf(world, { type: 'response.create', model: 'gpt', input: 'Hi.', store });
    raw.on('error', () => undefined);
    await until(() => world.booted.engine.busy === 1, 'the call');
    await until(() => world.booted.engine.busy === 0, 'its end');
    // 26 MB were to be said. A stored turn says them into its log, whoever reads; what is not stored ends with its reader.
    if (store) expect(given).toBe(CHUNKS);
    else expect(given).toBeLessThan(CHUNKS / 2);
    raw.resume();
    let read = 0;
    raw.on('data', (bytes: Buffer) => (read += bytes.length));
    await new Promise(resolve => raw.once('close', resolve));
    expect(read).toBeLessThan((CHUNKS / 2) * CHUNK.length);
  });
});
