/** Requests of a command to the server that holds the data folder. */
import * as z from 'zod';
import { CliError, EXIT } from './cli/exit.ts';
import type { Io } from './cli/io.ts';
import type { Config } from './config/config.ts';

/** For one request, ms. */
const REQUEST_MS = 30_000;

const failure = z.object({
  error: z.object({
    message: z.string(),
    code: z.string(),
    details: z
      .object({ findings: z.array(z.object({ file: z.string(), message: z.string() })) })
      .partial()
      .optional(),
  }),
});

export interface Answer {
  readonly status: number;
  readonly body: unknown;
}

export interface ServerRequests {
  /** Whatever the status. @throws CliError if no server answers */
  readonly ask: (method: 'GET' | 'POST' | 'DELETE', path: string, body?: unknown) => Promise<Answer>;
  /** The body of a success. @throws CliError in the server's own words */
  readonly must: <T>(
    schema: z.ZodType<T>,
    method: 'GET' | 'POST' | 'DELETE',
    path: string,
    body?: unknown,
  ) => Promise<T>;
}

/** @param scope what the key must have, for the hint */
export function serverRequests(config: Config, io: Io, scope: string): ServerRequests {
  const base = serverAddress(config, io);
  const secret = io.env['PERDURE_API_KEY'];
  const ask: ServerRequests['ask'] = async (method, path, body) => {
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
  return {
    ask,
    async must(schema, method, path, body) {
      const answer = await ask(method, path, body);
      if (answer.status >= 400) throw refusal(answer, scope);
      return schema.parse(answer.body);
    },
  };
}

/** A failure as the command line tells it. */
export function refusal({ status, body }: Answer, scope: string): CliError {
  const said = failure.safeParse(body);
  const message = said.success ? said.data.error.message : `the server answered with status ${status}`;
  const refused = status === 401 || status === 403;
  const keyless = status === 401 || (said.success && said.data.error.code === 'insufficient_scope');
  const hint = keyless
    ? { hint: `Set PERDURE_API_KEY to a key with the scope ${scope}, or stop the server first.` }
    : {};
  return new CliError(refused ? EXIT.refused : EXIT.failed, message, hint);
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
