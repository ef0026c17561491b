/** Where each kind of tool runs, and where its data goes. */
import { expect, test } from 'vitest';
import type { JsonObject } from '../../log/events.ts';
import type { ToolOrigin } from './ports.ts';
import { placesOf } from './tool-places.ts';

const MCP = {
  tools: [
    { type: 'mcp', server_label: 'docs', transport: { type: 'http', server_url: 'https://docs.example/mcp' } },
    { type: 'mcp', server_label: 'files', transport: { type: 'stdio', command: 'files' } },
    {
      type: 'mcp',
      server_label: 'inside',
      connection_origin: 'environment',
      transport: { type: 'http', server_url: 'http://127.0.0.1/' },
    },
  ],
};
const hosted = (network: JsonObject): JsonObject => ({ type: 'openai_hosted', id: 'env_1', network });
const NONE: JsonObject = { type: 'none' };
const mcp = (server: string): ToolOrigin => ({ kind: 'mcp', server, tool: 'x' });

/** `execute@place` and `use:host`. */
function told(name: string, origin: ToolOrigin, environment: JsonObject, args: JsonObject = {}): readonly string[] {
  return placesOf({ name, origin }, args, { agent: MCP, environment }).map(asked =>
    asked.action === 'execute'
      ? `execute@${asked.place ?? 'home'} ${asked.tool.origin}`
      : `${asked.destination.use}:${asked.destination.host}`,
  );
}

const BUILTIN: ToolOrigin = { kind: 'builtin' };

test.each<readonly [string, readonly string[], readonly string[]]>([
  ['a client’s', told('f', { kind: 'client' }, NONE), []],
  ['a module’s', told('f', { kind: 'module', module: 'm' }, NONE), ['execute@home module']],
  ['a server over HTTP', told('f', mcp('docs'), NONE), ['mcp:docs.example']],
  ['a process', told('f', mcp('files'), NONE), ['execute@home mcp']],
  ['a server that nobody named', told('f', mcp('gone'), NONE), ['mcp:*']],
  ['one in the environment', told('f', mcp('inside'), { type: 'self_hosted' }), ['execute@self-hosted mcp']],
  [
    'a page',
    told('web_fetch', BUILTIN, NONE, { url: 'https://A.example/x' }),
    ['execute@home builtin', 'web:a.example'],
  ],
  ['a page that is none', told('web_fetch', BUILTIN, NONE, { url: 7 }), ['execute@home builtin', 'web:*']],
  ['a command without network', told('shell', BUILTIN, hosted({ access: 'disabled' })), ['execute@home builtin']],
  ['one with any', told('shell', BUILTIN, hosted({ access: 'enabled' })), ['execute@home builtin', 'command:*']],
  [
    'one with some',
    told('shell', BUILTIN, hosted({ access: 'restricted', allowed_domains: ['A.example', '*.b.example'] })),
    ['execute@home builtin', 'command:a.example', 'command:*.b.example'],
  ],
  [
    'one with all but some',
    told('shell', BUILTIN, hosted({ access: 'restricted', allowed_domains: [], blocked_domains: ['c.example'] })),
    ['execute@home builtin', 'command:*'],
  ],
  ['a command of the user’s machine', told('shell', BUILTIN, { type: 'self_hosted' }), ['execute@self-hosted builtin']],
  ['a file', told('read_file', BUILTIN, hosted({ access: 'enabled' })), ['execute@home builtin']],
  ['an automation', told('create_automation', BUILTIN, { type: 'self_hosted' }), ['execute@home builtin']],
])('%s', (_, got, expected) => expect(got).toEqual(expected));
