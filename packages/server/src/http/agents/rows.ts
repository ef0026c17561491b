/** The rows of `http/app.ts` for agents and vaults. Those with an id come after all others below `/v1/agents`: the first that fits is served. */
import type { Exchange, HttpDeps, Scope } from '../types.ts';
import * as agents from './agents-routes.ts';
import { listAgentCards } from './cards.ts';
import * as vaults from './vaults-routes.ts';

type Handler = (exchange: Exchange, params: readonly string[]) => Promise<void>;
type Row = readonly [method: 'GET' | 'POST' | 'DELETE', path: string, scopes: readonly Scope[], handler: Handler];

const USE: readonly Scope[] = ['inference'];
const READ: readonly Scope[] = ['inference', 'read'];
const EVIDENCE: readonly Scope[] = ['operator', 'auditor'];

export function agentRows(deps: HttpDeps): readonly Row[] {
  const one =
    (handler: (deps: HttpDeps, exchange: Exchange, id: string) => Promise<void>): Handler =>
    (exchange, [id = '']) =>
      handler(deps, exchange, id);
  const two =
    (handler: (deps: HttpDeps, exchange: Exchange, id: string, inner: string) => Promise<void>): Handler =>
    (exchange, [id = '', inner = '']) =>
      handler(deps, exchange, id, inner);
  return [
    ['POST', '/v1/agents', USE, exchange => agents.createAgent(deps, exchange)],
    ['GET', '/v1/agents', READ, exchange => agents.listAgents(deps, exchange)],
    ['GET', '/v1/agents/:id', READ, one(agents.getAgent)],
    ['POST', '/v1/agents/:id', USE, one(agents.updateAgent)],
    ['DELETE', '/v1/agents/:id', USE, one(agents.deleteAgent)],
    ['GET', '/perdure/v1/agents', EVIDENCE, exchange => listAgentCards(deps, exchange)],
    ['GET', '/perdure/v1/agents/:id/versions', READ, one(agents.listVersions)],
    ['GET', '/perdure/v1/agents/:id/versions/:version', READ, two(agents.getVersion)],
    ['POST', '/perdure/v1/agents/:id/rollback', USE, one(agents.rollBackAgent)],
    ['POST', '/v1/vaults', USE, exchange => vaults.createVault(deps, exchange)],
    ['GET', '/v1/vaults', READ, exchange => vaults.listVaults(deps, exchange)],
    ['GET', '/v1/vaults/:id', READ, one(vaults.getVault)],
    ['POST', '/v1/vaults/:id', USE, one(vaults.updateVault)],
    ['DELETE', '/v1/vaults/:id', USE, one(vaults.deleteVault)],
    ['POST', '/v1/vaults/:id/credentials', USE, one(vaults.createCredential)],
    ['GET', '/v1/vaults/:id/credentials', READ, one(vaults.listCredentials)],
    ['GET', '/v1/vaults/:id/credentials/:credential', READ, two(vaults.getCredential)],
    ['POST', '/v1/vaults/:id/credentials/:credential', USE, two(vaults.updateCredential)],
    ['DELETE', '/v1/vaults/:id/credentials/:credential', USE, two(vaults.deleteCredential)],
    ['POST', '/perdure/v1/vaults/rotate-key', ['operator'], exchange => vaults.rotateVaultKey(deps, exchange)],
  ];
}
