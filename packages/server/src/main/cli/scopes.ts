/** What a key may do, in the words of help: each scope that there is. A route names the scopes of which it needs one; nothing implies another. */
import type { Scope } from '../config/config.ts';

export const SCOPES: { readonly [scope in Scope]: string } = {
  inference: 'make responses, chat completions, conversations and agents, continue and delete them',
  read: "read the tenant's responses, conversations, sessions and placements, and what the server offers",
  admin: "make, list and revoke the tenant's keys and webhooks",
  operator: 'the keys and evidence of every tenant; activate contracts, grant waivers, place holds, close months',
  approve: "see and decide the tenant's approvals of tool calls, arguments included",
  auditor: 'read what was decided and why, who changed what, and the ledger; content nowhere',
};

/** One line each. */
export function scopesHelp(): string {
  const width = Math.max(...Object.keys(SCOPES).map(name => name.length));
  const lines = Object.entries(SCOPES).map(([name, says]) => `  ${name.padEnd(width)}  ${says}\n`);
  return `\nScopes\n${lines.join('')}`;
}
