/** Which hosts a workspace may reach. Pure: what a name resolves to is looked at when it is. */
import type { WorkspaceSpec } from '../../engine/tools/ports.ts';

export type Access = WorkspaceSpec['network']['access'];

export interface HostRules {
  /** Null: every host that is on the public network. */
  readonly allowed: readonly string[] | null;
  /** Wins over `allowed`. */
  readonly blocked: readonly string[];
}

/** From less to more. */
const ACCESS: readonly Access[] = ['disabled', 'restricted', 'enabled'];

/** Whether an access is no more than another. */
export function within(access: Access, most: Access): boolean {
  return ACCESS.indexOf(access) <= ACCESS.indexOf(most);
}

/**
 * @param never the operator's: blocked in every workspace
 * @returns null where there is no network
 */
export function hostRules(network: WorkspaceSpec['network'], never: readonly string[]): HostRules | null {
  const { access, allowed, blocked } = network;
  if (access === 'disabled') return null;
  if (access === 'enabled') return { allowed: null, blocked: never };
  // A list of what is blocked and none of what is allowed: all but those.
  if (allowed.length === 0 && blocked.length > 0) return { allowed: null, blocked: [...blocked, ...never] };
  return { allowed, blocked: [...blocked, ...never] };
}

/**
 * Whether a URL's host may be asked, as far as its name tells.
 * @param matches `*.example.com` means names below it; a pattern without a port means the usual ones
 */
export function hostAllowed(url: URL, { allowed, blocked }: HostRules, matches: Matches): boolean {
  // What is blocked is blocked at every port.
  const plain = new URL(`${url.protocol}//${url.hostname}`);
  if (matches(plain, blocked) || matches(url, blocked)) return false;
  return allowed === null ? url.port === '' : matches(url, allowed);
}

export type Matches = (url: URL, patterns: readonly string[]) => boolean;
