/** Who calls: what a key (or the lack of one, on loopback) stands for. Fixed before anything else happens to a request. */
import type { TenantId } from '../kernel/ids.ts';

export interface Caller {
  readonly tenant: TenantId;
  /** The key's id, or `local`. */
  readonly principal: string;
  readonly product: string;
  readonly channel: string;
  readonly segment: string;
  readonly scopes: readonly string[];
  /** The span in which it calls (W3C Trace Context), if it says one: the turns that it begins are linked to it. */
  readonly traceparent?: string;
}

/**
 * In the place of a tenant: who audits the whole deployment. No tenant is called so and no row is its, so what does not ask `seesAll`
 * shows such a caller nothing (L10).
 */
export const EVERY_TENANT = '*' as TenantId;

/** Whether evidence of every tenant is shown to the caller. Content never is, whoever asks: it is read as one's own tenant's. */
export function seesAll({ tenant, scopes }: Pick<Caller, 'tenant' | 'scopes'>): boolean {
  return scopes.includes('operator') || (tenant === EVERY_TENANT && scopes.includes('auditor'));
}

export function actorOf(caller: Caller): string {
  return `key:${caller.principal}`;
}

/** The inverse of `actorOf`; what names no key is left as it is. */
export function principalOf(actor: string): string {
  return actor.replace(/^key:/, '');
}
