/** Which MCP servers this deployment speaks to, and how far their word is taken: what an operator says in `mcp` of perdure.yaml. */
import type { EgressRules } from '../egress/rules.ts';
import { matchesAny } from '../egress/rules.ts';
import type { McpServerSpec } from './server-spec.ts';

/** A command that may run on the host of this server. */
export interface HostCommand {
  /** What sessions write as `command`. */
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  /** All that the process is given, beside PATH. */
  readonly env: { readonly [name: string]: string };
  /** Null: the folder that the server runs in. */
  readonly cwd: string | null;
}

/** Client credentials that an operator holds for the servers of a host. */
export interface McpClient {
  readonly host: string;
  readonly clientId: string;
  readonly clientSecret: string;
  readonly issuer: string;
  readonly scope: string | null;
}

export interface McpRules {
  /** Where servers over HTTP may be. */
  readonly egress: EgressRules;
  readonly stdio: readonly HostCommand[];
  /** Hosts, written as in `egress.hosts`, and names of `stdio`, whose hints on their tools are believed (L6). */
  readonly trusted: readonly string[];
}

/** The operator's command that a server of the origin `service` names; null if it names none. */
export function hostCommandOf(spec: McpServerSpec, rules: McpRules): HostCommand | null {
  const { transport } = spec;
  if (transport.type !== 'stdio') return null;
  const sameArgs = (args: readonly string[]): boolean =>
    args.length === transport.args.length && args.every((arg, i) => arg === transport.args[i]);
  return (
    rules.stdio.find(
      ({ name, command, args }) =>
        (transport.command === name && (transport.args.length === 0 || sameArgs(args))) ||
        (transport.command === command && sameArgs(args)),
    ) ?? null
  );
}

/** A label is the caller's word and trusts nobody: the host counts, or the operator's own command. */
export function isTrusted(spec: McpServerSpec, rules: McpRules): boolean {
  if (spec.origin === 'environment') return false;
  const { transport } = spec;
  if (transport.type === 'http')
    return URL.canParse(transport.url) && matchesAny(new URL(transport.url), rules.trusted);
  const command = hostCommandOf(spec, rules);
  return command !== null && rules.trusted.includes(command.name);
}
