/** `perdure permissions`. */
import { CEDAR_HERE } from '../contract/cedar-here.ts';
import { findingLine } from '../contract/finding.ts';
import { datetimeMs } from '../contract/instant.ts';
import { loadToolPolicies } from '../contract/tool-policies.ts';
import type { ToolOrigin, ToolQuestion } from '../engine/tools/ports.ts';
import type { SessionId, TenantId } from '../kernel/ids.ts';
import type { JsonObject } from '../log/events.ts';
import { CliError, EXIT, type ExitCode } from './cli/exit.ts';
import { type Io, printJson } from './cli/io.ts';
import type { ConfigFlags } from './cli/options.ts';
import { table } from './cli/table.ts';
import { configured } from './configured.ts';
import { configWith } from './discover.ts';
import { permissionFolder, PermissionsError } from './permissions/folders.ts';
import { openPermissions, type PermissionSource, readPermissions } from './permissions/permissions.ts';

export interface PermissionsCheckOptions extends ConfigFlags {
  readonly json?: boolean;
}

export interface PermissionsExplainOptions extends ConfigFlags {
  readonly json?: boolean;
  readonly tool: string;
  readonly args?: string;
  readonly origin?: string;
  readonly idempotent?: boolean;
  readonly agent?: string;
  readonly agentName?: string;
  readonly agentVersion?: string;
  readonly principal?: string;
  readonly tenant?: string;
  readonly label?: readonly string[];
  readonly asOf?: string;
  readonly permissions?: readonly string[];
}

async function sourceOf(given: readonly string[], options: ConfigFlags, io: Io): Promise<PermissionSource> {
  const { config } = await configured(options, io, async () => configWith([], io.cwd));
  if (given.length === 0) return config.permissions;
  const folders = given.map(name => {
    try {
      return permissionFolder(name, io.cwd);
    } catch (error) {
      throw error instanceof PermissionsError ? new CliError(EXIT.usage, error.message) : error;
    }
  });
  return { ...config.permissions, folders };
}

export async function permissionsCheck(
  given: readonly string[],
  options: PermissionsCheckOptions,
  io: Io,
): Promise<ExitCode> {
  const { folders, fallback } = await sourceOf(given, options, io);
  const { policies, findings } = loadToolPolicies(CEDAR_HERE, readPermissions(folders));
  const listed = policies?.policies ?? [];
  const ok = policies !== null;
  if (options.json === true) {
    printJson(io, { object: 'perdure.permissions_check', ok, default: fallback, findings, policies: listed });
  } else {
    for (const finding of findings) io.out(`${findingLine(finding)}\n`);
    if (listed.length > 0)
      io.out(
        table(
          ['POLICY', 'EFFECT', 'AT', 'CITES'],
          listed.map(({ id, effect, file, line, cite }) => [id, effect, `${file}:${line}`, cite ?? '-']),
        ),
      );
    io.out(ok ? `ok: ${listed.length} policies; what none speaks of: ${fallback}\n` : 'not ok\n');
  }
  return ok ? EXIT.ok : EXIT.refused;
}

export async function permissionsExplain(options: PermissionsExplainOptions, io: Io): Promise<ExitCode> {
  const source = await sourceOf(options.permissions ?? [], options, io);
  const permissions = opened(source);
  const question = questionOf(options);
  const { verdict, by, reasons, policy } = permissions.explain(question);
  const auto = verdict === 'ask' ? (permissions.autoApprove(question)?.verdict ?? 'deny') : null;
  const found = reasons.map(reason => permissions.policies.find(({ id }) => id === reason.id) ?? null);
  const rows = found.flatMap(one => (one === null ? [] : [one]));
  if (options.json === true) {
    printJson(io, { object: 'perdure.permission', verdict, by, auto_review: auto, policy, reasons: rows });
  } else {
    io.out(`${verdict}: ${WORDS[by]}\n`);
    if (rows.length > 0)
      io.out(
        table(
          ['POLICY', 'EFFECT', 'AT', 'CITES'],
          rows.map(({ id, effect, file, line, cite }) => [id, effect, `${file}:${line}`, cite ?? '-']),
        ),
      );
    if (auto !== null) io.out(`under auto_review: ${auto}\n`);
    io.out(`version ${policy}\n`);
  }
  return verdict === 'deny' ? EXIT.refused : EXIT.ok;
}

const WORDS = {
  error: 'a policy could not be evaluated',
  forbid: 'a policy forbids it',
  permit: 'a policy permits it',
  ask: 'a policy wants a person to be asked',
  default: 'no policy speaks of it, so the default decides',
} as const;

function opened(source: PermissionSource): ReturnType<typeof openPermissions> {
  try {
    return openPermissions(source, () => CEDAR_HERE);
  } catch (error) {
    throw error instanceof PermissionsError ? new CliError(EXIT.usage, error.message) : error;
  }
}

function questionOf(options: PermissionsExplainOptions): ToolQuestion {
  const { tool, agent = '', agentName, agentVersion = '1', principal = 'local', tenant = 'local' } = options;
  const at = options.asOf === undefined ? Date.now() : datetimeMs(options.asOf);
  if (at === null) throw new CliError(EXIT.usage, '--as-of must be a day as 2026-03-20, or a moment.');
  const version = /^[1-9]\d{0,8}$/.test(agentVersion) ? Number(agentVersion) : null;
  if (version === null) throw new CliError(EXIT.usage, '--agent-version must be a whole number from 1.');
  return {
    tenant: tenant as TenantId,
    principal,
    agent: { id: agent, version, name: agentName ?? null },
    session: 'sess_explained' as SessionId,
    labels: options.label ?? [],
    tool: { name: tool, origin: originOf(options.origin ?? 'builtin'), idempotent: options.idempotent ?? false },
    arguments: argumentsOf(options.args ?? '{}'),
    at,
  };
}

function originOf(text: string): ToolOrigin {
  const [, kind, name = '', tool] = /^(builtin|client|module|mcp)(?::([^/]+)(?:\/(.+))?)?$/.exec(text) ?? [];
  if ((kind === 'builtin' || kind === 'client') && name === '') return { kind };
  if (kind === 'module' && name !== '') return { kind, module: name };
  if (kind === 'mcp' && name !== '') return { kind, server: name, tool: tool ?? '' };
  throw new CliError(EXIT.usage, '--origin must be builtin, client, module:<name> or mcp:<server>[/<tool>].');
}

function argumentsOf(text: string): JsonObject {
  try {
    const parsed: unknown = JSON.parse(text);
    if (typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)) return parsed as JsonObject;
  } catch {
    // Told below, with what is wanted.
  }
  throw new CliError(EXIT.usage, '--args must be a JSON object.');
}
