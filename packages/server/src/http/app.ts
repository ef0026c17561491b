/** The routes, and what every request passes before it reaches one: host, key, scope, errors. */
import { newRequestId } from './request-headers.ts';
import type { HttpBindings } from '@hono/node-server';
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response';
import { perdureError } from '@perdure/protocol';
import { Hono, type Context } from 'hono';
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
import { addCosignature, getCheckpoint, getTile } from './ledger/routes.ts';
import { agentRuleRoutes } from './perdure/agent-rule-table.ts';
import * as govern from './perdure/govern-routes.ts';
import * as closes from './perdure/close-routes.ts';
import * as holds from './perdure/hold-routes.ts';
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
import type { App, Exchange, HttpDeps, RouteEnv, Scope } from './types.ts';

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
  const evidence: readonly Scope[] = ['inference', 'read', 'auditor'];
  const admin: readonly Scope[] = ['admin', 'operator'];
  // How many calls there were, of all tenants together, can be read off a log: so no tenant's own key reads it.
  const ledger: Scopes = deps.ledger?.public === true ? null : ['auditor', 'operator'];
  const governs: readonly Scope[] = ['operator'];
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
    ['GET', '/perdure/v1/usage', evidence, exchange => perdure.listUsage(deps, exchange)],
    ['GET', '/perdure/v1/usage/calls', evidence, exchange => perdure.listUsageCalls(deps, exchange)],
    ['GET', '/perdure/v1/commitments', ['operator', 'auditor'], exchange => perdure.getCommitments(deps, exchange)],
    ['GET', '/perdure/v1/targets', evidence, exchange => perdure.listTargets(deps, exchange)],
    ['GET', '/perdure/v1/status', evidence, exchange => perdure.getStatus(deps, exchange)],
    ['POST', '/perdure/v1/whatif', evidence, exchange => perdure.whatIf(deps, exchange)],
    ['GET', '/perdure/v1/contracts/activations', governed, exchange => govern.listActivations(deps, exchange)],
    ['POST', '/perdure/v1/contracts/activations', governs, exchange => govern.createActivation(deps, exchange)],
    [
      'POST',
      '/perdure/v1/contracts/activations/:id/approve',
      governs,
      (exchange, params) => govern.approveActivation(deps, exchange, at(params, 0)),
    ],
    [
      'POST',
      '/perdure/v1/contracts/activations/:id/reject',
      governs,
      (exchange, params) => govern.rejectActivation(deps, exchange, at(params, 0)),
    ],
    [
      'POST',
      '/perdure/v1/contracts/activations/:id/withdraw',
      governs,
      (exchange, params) => govern.withdrawActivation(deps, exchange, at(params, 0)),
    ],
    ['GET', '/perdure/v1/contracts/stranded', governed, exchange => govern.listStranded(deps, exchange)],
    ['GET', '/perdure/v1/waivers', governed, exchange => govern.listWaivers(deps, exchange)],
    ['POST', '/perdure/v1/waivers', governs, exchange => govern.grantWaiver(deps, exchange)],
    ...(['approve', 'reject', 'revoke'] as const).map(
      (how): Row => [
        'POST',
        `/perdure/v1/waivers/:id/${how}`,
        governs,
        (exchange, params) => govern.decideWaiver(deps, exchange, at(params, 0), how),
      ],
    ),
    ['GET', '/perdure/v1/events', governed, exchange => govern.listEvents(deps, exchange)],
    ['POST', '/perdure/v1/events', governs, exchange => govern.recordEvent(deps, exchange)],
    [
      'POST',
      '/perdure/v1/events/:id/retract',
      governs,
      (exchange, params) => govern.retractEvent(deps, exchange, at(params, 0)),
    ],
    ['GET', '/perdure/v1/rights', governed, exchange => govern.listRights(deps, exchange)],
    ...(['offer', 'accept', 'decline'] as const).map(
      (move): Row => [
        'POST',
        `/perdure/v1/rights/:id/${move}`,
        governs,
        (exchange, params) => govern.moveRight(deps, exchange, at(params, 0), move),
      ],
    ),
    ...(['approve', 'reject', 'retract'] as const).map(
      (how): Row => [
        'POST',
        `/perdure/v1/rights/:id/${how}`,
        governs,
        (exchange, params) => govern.decideRight(deps, exchange, at(params, 0), how),
      ],
    ),
    ['GET', '/perdure/v1/usage/closes', governed, exchange => closes.listCloses(deps, exchange)],
    ['POST', '/perdure/v1/usage/closes', governs, exchange => closes.closeMonth(deps, exchange)],
    [
      'POST',
      '/perdure/v1/usage/closes/:id/restate',
      governs,
      (exchange, params) => closes.restateMonth(deps, exchange, at(params, 0)),
    ],
    ['GET', '/perdure/v1/holds', governed, exchange => holds.listHolds(deps, exchange)],
    ['POST', '/perdure/v1/holds', governs, exchange => holds.placeHold(deps, exchange)],
    [
      'GET',
      '/perdure/v1/holds/:id/kept',
      governed,
      (exchange, params) => holds.listKept(deps, exchange, at(params, 0)),
    ],
    [
      'POST',
      '/perdure/v1/holds/:id/lift',
      governs,
      (exchange, params) => holds.liftHold(deps, exchange, at(params, 0)),
    ],
    ...agentRuleRoutes(deps),
    ['GET', '/perdure/v1/audit', governed, exchange => govern.listAudit(deps, exchange)],
    ['GET', '/perdure/v1/keys', admin, exchange => perdure.listKeys(deps, exchange)],
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

