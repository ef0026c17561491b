/** The network of one command: the proxy outside, and what the command needs inside to reach it. */
import { chown, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Mount } from '../sandbox/launch.ts';
import type { EdgeCredentials } from './credentials.ts';
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

/** Beside the socket: what programs believe that speak to hosts whose TLS the proxy ends. */
const BUNDLE = 'certificates.pem';
const OWN = 'proxy.pem';
/** Programs differ in which they read; Node adds what it is given to its own. */
const CERTIFICATE_ENV: { readonly [name: string]: string } = Object.fromEntries(
  [
    'SSL_CERT_FILE',
    'REQUESTS_CA_BUNDLE',
    'CURL_CA_BUNDLE',
    'GIT_SSL_CAINFO',
    'AWS_CA_BUNDLE',
    'PIP_CERT',
    'CARGO_HTTP_CAINFO',
    'DENO_CERT',
  ]
    .map(name => [name, `${INSIDE}/net/${BUNDLE}`])
    .concat([['NODE_EXTRA_CA_CERTS', `${INSIDE}/net/${OWN}`]]),
);

export interface WayOutOptions extends Omit<ProxyOptions, 'credentials'> {
  /** Null: the workspace has none, and every tunnel is left alone. */
  readonly credentials: EdgeCredentials | null;
}

export async function openWayOut({ credentials, ...options }: WayOutOptions): Promise<WayOut> {
  // Where nobody has credentials it is never loaded.
  const authority = credentials === null ? null : await (await import('./authority.ts')).processAuthority();
  const proxy = await startProxy({
    ...options,
    ...(credentials === null || authority === null
      ? {}
      : { credentials: { values: host => credentials.values(host), certify: host => authority.certify(host) } }),
  });
  try {
    if (authority !== null) {
      const { bundle, certificate } = authority;
      for (const [name, text] of [
        [BUNDLE, bundle],
        [OWN, certificate],
      ] as const) {
        const path = join(proxy.folder, name);
        await writeFile(path, text, { mode: 0o600 });
        if (options.owner !== null) await chown(path, options.owner.uid, options.owner.gid);
      }
    }
  } catch (error) {
    await proxy.close();
    throw error;
  }
  const [node, relay] = [`${INSIDE}/node`, `${INSIDE}/relay${EXTENSION}`];
  return {
    proxy,
    mounts: [
      { from: proxy.folder, to: `${INSIDE}/net`, writable: false },
      { from: process.execPath, to: node, writable: false },
      { from: RELAY, to: relay, writable: false },
    ],
    before: [node, '--disable-warning=ExperimentalWarning', relay, `${INSIDE}/net/${SOCKET_NAME}`, String(PORT)],
    env: authority === null ? PROXY_ENV : { ...PROXY_ENV, ...CERTIFICATE_ENV },
  };
}
