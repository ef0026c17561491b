/** The routes, and what every request passes before it reaches one: host, key, scope, errors. */
import { newRequestId } from './request-headers.ts';
import { perdureError } from '@perdure/protocol';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { admit, admitEither, type Scopes } from './admit.ts';
import { agentRows } from './agents/rows.ts';
import { sessionRoutes } from './agents/session-table.ts';
import { listSessionTraces } from './agents/traces.ts';
import { isBedrock, underBedrock } from './bedrock/rows.ts';
import { createChatCompletion } from './chat/create.ts';
import { automationRoutes } from './automations/table.ts';
import * as conversations from './conversations/routes.ts';
import { environmentRoutes } from './environments/table.ts';
import * as files from './files/routes.ts';
import { guardLocal } from './guard.ts';
import { checkQuery } from './known-query.ts';
import { refuseAddress } from './malformed.ts';
import { type Found, pathOf, Router } from './router.ts';
import { addCosignature, getCheckpoint, getKeys, getTile } from './ledger/routes.ts';
import { agentRuleRoutes } from './perdure/agent-rule-table.ts';
import * as explains from './perdure/explain-routes.ts';
import { governRoutes } from './perdure/govern-table.ts';
import * as replay from './perdure/replay-routes.ts';
import * as perdure from './perdure/routes.ts';
import { STATUS_PAGE, STATUS_PAGE_POLICY } from './perdure/status-page.ts';
import { limitRate } from './rate-limit.ts';
import { sendError, sendJson } from './reply.ts';
import { withSpan } from './request-headers.ts';
import { compactResponse } from './responses/compact.ts';
import { createResponse } from './responses/create.ts';
import { countInputTokens } from './responses/input-tokens.ts';
import { cancelResponse, deleteResponse, getResponse, listInputItems } from './responses/read.ts';
import type { Exchange, HttpDeps, Scope } from './types.ts';

export type Handler = (exchange: Exchange, params: readonly string[]) => Promise<void>;

/** One row a route: method, path, the scopes of which one is needed, handler. Compared with the OpenAPI table by a test. */
export type Row = readonly [method: 'GET' | 'POST' | 'DELETE', path: string, scopes: Scopes, handler: Handler];
/** Whose signature says who it is. */
const WITNESS: Scopes = null;

export function routes(deps: HttpDeps): readonly Row[] {
  const own = ownRoutes(deps);
  return [...own, ...underBedrock(own)];
}

