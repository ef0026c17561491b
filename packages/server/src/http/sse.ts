/** Server-sent events on node's response: a batch of events is one write as long as it is small, the socket's back-pressure is ours, and a quiet stream has a heartbeat. */
import { perdureError } from '@perdure/protocol';
import type { ServerResponse } from 'node:http';
import { type Headers, processingTime } from './reply.ts';
import type { HttpLimits } from './types.ts';

/** Characters of events that go to the socket at once: a reader of a long stream that stops reading has no more than that waiting for it. */
export const PIECE_CHARS: number = 64 * 1024;

/** Where the events end that are written together with the one at `from`. */
function endOfPiece(events: readonly string[], from: number): number {
  let to = from + 1;
  let chars = events[from]?.length ?? 0;
  for (; to < events.length; to++) {
    chars += events[to]?.length ?? 0;
    if (chars > PIECE_CHARS) break;
  }
  return to;
}

/** Why steps are not taken any more: nobody reads what they are written to. */
export const READER_LEFT: Error = new Error('the reader left');

export class EventStream {
  readonly #res: ServerResponse;
  readonly #limits: HttpLimits;
  readonly #heartbeat: NodeJS.Timeout;
  /** Whether the body goes out in chunks; they are framed here. */
  readonly #chunked: boolean;
  /** Whether the head has gone out with an event. */
  #begun = false;

  /** Sends the head with the first events, or without them if they are not there yet: a client knows at once that it is heard. */
  constructor(res: ServerResponse, limits: HttpLimits, headers: Headers = {}) {
    this.#res = res;
    this.#limits = limits;
    res.writeHead(200, {
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-cache, no-transform',
      'x-accel-buffering': 'no',
      ...processingTime(res),
      ...headers,
    });
    // Node corks the size, the text and the end of a chunk as parts of their own, which costs more than half of a write.
    this.#chunked = res.chunkedEncoding;
    res.chunkedEncoding = false;
    setImmediate(() => {
      // Node flushes a head by an empty write, also where the head has gone out with the first events.
      if (!this.#begun && !res.destroyed && !res.writableEnded) res.flushHeaders();
    });
    this.#heartbeat = setInterval(() => {
      if (!this.#full) this.#send(': still here\n\n');
    }, limits.heartbeatMs).unref();
    // However the stream ends, also when nobody writes to it any more.
    res.once('close', () => clearInterval(this.#heartbeat));
  }

  get open(): boolean {
    return !this.#res.destroyed && !this.#res.writableEnded;
  }

  /** Writes events; resolves once the socket takes more. @throws deadline_exceeded if it does not for too long */
  async write(events: readonly string[]): Promise<void> {
    await this.put(events);
  }

  /** The same, without a promise as long as the socket takes more. */
  put(events: readonly string[], first = 0): Promise<void> | undefined {
    for (let from = first; from < events.length && this.open; ) {
      const to = endOfPiece(events, from);
      this.#send(to - from === 1 ? (events[from] ?? '') : events.slice(from, to).join(''));
      this.#heartbeat.refresh();
      if (this.open && this.#full) return this.#drained().then(() => this.put(events, to));
      from = to;
    }
    return undefined;
  }

  #send(text: string): void {
    // An empty chunk would be the last one.
    if (text === '') return;
    this.#begun = true;
    this.#res.write(this.#chunked ? `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n` : text);
  }

  /** Asked of the socket: what is written in this turn of the event loop is still corked there. */
  get #full(): boolean {
    // Without a socket an earlier answer on the same connection is still being written.
    return this.#res.socket?.writableNeedDrain ?? true;
  }

  #drained(): Promise<void> {
    const res = this.#res;
    const { socket } = res;
    return new Promise((resolve, reject) => {
      // Where our own loop was held up the reader may have taken all of it long ago: that is seen only once the sockets were looked at.
      const timer = setTimeout(() => setImmediate(late), this.#limits.patienceMs);
      let over = false;
      const late = (): void => {
        if (over) return;
        done();
        res.destroy();
        reject(perdureError('deadline_exceeded', 'The reader did not take what was sent.'));
      };
      const done = (): void => {
        over = true;
        clearTimeout(timer);
        socket?.off('drain', onRoom);
        res.off('socket', onRoom).off('close', onRoom);
      };
      const onRoom = (): void => {
        done();
        resolve();
      };
      socket?.on('drain', onRoom);
      res.on('socket', onRoom).on('close', onRoom);
    });
  }

  end(): void {
    clearInterval(this.#heartbeat);
    if (this.open) this.#res.end(this.#chunked ? '0\r\n\r\n' : undefined);
  }

  /** Ends a stream whose end cannot be told: the client must not take it for complete. */
  cut(): void {
    clearInterval(this.#heartbeat);
    this.#res.destroy();
  }
}

/** A named event. */
export function namedEvent(type: string, json: string): string {
  return `event: ${type}\ndata: ${json}\n\n`;
}

/** An event without a name, as Chat Completions sends them. */
export function dataEvent(json: string): string {
  return `data: ${json}\n\n`;
}
