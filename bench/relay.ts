/**
 * The floors: a `node:http` relay that forwards bytes both ways over kept-alive connections.
 *
 *   node relay.ts UPSTREAM [none | beside | before | events | kept]
 *
 * - `none`: it does nothing else.
 * - `beside`: it commits two rows to SQLite in another thread while the upstream works, and holds the answer back until they are on the disk: the
 *   least that any process pays that keeps a record of a call before it answers.
 * - `before`: it commits before it asks, and again before it passes on the first of the answer: the least for a turn that is stored.
 * - `events`: it makes one write of each event of a stream: the floor of many streams at once.
 * - `kept`: the same, each event once it is on the disk, those that came meanwhile in one commit: the floor of many streams that are stored.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { Agent, createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';

const [address = '', mode = 'none'] = process.argv.slice(2);
const upstream = new URL(address);
const agent = new Agent({ keepAlive: true, maxSockets: 1024 });
const folder = mkdtempSync(join(tmpdir(), 'perdure-bench-floor-'));

/** Resolves once a record is on the disk. */
function committer(): (text?: string) => Promise<void> {
  const worker = new Worker(new URL('./relay-commit.ts', import.meta.url), { workerData: join(folder, 'floor.db') });
  const waiting: (() => void)[] = [];
  worker.on('message', () => waiting.shift()?.());
  worker.unref();
  return (text = 'x'.repeat(300)) =>
    new Promise(resolve => {
      waiting.push(resolve);
      // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a worker has no origin
      worker.postMessage(text);
    });
}

const commit = mode === 'none' ? () => Promise.resolve() : committer();

function ask(req: IncomingMessage, res: ServerResponse, onAnswer: (answer: IncomingMessage) => void) {
  const { hostname, port } = upstream;
  const path = upstream.pathname.replace(/\/$/, '') + (req.url ?? '');
  const forward = request({ agent, hostname, port, path, method: req.method, headers: req.headers }, onAnswer);
  forward.on('error', () => res.destroy());
  return forward;
}

function pass(answer: IncomingMessage, res: ServerResponse): void {
  res.writeHead(answer.statusCode ?? 502, answer.headers);
  answer.pipe(res);
}

async function before(req: IncomingMessage, res: ServerResponse): Promise<void> {
  const parts: Buffer[] = [];
  for await (const part of req) parts.push(part as Buffer);
  await commit();
  ask(req, res, answer => void commit().then(() => pass(answer, res))).end(Buffer.concat(parts));
}

type Write = (res: ServerResponse, text: string, last?: 'last') => boolean;

/** Once it is on the disk. */
function keeper(): Write {
  let waiting: { readonly res: ServerResponse; readonly text: string; readonly last: boolean }[] = [];
  let busy = false;
  async function keep(): Promise<void> {
    busy = true;
    while (waiting.length > 0) {
      const group = waiting;
      waiting = [];
      await commit(group.map(({ text }) => text).join(''));
      for (const { res, text, last } of group) {
        if (text !== '') res.write(text);
        if (last) res.end();
      }
    }
    busy = false;
  }
  return (res, text, last) => {
    waiting.push({ res, text, last: last !== undefined });
    if (!busy) void keep();
    return true;
  };
}

/** Each event of a stream in a write of its own. */
function passEvents(answer: IncomingMessage, res: ServerResponse, write: Write): void {
  res.writeHead(answer.statusCode ?? 502, answer.headers);
  let rest = '';
  answer.setEncoding('utf8');
  answer.on('data', (text: string) => {
    const events = (rest + text).split('\n\n');
    rest = events.pop() ?? '';
    let room = true;
    for (const event of events) room = write(res, `${event}\n\n`);
    if (room) return;
    answer.pause();
    res.once('drain', () => answer.resume());
  });
  answer.on('end', () => write(res, rest, 'last'));
}

function writeNow(res: ServerResponse, text: string, last?: 'last'): boolean {
  if (last === undefined) return res.write(text);
  res.end(text);
  return true;
}

const write: Write = mode === 'kept' ? keeper() : writeNow;

const server = createServer((req, res) => {
  if (mode === 'events' || mode === 'kept')
    return void req.pipe(ask(req, res, answer => passEvents(answer, res, write)));
  if (mode === 'before') return void before(req, res);
  const committed = commit();
  req.pipe(
    ask(req, res, answer => {
      if (mode === 'none') pass(answer, res);
      else void committed.then(() => pass(answer, res));
    }),
  );
});
server.listen(0, '127.0.0.1', () =>
  process.stdout.write(`${JSON.stringify({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` })}\n`),
);
process.on('SIGTERM', () => {
  rmSync(folder, { recursive: true, force: true });
  process.exit(0);
});
