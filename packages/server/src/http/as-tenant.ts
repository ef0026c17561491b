/** Whose evidence a request reads. */
import { perdureError } from '@perdure/protocol';
import { type Caller, EVERY_TENANT, seesAll } from '../engine/caller.ts';
import type { TenantId } from '../kernel/ids.ts';
import type { Exchange } from './types.ts';

/**
 * The caller, as the tenant whose placements it asks for: its own, or the one it names if it sees all (L10). What is read so is evidence:
 * no content is reached by these routes.
 * @throws insufficient_scope; invalid_request if somebody who is of every tenant names none
 */
export function asTenant({ caller }: Pick<Exchange, 'caller'>, tenant: string | undefined): Caller {
  const wanted = tenant ?? caller.tenant;
  if (wanted !== caller.tenant && !seesAll(caller))
    throw perdureError('insufficient_scope', 'Placements of another tenant are shown to keys with the scope operator.');
  if (wanted === EVERY_TENANT)
    throw perdureError('invalid_request', 'A key of every tenant names the one whose placements it asks for.', {
      param: 'tenant',
    });
  return { ...caller, tenant: wanted as TenantId };
}
