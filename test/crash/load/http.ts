/** The client's side of a connection that may break at any byte: what had arrived is kept, and a break is told from an answer. */
import { type Agent, type IncomingHttpHeaders, request } from 'node:http';

export interface Endpoint {
  /** `http://127.0.0.1:PORT`. */
  readonly url: string;
  readonly agent: Agent;
}

export interface Sent {
  readonly method: string;
  readonly path: string;
  readonly body?: string;
  readonly headers?: { readonly [name: string]: string };
}

export interface Watch {
  /** The head has arrived. */
  readonly onHead?: (status: number, headers: IncomingHttpHeaders) => void;
  /** Text of the body has arrived. */
  readonly onText?: (text: string) => void;
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

/** The connection broke, before or in the middle of an answer. */
export class ConnectionCut extends Error {
  /** Nobody listened: nothing was sent. */
  get refused(): boolean {
    const { cause } = this;
    return cause instanceof Error && 'code' in cause && cause.code === 'ECONNREFUSED';
  }
}

/** No answer came to its end in time; whatever happens to the server, that must not be. */
export class AnswerLate extends Error {}

/** ms for one whole answer: far above what the emulated upstream takes. */
const ANSWER_MS = 30_000;

/** @throws ConnectionCut, AnswerLate */
export function send(endpoint: Endpoint, sent: Sent, watch: Watch = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const body = sent.body === undefined ? undefined : Buffer.from(sent.body);
    const headers = {
      accept: 'application/json, text/event-stream',
      ...(body !== undefined && { 'content-type': 'application/json', 'content-length': String(body.length) }),
      ...sent.headers,
    };
    const outgoing = request(new URL(sent.path, endpoint.url), { method: sent.method, headers, agent: endpoint.agent });
    const timer = setTimeout(() => {
      reject(new AnswerLate(`${sent.method} ${sent.path}: no end within ${ANSWER_MS} ms`));
      outgoing.destroy();
    }, ANSWER_MS);
    const cut = (error: Error): void => {
      clearTimeout(timer);
      reject(new ConnectionCut(error.message, { cause: error }));
    };
    outgoing.on('error', cut);
    outgoing.on('response', incoming => {
      const status = incoming.statusCode ?? 0;
      watch.onHead?.(status, incoming.headers);
      let text = '';
      incoming.setEncoding('utf8');
      incoming.on('data', (part: string) => {
        text += part;
        watch.onText?.(part);
      });
      incoming.on('error', cut);
      incoming.on('end', () => {
        clearTimeout(timer);
        if (incoming.complete) resolve({ status, headers: incoming.headers, text });
        else reject(new ConnectionCut('the body ended early'));
      });
    });
    outgoing.end(body);
  });
}

/** A JSON body as fields; empty if it is none. */
export function fieldsOf(text: string): { readonly [name: string]: unknown } {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as { [name: string]: unknown }) : {};
  } catch {
    return {};
  }
}

/** The `code` of an error answer; its status if it has none. */
export function codeOf(answer: Answer): string {
  const { error } = fieldsOf(answer.text);
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : null;
  return typeof code === 'string' ? code : `HTTP ${answer.status}`;
}
