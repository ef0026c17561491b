/** MCP servers over HTTP, made with the SDK for servers: what they are asked is recorded, and what they do is told by the name of a tool. */
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { randomUUID } from 'node:crypto';
import { NodeStreamableHTTPServerTransport, toNodeHandler } from '@modelcontextprotocol/node';
import {
  acceptedContent,
  createMcpHandler,
  inputRequired,
  isInitializeRequest,
  McpServer,
} from '@modelcontextprotocol/server';
import * as z from 'zod';
import type { EgressRules } from '../egress/rules.ts';
import { NO_EGRESS } from './source.test-support.ts';

export interface HttpServer {
  readonly url: string;
  /** Rules that reach it. */
  readonly egress: EgressRules;
  /** Of every request: its method and headers. */
  readonly asked: {
    readonly method: string;
    readonly headers: IncomingMessage['headers'];
    readonly rpc: string | null;
  }[];
  /** How often each tool has run. */
  readonly ran: Map<string, number>;
  /** `_meta` of the last call. */
  meta: unknown;
  /** How many of the next calls are cut off once they were read. */
  cut: number;
  /** A tool more, and says so to whoever is connected. */
  add(tool: string): void;
  readonly close: () => Promise<void>;
}

export interface HttpServerOptions {
  /** `newer`: revision 2026-07-28 and nothing else. `older`: sessions of 2025. */
  readonly generation?: 'newer' | 'older' | 'both';
  /** Answers others with 401. */
  readonly bearer?: () => string;
  /** The issuer that it names as its authorization server. */
  readonly authorization?: string;
}

const text = (said: string) => ({ content: [{ type: 'text' as const, text: said }] });

