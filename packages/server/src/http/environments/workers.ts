/** Workers of self-hosted environments: their tokens, and what they ask again and again. */
import { listPage, parseOwnBody, workerBody } from '@perdure/protocol';
import { readJson } from '../body.ts';
import { sendJson } from '../reply.ts';
import type { Exchange, HttpDeps } from '../types.ts';

function send({ res, requestId }: Exchange, body: unknown): void {
  sendJson(res, 200, body, { 'x-request-id': requestId });
}

export async function createToken({ engine }: HttpDeps, exchange: Exchange, id: string): Promise<void> {
  send(exchange, await engine.environments.workers.createToken(exchange.caller, id));
}

export async function listTokens({ engine }: HttpDeps, exchange: Exchange, id: string): Promise<void> {
  send(exchange, listPage(await engine.environments.workers.tokens(exchange.caller, id), false));
}

export async function revokeToken({ engine }: HttpDeps, exchange: Exchange, id: string, token: string): Promise<void> {
  await engine.environments.workers.revokeToken(exchange.caller, id, token);
  send(exchange, { id: token, object: 'perdure.worker_token.deleted', deleted: true });
}

/** The token says who it is, before a byte of the body is read. */
export async function serveWorker(deps: HttpDeps, exchange: Exchange, id: string): Promise<void> {
  const { req, res, signal } = exchange;
  const bearer = /^Bearer\s+(\S+)$/i.exec(req.headers.authorization ?? '')?.[1] ?? null;
  const worker = await deps.engine.environments.workers.admit(id, bearer);
  res.once('close', worker.arrive());
  const { value } = await readJson(req, deps.limits);
  const says = parseOwnBody(workerBody, value);
  if (!says.ok) throw says.error;
  send(exchange, await worker.exchange(says.value, signal));
}
