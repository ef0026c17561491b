/** Server-sent events on node's response: one event is one write, the socket's back-pressure is ours, and a quiet stream has a heartbeat. */
import { perdureError } from '@perdure/protocol';
import type { ServerResponse } from 'node:http';
import type { Headers } from './reply.ts';
import type { HttpLimits } from './types.ts';

export class EventStream {
  readonly #res: ServerResponse;
  readonly #limits: HttpLimits;
  readonly #heartbeat: NodeJS.Timeout;

  /** Sends the head at once: a client knows that it is heard before the first event. */
  constructor(res: ServerResponse, limits: HttpLimits, headers: Headers = {}) {
    this.#res = res;
    this.#limits = limits;
    res.writeHead(200, {
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-cache, no-transform',
      'x-accel-buffering': 'no',
      ...headers,
    });
    res.flushHeaders();
    this.#heartbeat = setInterval(() => res.write(': still here\n\n'), limits.heartbeatMs).unref();
  }

  get open(): boolean {
    return !this.#res.destroyed && !this.#res.writableEnded;
  }

  /** Writes events; resolves once the socket takes more. @throws deadline_exceeded if it does not for too long */
  async write(events: readonly string[]): Promise<void> {
    if (!this.open) return;
    let room = true;
    // One write an event, one flush a batch.
    this.#res.cork();
    for (const event of events) room = this.#res.write(event);
    this.#res.uncork();
    this.#heartbeat.refresh();
    if (!room && this.open) await this.#drained();
  }

  #drained(): Promise<void> {
    const res = this.#res;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        done();
        res.destroy();
        reject(perdureError('deadline_exceeded', 'The reader did not take what was sent.'));
      }, this.#limits.patienceMs);
      const done = (): void => {
        clearTimeout(timer);
        res.off('drain', onRoom).off('close', onRoom);
      };
      const onRoom = (): void => {
        done();
        resolve();
      };
      res.on('drain', onRoom).on('close', onRoom);
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
