/** Routes of environments, templates, artifacts and workers. */
import type { Scopes } from '../admit.ts';
import type { Row } from '../app.ts';
import type { HttpDeps } from '../types.ts';
import * as artifacts from './artifacts.ts';
import * as environments from './routes.ts';
import * as workers from './workers.ts';

const ENVIRONMENTS = '/v1/agents/environments';
const OURS = '/perdure/v1/environments';
const ARTIFACTS = '/v1/agents/sessions/:id/artifacts';
/** A worker's token says whom it serves. */
const WORKER: Scopes = null;

export function environmentRoutes(deps: HttpDeps): readonly Row[] {
  const infer: Scopes = ['inference'];
  const read: Scopes = ['inference', 'read'];
  type Served = (deps: HttpDeps, exchange: Parameters<Row[3]>[0], one: string, two: string) => Promise<void>;
  const row = (method: Row[0], path: string, scopes: Scopes, served: Served): Row => [
    method,
    path,
    scopes,
    (exchange, [one = '', two = '']) => served(deps, exchange, one, two),
  ];
  return [
    row('POST', ENVIRONMENTS, infer, environments.createEnvironment),
    row('GET', ENVIRONMENTS, read, environments.listEnvironments),
    // Before those of one environment: `templates` is no id.
    row('POST', `${ENVIRONMENTS}/templates`, infer, environments.createTemplate),
    row('GET', `${ENVIRONMENTS}/templates`, read, environments.listTemplates),
    row('GET', `${ENVIRONMENTS}/templates/:id`, read, environments.getTemplate),
    row('POST', `${ENVIRONMENTS}/templates/:id`, infer, environments.updateTemplate),
    row('DELETE', `${ENVIRONMENTS}/templates/:id`, infer, environments.deleteTemplate),
    row('GET', `${ENVIRONMENTS}/:id`, read, environments.getEnvironment),
    row('POST', `${ENVIRONMENTS}/:id/files`, infer, environments.createFile),
    row('GET', `${ENVIRONMENTS}/:id/files`, read, environments.listFiles),
    row('GET', ARTIFACTS, read, artifacts.listArtifacts),
    row('GET', `${ARTIFACTS}/:artifact`, read, artifacts.getArtifact),
    row('GET', `${ARTIFACTS}/:artifact/content`, read, artifacts.getArtifactContent),
    row('DELETE', `${ARTIFACTS}/:artifact`, infer, artifacts.deleteArtifact),
    row('DELETE', `${OURS}/:id`, infer, environments.deleteEnvironment),
    row('POST', `${OURS}/:id/worker_tokens`, infer, workers.createToken),
    row('GET', `${OURS}/:id/worker_tokens`, read, workers.listTokens),
    row('DELETE', `${OURS}/:id/worker_tokens/:token`, infer, workers.revokeToken),
    row('POST', `${OURS}/:id/worker`, WORKER, workers.serveWorker),
  ];
}
