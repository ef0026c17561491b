/** The keys of a running server, over its admin routes. */
import * as z from 'zod';
import { CliError, EXIT } from './cli/exit.ts';
import type { Io } from './cli/io.ts';
import type { Config } from './config/config.ts';
import type { KeyDesk } from './keys-in-folder.ts';

/** For one request, ms. */
const REQUEST_MS = 10_000;

const key = z.object({
  id: z.string(),
  object: z.literal('perdure.key'),
  name: z.string(),
  prefix: z.string().nullable(),
  tenant: z.string(),
  channel: z.string(),
  segment: z.string(),
  product: z.string(),
  scopes: z.array(z.string()),
  source: z.enum(['store', 'config']),
  created_at: z.number().nullable(),
  revoked_at: z.number().nullable(),
});
const created = key.extend({ secret: z.string() });
const list = z.object({ data: z.array(key) });
const failure = z.object({ error: z.object({ message: z.string(), code: z.string() }) });

interface Answer {
  readonly status: number;
  readonly body: unknown;
}

export function keysOverHttp(config: Config, io: Io): KeyDesk {
  const base = serverAddress(config, io);
  const secret = io.env['PERDURE_API_KEY'];
  const ask = async (method: string, path: string, body?: unknown): Promise<Answer> => {
    const headers = {
      ...(secret !== undefined && { authorization: `Bearer ${secret}` }),
      ...(body !== undefined && { 'content-type': 'application/json' }),
    };
    try {
      const response = await fetch(new URL(path, base), {
        method,
        headers,
        signal: AbortSignal.timeout(REQUEST_MS),
        ...(body !== undefined && { body: JSON.stringify(body) }),
      });
      return { status: response.status, body: await response.json() };
    } catch (cause) {
      throw new CliError(EXIT.refused, `another Perdure process is using ${config.data}, and none answers at ${base}`, {
        hint: 'Set PERDURE_URL to the address of that server, or stop it.',
        cause,
      });
    }
  };
  const checked = (answer: Answer): Answer => {
    if (answer.status < 400) return answer;
    const said = failure.safeParse(answer.body);
    const message = said.success ? said.data.error.message : `the server answered with status ${answer.status}`;
    const refused = answer.status === 401 || answer.status === 403;
    const hint = refused
      ? { hint: 'Set PERDURE_API_KEY to a key with the scope admin, or stop the server first.' }
      : {};
    throw new CliError(refused ? EXIT.refused : EXIT.failed, message, hint);
  };
  return {
    create: async spec => created.parse(checked(await ask('POST', '/perdure/v1/keys', spec)).body),
    list: async () => list.parse(checked(await ask('GET', '/perdure/v1/keys')).body).data,
    revoke: async id => {
      const answer = await ask('DELETE', `/perdure/v1/keys/${encodeURIComponent(id)}`);
      return answer.status === 404 ? false : checked(answer).status < 400;
    },
    close: () => Promise.resolve(),
  };
}

/** Where the server of a configuration is, unless PERDURE_URL says otherwise. */
export function serverAddress(config: Config, io: Io): string {
  return io.env['PERDURE_URL'] || `http://${hostIn(config.listen.host)}:${config.listen.port}`;
}

/** Where a server that listens everywhere can be reached from here. */
function hostIn(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1';
  if (host === '::') return '[::1]';
  return host.includes(':') && !host.startsWith('[') ? `[${host}]` : host;
}
