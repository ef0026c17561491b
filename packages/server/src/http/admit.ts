/** Who asks: by key, by an AWS signature, or nobody where none is asked for. */
import { perdureError } from '@perdure/protocol';
import type { IncomingMessage } from 'node:http';
import type { Caller } from '../engine/caller.ts';
import type { TenantId } from '../kernel/ids.ts';
import { guardLocal } from './guard.ts';
import { admitSigned, isPresigned, presignedRefused } from './sigv4/admit.ts';
import { isSigned } from './sigv4/authorization.ts';
import type { HttpDeps, Scope } from './types.ts';

/** The scopes of which one is needed. `null`: no key is asked for. */
export type Scopes = readonly Scope[] | null;

/** Who asks, if he may. @throws PerdureError host_not_allowed, origin_not_allowed, missing_api_key, invalid_api_key, insufficient_scope */
export function admit(
  deps: Pick<HttpDeps, 'keyed' | 'authenticate'>,
  req: Pick<IncomingMessage, 'headers'>,
  scopes: Scopes,
): Caller {
  if (!deps.keyed()) guardLocal(req);
  if (scopes === null) return NOBODY;
  const caller = deps.authenticate(bearerOf(req.headers.authorization));
  requireScope(caller, scopes);
  return caller;
}

/** By bearer, or by an AWS signature. @throws as `admit`; invalid_signature, signature_expired, signature_not_allowed */
export function admitEither(deps: HttpDeps, req: IncomingMessage, scopes: Scopes): Caller | Promise<Caller> {
  if (isPresigned(req.url)) throw presignedRefused();
  if (scopes === null || !deps.keyed() || !isSigned(req.headers.authorization)) return admit(deps, req, scopes);
  return admitSigned(deps.signing, req, deps.limits).then(caller => {
    requireScope(caller, scopes);
    return caller;
  });
}

/** Who asks where no key is asked for. */
const NOBODY: Caller = {
  tenant: '' as TenantId,
  principal: 'nobody',
  product: '',
  channel: '',
  segment: '',
  scopes: [],
};

function bearerOf(header: string | undefined): string | null {
  return /^Bearer\s+(\S+)$/i.exec(header ?? '')?.[1] ?? null;
}

function requireScope(caller: Caller, scopes: readonly Scope[]): void {
  if (scopes.length > 0 && !scopes.some(scope => caller.scopes.includes(scope))) {
    throw perdureError('insufficient_scope', `This needs a key with the scope ${scopes.join(' or ')}.`);
  }
}
