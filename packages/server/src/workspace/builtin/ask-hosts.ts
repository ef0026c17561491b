/**
 * Hosts that a command asks people for. The command names them; it runs once they were opened, and they are open for that run alone: the approval binds
 * the command and the hosts, as it binds all arguments. What is blocked is never asked for.
 */
import type { ToolOutcome, ToolRun, WorkspaceSpec } from '../../engine/tools/ports.ts';
import { type HostRules, hostAllowed, hostRules, type Matches } from '../network/rules.ts';
import { failed } from './tool.ts';

export interface AskHosts {
  readonly matches: Matches;
  /** The operator's: blocked in every workspace. */
  readonly blocked: readonly string[];
}

/** One call. */
export const HOSTS_MOST = 16;
/** A name, or a name and a port: no pattern, no scheme, no path. */
export const HOST_FORM: RegExp = /^[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?(?::[1-9]\d{0,4})?$/;

export type Asked =
  /** It may run now, with these besides what its rules allow. */
  { readonly run: true; readonly hosts: readonly string[] } | { readonly run: false; readonly outcome: ToolOutcome };

export function askHosts(
  { matches, blocked }: AskHosts,
  spec: WorkspaceSpec | null,
  wanted: readonly string[],
  { answer }: Pick<ToolRun, 'answer'>,
  command: string,
): Asked {
  const rules = spec === null ? null : hostRules(spec.network, blocked);
  if (wanted.length === 0) return { run: true, hosts: [] };
  if (rules === null) return refused('The workspace has no network, and no host can be opened.');
  const closed = [...new Set(wanted.map(host => host.toLowerCase()))].filter(host => !isAllowed(host, rules, matches));
  const never = closed.filter(host => isBlocked(host, rules, matches));
  if (never.length > 0) return refused(`Blocked, and not to be asked for: ${never.join(', ')}.`);
  if (closed.length === 0) return { run: true, hosts: [] };
  // Another network lets through all that is public at the usual ports: nothing of it can be widened.
  if (rules.allowed === null) return refused(`The network of the workspace does not reach ${closed.join(', ')}.`);
  if (answer?.granted === true) return { run: true, hosts: closed };
  const about = { type: 'network', hosts: closed, command };
  return { run: false, outcome: { ok: 'asks', why: 'network', about, resume: null } };
}

function refused(message: string): Asked {
  return { run: false, outcome: failed('egress_denied', message) };
}

/** Of the hosts that were held back, those that people may be asked for. */
export function askable(
  { matches, blocked }: AskHosts,
  spec: WorkspaceSpec | null,
  held: readonly string[],
): readonly string[] {
  const rules = spec === null ? null : hostRules(spec.network, blocked);
  if (rules === null || rules.allowed === null) return [];
  return held.filter(host => HOST_FORM.test(host) && !isBlocked(host, rules, matches));
}

function isAllowed(host: string, rules: HostRules, matches: Matches): boolean {
  const url = urlOf(host);
  return url !== null && hostAllowed(url, rules, matches);
}

/** At every port. */
function isBlocked(host: string, { blocked }: HostRules, matches: Matches): boolean {
  const url = urlOf(host);
  return url === null || matches(new URL(`https://${url.hostname}`), blocked) || matches(url, blocked);
}

function urlOf(host: string): URL | null {
  const text = `https://${host}`;
  return URL.canParse(text) ? new URL(text) : null;
}
