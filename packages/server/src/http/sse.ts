/** Server-sent events on node's response: a batch of events is one write, the socket's back-pressure is ours, and a quiet stream has a heartbeat. */
import { perdureError } from '@perdure/protocol';
import type { ServerResponse } from 'node:http';
import type { Headers } from './reply.ts';
import type { HttpLimits } from './types.ts';

export class EventStream {
  readonly #res: ServerResponse;
  readonly #limits: HttpLimits;
  readonly #heartbeat: NodeJS.Timeout;

  /** Sends the head with the first events, or without them if they are not there yet: a client knows at once that it is heard. */
  constructor(res: ServerResponse, limits: HttpLimits, headers: Headers = {}) {
    this.#res = res;
    this.#limits = limits;
    res.writeHead(200, {
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-cache, no-transform',
      'x-accel-buffering': 'no',
      ...headers,
    });
    setImmediate(() => {
      if (!res.destroyed && !res.writableEnded) res.flushHeaders();
    });
    this.#heartbeat = setInterval(() => {
      if (!this.#full) res.write(': still here\n\n');
    }, limits.heartbeatMs).unref();
    // However the stream ends, also when nobody writes to it any more.
    res.once('close', () => clearInterval(this.#heartbeat));
  }

  get open(): boolean {
    return !this.#res.destroyed && !this.#res.writableEnded;
  }

  /** Writes events; resolves once the socket takes more. @throws deadline_exceeded if it does not for too long */
  async write(events: readonly string[]): Promise<void> {
    if (!this.open) return;
    // One chunk a batch: what node's response flushes when it is uncorked is a system call for each part of each chunk.
    this.#res.write(events.length === 1 ? events[0] : events.join(''));
    this.#heartbeat.refresh();
    if (this.open && this.#full) await this.#drained();
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
      const timer = setTimeout(() => {
        done();
        res.destroy();
        reject(perdureError('deadline_exceeded', 'The reader did not take what was sent.'));
      }, this.#limits.patienceMs);
      const done = (): void => {
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
    if (this.open) this.#res.end();
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
