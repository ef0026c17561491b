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
}

export function actorOf(caller: Caller): string {
  return `key:${caller.principal}`;
}
