/**
 * The model that reviews tool calls: the emulator, which fills a schema with the first word of each enum. In between the words of the verdict
 * are put in the order that the ticket of the call asks for.
 */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { text } from 'node:stream/consumers';
import { reviewerPermits } from './load/verdicts.ts';

export interface Reviewer {
  readonly baseUrl: string;
  close(): Promise<void>;
}

/** As it lies in a JSON text within a JSON text. */
const TICKET = /ticket\W+([a-z2-9]{14})\b/;
const WORDS = { permit: '["permit","deny"]', deny: '["deny","permit"]' };

/** @param emulated where the emulator answers */
export async function startReviewer(emulated: string): Promise<Reviewer> {
  const server = createServer((request, response) => void pass(emulated, request, response));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    baseUrl: `http://127.0.0.1:${port}`,
    async close() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

async function pass(emulated: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const left = new AbortController();
  response.on('close', () => left.abort());
  try {
    const asked = await text(request);
    const [, ticket = ''] = TICKET.exec(asked) ?? [];
    const body = asked.replace(WORDS.deny, reviewerPermits(ticket) ? WORDS.permit : WORDS.deny);
    const { signal } = left;
    const headers = { 'content-type': 'application/json' };
    const answer = await fetch(`${emulated}${request.url}`, { method: 'POST', headers, body, signal });
    response.writeHead(answer.status, { 'content-type': answer.headers.get('content-type') ?? 'application/json' });
    if (answer.body === null) response.end();
    else await pipeline(Readable.fromWeb(answer.body), response);
  } catch {
    // Whoever asked is dead, or does not wait any more.
    response.destroy();
  }
}
