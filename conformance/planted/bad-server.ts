/** A proxy before a good server that breaks one rule: what the suite must notice. For its own tests. */
import { createServer, type IncomingMessage, request as send, type ServerResponse } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { isJson, type Json, parsed } from '../json.ts';

export interface Asked {
  readonly method: string;
  readonly path: string;
  readonly headers: { readonly [name: string]: string };
  /** Undefined if there is none, or none in JSON. */
  readonly body: unknown;
}

export interface Told {
  readonly status: number;
  readonly body: unknown;
}

/** One rule broken. What is left out is passed on as it is. */
export interface Fault {
  readonly name: string;
  /** The checks that must fail, and no other. */
  readonly fails: readonly string[];
  /** Changes what is asked; an answer instead of a request is told in the server's place. */
  asks?(asked: Asked): Partial<Asked> | Told;
  /** Changes a JSON answer. */
  answers?(told: Told, asked: Asked): Told;
  /** Changes an event: none, itself, or more. */
  events?(event: Json, asked: Asked): readonly Json[];
  /** Changes the text of a whole event, as it is written. */
  writes?(text: string): readonly string[];
}

export interface BadServer {
  readonly url: string;
  close(): Promise<void>;
}

export async function startBadServer(good: string, fault: Fault): Promise<BadServer> {
  const to = new URL(good);
  const server = createServer((req, res) => {
    void serve(to, fault, req, res).catch(() => res.destroy());
  });
  // A WebSocket is passed through as it is: no fault here is about frames.
  server.on('upgrade', (req, socket, head) => {
    const lines = Object.entries(req.headers).map(([name, value]) => `${name}: ${String(value)}`);
    const upstream = connect(Number(to.port), to.hostname, () => {
      upstream.write(`GET ${req.url ?? '/'} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`);
      upstream.write(head);
      upstream.pipe(socket).pipe(upstream);
    });
    upstream.on('error', () => socket.destroy());
    socket.on('error', () => upstream.destroy());
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise(resolve => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function serve(to: URL, fault: Fault, req: IncomingMessage, res: ServerResponse): Promise<void> {
  const text = await textOf(req);
  const given: Asked = {
    method: req.method ?? 'GET',
    path: req.url ?? '/',
    headers: req.headers as { readonly [name: string]: string },
    body: parsed(text),
  };
  const changed = fault.asks?.(given) ?? given;
  if ('status' in changed) return tell(res, changed, {});
  const asked = { ...given, ...changed };
  const body = asked.body === given.body ? text : JSON.stringify(asked.body);
  const answer = await forward(to, asked, body, req);
  res.on('close', () => answer.destroy());
  const headers = { ...answer.headers };
  delete headers['content-length'];
  delete headers['transfer-encoding'];
  if (String(headers['content-type']).startsWith('text/event-stream')) {
    res.writeHead(answer.statusCode ?? 0, headers);
    res.flushHeaders();
    return pipe(fault, asked, answer, res);
  }
  const raw = await textOf(answer);
  const told = { status: answer.statusCode ?? 0, body: parsed(raw) };
  const now = fault.answers?.(told, asked) ?? told;
  if (now === told) res.writeHead(told.status, headers).end(raw);
  else tell(res, now, headers);
}

function tell(res: ServerResponse, { status, body }: Told, headers: { readonly [name: string]: unknown }): void {
  const id = `req_${Math.random().toString(36).slice(2)}`;
  const all = { 'x-request-id': id, ...(headers as { [name: string]: string }), 'content-type': 'application/json' };
  res.writeHead(status, all).end(JSON.stringify(body));
}

function forward(to: URL, asked: Asked, body: string, req: IncomingMessage): Promise<IncomingMessage> {
  const headers = { ...asked.headers, host: to.host, 'content-length': String(Buffer.byteLength(body)) };
  const { 'transfer-encoding': _chunked, ...known } = headers as { [name: string]: string };
  if (body === '' && (req.method === 'GET' || req.method === 'DELETE')) delete known['content-length'];
  return new Promise((resolve, reject) => {
    const { hostname, port } = to;
    const out = send({ hostname, port, method: asked.method, path: asked.path, headers: known }, resolve);
    out.on('error', reject);
    out.end(body);
  });
}

async function pipe(fault: Fault, asked: Asked, answer: IncomingMessage, res: ServerResponse): Promise<void> {
  let rest = '';
  for await (const piece of answer.setEncoding('utf8')) {
    const blocks = (rest + String(piece)).split('\n\n');
    rest = blocks.pop() ?? '';
    for (const text of blocks.flatMap(block => changedBlock(fault, asked, block))) {
      for (const part of fault.writes?.(text) ?? [text]) {
        res.write(part);
        // Each write a chunk of its own.
        if (fault.writes !== undefined) await new Promise(resolve => setImmediate(resolve));
      }
    }
  }
  res.end();
}

function changedBlock(fault: Fault, asked: Asked, block: string): readonly string[] {
  const data = /^data: (.*)$/m.exec(block)?.[1];
  const event = parsed(data ?? '');
  if (fault.events === undefined || !isJson(event)) return [`${block}\n\n`];
  const changed = fault.events(event, asked);
  if (changed.length === 1 && changed[0] === event) return [`${block}\n\n`];
  return changed.map(one => {
    const name = typeof one['type'] === 'string' ? `event: ${one['type']}\n` : '';
    return `${name}data: ${JSON.stringify(one)}\n\n`;
  });
}

async function textOf(stream: IncomingMessage): Promise<string> {
  let text = '';
  for await (const piece of stream.setEncoding('utf8')) text += String(piece);
  return text;
}
