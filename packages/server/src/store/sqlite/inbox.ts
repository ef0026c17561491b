/**
 * A worker's end of its link. Idle, the worker sleeps in `Atomics.wait` and not in its event loop: waking it so costs the server's thread a
 * fifth of what it costs to wake an event loop. So no timer and no listener of the worker ever fires; `next` has a timeout instead.
 *
 * A wake-up is never lost: the server's thread posts, then counts. The count is read before the port is found empty, and the sleep does not begin
 * if it has changed since.
 */
import { type MessagePort, receiveMessageOnPort } from 'node:worker_threads';
import type { Request, WorkerStart } from './messages.ts';

/** Nobody notifies it. */
const NEVER = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));

export class Inbox {
  readonly #port: MessagePort;
  readonly #posts: WorkerStart['posts'];

  constructor(port: MessagePort, posts: WorkerStart['posts']) {
    this.#port = port;
    this.#posts = posts;
  }

  /** What is there now; null if nothing is. */
  take(): readonly Request[] | null {
    return (receiveMessageOnPort(this.#port)?.message as readonly Request[] | undefined) ?? null;
  }

  /** Sleeps for `ms`, whatever comes. */
  pause(ms: number): void {
    if (ms > 0) Atomics.wait(NEVER, 0, 0, ms);
  }

  /** Sleeps until there is something; null if there was nothing for `ms`. */
  next(ms: number = Number.POSITIVE_INFINITY): readonly Request[] | null {
    for (;;) {
      const seen = Atomics.load(this.#posts, 0);
      const requests = this.take();
      if (requests !== null) return requests;
      if (Atomics.wait(this.#posts, 0, seen, ms) === 'timed-out') return this.take();
    }
  }
}

/** Says to the sleeping worker that something was posted to it. */
export function wake(posts: WorkerStart['posts']): void {
  Atomics.add(posts, 0, 1);
  Atomics.notify(posts, 0);
}
