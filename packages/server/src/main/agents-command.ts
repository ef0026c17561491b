/** `perdure agents`. */
import type { AgentResource, AgentVersionResource, ShownAgentConfig } from '@perdure/protocol';
import { moment } from './cli/moment.ts';
import { EXIT, type ExitCode } from './cli/exit.ts';
import { type Io, printJson } from './cli/io.ts';
import { table } from './cli/table.ts';
import { atRegistryDesk, type RegistryFlags } from './registry-desks.ts';

export interface AgentOptions extends RegistryFlags {
  readonly json?: boolean;
}
export interface ShowOptions extends AgentOptions {
  readonly version?: number;
}

const SHOWN_CHARS = 60;

export async function agentsList(options: AgentOptions, io: Io): Promise<ExitCode> {
  const agents = await atRegistryDesk(options, io, 'inference or read', desk => desk.agents());
  if (options.json === true) printJson(io, { object: 'list', data: agents, has_more: false });
  else if (agents.length === 0) io.out('There are no agents.\n');
  else io.out(table(['ID', 'NAME', 'MODEL', 'TOOLS', 'UPDATED'], agents.map(agentRow)));
  return EXIT.ok;
}

export async function agentsShow(id: string, options: ShowOptions, io: Io): Promise<ExitCode> {
  const { version } = options;
  const found = await atRegistryDesk<AgentResource | AgentVersionResource>(options, io, 'inference or read', desk =>
    version === undefined ? desk.agent(id) : desk.version(id, version),
  );
  if (options.json === true) printJson(io, found);
  else io.out(shown(found));
  return EXIT.ok;
}

export async function agentsVersions(id: string, options: AgentOptions, io: Io): Promise<ExitCode> {
  const versions = await atRegistryDesk(options, io, 'inference or read', desk => desk.versions(id));
  if (options.json === true) printJson(io, { object: 'list', data: versions, has_more: false });
  else io.out(table(['VERSION', 'MADE', 'BY', 'EQUALS', 'MODEL', 'NAME', 'DIGEST'], versions.map(versionRow)));
  return EXIT.ok;
}

export async function agentsRollback(
  id: string,
  { version, ...options }: AgentOptions & { readonly version: number },
  io: Io,
): Promise<ExitCode> {
  const made = await atRegistryDesk(options, io, 'inference', async desk => {
    await desk.rollBack(id, version);
    return (await desk.versions(id))[0];
  });
  if (options.json === true) printJson(io, made);
  else io.out(`${id}: version ${made?.version} equals version ${version}\n`);
  return EXIT.ok;
}

function agentRow({ id, name, model, tools, updated_at }: AgentResource): readonly string[] {
  return [id, name ?? '-', model, String(tools.length), moment(updated_at)];
}

function versionRow(version: AgentVersionResource): readonly string[] {
  const { created_at, created_by, rolled_back_to: same, model, name, digest } = version;
  const equals = same === null ? '-' : `version ${same}`;
  return [String(version.version), moment(created_at), created_by, equals, model, name ?? '-', digest.slice(0, 16)];
}

function shown(agent: AgentResource | AgentVersionResource): string {
  const rows: (readonly [string, string])[] = [
    ['id', agent.id],
    ['name', agent.name ?? '-'],
    ...('version' in agent ? [['version', String(agent.version)] as const] : []),
    ['made', moment(agent.created_at)],
    ['model', agent.model],
    ['instructions', clipped(agent.instructions ?? '-')],
    ['service tier', agent.service_tier],
    ['sub-agents', subagents(agent)],
    ['metadata', pairs(agent.metadata)],
    ...agent.tools.map(tool => ['tool', toolWords(tool)] as const),
  ];
  const width = Math.max(...rows.map(([name]) => name.length)) + 2;
  return rows.map(([name, value]) => `${name.padEnd(width)}${value}\n`).join('');
}

function subagents({ multi_agent: { enabled, max_concurrent_subagents } }: ShownAgentConfig): string {
  return enabled ? `up to ${max_concurrent_subagents} at once` : 'none';
}

function pairs(metadata: { readonly [key: string]: string }): string {
  const text = Object.entries(metadata).map(([key, value]) => `${key}=${value}`);
  return text.length === 0 ? '-' : text.join(', ');
}

function toolWords(tool: ShownAgentConfig['tools'][number]): string {
  const words = [tool['type'], tool['name'] ?? tool['server_label']];
  return words.filter(word => typeof word === 'string').join(' ');
}

function clipped(text: string): string {
  const line = text.replaceAll(/\s+/g, ' ');
  return line.length > SHOWN_CHARS ? `${line.slice(0, SHOWN_CHARS)}...` : line;
}
