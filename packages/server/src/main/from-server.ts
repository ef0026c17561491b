/** What a running server is asked, with its errors told as a command tells them. */
import { createPerdureClient, type PerdureClient } from '@perdure/client';
import { isPerdureError } from '@perdure/protocol';
import { CliError, EXIT } from './cli/exit.ts';
import type { Io } from './cli/io.ts';
import type { Config } from './config/config.ts';
import { serverAddress } from './server-requests.ts';

/** @throws CliError */
export async function fromServer<T>(config: Config, io: Io, ask: (client: PerdureClient) => Promise<T>): Promise<T> {
  const base = serverAddress(config, io);
  const apiKey = io.env['PERDURE_API_KEY'];
  try {
    return await ask(createPerdureClient({ baseURL: base, ...(apiKey !== undefined && { apiKey }) }));
  } catch (error) {
    if (!isPerdureError(error)) throw error;
    const refused = error.status === 401 || error.status === 403;
    const hint =
      error.code === 'server_unreachable'
        ? { hint: `Nobody answers at ${base}: start the server, or set PERDURE_URL to its address.` }
        : refused
          ? { hint: 'Set PERDURE_API_KEY to a key with the scope read or auditor.' }
          : {};
    throw new CliError(refused ? EXIT.refused : EXIT.failed, error.message, { ...hint, cause: error });
  }
}
