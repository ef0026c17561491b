/** The keys of a running server, over its admin routes. */
import { createdKeySchema, isPerdureError, keySchema } from '@perdure/protocol';
import * as z from 'zod';
import type { Io } from './cli/io.ts';
import type { KeyDesk } from './keys-in-folder.ts';
import type { AskedServer } from './server-address.ts';
import { serverOf } from './server-requests.ts';

const list = z.object({ data: z.array(keySchema) });

export function keysOverHttp(server: AskedServer, io: Io): KeyDesk {
  const { must, request, told } = serverOf(io, { ...server, scope: 'admin' });
  return {
    create: spec => must(createdKeySchema, 'POST', '/perdure/v1/keys', spec),
    list: async () => (await must(list, 'GET', '/perdure/v1/keys')).data,
    revoke: async id => {
      try {
        await request(z.unknown(), 'DELETE', `/perdure/v1/keys/${encodeURIComponent(id)}`);
        return true;
      } catch (error) {
        if (isPerdureError(error) && error.status === 404) return false;
        throw told(error);
      }
    },
    close: () => Promise.resolve(),
  };
}
