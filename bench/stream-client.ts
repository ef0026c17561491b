/** Many streams read at once, over sockets: as little work for each byte as there can be, so that the reader is not what is measured. */
import { connect, type Socket } from 'node:net';
import { DeltaFinder, micros } from './stream-frames.ts';

export interface StreamLoad {
  /** The base URL, as in http://127.0.0.1:1/v1. */
  readonly url: string;
  readonly streams: number;
  readonly deltas: number;
  /** Between two deltas of a stream, ms; 0: as fast as they are taken. */
  readonly everyMs: number;
  readonly store: boolean;
  /** Over which the streams begin, ms. */
  readonly rampMs: number;
}

export interface StreamFigures {
  /** From where a delta left to where it was read, us; of the deltas that left while all streams ran. */
  readonly latencies: Float64Array;
  readonly deltas: number;
  /** From the first delta to the last, s. */
  readonly seconds: number;
}

/** @throws Error if a stream does not bring all its deltas and its end */
export async function readStreams(load: StreamLoad): Promise<StreamFigures> {
  const latencies = new Float64Array(load.streams * load.deltas);
  const leftAt = new Float64Array(load.streams * load.deltas);
  let count = 0;
  let first = Number.POSITIVE_INFINITY;
  let last = 0;
  const note = (sent: number): void => {
    const now = micros();
    leftAt[count] = sent;
    latencies[count++] = now - sent;
    first = Math.min(first, now);
    last = now;
  };
  let firstEnd = Number.POSITIVE_INFINITY;
  const all: Promise<void>[] = [];
  for (let i = 0; i < load.streams; i++) {
    all.push(readOne(load, note).then(() => void (firstEnd = Math.min(firstEnd, micros()))));
    if (load.rampMs > 0) await new Promise(resolve => setTimeout(resolve, load.rampMs / load.streams));
  }
  const lastBegin = micros();
  await Promise.all(all);
  if (count !== load.streams * load.deltas) throw new Error(`${count} deltas came of ${load.streams * load.deltas}`);
  const together = latencies.filter((_, i) => (leftAt[i] ?? 0) > lastBegin && (leftAt[i] ?? 0) < firstEnd);
  return { latencies: together, deltas: count, seconds: (last - first) / 1e6 };
}

function readOne({ url, deltas, everyMs, store }: StreamLoad, note: (sentMicros: number) => void): Promise<void> {
  const { hostname, port, pathname } = new URL(url);
  const body = JSON.stringify({
    model: 'bench',
    input: `${deltas} deltas every ${everyMs}`,
    stream: true,
    store,
  });
  const head = [
    `POST ${pathname.replace(/\/$/, '')}/responses HTTP/1.1`,
    `host: ${hostname}:${port}`,
    'content-type: application/json',
    'authorization: Bearer bench',
    `content-length: ${Buffer.byteLength(body)}`,
    'connection: close',
  ];
  return new Promise((resolve, reject) => {
    const finder = new DeltaFinder();
    const socket: Socket = connect(Number(port), hostname, () => socket.write(`${head.join('\r\n')}\r\n\r\n${body}`));
    let tail = '';
    socket.setNoDelay(true).setEncoding('latin1');
    socket.on('data', (text: string) => {
      finder.take(text, note);
      tail = (tail + text).slice(-16_384);
    });
    socket.on('error', reject);
    socket.on('close', () => {
      if (/event: response\.completed/.test(tail) || tail.includes('"type":"response.completed"')) resolve();
      else reject(new Error(`a stream ended with ${lastOf(tail)}`));
    });
  });
}

/** The last event of a stream, or what came in its place; its error, if it tells one. */
function lastOf(tail: string): string {
  const type = [...tail.matchAll(/event: (\S+)/g)].at(-1)?.[1];
  const error = /"error":(\{[^}]*\})/.exec(tail)?.[1];
  return type === undefined ? tail.slice(-400) : `${type} ${error ?? ''}`;
}
