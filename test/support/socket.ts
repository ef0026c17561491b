/** A WebSocket to the server under test, by hand: what it sends is kept and held against its schema. */
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { type ClientOptions, WebSocket } from 'ws';
import { MODEL, type Stack } from './stack.ts';

/** What a socket is opened to. */
export type Served = Pick<Stack, 'url' | 'wire'>;

export interface Frame {
  readonly type: string;
  readonly stream_id?: string;
  readonly [name: string]: unknown;
}

/** Deadline of a frame that is waited for, ms. */
const WAIT_MS = 10_000;

export class TestSocket {
  readonly ws: WebSocket;
  readonly frames: Frame[] = [];
  /** The same, as they came. */
  readonly texts: string[] = [];
  #read = 0;
  #wake: (() => void) | null = null;
  readonly closed: Promise<{ readonly code: number; readonly reason: string }>;

  constructor(stack: Served, options: ClientOptions & { readonly key?: string } = {}) {
    const { key, ...rest } = options;
    const headers = { ...(key !== undefined && { authorization: `Bearer ${key}` }), ...rest.headers };
    this.ws = new WebSocket(`${stack.url.replace('http', 'ws')}/v1/responses`, { ...rest, headers });
    const check = stack.wire.frames();
    this.ws.on('message', data => {
      const text = (data as Buffer).toString('utf8');
      check(text);
      this.texts.push(text);
      this.frames.push(JSON.parse(text) as Frame);
      this.#wake?.();
    });
    this.closed = new Promise(resolve => {
      this.ws.on('close', (code, reason) => {
        resolve({ code, reason: reason.toString() });
        this.#wake?.();
      });
    });
  }

  static async open(stack: Served, options: ClientOptions & { readonly key?: string } = {}): Promise<TestSocket> {
    const socket = new TestSocket(stack, options);
    await once(socket.ws, 'open');
    return socket;
  }

  send(frame: object | string): void {
    this.ws.send(typeof frame === 'string' ? frame : JSON.stringify(frame));
  }

  create(input: unknown, more: object = {}): void {
    this.send({ type: 'response.create', model: MODEL, input, ...more });
  }

  /** The next frame that passes; those before it are passed over. */
  async next(passes: (frame: Frame) => boolean = () => true): Promise<Frame> {
    const until = Date.now() + WAIT_MS;
    for (;;) {
      while (this.#read < this.frames.length) {
        const frame = this.frames[this.#read++];
        if (frame !== undefined && passes(frame)) return frame;
      }
      if (this.ws.readyState === WebSocket.CLOSED) throw new Error('the socket was closed');
      if (Date.now() > until) throw new Error(`never came; the last was ${JSON.stringify(this.frames.at(-1))}`);
      const timer = setTimeout(() => this.#wake?.(), WAIT_MS);
      await new Promise<void>(resolve => (this.#wake = resolve));
      clearTimeout(timer);
    }
  }

  /** The next frame of a type, in a lane if one is named. */
  of(type: string, lane?: string): Promise<Frame> {
    return this.next(frame => frame.type === type && (lane === undefined || frame.stream_id === lane));
  }

  /** The end of the next response: its resource, or the error in its place. */
  async end(lane?: string): Promise<Ended> {
    const frame = await this.next(one => ENDS.has(one.type) && (lane === undefined || one.stream_id === lane));
    return { ...(frame['response'] as object), ...(frame.type === 'error' && frame) } as Ended;
  }

  close(): void {
    this.ws.close();
  }
}

const ENDS: ReadonlySet<string> = new Set(['response.completed', 'response.incomplete', 'response.failed', 'error']);

export interface Ended {
  readonly id: string;
  readonly status: string | number;
  readonly previous_response_id: string | null;
  readonly store: boolean;
  readonly output: readonly { readonly type: string; readonly call_id?: string }[];
  readonly error: { readonly code: string; readonly message: string; readonly param: string | null } | null;
  readonly [name: string]: unknown;
}

/** The answer to an upgrade that was refused. */
export async function refused(
  stack: Served,
  options: ClientOptions & { readonly key?: string; readonly path?: string } = {},
): Promise<{ readonly status: number; readonly code: string; readonly requestId: string }> {
  const { key, path = '/v1/responses', ...rest } = options;
  const ws = new WebSocket(`${stack.url.replace('http', 'ws')}${path}`, {
    ...rest,
    headers: { ...(key !== undefined && { authorization: `Bearer ${key}` }), ...rest.headers },
  });
  ws.on('error', () => undefined);
  const [, response] = (await once(ws, 'unexpected-response')) as [unknown, IncomingMessage];
  let body = '';
  for await (const chunk of response.setEncoding('utf8')) body += String(chunk);
  const { error } = JSON.parse(body) as { error: { code: string } };
  return { status: response.statusCode ?? 0, code: error.code, requestId: String(response.headers['x-request-id']) };
}
