import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { serveControl } from './control.ts';
import { Exchange } from './exchange.ts';
import { failureBody, failureOf, notFound, RequestRefused } from './failure.ts';
import { FaultRules } from './fault-rules.ts';
import { identityOf, sha256 } from './identity.ts';
import { modelByName, modelList } from './models.ts';
import { DEFAULT_CLOUDS, type Emulator, type EmulatorOptions } from './options.ts';
import { readBody } from './request-body.ts';
import { type LoggedRequest, RequestLog } from './request-log.ts';
import { CLOUD_NAME, DEFAULT_CLOUD, type Route, routeOf } from './routes.ts';
import { authorise, type Service, serveCompletion } from './service.ts';

/** Longer than clients keep an idle connection, so that none is closed under a request. */
const KEEP_ALIVE_MS = 75_000;
const NO_BODY = Buffer.alloc(0);

const refuse = (exchange: Exchange, error: unknown): void => {
  const failure = failureOf(error);
  if (exchange.gone || exchange.response.writableEnded) return;
  if (exchange.response.headersSent) exchange.destroy();
  else if (failure !== null) exchange.json(failure.status, failureBody(failure), failure.headers);
  else {
    console.error(error);
    const message = 'The emulator itself failed: this is a defect.';
    exchange.json(
      500,
      failureBody({ status: 500, type: 'server_error', code: 'emulator_defect', param: null, message }),
    );
  }
};

function serveRoute(
  service: Service,
  route: Exclude<Route, { kind: 'responses' | 'chat' | 'control' }>,
  line: string,
  exchange: Exchange,
): void {
  switch (route.kind) {
    case 'models':
      return exchange.json(200, modelList());
    case 'model':
      return exchange.json(200, modelByName(route.id));
    case 'stored-response':
      throw notFound(`Response with id '${route.id}' not found.`);
    case 'not-allowed':
      throw new RequestRefused({
        status: 405,
        type: 'invalid_request_error',
        code: 'method_not_supported',
        param: null,
        message: `Not allowed: ${line}.`,
      });
    case 'unknown':
      throw notFound(`Invalid URL (${line})`);
  }
}

async function serve(service: Service, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const exchange = new Exchange(response);
  const { method = 'GET', url = '/' } = request;
  const route = routeOf(method, url, service.clouds);
  let logged: LoggedRequest | null = null;
  try {
    const body = method === 'GET' ? NO_BODY : await readBody(request);
    if (route.kind === 'control') return serveControl(service, method, route.path, body, exchange);
    const cloud = 'cloud' in route ? route.cloud : DEFAULT_CLOUD;
    const digest = sha256(body);
    const startedAt = service.now();
    const number = ++service.requests;
    const identity = identityOf(service.seed, cloud, number, digest, startedAt);
    response.setHeader('x-request-id', identity.requestId);
    response.setHeader('openai-version', '2020-10-01');
    response.setHeader('x-emulated', 'true');
    logged = {
      number,
      requestId: identity.requestId,
      cloud,
      method,
      path: url,
      model: null,
      stream: false,
      body: { sha256: digest, bytes: body.length },
      items: 0,
      headerNames: Object.keys(request.headers),
      startedAt,
      endedAt: null,
      status: null,
      ended: null,
      faults: [],
    };
    service.log.add(logged, () => body.toString('utf8'));
    authorise(request, service.apiKeys);
    if (route.kind === 'responses' || route.kind === 'chat') {
      const incoming = { body, contentType: request.headers['content-type'], identity };
      logged.ended = await serveCompletion(service, route.kind, incoming, logged, exchange);
    } else {
      serveRoute(service, route, `${method} ${url}`, exchange);
      logged.ended = 'completed';
    }
  } catch (error) {
    if (logged !== null) logged.ended = 'refused';
    refuse(exchange, error);
  } finally {
    if (logged !== null) {
      logged.status = response.headersSent ? response.statusCode : null;
      logged.endedAt = service.now();
    }
  }
}

/** Starts an emulator. Throws on a bad cloud name, and with the system's error if the address cannot be had. */
export async function startEmulator(options: EmulatorOptions = {}): Promise<Emulator> {
  const { host = '127.0.0.1', port = 0, clouds = DEFAULT_CLOUDS, defaults = [] } = options;
  for (const cloud of clouds)
    if (!CLOUD_NAME.test(cloud)) throw new Error(`"${cloud}" cannot name a cloud: ${CLOUD_NAME.source}`);
  const service: Service = {
    clouds: new Set(clouds),
    apiKeys: options.apiKeys ?? [],
    defaults: 'kind' in defaults ? [defaults] : defaults,
    seed: options.seed ?? 'perdure',
    rules: new FaultRules(),
    log: new RequestLog(options.recordBodies ?? false),
    now: options.now ?? Date.now,
    requests: 0,
  };
  const server = createServer(
    { keepAliveTimeout: KEEP_ALIVE_MS },
    (request, response) => void serve(service, request, response),
  );
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  });
  const address = server.address() as AddressInfo;
  const url = `http://${address.family === 'IPv6' ? `[${address.address}]` : address.address}:${address.port}`;
  return {
    url,
    port: address.port,
    clouds: [...service.clouds],
    baseUrl: cloud => {
      if (cloud === DEFAULT_CLOUD) return `${url}/v1`;
      if (!service.clouds.has(cloud)) throw new Error(`The emulator serves no cloud "${cloud}".`);
      return `${url}/${cloud}/v1`;
    },
    close: () =>
      new Promise(resolve => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