export async function startHttpServer({
  generation = 'both',
  bearer,
  authorization,
}: HttpServerOptions = {}): Promise<HttpServer> {
  const asked: HttpServer['asked'] = [];
  const ran = new Map<string, number>();
  const extra = new Set<string>();
  const state: { meta: unknown; cut: number } = { meta: null, cut: 0 };
  const older = new Map<
    string,
    { readonly transport: NodeStreamableHTTPServerTransport; readonly server: McpServer }
  >();

  const addTo = (server: McpServer, name: string): void =>
    void server.registerTool(name, { inputSchema: z.object({}) }, async () => text(name));

  function makeServer(headers: () => IncomingMessage['headers']): McpServer {
    const server = new McpServer(
      { name: 'tests', version: '1.0.0' },
      { capabilities: { tools: { listChanged: true } } },
    );
    const count = (name: string): void => void ran.set(name, (ran.get(name) ?? 0) + 1);
    server.registerTool(
      'echo',
      {
        description: 'Says it again.',
        inputSchema: z.object({ text: z.string() }),
        annotations: { readOnlyHint: true },
      },
      async ({ text: said }, ctx) => {
        count('echo');
        state.meta = ctx.mcpReq._meta;
        return text(said);
      },
    );
    server.registerTool('add_row', { description: 'Adds a row.', inputSchema: z.object({}) }, async () => {
      count('add_row');
      return text('added');
    });
    server.registerTool('whoami', { inputSchema: z.object({}) }, async () =>
      text(`you sent ${headers().authorization ?? 'nothing'}`),
    );
    server.registerTool('fails', { inputSchema: z.object({}) }, async () => ({
      ...text(`no, ${headers().authorization ?? 'you'}`),
      isError: true,
    }));
    server.registerTool('slow', { inputSchema: z.object({ ms: z.number() }) }, async ({ ms }) => {
      count('slow');
      await sleep(ms);
      return text('done');
    });
    server.registerTool('big', { inputSchema: z.object({ bytes: z.number() }) }, async ({ bytes }) => {
      count('big');
      return text('x'.repeat(bytes));
    });
    server.registerTool('progress', { inputSchema: z.object({}) }, async (_, ctx) => {
      const progressToken = ctx.mcpReq._meta?.progressToken;
      if (progressToken !== undefined)
        await ctx.mcpReq.notify({
          method: 'notifications/progress',
          params: { progressToken, progress: 1, message: 'half of it' },
        });
      return text('all of it');
    });
    server.registerTool('deploy', { inputSchema: z.object({ to: z.string() }) }, async ({ to }, ctx) => {
      const confirmed = acceptedContent<{ sure: boolean }>(ctx.mcpReq.inputResponses, 'sure');
      if (ctx.mcpReq.inputResponses !== undefined && confirmed?.sure !== true) return text('not deployed');
      if (confirmed === undefined)
        return inputRequired({
          inputRequests: {
            sure: inputRequired.elicit({
              message: `Deploy to ${to}?`,
              requestedSchema: { type: 'object', properties: { sure: { type: 'boolean' } } },
            }),
          },
          requestState: `state of ${to}`,
        });
      count('deploy');
      return text(`deployed with ${ctx.mcpReq.requestState<string>() ?? 'no state'}`);
    });
    for (const name of extra) addTo(server, name);
    return server;
  }

  const current = { headers: {} as IncomingMessage['headers'] };
  const handler = createMcpHandler(() => makeServer(() => current.headers), {
    legacy: generation === 'newer' ? 'reject' : 'stateless',
  });
  const newer = toNodeHandler(handler);

  const http = createServer((req, res) => {
    void (async () => {
      const chunks: Buffer[] = [];
      for await (const chunk of req) chunks.push(chunk as Buffer);
      const body: unknown = chunks.length === 0 ? undefined : JSON.parse(Buffer.concat(chunks).toString());
      const rpc = typeof body === 'object' && body !== null && 'method' in body ? String(body.method) : null;
      asked.push({ method: req.method ?? '', headers: req.headers, rpc });
      const { pathname, origin } = new URL(req.url ?? '/', `http://${req.headers.host ?? ''}`);
      if (pathname.startsWith('/.well-known/')) {
        if (authorization === undefined || !pathname.startsWith('/.well-known/oauth-protected-resource'))
          res.writeHead(404).end();
        else
          res
            .writeHead(200, { 'content-type': 'application/json' })
            .end(JSON.stringify({ resource: `${origin}/mcp`, authorization_servers: [authorization] }));
        return;
      }
      if (bearer !== undefined && req.headers.authorization !== `Bearer ${bearer()}`) {
        res
          .writeHead(401, { 'content-type': 'application/json' })
          .end(JSON.stringify({ error: `not ${req.headers.authorization ?? ''}` }));
        return;
      }
      current.headers = req.headers;
      if (rpc === 'tools/call' && state.cut-- > 0) {
        res.destroy();
        return;
      }
      if (generation !== 'older')
        return newer(req as IncomingMessage & { readonly method: string; readonly url: string }, res, body);
      const id = req.headers['mcp-session-id'];
      const known = typeof id === 'string' ? older.get(id) : undefined;
      if (known !== undefined) return known.transport.handleRequest(req, res, body);
      if (!isInitializeRequest(body)) {
        res.writeHead(id === undefined ? 400 : 404).end();
        return;
      }
      const server = makeServer(() => current.headers);
      const transport = new NodeStreamableHTTPServerTransport({
        sessionIdGenerator: () => randomUUID(),
        onsessioninitialized: made => void older.set(made, { transport, server }),
      });
      await server.connect(transport);
      return transport.handleRequest(req, res, body);
    })().catch(() => res.destroy());
  });
  await new Promise<void>(resolve => http.listen(0, '127.0.0.1', resolve));
  const { port } = http.address() as AddressInfo;
  const host = `127.0.0.1:${port}`;
  return {
    url: `http://${host}/mcp`,
    egress: { ...NO_EGRESS, mode: 'allow-list', hosts: [host], privateHosts: [host] },
    asked,
    ran,
    get meta() {
      return state.meta;
    },
    get cut() {
      return state.cut;
    },
    set cut(calls) {
      state.cut = calls;
    },
    add(name) {
      extra.add(name);
      handler.notify.toolsChanged();
      for (const { server } of older.values()) addTo(server, name);
    },
    async close() {
      await handler.close();
      http.closeAllConnections();
      await new Promise(resolve => http.close(resolve));
    },
  };
}