function ownRoutes(deps: HttpDeps): readonly Row[] {
  const infer: readonly Scope[] = ['inference'];
  const read: readonly Scope[] = ['inference', 'read'];
  const evidence: readonly Scope[] = ['inference', 'read', 'auditor', 'operator'];
  const admin: readonly Scope[] = ['admin', 'operator'];
  // How many calls there were, of all tenants together, can be read off a log: so no tenant's own key reads it.
  const ledger: Scopes = deps.ledger?.public === true ? null : ['auditor', 'operator'];
  const governed: readonly Scope[] = ['operator', 'auditor'];
  const at = (params: readonly string[], index: number): string => params[index] ?? '';
  return [
    ['POST', '/v1/responses', infer, exchange => createResponse(deps, exchange)],
    ['POST', '/v1/responses/compact', infer, exchange => compactResponse(deps, exchange)],
    ['POST', '/v1/responses/input_tokens', infer, exchange => countInputTokens(deps, exchange)],
    ['GET', '/v1/responses/:id', read, (exchange, params) => getResponse(deps, exchange, at(params, 0))],
    ['DELETE', '/v1/responses/:id', infer, (exchange, params) => deleteResponse(deps, exchange, at(params, 0))],
    ['POST', '/v1/responses/:id/cancel', infer, (exchange, params) => cancelResponse(deps, exchange, at(params, 0))],
    ['GET', '/v1/responses/:id/input_items', read, (exchange, params) => listInputItems(deps, exchange, at(params, 0))],
    ['POST', '/v1/conversations', infer, exchange => conversations.createConversation(deps, exchange)],
    [
      'GET',
      '/v1/conversations/:id',
      read,
      (exchange, params) => conversations.getConversation(deps, exchange, at(params, 0)),
    ],
    [
      'POST',
      '/v1/conversations/:id',
      infer,
      (exchange, params) => conversations.updateConversation(deps, exchange, at(params, 0)),
    ],
    [
      'DELETE',
      '/v1/conversations/:id',
      infer,
      (exchange, params) => conversations.deleteConversation(deps, exchange, at(params, 0)),
    ],
    [
      'POST',
      '/v1/conversations/:id/items',
      infer,
      (exchange, params) => conversations.addItems(deps, exchange, at(params, 0)),
    ],
    [
      'GET',
      '/v1/conversations/:id/items',
      read,
      (exchange, params) => conversations.listItems(deps, exchange, at(params, 0)),
    ],
    [
      'GET',
      '/v1/conversations/:id/items/:item',
      read,
      (exchange, params) => conversations.getItem(deps, exchange, at(params, 0), at(params, 1)),
    ],
    [
      'DELETE',
      '/v1/conversations/:id/items/:item',
      infer,
      (exchange, params) => conversations.deleteItem(deps, exchange, at(params, 0), at(params, 1)),
    ],
    ['POST', '/v1/files', infer, exchange => files.uploadFile(deps, exchange)],
    ['GET', '/v1/files', read, exchange => files.listFiles(deps, exchange)],
    ['GET', '/v1/files/:id', read, (exchange, params) => files.getFile(deps, exchange, at(params, 0))],
    ['GET', '/v1/files/:id/content', read, (exchange, params) => files.getFileContent(deps, exchange, at(params, 0))],
    ['DELETE', '/v1/files/:id', infer, (exchange, params) => files.deleteFile(deps, exchange, at(params, 0))],
    ...automationRoutes(deps, { infer, read }),
    [
      'GET',
      '/v1/agents/sessions/:id/traces',
      read,
      (exchange, params) => listSessionTraces(deps, exchange, at(params, 0)),
    ],
    ...sessionRoutes(deps),
    ...environmentRoutes(deps),
    // None is ever stored.
    [
      'GET',
      '/v1/chat/completions',
      read,
      async ({ res, requestId }) =>
        sendJson(
          res,
          200,
          { object: 'list', data: [], first_id: null, last_id: null, has_more: false },
          { 'x-request-id': requestId },
        ),
    ],
    ['POST', '/v1/chat/completions', infer, exchange => createChatCompletion(deps, exchange)],
    [
      'GET',
      '/v1/models',
      evidence,
      async exchange =>
        sendJson(exchange.res, 200, { object: 'list', data: models(deps) }, { 'x-request-id': exchange.requestId }),
    ],
    [
      'GET',
      '/v1/models/:id',
      evidence,
      async (exchange, params) =>
        sendJson(exchange.res, 200, model(deps, at(params, 0)), { 'x-request-id': exchange.requestId }),
    ],
    ['GET', '/perdure/v1/placements', evidence, exchange => perdure.listPlacements(deps, exchange)],
    [
      'GET',
      '/perdure/v1/placements/:id',
      evidence,
      (exchange, params) => perdure.getPlacement(deps, exchange, at(params, 0)),
    ],
    ['GET', '/perdure/v1/replay/placements', governed, exchange => replay.listReplay(deps, exchange)],
    [
      'GET',
      '/perdure/v1/replay/snapshots/:version',
      governed,
      (exchange, params) => replay.getReplaySnapshot(deps, exchange, at(params, 0)),
    ],
    ['GET', '/perdure/v1/explain', evidence, exchange => explains.getDecisionFacts(deps, exchange)],
    ['POST', '/perdure/v1/explain', evidence, exchange => explains.explainCall(deps, exchange)],
    ...(['statefulness', 'visibility', 'lock-in'] as const).map(
      (name): Row => [
        'GET',
        `/perdure/v1/reports/${name}`,
        governed,
        exchange => explains.getReport(deps, exchange, name),
      ],
    ),
    ['GET', '/perdure/v1/usage', evidence, exchange => perdure.listUsage(deps, exchange)],
    ['GET', '/perdure/v1/usage/calls', evidence, exchange => perdure.listUsageCalls(deps, exchange)],
    ['GET', '/perdure/v1/commitments', ['operator', 'auditor'], exchange => perdure.getCommitments(deps, exchange)],
    ['GET', '/perdure/v1/targets', evidence, exchange => perdure.listTargets(deps, exchange)],
    ['GET', '/perdure/v1/status', evidence, exchange => perdure.getStatus(deps, exchange)],
    ['POST', '/perdure/v1/whatif', evidence, exchange => perdure.whatIf(deps, exchange)],
    ...governRoutes(deps),
    ...agentRuleRoutes(deps),
    ['GET', '/perdure/v1/keys', [...admin, 'auditor'], exchange => perdure.listKeys(deps, exchange)],
    ['POST', '/perdure/v1/keys', admin, exchange => perdure.createKey(deps, exchange)],
    ['DELETE', '/perdure/v1/keys/:id', admin, (exchange, params) => perdure.revokeKey(deps, exchange, at(params, 0))],
    [
      'GET',
      '/ledger/:home/checkpoint',
      ledger,
      (exchange, params) => getCheckpoint(deps, exchange, at(params, 0), 'newest'),
    ],
    [
      'GET',
      '/ledger/:home/cosigned',
      ledger,
      (exchange, params) => getCheckpoint(deps, exchange, at(params, 0), 'cosigned'),
    ],
    ['GET', '/ledger/:home/keys', ledger, (exchange, params) => getKeys(deps, exchange, at(params, 0))],
    [
      'GET',
      '/ledger/:home/tile/:path{.+}',
      ledger,
      (exchange, params) => getTile(deps, exchange, at(params, 0), at(params, 1)),
    ],
    ['POST', '/ledger/:home/cosignature', WITNESS, (exchange, params) => addCosignature(deps, exchange, at(params, 0))],
    ...agentRows(deps),
  ];
}

function models(deps: HttpDeps): readonly unknown[] {
  return deps.engine.placing.models().map(({ id, vendor }) => ({ id, object: 'model', created: 0, owned_by: vendor }));
}

