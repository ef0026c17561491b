/** A WebSocket on `/responses`, which keeps what comes until somebody asks for it. */
import { WebSocket } from 'ws';
import { Failed, NotOffered } from './check.ts';
import { isJson, type Json, parsed } from './json.ts';
import type { Traffic } from './traffic.ts';

export interface Socket {
  /** Sends a value as JSON, a text as it is. */
  send(frame: Json | string): void;
  sendBytes(bytes: Uint8Array): void;
  /** The next frame. Fails if none comes in time, or the socket closes before. */
  next(): Promise<Json>;
  /** All frames up to the end of a response, or to an error. */
  turn(): Promise<readonly Json[]>;
  /** Sends `response.create` and reads the turn. */
  create(body: Json): Promise<readonly Json[]>;
  /** Null while it is open. */
  readonly closed: { readonly code: number } | null;
  close(): void;
}

/** How a server answers the upgrade if it does not take it. */
export interface Refused {
  readonly status: number;
  readonly text: string;
}

const ENDS = new Set(['response.completed', 'response.failed', 'response.incomplete']);

export function socketUrl(baseUrl: string): string {
  return `${baseUrl.replace(/^http/, 'ws')}/responses`;
}

/** @throws NotOffered if the server does not upgrade */
export async function connect(baseUrl: string, key: string, traffic: Traffic, timeoutMs: number): Promise<Socket> {
  const opened = await dial(baseUrl, key);
  if ('status' in opened) {
    if ([200, 400, 404, 405, 426, 501].includes(opened.status))
      throw new NotOffered(`the upgrade answers ${opened.status}`);
    throw new Failed(`the upgrade answers ${opened.status}: ${opened.text.slice(0, 200)}`);
  }
  return wrap(opened, traffic, timeoutMs);
}

export function dial(baseUrl: string, key: string): Promise<WebSocket | Refused> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(socketUrl(baseUrl), { headers: key === '' ? {} : { authorization: `Bearer ${key}` } });
    // What comes at once with the upgrade waits until somebody listens.
    socket.once('open', () => {
      socket.pause();
      resolve(socket);
    });
    socket.once('unexpected-response', (request, response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (piece: string) => {
        text += piece;
      });
      response.on('end', () => {
        request.socket?.destroy();
        resolve({ status: response.statusCode ?? 0, text });
      });
    });
    socket.once('error', reject);
  });
}

function wrap(socket: WebSocket, traffic: Traffic, timeoutMs: number): Socket {
  const frames: Json[] = [];
  let wake: () => void = () => undefined;
  let closed: { readonly code: number } | null = null;
  let broken: string | null = null;
  socket.on('message', (data: Buffer) => {
    const frame = parsed(data.toString('utf8'));
    if (isJson(frame)) {
      traffic.event('WebSocket', frame);
      frames.push(frame);
    } else broken = data.toString('utf8').slice(0, 100);
    wake();
  });
  socket.on('close', code => {
    closed = { code };
    wake();
  });
  socket.on('error', () => undefined);
  socket.resume();
  const next = async (): Promise<Json> => {
    const deadline = AbortSignal.timeout(timeoutMs);
    for (;;) {
      const frame = frames.shift();
      if (frame !== undefined) return frame;
      if (broken !== null) throw new Failed(`a frame that is no JSON object: ${broken}`);
      if (closed !== null) throw new Failed(`the socket was closed with ${closed.code}`);
      if (deadline.aborted) throw new Failed(`no frame came within ${timeoutMs} ms`);
      await new Promise<void>(resolve => {
        wake = resolve;
        deadline.addEventListener('abort', () => resolve(), { once: true });
      });
    }
  };
  const turn = async (): Promise<readonly Json[]> => {
    const seen: Json[] = [];
    for (;;) {
      const frame = await next();
      seen.push(frame);
      // An error of a response that has begun is followed by its end.
      const begun = seen.some(one => one['type'] === 'response.created');
      if (ENDS.has(String(frame['type'])) || (frame['type'] === 'error' && !begun)) return seen;
    }
  };
  const send = (frame: Json | string): void => socket.send(typeof frame === 'string' ? frame : JSON.stringify(frame));
  return {
    send,
    sendBytes: bytes => socket.send(bytes),
    next,
    turn,
    create(body) {
      send({ type: 'response.create', ...body });
      return turn();
    },
    get closed() {
      return closed;
    },
    close: () => socket.terminate(),
  };
}