export function makeApp(deps: HttpDeps): App {
  const app: App = new Hono<RouteEnv>();
  for (const [method, path, scopes, handler] of routes(deps)) {
    const admits = isBedrock(path) ? admitEither : admit;
    const names = [...path.matchAll(/:(\w+)/g)].map(match => match[1] ?? '');
    app.on(method, path, async context => {
      const run = (exchange: Exchange): Promise<void> =>
        handler(
          exchange,
          names.map(name => context.req.param(name) ?? ''),
        );
      await serve(deps, context.env, scopes, run, admits);
      return RESPONSE_ALREADY_SENT;
    });
  }
  openRoutes(app, deps);
  const allowed = Map.groupBy(routes(deps), row => row[1]);
  for (const path of [...allowed.keys(), ...OPEN_PATHS]) {
    const allow = allowed.get(path)?.map(row => row[0]) ?? ['GET'];
    app.all(path, context => {
      context.env.outgoing.setHeader('allow', allow.join(', '));
      return refuse(deps, context, () => perdureError('method_not_allowed'));
    });
  }
  app.notFound(context => refuse(deps, context, () => perdureError('not_found')));
  return app;
}

const OPEN_PATHS = ['/healthz', '/readyz', '/openapi.json', '/'] as const;

/** What needs no key: probes, the document, the page. None of it shows a tenant's data. */
function openRoutes(app: App, deps: HttpDeps): void {
  const version = deps.version;
  const open = (
    path: (typeof OPEN_PATHS)[number],
    show: (context: Context<RouteEnv>) => Promise<void> | void,
  ): void => {
    app.get(path, async context => {
      try {
        if (!deps.keyed()) guardLocal(context.env.incoming);
        await show(context);
      } catch (error) {
        sendError(context.env.outgoing, error);
      }
      return RESPONSE_ALREADY_SENT;
    });
  };
  open('/healthz', context => sendJson(context.env.outgoing, 200, { status: 'ok' }));
  open('/readyz', context => {
    const ready = deps.ready();
    sendJson(context.env.outgoing, ready.status === 'ready' ? 200 : 503, ready);
  });
  open('/openapi.json', async context => {
    const { openapiDocument } = await import('@perdure/protocol/openapi');
    sendJson(context.env.outgoing, 200, openapiDocument({ version }));
  });
  open('/', context => {
    const page = Buffer.from(STATUS_PAGE);
    const head = {
      'content-type': 'text/html; charset=utf-8',
      'content-length': page.length,
      'content-security-policy': STATUS_PAGE_POLICY,
    };
    context.env.outgoing.writeHead(200, {
      ...head,
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
    });
    context.env.outgoing.end(page);
  });
}

async function refuse(deps: HttpDeps, context: Context<RouteEnv>, error: () => Error): Promise<Response> {
  const admits = isBedrock(context.env.incoming.url ?? '') ? admitEither : admit;
  const refused = (): Promise<void> => Promise.reject(error());
  await serve(deps, context.env, [], refused, admits);
  return RESPONSE_ALREADY_SENT;
}

/** The routes that model calls come by, served without the router: it costs them about as much as their parsing does. */
export function hotRoutes(deps: HttpDeps): ReadonlyMap<string, (bindings: HttpBindings) => Promise<void>> {
  const hot = routes(deps).filter(([method, path]) => method === 'POST' && HOT_PATHS.has(path));
  return new Map(
    hot.map(([, path, scopes, handler]) => [
      path,
      bindings => serve(deps, bindings, scopes, exchange => handler(exchange, [])),
    ]),
  );
}

const HOT_PATHS: ReadonlySet<string> = new Set(['/v1/responses', '/v1/chat/completions']);

/** Runs a handler inside everything that all requests share. */
async function serve(
  deps: HttpDeps,
  { incoming: req, outgoing: res }: HttpBindings,
  scopes: Scopes,
  handler: (exchange: Exchange) => Promise<void>,
  admits: typeof admit | typeof admitEither = admit,
): Promise<void> {
  const requestId = newRequestId();
  const left = new AbortController();
  res.on('close', () => {
    if (!res.writableFinished) left.abort();
  });
  try {
    const admitted = admits(deps, req, scopes);
    const caller = admitted instanceof Promise ? await admitted : admitted;
    if (scopes !== null) limitRate(deps.rates, caller, res);
    await handler({ req, res, caller: withSpan(req, caller), requestId, signal: left.signal });
  } catch (thrown) {
    if (left.signal.aborted) return;
    const error = sendError(res, thrown, { 'x-request-id': requestId });
    if (error.code === 'internal_error') deps.report('http', thrown);
  }
}
