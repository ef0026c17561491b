/** An upstream that does exactly what a test says, and tells what it saw of its sockets. */
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import { type AddressInfo, createServer as createTcpServer, type Server, type Socket } from 'node:net';
import type { ContextRun, ProviderCall } from '../engine/ports.ts';
import type { LoggedItem } from '../log/events.ts';
import type { Step } from '../log/steps.ts';

export interface SeenRequest {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export interface RawUpstream extends AsyncDisposable {
  readonly baseUrl: string;
  /** Sockets that are open now, and that were ever opened. */
  readonly open: Set<Socket>;
  readonly opened: () => number;
  readonly requests: SeenRequest[];
  /** Waits until no socket is open. */
  readonly allClosed: () => Promise<void>;
}

export type Answer = (response: ServerResponse, request: SeenRequest) => void;

export const EVENT_STREAM = { 'content-type': 'text/event-stream' } as const;

/** @param answer called when a request's body has come */
export async function rawUpstream(answer: Answer): Promise<RawUpstream> {
  const requests: SeenRequest[] = [];
  const server = createServer((request, response) => {
    const parts: Buffer[] = [];
    response.on('error', () => undefined);
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      const seen = { path: request.url ?? '', headers: request.headers, body: Buffer.concat(parts).toString('utf8') };
      requests.push(seen);
      answer(response, seen);
    });
  });
  return watch(server, 'http', requests, () => server.closeAllConnections());
}

/** Accepts connections and never says a word, not even a TLS handshake's. */
export function silentUpstream(): Promise<RawUpstream> {
  return watch(
    createTcpServer(socket => socket.on('error', () => undefined).resume()),
    'https',
    [],
    () => undefined,
  );
}

async function watch(
  server: Server,
  scheme: string,
  requests: SeenRequest[],
  closeAll: () => void,
): Promise<RawUpstream> {
  const open = new Set<Socket>();
  let opened = 0;
  let onClosed: () => void = () => undefined;
  server.on('connection', (socket: Socket) => {
    opened++;
    open.add(socket);
    socket.on('close', () => {
      open.delete(socket);
      onClosed();
    });
  });
  await new Promise<void>(resolve => void server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    baseUrl: `${scheme}://127.0.0.1:${port}/v1`,
    open,
    opened: () => opened,
    requests,
    allClosed: () =>
      new Promise(resolve => {
        onClosed = () => {
          if (open.size === 0) resolve();
        };
        onClosed();
      }),
    async [Symbol.asyncDispose]() {
      const closed = new Promise<void>(resolve => void server.close(() => resolve()));
      closeAll();
      for (const socket of open) socket.destroy();
      await closed;
    },
  };
}

let made = 0;

/** A user's message with an id of ours. */
export function userItem(text: string): LoggedItem {
  const id = `msg_${++made}`;
  return { type: 'message', id, status: 'completed', role: 'user', content: [{ type: 'input_text', text }] };
}

export function userRun(text: string): ContextRun {
  return { items: [userItem(text)] };
}

export function callTo(baseUrl: string, given: Partial<ProviderCall> = {}): ProviderCall {
  return {
    upstream: { target: 'test', baseUrl, model: 'test-model', apiKey: null },
    context: [userRun('Who signed?')],
    settings: {},
    signal: new AbortController().signal,
    ...given,
  };
}

export interface Outcome {
  readonly steps: readonly Step[];
  /** What was thrown, by `call` or while reading. */
  readonly error: unknown;
}

/** Reads a call to its end, whatever that is. */
export async function outcomeOf(call: Promise<AsyncIterable<readonly Step[]>>): Promise<Outcome> {
  const steps: Step[] = [];
  try {
    for await (const batch of await call) steps.push(...batch);
    return { steps, error: null };
  } catch (error) {
    return { steps, error };
  }
}

/** The outcome of an answer in one piece. */
export async function outcomeOfAnswer(answer: Promise<readonly Step[]>): Promise<Outcome> {
  try {
    return { steps: await answer, error: null };
  } catch (error) {
    return { steps: [], error };
  }
}

/** The text of all deltas. */
export function textOf(steps: readonly Step[]): string {
  return steps.map(step => (step.type === 'delta' ? step.text : '')).join('');
}
