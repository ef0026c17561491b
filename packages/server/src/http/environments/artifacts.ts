/** `/v1/agents/sessions/{id}/artifacts`. */
import { listPage } from '@perdure/protocol';
import { sendBytes } from '../files/routes.ts';
import { sendJson } from '../reply.ts';
import type { Exchange, HttpDeps } from '../types.ts';
import { rowQuery, single } from './routes.ts';

export async function listArtifacts({ engine }: HttpDeps, exchange: Exchange, session: string): Promise<void> {
  const environment = single(exchange, 'environment_id', 256);
  const query = { ...rowQuery(exchange), environment };
  const { entries, hasMore } = await engine.environments.artifacts.list(exchange.caller, session, query);
  send(exchange, listPage(entries, hasMore));
}

export async function getArtifact(
  { engine }: HttpDeps,
  exchange: Exchange,
  session: string,
  id: string,
): Promise<void> {
  send(exchange, await engine.environments.artifacts.read(exchange.caller, session, id));
}

export async function deleteArtifact(
  { engine }: HttpDeps,
  exchange: Exchange,
  session: string,
  id: string,
): Promise<void> {
  await engine.environments.artifacts.delete(exchange.caller, session, id);
  send(exchange, { id, object: 'agent.session.artifact.deleted', deleted: true });
}

export async function getArtifactContent(
  deps: HttpDeps,
  exchange: Exchange,
  session: string,
  id: string,
): Promise<void> {
  await sendBytes(deps, exchange, await deps.engine.environments.artifacts.content(exchange.caller, session, id));
}

function send({ res, requestId }: Exchange, body: unknown): void {
  sendJson(res, 200, body, { 'x-request-id': requestId });
}
