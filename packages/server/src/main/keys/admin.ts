/** Who a bearer token is, and what a caller may do with keys. */
import { perdureError } from '@perdure/protocol';
import { type Caller, seesAll } from '../../engine/caller.ts';
import type { HttpDeps } from '../../http/types.ts';
import { type KeyRing, LOCAL_CALLER } from '../keys.ts';
import { KeySpecError, type KeySpec } from './key-row.ts';
import { KeySaleError } from './sale.ts';

/** @throws PerdureError missing_api_key, invalid_api_key */
export function authenticate(ring: KeyRing, bearer: string | null): Caller {
  if (!ring.required) return LOCAL_CALLER;
  if (bearer === null) throw perdureError('missing_api_key');
  const caller = ring.authenticate(bearer);
  if (caller === null) throw perdureError('invalid_api_key');
  return caller;
}

/** L10 for keys: an admin reaches its own tenant's, an operator everyone's; an auditor sees them, and changes none. */
export function keyAdmin(ring: KeyRing): HttpDeps['keys'] {
  const reaches = (caller: Caller, tenant: string): boolean =>
    caller.scopes.includes('operator') || caller.tenant === tenant;
  return {
    list: caller => ring.list().filter(key => seesAll(caller) || key.tenant === caller.tenant),
    create: async (caller, given) => {
      if (typeof given !== 'object' || given === null || !('name' in given))
        throw perdureError('invalid_request', 'A key needs a name.', { param: 'name' });
      const spec = given as KeySpec;
      const tenant = spec.tenant ?? caller.tenant;
      // Of whatever type they were sent: what is no list is refused below.
      const scopes: unknown = spec.scopes;
      const asOperator = Array.isArray(scopes) && scopes.includes('operator');
      if (!reaches(caller, tenant) || (asOperator && !caller.scopes.includes('operator')))
        throw perdureError(
          'insufficient_scope',
          'A key of another tenant, or an operator’s, is made with the scope operator.',
        );
      try {
        return await ring.create({ ...spec, tenant }, caller.principal);
      } catch (error) {
        if (error instanceof KeySaleError) throw perdureError('placement_refused', error.message);
        if (error instanceof KeySpecError) throw perdureError('invalid_request', error.message, { param: error.param });
        throw error;
      }
    },
    revoke: async (caller, id) => {
      const own = ring.list().some(key => key.id === id && reaches(caller, key.tenant));
      return own && (await ring.revoke(id, caller.principal)) !== null;
    },
  };
}
