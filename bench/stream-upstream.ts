/**
 * An upstream that only streams: Responses events, each its own write, each delta stamped with the moment at which it left. The input says how many and how fast:
 * `<n> deltas every <ms>`; every 0 is as fast as the reader takes them.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { stamp } from './stream-frames.ts';

const ITEM = { type: 'message', id: 'msg_1', role: 'assistant', status: 'in_progress', content: [] };
const PLACE = '"item_id":"msg_1","output_index":0,"content_index":0';
/** Beside the stamp: a token of four characters. */
const TEXT = ' wor';
/** Looked at for streams whose next delta is due, ms. */
const TICK_MS = 2;

interface Stream {
  readonly res: ServerResponse;
  readonly everyMs: number;
  left: number;
  seq: number;
  due: number;
  text: string;
}

const streams = new Set<Stream>();
/** Streams that were asked for so far: `GET /calls` tells. */
let calls = 0;

function frame(stream: Stream, type: string, rest: string): string {
  return `event: ${type}\ndata: {"type":"${type}","sequence_number":${stream.seq++},${rest}}\n\n`;
}

function response(status: string, output: readonly unknown[], tokens: number): string {
  const usage = { input_tokens: 8, input_tokens_details: { cached_tokens: 0 }, output_tokens: tokens };
  const whole = { ...usage, output_tokens_details: { reasoning_tokens: 0 }, total_tokens: 8 + tokens };
  return `"response":${JSON.stringify({ id: 'resp_1', object: 'response', status, model: 'bench', output, usage: status === 'completed' ? whole : null })}`;
}

/** One delta; false if the reader must be waited for. */
function delta(stream: Stream): boolean {
  const text = `${stamp()}${TEXT}`;
  stream.text += text;
  stream.left -= 1;
  return stream.res.write(frame(stream, 'response.output_text.delta', `${PLACE},"delta":"${text}","logprobs":[]`));
}

function finish(stream: Stream): void {
  streams.delete(stream);
  const { res, text } = stream;
  const part = { type: 'output_text', text, annotations: [], logprobs: [] };
  const item = { ...ITEM, status: 'completed', content: [part] };
  res.write(frame(stream, 'response.output_text.done', `${PLACE},"text":${JSON.stringify(text)},"logprobs":[]`));
  res.write(frame(stream, 'response.content_part.done', `${PLACE},"part":${JSON.stringify(part)}`));
  res.write(frame(stream, 'response.output_item.done', `"output_index":0,"item":${JSON.stringify(item)}`));
  res.end(frame(stream, 'response.completed', response('completed', [item], stream.seq)));
}

async function flood(stream: Stream): Promise<void> {
  while (stream.left > 0 && !stream.res.destroyed)
    if (!delta(stream)) await new Promise(resolve => stream.res.once('drain', resolve).once('close', resolve));
  finish(stream);
}

async function answer(req: IncomingMessage, res: ServerResponse): Promise<void> {
  if (req.method === 'GET') return void res.end(String(calls));
  calls += 1;
  const parts: Buffer[] = [];
  for await (const part of req) parts.push(part as Buffer);
  const [, count = '1', every = '0'] = /(\d+) deltas every (\d+)/.exec(Buffer.concat(parts).toString('utf8')) ?? [];
  const stream: Stream = { res, everyMs: Number(every), left: Number(count), seq: 0, due: 0, text: '' };
  res.writeHead(200, { 'content-type': 'text/event-stream', 'x-request-id': 'req_1' });
  res.write(frame(stream, 'response.created', response('in_progress', [], 0)));
  res.write(frame(stream, 'response.output_item.added', `"output_index":0,"item":${JSON.stringify(ITEM)}`));
  const part = { type: 'output_text', text: '', annotations: [], logprobs: [] };
  res.write(frame(stream, 'response.content_part.added', `${PLACE},"part":${JSON.stringify(part)}`));
  if (stream.everyMs === 0) return flood(stream);
  // Each at a moment of its own, as models are.
  stream.due = performance.now() + Math.random() * stream.everyMs;
  streams.add(stream);
  res.on('close', () => streams.delete(stream));
}

setInterval(() => {
  const now = performance.now();
  for (const stream of streams) {
    if (stream.due > now) continue;
    if (stream.left === 0) {
      finish(stream);
      continue;
    }
    delta(stream);
    stream.due += stream.everyMs;
  }
}, TICK_MS);

/** Longer than the pause between two runs on a busy machine: a connection that we close just as it is used again fails the call. */
const KEEP_ALIVE_MS = 120_000;

const server = createServer(
  { keepAliveTimeout: KEEP_ALIVE_MS },
  (req, res) => void answer(req, res).catch(() => res.destroy()),
);
server.listen(0, '127.0.0.1', () =>
  process.stdout.write(`${JSON.stringify({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` })}\n`),
);
process.on('SIGTERM', () => {
  server.closeAllConnections();
  server.close(() => process.exit(0));
});
