/** The keys of a running server, over its admin routes. */
import { createdKeySchema, keySchema } from '@perdure/protocol';
import * as z from 'zod';
import type { Io } from './cli/io.ts';
import type { Config } from './config/config.ts';
import type { KeyDesk } from './keys-in-folder.ts';
import { refusal, serverRequests } from './server-requests.ts';

const SCOPE = 'admin';
const list = z.object({ data: z.array(keySchema) });

export function keysOverHttp(config: Config, io: Io): KeyDesk {
  const { ask, must } = serverRequests(config, io, SCOPE);
  return {
    create: spec => must(createdKeySchema, 'POST', '/perdure/v1/keys', spec),
    list: async () => (await must(list, 'GET', '/perdure/v1/keys')).data,
    revoke: async id => {
      const answer = await ask('DELETE', `/perdure/v1/keys/${encodeURIComponent(id)}`);
      if (answer.status === 404) return false;
      if (answer.status >= 400) throw refusal(answer, SCOPE);
      return true;
    },
    close: () => Promise.resolve(),
  };
}