function model(deps: HttpDeps, id: string): unknown {
  const found = deps.engine.placing.models().find(one => one.id === id);
  if (found === undefined)
    throw perdureError('model_not_found', `The model '${id.slice(0, 64)}' is served by no target.`, { param: 'model' });
  return { id: found.id, object: 'model', created: 0, owned_by: found.vendor };
}

/** Answers a request. */
export type Answer = (req: IncomingMessage, res: ServerResponse) => Promise<void>;
type Served = (req: IncomingMessage, res: ServerResponse, param: Found<unknown>['param']) => Promise<void>;

export function makeApp(deps: HttpDeps): Answer {
  const router = new Router<Served>();
  const all = routes(deps);
  for (const [method, path, scopes, handler] of all) {
    const admits = isBedrock(path) ? admitEither : admit;
    const names = [...path.matchAll(/:(\w+)/g)].map(match => match[1] ?? '');
    const answer: Handler = async (exchange, params) => {
      await checkQuery(method, path, exchange.req.url);
      return handler(exchange, params);
    };
    router.add(method, path, (req, res, param) =>
      serve(deps, [req, res], scopes, exchange => answer(exchange, names.map(param)), admits),
    );
  }
  const open = openRoutes(deps);
  for (const [path, show] of open) router.add('GET', path, show);
  const allowed = Map.groupBy(all, row => row[1]);
  for (const path of [...allowed.keys(), ...open.keys()]) {
    const allow = allowed.get(path)?.map(row => row[0]) ?? ['GET'];
    router.add('ALL', path, (req, res) => {
      res.setHeader('allow', allow.join(', '));
      return refuse(deps, req, res, perdureError('method_not_allowed'));
    });
  }
  return async (req, res) => {
    const path = pathOf(req);
    if (path === null) return refuseAddress(res);
    const found = router.find(req.method ?? 'GET', path);
    if (found === null) return refuse(deps, req, res, perdureError('not_found'));
    return found.handler(req, res, name => found.param(name));
  };
}

/** What needs no key: probes, the document, the page. None of it shows a tenant's data. */
function openRoutes(deps: HttpDeps): ReadonlyMap<string, Served> {
  const { version } = deps;
  const open =
    (show: (res: ServerResponse) => Promise<void> | void): Served =>
    async (req, res) => {
      try {
        if (!deps.keyed()) guardLocal(req);
        await show(res);
      } catch (error) {
        sendError(res, error);
      }
    };
  return new Map([
    ['/healthz', open(res => sendJson(res, 200, { status: 'ok' }))],
    [
      '/readyz',
      open(res => {
        const ready = deps.ready();
        sendJson(res, ready.status === 'ready' ? 200 : 503, ready);
      }),
    ],
    [
      '/openapi.json',
      open(async res => {
        const { openapiDocument } = await import('@perdure/protocol/openapi');
        sendJson(res, 200, openapiDocument({ version }));
      }),
    ],
    ['/', open(showPage)],
  ]);
}

function showPage(res: ServerResponse): void {
  const page = Buffer.from(STATUS_PAGE);
  res.writeHead(200, {
    'content-type': 'text/html; charset=utf-8',
    'content-length': page.length,
    'content-security-policy': STATUS_PAGE_POLICY,
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
  });
  res.end(page);
}

function refuse(deps: HttpDeps, req: IncomingMessage, res: ServerResponse, error: Error): Promise<void> {
  const admits = isBedrock(req.url ?? '') ? admitEither : admit;
  return serve(deps, [req, res], [], () => Promise.reject(error), admits);
}

/** The routes that model calls come by, served without the router: it costs them about as much as their parsing does. */
export function hotRoutes(deps: HttpDeps): ReadonlyMap<string, Answer> {
  const hot = routes(deps).filter(([method, path]) => method === 'POST' && HOT_PATHS.has(path));
  return new Map(
    hot.map(([, path, scopes, handler]) => [
      path,
      (req, res) => serve(deps, [req, res], scopes, exchange => handler(exchange, [])),
    ]),
  );
}

const HOT_PATHS: ReadonlySet<string> = new Set(['/v1/responses', '/v1/chat/completions']);

/** Runs a handler inside everything that all requests share. */
async function serve(
  deps: HttpDeps,
  [req, res]: readonly [IncomingMessage, ServerResponse],
  scopes: Scopes,
  handler: (exchange: Exchange) => Promise<void>,
  admits: typeof admit | typeof admitEither = admit,
): Promise<void> {
  const requestId = newRequestId();
  const began = performance.now();
  const left = new AbortController();
  res.on('close', () => {
    if (!res.writableFinished) left.abort();
  });
  try {
    const admitted = admits(deps, req, scopes);
    const caller = admitted instanceof Promise ? await admitted : admitted;
    const rated = scopes === null ? null : limitRate(deps.rates, caller, res);
    await handler({ req, res, caller: withSpan(req, caller), requestId, began, signal: left.signal, rated });
  } catch (thrown) {
    if (left.signal.aborted) return;
    const error = sendError(res, thrown, { 'x-request-id': requestId });
    if (error.code === 'internal_error') deps.report('http', thrown);
  }
}
