/** The network of one command: the proxy outside, and what the command needs inside to reach it. */
import { fileURLToPath } from 'node:url';
import type { Mount } from '../sandbox/launch.ts';
import { type Proxy, type ProxyOptions, SOCKET_NAME, startProxy } from './proxy.ts';

export interface WayOut {
  readonly proxy: Proxy;
  readonly mounts: readonly Mount[];
  readonly before: readonly string[];
  readonly env: { readonly [name: string]: string };
}

const INSIDE = '/run/perdure';
const PORT = 3128;
const PROXY_URL = `http://127.0.0.1:${PORT}`;
const EXTENSION = import.meta.url.endsWith('.ts') ? '.ts' : '.mjs';
const RELAY = fileURLToPath(new URL(`./relay${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url));

/** Both spellings: programs differ in which they read. */
const PROXY_ENV: { readonly [name: string]: string } = Object.fromEntries(
  ['http_proxy', 'https_proxy', 'HTTP_PROXY', 'HTTPS_PROXY', 'ALL_PROXY', 'all_proxy']
    .map(name => [name, PROXY_URL])
    .concat([
      ['no_proxy', 'localhost,127.0.0.1'],
      ['NO_PROXY', 'localhost,127.0.0.1'],
      ['NODE_USE_ENV_PROXY', '1'],
    ]),
);

export async function openWayOut(options: ProxyOptions): Promise<WayOut> {
  const proxy = await startProxy(options);
  const [node, relay] = [`${INSIDE}/node`, `${INSIDE}/relay${EXTENSION}`];
  return {
    proxy,
    mounts: [
      { from: proxy.folder, to: `${INSIDE}/net`, writable: false },
      { from: process.execPath, to: node, writable: false },
      { from: RELAY, to: relay, writable: false },
    ],
    before: [node, '--disable-warning=ExperimentalWarning', relay, `${INSIDE}/net/${SOCKET_NAME}`, String(PORT)],
    env: PROXY_ENV,
  };
}
