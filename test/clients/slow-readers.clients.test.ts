import { readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { startEmulator, type Emulator } from '@perdure/emulator';
import OpenAI from 'openai';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ServerProcess, Workplace } from '../support/server-process.ts';
import { MODEL, targetOf } from '../support/stack.ts';

/** Readers that stop reading, against a server in a process of its own: what they are sent is not piled up in it. */
const PATIENCE_MS = 4_000;
const DEAF = 20;
/** Of each stream's text; its events are many times as much. */
const BYTES = 200_000;
const soon = { timeout: 60_000, interval: 200 };
const work = new Workplace();
let emulator: Emulator;
let server: ServerProcess;
let client: OpenAI;
beforeAll(async () => {
  emulator = await startEmulator({ clouds: ['aws'] });
  work.configure({
    targets: [targetOf(emulator, 'aws')],
    limits: { patience_ms: PATIENCE_MS, drain_ms: 0, turn_ms: 600_000, upstream: { idle_ms: 120_000 } },
  });
  server = await work.start();
  client = new OpenAI({ baseURL: `${server.url}/v1`, apiKey: 'local', maxRetries: 0 });
}, 60_000);
afterAll(async () => {
  for (const socket of sockets) socket.destroy();
  await work.close();
  await emulator.close();
});

const sockets: Socket[] = [];
/** Sends a request and reads nothing of its answer. */
function deaf(method: string, path: string, body?: object): void {
  const { hostname, port } = new URL(server.url);
  const socket = connect(Number(port), hostname);
  const json = body === undefined ? '' : JSON.stringify(body);
  socket.pause();
  socket.on('error', () => undefined);
  const head = `${method} ${path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n`;
  socket.write(`${head}content-length: ${Buffer.byteLength(json)}\r\n\r\n${json}`);
  sockets.push(socket);
}

const residentMb = (): number =>
  Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${server.pid}/status`, 'utf8'))?.[1]) / 1024;
/** The most that the server holds while `until` does not hold. */
async function mostWhile(until: () => Promise<boolean>): Promise<number> {
  let most = residentMb();
  const deadline = Date.now() + soon.timeout;
  while (!(await until())) {
    if (Date.now() > deadline) throw new Error('what was waited for did not come');
    await new Promise(resolve => setTimeout(resolve, 50));
    most = Math.max(most, residentMb());
  }
  return most;
}
interface Ended {
  readonly ended: string | null;
}
async function upstreamEnds(): Promise<readonly (string | null)[]> {
  const answer = await fetch(`${emulator.url}/_emulator/log`);
  const { requests } = (await answer.json()) as { requests: readonly Ended[] };
  return requests.map(({ ended }) => ended);
}
const floodOf = (bytes: number) => ({ model: MODEL, input: `Tell me all. [[bytes: ${bytes}]]`, stream: true });
const flood = floodOf(BYTES);
/**
 * More than the kernel holds of a stream on its way, whatever it grants: a socket sends from up to 4 MB and receives into up to 32 MB, and there
 * are two on the way from the upstream to the reader. A stream that fits would come to its end, and nobody would have to be cut.
 */
const ENDLESS = 10 * BYTES;
const KERNEL_MB = 2 * (4 + 32);

describe.runIf(process.platform === 'linux')('many readers that do not read', () => {
  test('of stateless streams: the upstream is read no further, then let go; nothing piles up', async () => {
    // What a first stream loads and compiles is no pile.
    const streamMb = await sizeMb({ ...flood, store: false });
    expect(streamMb).toBeGreaterThan(5);
    const before = residentMb();
    expect((streamMb * ENDLESS) / BYTES).toBeGreaterThan(KERNEL_MB);
    for (let i = 0; i < DEAF; i++) deaf('POST', '/v1/responses', { ...floodOf(ENDLESS), store: false });
    const most = await mostWhile(async () => {
      const ends = await upstreamEnds();
      return ends.length === DEAF + 1 && ends.every(end => end !== null);
    });
    // Cut, not completed: what was read of each is what sockets and the kernel hold.
    expect((await upstreamEnds()).filter(end => end === 'client-left').length).toBe(DEAF);
    expect(most - before).toBeLessThan((DEAF * streamMb) / 2);
  }, 120_000);

  test('of a stored stream that is read again: they are cut, and who reads gets all of it', async () => {
    let id = '';
    let events = 0;
    for await (const event of await client.responses.create({ ...flood, stream: true })) {
      if (event.type === 'response.created') id = event.response.id;
      events += 1;
    }
    for (let i = 0; i < DEAF; i++) deaf('GET', `/v1/responses/${id}?stream=true`);
    let again = 0;
    for await (const event of await client.responses.retrieve(id, { stream: true, starting_after: 9 })) {
      expect(event.sequence_number).toBe(10 + again);
      again += 1;
    }
    expect(again).toBe(events - 10);
    await expect.poll(openConnections, soon).toBeLessThanOrEqual(2);
    expect((await client.responses.retrieve(id)).output_text.length).toBeGreaterThan(BYTES * 0.9);
  }, 120_000);
});

async function sizeMb(body: object): Promise<number> {
  const answer = await fetch(`${server.url}/v1/responses`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  return (await answer.arrayBuffer()).byteLength / 1048576;
}

/** Connections that the server holds, by the kernel's account. */
function openConnections(): number {
  const port = Number(new URL(server.url).port).toString(16).toUpperCase().padStart(4, '0');
  // 01: established. Local address first.
  const held = new RegExp(`^\\s*\\d+: [0-9A-F]{8}:${port} [0-9A-F:]+ 01 `);
  return readFileSync('/proc/net/tcp', 'utf8')
    .split('\n')
    .filter(line => held.test(line)).length;
}
