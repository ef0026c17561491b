/** An OTLP/HTTP receiver for tests: what it is sent must be of the form that receivers take. */
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { OtlpSpan, OtlpTraces } from '../../engine/traces/otlp.ts';
import { otlpTraces } from '../../engine/traces/otlp-schema.test-support.ts';

export interface Received {
  readonly headers: IncomingHttpHeaders;
  readonly bytes: number;
  readonly spans: readonly OtlpSpan[];
}

export interface Answer {
  readonly status: number;
  readonly headers?: { readonly [name: string]: string };
  readonly body?: string;
}

export interface Receiver {
  readonly url: string;
  /** Whatever came, taken or not, oldest first. */
  readonly received: Received[];
  /** How the next ones are answered, oldest first; then all are taken. `hang`: not at all. */
  readonly answers: (Answer | 'hang')[];
  /** What was wrong with what came. */
  readonly problems: string[];
  close(): Promise<void>;
}

export async function startReceiver(): Promise<Receiver> {
  const received: Received[] = [];
  const answers: (Answer | 'hang')[] = [];
  const problems: string[] = [];
  const server = createServer((req, res) => {
    const chunks: Buffer[] = [];
    req.on('data', (chunk: Buffer) => chunks.push(chunk));
    req.on('end', () => {
      const text = Buffer.concat(chunks).toString('utf8');
      const body = JSON.parse(text) as OtlpTraces;
      const checked = otlpTraces.safeParse(body);
      if (!checked.success) problems.push(checked.error.message);
      if (req.method !== 'POST' || req.headers['content-type'] !== 'application/json') problems.push('is no export');
      const spans = body.resourceSpans.flatMap(one => one.scopeSpans.flatMap(scope => scope.spans));
      received.push({ headers: req.headers, bytes: text.length, spans });
      const answer = answers.shift() ?? { status: 200, body: '{}' };
      if (answer !== 'hang') res.writeHead(answer.status, answer.headers).end(answer.body);
    });
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/traces`,
    received,
    answers,
    problems,
    close: () =>
      new Promise(resolve => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
