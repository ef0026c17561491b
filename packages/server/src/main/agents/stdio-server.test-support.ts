/** A small MCP server that speaks over its standard streams, as a file that a test writes into a workspace. It needs node alone. */
export const SERVER_FILE = 'server.mjs';

export const STDIO_SERVER: string = `
import { get } from 'node:http';
import { createInterface } from 'node:readline';
import { existsSync, readFileSync, readdirSync, appendFileSync, writeFileSync } from 'node:fs';

let served = 0;
console.error('not an answer');
const text = value => ({ content: [{ type: 'text', text: typeof value === 'string' ? value : JSON.stringify(value) }] });
const tools = {
  echo: ({ message }) => text(message),
  served: () => text(String(++served)),
  env: () => text(process.env),
  read: ({ path }) => text(existsSync(path) ? readFileSync(path, 'utf8') : 'nothing there'),
  list: ({ path }) => text(readdirSync(path)),
  write: ({ path, bytes }) => (writeFileSync(path, 'x'.repeat(bytes)), text('written')),
  die: ({ after }) => (appendFileSync('/workspace/' + after, 'once '), process.exit(1)),
  // By the proxy that its variables name, as programs do that look there.
  ask: ({ url }) =>
    new Promise(done => {
      const proxy = process.env.HTTP_PROXY;
      if (proxy === undefined) return done(text('no proxy'));
      get(proxy, { path: url, headers: { host: new URL(url).host } }, ({ statusCode }) => done(text(String(statusCode))))
        .on('error', ({ code }) => done(text(code)));
    }),
  mute: () => undefined,
  line: ({ bytes }) => text('x'.repeat(bytes)),
  lines: async () => {
    const line = JSON.stringify({ jsonrpc: '2.0', method: 'notifications/message', params: { level: 'info', data: 'x'.repeat(60_000) } }) + '\\n';
    for (;;) if (!process.stdout.write(line)) await new Promise(done => process.stdout.once('drain', done));
  },
};
const answer = (id, what) => process.stdout.write(JSON.stringify({ jsonrpc: '2.0', id, ...what }) + '\\n');
createInterface({ input: process.stdin }).on('line', async line => {
  const { id, method, params } = JSON.parse(line);
  if (id === undefined) return;
  if (method === 'initialize')
    return answer(id, { result: { protocolVersion: '2025-06-18', capabilities: { tools: {} }, serverInfo: { name: 'small', version: '1' } } });
  if (method === 'tools/list')
    return answer(id, { result: { tools: Object.keys(tools).map(name => ({ name, inputSchema: { type: 'object' }, annotations: { idempotentHint: true } })) } });
  if (method !== 'tools/call') return answer(id, { error: { code: -32601, message: 'no such method' } });
  const result = await tools[params.name]?.(params.arguments ?? {});
  if (result !== undefined) answer(id, { result });
});
`;
