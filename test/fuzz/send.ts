/** Sends an input and says what came back, each within a deadline. */
import { Agent, request } from 'node:http';
import { connect } from 'node:net';
import { WebSocket } from 'ws';
import { MODEL } from '../support/stack.ts';
import type { Input } from './input.ts';

/** What came back: answers of HTTP, or frames and how the socket was closed. */
export interface Outcome {
  readonly answers: readonly Answer[];
  readonly frames: readonly string[];
  /** What must not be, whatever was sent. */
  readonly broken: string | null;
}
export interface Answer {
  /** Empty where nobody knows: of bytes. */
  readonly method: string;
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

export interface Sender {
  send(input: Input): Promise<Outcome>;
  close(): void;
}

const outcome = (over: Partial<Outcome>): Outcome => ({ answers: [], frames: [], broken: null, ...over });
/** Of one answer that is kept to be looked at. */
const KEPT = 1 << 20;

export function openSender(url: string, key: string, deadlineMs: number): Sender {
  const agent = new Agent({ keepAlive: true, maxSockets: 64 });
  const { hostname, port } = new URL(url);
  const send = (input: Input): Promise<Outcome> => {
    switch (input.kind) {
      case 'request':
        return sendRequest(input);
      case 'bytes':
        return sendBytes(input.bytes, '');
      case 'frames':
        return sendFrames(`ws://${hostname}:${port}/v1/responses`, key, input.frames, deadlineMs);
      case 'frame bytes':
        return sendBytes(input.bytes, upgrade(key));
    }
  };

  const sendRequest = (input: Extract<Input, { kind: 'request' }>, retried = false): Promise<Outcome> =>
    new Promise(resolve => {
      const started = performance.now();
      const { method, path, body } = input;
      const headers = { ...input.headers, ...(body !== null && { 'content-length': String(body.length) }) };
      let req: ReturnType<typeof request>;
      try {
        req = request({ agent, hostname, port, method, path, headers });
      } catch {
        // Node's own client refuses to write such a request.
        return resolve(outcome({}));
      }
      const timer = setTimeout(() => {
        resolve(outcome({ broken: `no end within ${deadlineMs} ms` }));
        req.destroy();
      }, deadlineMs);
      req.on('response', res => {
        const pieces: Buffer[] = [];
        let size = 0;
        res.on('data', (piece: Buffer) => {
          size += piece.length;
          if (size < KEPT) pieces.push(piece);
        });
        res.on('close', () => {
          clearTimeout(timer);
          const answer = {
            method,
            status: res.statusCode ?? 0,
            type: res.headers['content-type'] ?? '',
            body: Buffer.concat(pieces).toString('utf8'),
          };
          resolve(outcome({ answers: [answer], broken: res.complete ? null : 'the answer broke off' }));
        });
        res.on('error', () => undefined);
      });
      req.on('error', (error: NodeJS.ErrnoException) => {
        clearTimeout(timer);
        // A connection that was closed while it lay idle, or by the answer to what came before: once more, on another.
        if (
          !retried &&
          performance.now() - started < deadlineMs &&
          (error.code === 'ECONNRESET' || error.code === 'EPIPE')
        )
          return resolve(sendRequest(input, true));
        resolve(outcome({ broken: `the connection broke: ${error.code ?? error.message}` }));
      });
      req.end(body);
    });

  /** Bytes as they are; with a head before them they follow its answer. */
  const sendBytes = (bytes: Buffer, head: string): Promise<Outcome> =>
    new Promise(resolve => {
      const socket = connect({ host: hostname, port: Number(port) }, () => {
        socket.write(head);
        if (head === '') socket.end(bytes);
        else socket.once('data', () => socket.end(bytes));
      });
      const pieces: Buffer[] = [];
      const timer = setTimeout(() => {
        resolve(outcome({ broken: `the connection is not closed within ${deadlineMs} ms` }));
        socket.destroy();
      }, deadlineMs);
      socket.on('data', (piece: Buffer) => pieces.push(piece));
      // A reset is a way to end such a connection.
      socket.on('error', () => undefined);
      socket.on('close', () => {
        clearTimeout(timer);
        resolve(outcome({ answers: answersOf(Buffer.concat(pieces).toString('latin1')) }));
      });
    });

  return { send, close: () => agent.destroy() };
}

const upgrade = (key: string): string =>
  `GET /v1/responses HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: upgrade\r\nupgrade: websocket\r\nauthorization: Bearer ${key}\r\nsec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n`;

/** The answers in what a connection brought. Bodies of answers with a length are cut off by it. */
export function answersOf(text: string): readonly Answer[] {
  const answers: Answer[] = [];
  for (const match of text.matchAll(/HTTP\/1\.[01] (\d{3})[^\r\n]*\r\n((?:[^\r\n]+\r\n)*)\r\n/g)) {
    const [all, status = '0', head = ''] = match;
    const field = (name: string): string => new RegExp(`^${name}: *(.*)$`, 'im').exec(head)?.[1]?.trim() ?? '';
    const from = match.index + all.length;
    const length = Number(field('content-length') || Number.NaN);
    const rest = text.slice(from, Number.isNaN(length) ? undefined : from + length);
    answers.push({
      method: '',
      status: Number(status),
      type: field('content-type'),
      body: Buffer.from(rest, 'latin1').toString('utf8'),
    });
  }
  return answers;
}

/** Frames, then one that is right: it must be served, unless the socket was closed for a reason. */
function sendFrames(
  url: string,
  key: string,
  frames: readonly (string | Buffer)[],
  deadlineMs: number,
): Promise<Outcome> {
  return new Promise(resolve => {
    const socket = new WebSocket(url, { headers: { authorization: `Bearer ${key}` } });
    const seen: string[] = [];
    const done = (broken: string | null): void => {
      clearTimeout(timer);
      socket.terminate();
      resolve(outcome({ frames: seen, broken }));
    };
    const timer = setTimeout(() => done(`no end within ${deadlineMs} ms`), deadlineMs);
    const last = `last_${Math.random().toString(36).slice(2)}`;
    socket.on('open', () => {
      for (const frame of frames) socket.send(frame);
      socket.send(
        JSON.stringify({ type: 'response.create', model: MODEL, input: 'Hello.', store: false, metadata: { last } }),
      );
    });
    socket.on('message', (data: Buffer) => {
      const text = data.toString('utf8');
      seen.push(text);
      if (text.includes('"response.completed"') && text.includes(last)) done(null);
    });
    socket.on('close', code => done(code === 1006 || code === 1011 ? `the socket was closed with ${code}` : null));
    socket.on('error', error => done(`the socket broke: ${error.message}`));
  });
}
