/** Whether a session, or an agent, may name the MCP servers that it names: asked when it is made, so that nobody finds out in a turn. */
import { isPerdureError, perdureError, type PerdureError } from '@perdure/protocol';
import type { JsonObject } from '../../log/events.ts';
import { checkUrl } from '../egress/rules.ts';
import { fieldsIn, isFields, listIn, stringIn } from '../json.ts';
import type { McpLimits } from './limits.ts';
import { hostCommandOf, type McpRules } from './rules.ts';
import { type McpServerSpec, mcpServersOf } from './server-spec.ts';

export interface Admission {
  readonly rules: McpRules;
  readonly limits: Pick<McpLimits, 'servers'>;
  /** Whether sessions have workspaces that servers can be reached from. */
  readonly environments: boolean;
  /** Whether servers are started in them. Absent: where they are reached from them. */
  readonly processes?: boolean;
}

/** UTF-16 units of a label. */
export const LABEL_CHARS = 64;
/** Headers that carry credentials: those belong in a vault. */
const SECRET_HEADER = /(^|-)(authorization|cookie|api-?key|token|secret|password|credential|session)s?($|-)/i;
const HEADER = /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}$/;
const HEADER_CHARS = 4_096;
/** The transport says these itself. */
const OWN_HEADERS: ReadonlySet<string> = new Set([
  'accept',
  'connection',
  'content-length',
  'content-type',
  'host',
  'last-event-id',
  'mcp-protocol-version',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/**
 * @param agent a configuration as it was sent, or as it is kept
 * @throws mcp_server_not_allowed, egress_denied, unsupported_parameter, invalid_request: `param` names the place
 */
export function admitServers(agent: JsonObject, by: Admission): void {
  const tools = listIn(agent, 'tools');
  const labels = new Set<string>();
  for (const [i, tool] of tools.entries()) {
    if (!isFields(tool) || tool['type'] !== 'mcp') continue;
    const at = `tools[${i}]`;
    const [spec] = mcpServersOf({ tools: [tool as JsonObject] });
    const label = stringIn(tool, 'server_label') ?? '';
    if (label.length === 0 || label.length > LABEL_CHARS)
      throw wrong(`A 'server_label' has 1 to ${LABEL_CHARS} characters.`, `${at}.server_label`);
    if (labels.has(label)) throw wrong('Two MCP servers have the same label.', `${at}.server_label`);
    labels.add(label);
    if (labels.size > by.limits.servers)
      throw wrong(`A session has at most ${by.limits.servers} MCP servers.`, 'tools');
    if (spec === undefined) throw wrong("A 'transport' is of the type http or stdio.", `${at}.transport`);
    noSecrets(fieldsIn(tool, 'transport') ?? {}, `${at}.transport`);
    reachable(spec, by, at);
  }
}

/** What the log may not hold (L9) is not taken here. */
function noSecrets(transport: { readonly [key: string]: unknown }, at: string): void {
  if (typeof transport['authorization'] === 'string')
    throw unsupported(
      "An 'authorization' is not kept with a session: put it into a vault as static_bearer, for the URL of the server.",
      `${at}.authorization`,
    );
  if (Object.keys(fieldsIn(transport, 'env') ?? {}).length > 0)
    throw unsupported(
      "Values of 'env' are not kept with a session: name variables of the environment in 'env_vars'.",
      `${at}.env`,
    );
  for (const [name, value] of Object.entries(fieldsIn(transport, 'headers') ?? {})) {
    const where = `${at}.headers.${name}`;
    if (!HEADER.test(name) || typeof value !== 'string' || value.length > HEADER_CHARS || /[^\t\x20-\x7e]/.test(value))
      throw wrong('It is no header that can be sent.', where);
    if (OWN_HEADERS.has(name.toLowerCase()) || /^mcp-/i.test(name))
      throw wrong('The transport sends this header itself.', where);
    if (SECRET_HEADER.test(name))
      throw unsupported('A header that carries a credential is not kept with a session: put it into a vault.', where);
  }
}

/**
 * Servers that a session wants started in its environment.
 * @param why they are not, in words for its caller; null: they are
 * @throws mcp_server_not_allowed
 */
export async function admitProcesses(agent: JsonObject, why: () => Promise<string | null>): Promise<void> {
  const at = listIn(agent, 'tools').findIndex(tool => {
    const [spec] = isFields(tool) ? mcpServersOf({ tools: [tool as JsonObject] }) : [];
    return spec?.origin === 'environment' && spec.transport.type === 'stdio';
  });
  const refusal = at < 0 ? null : await why();
  if (refusal !== null) throw notAllowed(refusal, `tools[${at}].transport.type`);
}

function reachable(spec: McpServerSpec, by: Admission, at: string): void {
  if (spec.origin === 'environment') {
    if (spec.credential !== null)
      throw unsupported('Credentials of vaults are not sent from environments.', `${at}.credential_id`);
    if (by.environments && spec.transport.type === 'stdio' && by.processes === false)
      throw notAllowed(
        'This server starts no MCP servers in environments: reach one over HTTP from there.',
        `${at}.transport.type`,
      );
    if (by.environments) return;
    throw notAllowed('This server reaches no MCP servers from environments.', `${at}.connection_origin`);
  }
  if (spec.transport.type === 'http') {
    try {
      checkUrl(spec.transport.url, by.rules.egress);
    } catch (error) {
      throw placed(error, `${at}.transport.server_url`);
    }
    return;
  }
  if (hostCommandOf(spec, by.rules) === null)
    throw notAllowed(
      'The command is not one that the operator lists (mcp.stdio). Name one of those, or have it run in the environment of the session.',
      `${at}.transport.command`,
    );
  if (spec.transport.envVars.length > 0)
    throw unsupported('The environment of a listed command is set by the operator.', `${at}.transport.env_vars`);
}

function placed(error: unknown, param: string): unknown {
  return isPerdureError(error) ? perdureError(error.code, error.message, { param }) : error;
}

function wrong(message: string, param: string): PerdureError {
  return perdureError('invalid_request', message, { param });
}

function unsupported(message: string, param: string): PerdureError {
  return perdureError('unsupported_parameter', message, { param });
}

function notAllowed(message: string, param: string): PerdureError {
  return perdureError('mcp_server_not_allowed', message, { param });
}
