/** `perdure tools`: what sessions are offered, and a try. */
import { randomUUID } from 'node:crypto';
import { isPerdureError } from '@perdure/protocol';
import type { ToolDefinition, ToolOutcome, ToolScope } from '../engine/tools/ports.ts';
import type { SessionId, TenantId } from '../kernel/ids.ts';
import type { JsonObject } from '../log/events.ts';
import { parseFields } from '../provider/json.ts';
import { CliError, EXIT, type ExitCode } from './cli/exit.ts';
import { type Io, printJson } from './cli/io.ts';
import type { ConfigFlags } from './cli/options.ts';
import { table } from './cli/table.ts';
import type { Config } from './config/config.ts';
import { CONFIG_FILE } from './config/load.ts';
import { configFile, readConfigFile } from './configured.ts';
import { type OpenTools, openTools } from './tools.ts';

export interface ToolsOptions extends ConfigFlags {
  readonly json?: boolean;
  readonly server?: string;
  readonly tenant?: string;
}
export type ToolsRunOptions = ToolsOptions;

const SHOWN_CHARS = 72;

export async function toolsList(options: ToolsOptions, io: Io): Promise<ExitCode> {
  const tools = await withTools(options, io, async ({ definitions }) => definitions);
  if (options.json === true) printJson(io, { object: 'list', data: tools.map(shape), has_more: false });
  else if (tools.length === 0) io.out('Sessions are offered no tools: see tools and mcp in docs/tools.md.\n');
  else io.out(table(['NAME', 'FROM', 'RUNS AGAIN', 'WHAT IT DOES'], tools.map(row)));
  return EXIT.ok;
}

export async function toolsRun(name: string, given: string, options: ToolsRunOptions, io: Io): Promise<ExitCode> {
  const args = parseFields(given);
  if (args === null)
    throw new CliError(EXIT.usage, 'perdure tools: the arguments are a JSON object, as \'{"port":"Harwich"}\'');
  const outcome = await withTools(options, io, async ({ definitions, open, scope }) => {
    const tool = definitions.find(one => one.name === name);
    if (tool === undefined)
      throw new CliError(EXIT.usage, `perdure tools: there is no tool '${name}'`, {
        hint: 'perdure tools list shows them.',
      });
    const source = tool.origin.kind === 'mcp' ? open.mcp : open.modules;
    return source.run(scope, tool, {
      callId: 'call_cli',
      key: `cli_${randomUUID()}`,
      arguments: args as JsonObject,
      signal: new AbortController().signal,
      show: text => io.err(text),
      answer: null,
    });
  });
  if (options.json === true) printJson(io, outcome);
  else io.out(`${textOf(outcome)}\n`);
  return outcome.ok === false ? EXIT.failed : EXIT.ok;
}

interface Opened {
  readonly definitions: readonly ToolDefinition[];
  readonly open: OpenTools;
  readonly scope: ToolScope;
}

async function withTools<T>(options: ToolsOptions, io: Io, work: (opened: Opened) => Promise<T>): Promise<T> {
  const file = configFile(options, io.cwd);
  if (file === null)
    throw new CliError(EXIT.usage, `perdure tools: there is no ${CONFIG_FILE} here`, {
      hint: 'Name one with --config.',
    });
  const config = readConfigFile(file, io);
  const open = await opened(config, io);
  const scope = scopeOf(config, options);
  try {
    const none = new AbortController().signal;
    open.mcp.admit(scope.agent);
    const definitions = [...(await open.modules.list(scope, none)), ...(await open.mcp.list(scope, none))];
    return await work({ definitions, open, scope });
  } catch (error) {
    if (isPerdureError(error)) throw new CliError(EXIT.refused, `perdure tools: ${error.message}`, { cause: error });
    throw error;
  } finally {
    await Promise.all([open.mcp.close(), open.modules.close()]);
  }
}

async function opened(config: Config, io: Io): Promise<OpenTools> {
  const line = (text: string): void => io.err(`perdure: ${text}\n`);
  try {
    return await openTools(config, {
      secrets: null,
      environments: null,
      log: line,
      report: (what, error) =>
        line(`${what}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`),
    });
  } catch (error) {
    throw new CliError(EXIT.usage, error instanceof Error ? error.message : String(error), { cause: error });
  }
}

/** A session that names every server that it may. */
function scopeOf({ tools }: Config, { server, tenant }: ToolsOptions): ToolScope {
  const named =
    server === undefined
      ? tools.mcp.stdio.map(({ name }) => ({ server_label: name, transport: { type: 'stdio', command: name } }))
      : [{ server_label: 'server', transport: { type: 'http', server_url: server }, required: true }];
  return {
    tenant: (tenant ?? 'local') as TenantId,
    session: 'sess_cli' as SessionId,
    principal: 'cli',
    agent: { tools: named.map(one => ({ type: 'mcp', ...one })) },
    environment: { type: 'none' },
    vaults: [],
    labels: [],
  };
}

function fromOf({ origin }: ToolDefinition): string {
  if (origin.kind === 'mcp') return `mcp ${origin.server}`;
  return origin.kind === 'module' ? origin.module : origin.kind;
}

function row(tool: ToolDefinition): readonly string[] {
  const [line = ''] = (tool.description ?? '').split('\n');
  const short = line.length > SHOWN_CHARS ? `${line.slice(0, SHOWN_CHARS - 3)}...` : line;
  return [tool.name, fromOf(tool), tool.idempotent ? 'yes' : 'no', short];
}

function shape({ name, description, parameters, idempotent, deferred, ...tool }: ToolDefinition): JsonObject {
  return {
    name,
    from: fromOf({ name, description, parameters, idempotent, deferred, ...tool }),
    description,
    parameters,
    idempotent,
    deferred,
  };
}

function textOf(outcome: ToolOutcome): string {
  if (outcome.ok === 'asks') return `It asks: ${JSON.stringify(outcome.about)}`;
  if (outcome.ok === 'waits') return 'It waits for other sessions.';
  if (!outcome.ok) return `${outcome.code}: ${outcome.message}`;
  const { output } = outcome;
  if (typeof output === 'string') return output;
  return output
    .map(part => (part.type === 'input_text' ? part.text : `[an image, ${part.image_url.length} characters]`))
    .join('\n');
}
