/** What a key may do. A route names the scopes of which it needs one; nothing implies another. */
import type { Scope } from '../config/config.ts';

export const SCOPES: { readonly [scope in Scope]: string } = {
  inference: 'Make responses, chat completions and conversations, continue and delete them.',
  read: "Read the tenant's responses, conversations and placements, and what the server offers.",
  admin: "Make, list and revoke the tenant's keys.",
  operator: 'Make, list and revoke the keys of every tenant.',
  approve: "See and decide the tenant's approvals of tool calls, arguments included.",
  auditor: "Read the tenant's placements, contracts in force and what-if, and the ledger, but no content.",
};

export const SCOPE_NAMES: readonly Scope[] = Object.keys(SCOPES).filter(isScope);

export function isScope(name: string): name is Scope {
  return Object.hasOwn(SCOPES, name);
}
