/** A server over its standard streams, one JSON message a line, as the client of the SDK wants it. */
import {
  deserializeMessage,
  type JSONRPCMessage,
  serializeMessage,
  type Transport,
} from '@modelcontextprotocol/client';
import type { ServedProcess } from '../../engine/tools/ports.ts';
import { AnswerTooLargeError } from './guarded-fetch.ts';
import { LineBuffer } from './line-buffer.ts';

export class ProcessTransport implements Transport {
  onclose?: () => void;
  onerror?: (error: Error) => void;
  onmessage?: Transport['onmessage'];
  /** By these two the client knows that it speaks to a process: one that is silent when asked for its version is an older one. */
  readonly stderr = null;
  readonly pid = null;
  readonly #start: () => Promise<ServedProcess>;
  readonly #lineBytes: number;
  readonly #buffer: LineBuffer;
  #process: ServedProcess | null = null;
  #closing: Promise<void> | null = null;
  #missing = false;

  constructor(start: () => Promise<ServedProcess>, lineBytes: number) {
    this.#start = start;
    this.#lineBytes = lineBytes;
    this.#buffer = new LineBuffer(lineBytes);
  }

  /** Whether it ended because its program is not there. */
  get missing(): boolean {
    return this.#missing;
  }

  async start(): Promise<void> {
    const started = await this.#start();
    this.#process = started;
    started.output.on('data', (chunk: Buffer) => this.#read(chunk));
    started.output.on('error', (error: Error) => this.onerror?.(error));
    void started.exited.then(how => {
      this.#missing = how === 'missing';
      return this.close();
    });
    // Closed while it was started: nobody else ends it.
    if (this.#closing !== null) await started.end();
  }

  #read(chunk: Buffer): void {
    if (this.#closing !== null) return;
    const lines = this.#buffer.append(chunk);
    if (lines === null) {
      this.onerror?.(new AnswerTooLargeError(`A line of a server has ${this.#lineBytes} bytes at most.`));
      void this.close();
      return;
    }
    for (const line of lines) {
      try {
        this.onmessage?.(deserializeMessage(line));
      } catch (error) {
        // A line that is no JSON is passed over: servers print banners.
        if (!(error instanceof SyntaxError))
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
