import type { Config } from '../config/config.ts';

/** Why a server without keys does not listen there; known to the command line by its code. */
export function keysRequired({ host, said }: Config['listen']): Error {
  const place = said === undefined ? '' : `${said}: error: listen.host: `;
  const message = `${place}Without API keys the server answers on loopback only, and ${host} is not. Create a key first (perdure keys create --name ops --scope admin), or listen on 127.0.0.1.`;
  return Object.assign(new Error(message), { code: 'keys_required' });
}
