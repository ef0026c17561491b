/** A server over its standard streams, one JSON message a line, as the client of the SDK wants it. */
import { type JSONRPCMessage, ReadBuffer, serializeMessage, type Transport } from '@modelcontextprotocol/client';
import { AnswerTooLargeError } from './guarded-fetch.ts';
import type { ServerProcess } from './ports.ts';

export class ProcessTransport implements Transport {
  onclose?: () => void;
  onerror?: (error: Error) => void;
  onmessage?: Transport['onmessage'];
  /** By these two the client knows that it speaks to a process: one that is silent when asked for its version is an older one. */
  readonly stderr = null;
  readonly pid = null;
  readonly #start: () => Promise<ServerProcess>;
  readonly #lineBytes: number;
  readonly #buffer: ReadBuffer;
  #process: ServerProcess | null = null;
  #closing: Promise<void> | null = null;

  constructor(start: () => Promise<ServerProcess>, lineBytes: number) {
    this.#start = start;
    this.#lineBytes = lineBytes;
    this.#buffer = new ReadBuffer({ maxBufferSize: lineBytes });
  }

  async start(): Promise<void> {
    const started = await this.#start();
    this.#process = started;
    started.output.on('data', (chunk: Buffer) => this.#read(chunk));
    started.output.on('error', (error: Error) => this.onerror?.(error));
    void started.exited.then(() => this.close());
    // Closed while it was started: nobody else ends it.
    if (this.#closing !== null) await started.end();
  }

  #read(chunk: Buffer): void {
    if (this.#closing !== null) return;
    try {
      this.#buffer.append(chunk);
    } catch {
      this.onerror?.(new AnswerTooLargeError(`A line of a server has ${this.#lineBytes} bytes at most.`));
      void this.close();
      return;
    }
    for (;;) {
      try {
        const message = this.#buffer.readMessage();
        if (message === null) return;
        this.onmessage?.(message);
      } catch (error) {
        this.onerror?.(error instanceof Error ? error : new Error('a line of a server is no message'));
      }
    }
  }

  async send(message: JSONRPCMessage): Promise<void> {
    const input = this.#process?.input;
    if (input === undefined || this.#closing !== null || !input.writable) throw new Error('the server has ended');
    if (input.write(serializeMessage(message))) return;
    await new Promise<void>(resolve => {
      input.once('drain', resolve);
      input.once('close', resolve);
    });
  }

  close(): Promise<void> {
    this.#closing ??= this.#end();
    return this.#closing;
  }

  async #end(): Promise<void> {
    const ended = this.#process?.end();
    this.onclose?.();
    await ended;
    this.#buffer.clear();
  }
}
