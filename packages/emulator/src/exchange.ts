import type { ServerResponse } from 'node:http';

/**
 * One HTTP answer under way. Every wait in it ends when the client leaves or the server closes, and no timer outlives
 * it.
 */
export class Exchange {
  readonly response: ServerResponse;
  readonly #startedAt: number = performance.now();
  #gone = false;
  #wake: (() => void) | null = null;

  constructor(response: ServerResponse) {
    this.response = response;
    response.once('close', () => {
      this.#gone = true;
      this.#wake?.();
    });
    response.on('error', () => undefined);
  }

  /** Settles the status and headers; they leave with the first write. */
  head(status: number, headers: Readonly<Record<string, string | number>>): void {
    const elapsed = Math.round(performance.now() - this.#startedAt);
    this.response.writeHead(status, { 'openai-processing-ms': String(elapsed), ...headers });
  }

  /** One whole JSON answer. */
  json(status: number, body: string, headers: Readonly<Record<string, string>> = {}): void {
    this.head(status, { 'content-type': 'application/json', ...headers, 'content-length': Buffer.byteLength(body) });
    this.response.end(body);
  }

  /** True once nothing can be sent any more. */
  get gone(): boolean {
    return this.#gone;
  }

  #wait(start: (done: () => void) => () => void): Promise<void> {
    if (this.#gone) return Promise.resolve();
    return new Promise(resolve => {
      const stop = start(() => this.#wake?.());
      this.#wake = () => {
        this.#wake = null;
        stop();
        resolve();
      };
    });
  }

  sleep(ms: number): Promise<void> {
    return this.#wait(done => {
      const timer = setTimeout(done, ms);
      return () => clearTimeout(timer);
    });
  }

  /** Until the client leaves or the server closes. */
  untilGone(): Promise<void> {
    return this.#wait(() => () => undefined);
  }

  /** Writes, and waits while the client does not read. */
  async write(text: string): Promise<void> {
    if (this.#gone || text === '' || this.response.write(text)) return;
    await this.#wait(done => {
      this.response.once('drain', done);
      return () => this.response.off('drain', done);
    });
  }

  /** Writes (the headers at least) and waits until the kernel has it all: what a client sees before a cut. */
  async flush(text: string): Promise<void> {
    if (this.#gone) return;
    this.response.flushHeaders();
    if (text !== '') this.response.write(text);
    await this.#wait(done => {
      this.response.socket?.write('', () => done());
      return () => undefined;
    });
  }

  /** Ends the connection as a crash would, without the end of the message. */
  destroy(): void {
    this.response.socket?.destroy();
  }
}
