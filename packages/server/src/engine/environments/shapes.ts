/** What environments are made of and how they are shown. Pure. */
import {
  type ArchiveGiven,
  type CapabilityResource,
  type EnvironmentInfo,
  type EnvironmentState,
  type EnvironmentStatus,
  type EnvironmentTemplate,
  type HostedGiven,
  inlineBytes,
  type NetworkRules,
  NO_PACKAGES,
  perdureError,
  type SessionEnvironment,
} from '@perdure/protocol';
import type { WorkspaceSpec } from '../tools/ports.ts';
import type { Found, FoundEnvironment, HostedRecord, TemplateRecord } from './records.ts';

/** All fields, with their defaults. */
export interface Hosted {
  readonly capability_directories: readonly string[];
  readonly env: { readonly [name: string]: string };
  readonly files: NonNullable<HostedGiven['files']>;
  readonly network: NetworkRules;
  readonly plugins: readonly ArchiveGiven[];
  readonly setup_commands: NonNullable<HostedGiven['setup_commands']>;
  readonly skills: readonly ArchiveGiven[];
}

export const NO_NETWORK: NetworkRules = { access: 'disabled', allowed_domains: [], blocked_domains: [] };

/** Fields of the request lie over those of the template; what neither gives has its default. */
export function over(template: HostedGiven | null, given: HostedGiven): Hosted {
  const from = template ?? {};
  const allowed = template === null ? null : (template.network ?? NO_NETWORK);
  const network = given.network ?? allowed ?? NO_NETWORK;
  if (allowed !== null && broadens(network, allowed))
    throw perdureError('invalid_request', "The network of an environment cannot be wider than its template's.", {
      param: 'environment.network',
    });
  return {
    capability_directories: given.capability_directories ?? from.capability_directories ?? [],
    env: given.env ?? from.env ?? {},
    files: given.files ?? from.files ?? [],
    network,
    plugins: given.plugins ?? from.plugins ?? [],
    setup_commands: given.setup_commands ?? from.setup_commands ?? [],
    skills: given.skills ?? from.skills ?? [],
  };
}

/** Whether `wanted` reaches anything that `allowed` does not. */
export function broadens(wanted: NetworkRules, allowed: NetworkRules): boolean {
  if (allowed.access === 'enabled' || wanted.access === 'disabled') return false;
  if (allowed.access === 'disabled' || wanted.access === 'enabled') return true;
  // An allow-list lets through what it names; a block-list all but what it names; neither lets nothing through.
  const all = (rules: NetworkRules): boolean => rules.blocked_domains.length > 0;
  if (!all(allowed))
    return all(wanted) || !wanted.allowed_domains.every(one => allowed.allowed_domains.some(by => covers(by, one)));
  if (all(wanted)) return !allowed.blocked_domains.every(one => wanted.blocked_domains.some(by => same(by, one)));
  return wanted.allowed_domains.some(one => allowed.blocked_domains.some(blocked => meets(one, blocked)));
}

const same = (one: string, two: string): boolean => one.toLowerCase() === two.toLowerCase();
/** Whether the rule `by` lets through all that `one` does. */
function covers(by: string, one: string): boolean {
  if (same(by, one)) return true;
  return by.startsWith('*.') && one.toLowerCase().endsWith(by.slice(1).toLowerCase());
}
/** Whether a rule of an allow-list reaches a blocked name, or one below it. */
function meets(one: string, blocked: string): boolean {
  const name = one.replace(/^\*\./, '').toLowerCase();
  const other = blocked.toLowerCase();
  return name === other || name.endsWith(`.${other}`) || (one.startsWith('*.') && other.endsWith(`.${name}`));
}

export function specOf({ row, record }: Found<HostedRecord>): WorkspaceSpec {
  const { access, allowed_domains: allowed, blocked_domains: blocked } = record.network;
  return {
    tenant: row.tenant,
    id: row.id,
    network: { access, allowed, blocked },
    env: record.env,
    vaults: record.vaults,
  };
}

export const shownArchive = ({ name, description }: ArchiveGiven): CapabilityResource => ({
  description,
  name,
  type: 'inline',
});
const shownNetwork = ({ access, allowed_domains }: NetworkRules) => ({ access, allowed_domains });

export function infoOf({ row, record }: FoundEnvironment, status: EnvironmentStatus): EnvironmentInfo {
  const made = record.type === 'openai_hosted' ? record : { files: [], plugins: [], skills: [] };
  const { files, plugins, skills } = made;
  return { id: row.id, files, object: 'agent.environment', plugins, skills, status, type: record.type };
}

/** @param remoteUrl where a worker of a self-hosted one asks for work */
export function sessionEnvironment({ row, record }: FoundEnvironment, remoteUrl: string): SessionEnvironment {
  const { capabilities: capability_directories } = record;
  if (record.type === 'self_hosted')
    return {
      id: row.id,
      capability_directories,
      remote_url: remoteUrl,
      type: 'self_hosted',
      workspace_directory: record.workspace,
    };
  const { files, network, plugins, skills } = record;
  return {
    id: row.id,
    capability_directories,
    files,
    network: shownNetwork(network),
    packages: NO_PACKAGES,
    plugins,
    skills,
    type: 'openai_hosted',
    container_size: null,
    desktop: { enabled: false },
  };
}

export function stateOf({ row, record }: FoundEnvironment, status: EnvironmentStatus): EnvironmentState {
  return { id: row.id, error: status === 'failed' ? record.error : null, status, type: record.type };
}

export function templateResource({ row, record }: Found<TemplateRecord>): EnvironmentTemplate {
  const hosted = over(null, record.hosted);
  return {
    id: row.id,
    capability_directories: hosted.capability_directories,
    created_at: Math.floor(row.createdAt / 1000),
    desktop: { enabled: false },
    files: hosted.files.map(file =>
      file.type === 'inline' ? { path: file.path, size_bytes: inlineBytes(file), type: 'inline' } : file,
    ),
    name: record.name,
    network: shownNetwork(hosted.network),
    object: 'agent.environment.template',
    packages: NO_PACKAGES,
    plugins: hosted.plugins.map(shownArchive),
    skills: hosted.skills.map(shownArchive),
    updated_at: Math.floor(record.updatedAt / 1000),
  };
}

/** Where a skill or a plugin is unpacked, below the workspace. */
export function archiveFolder(kind: 'skills' | 'plugins', name: string): string {
  return `.perdure/${kind}/${name}`;
}

/** What a model must be told of the skills and plugins of its environment; null if there are none. */
export function capabilityNote(environment: SessionEnvironment): string | null {
  if (environment.type === 'none') return null;
  const told =
    environment.type === 'self_hosted'
      ? []
      : (['skills', 'plugins'] as const).flatMap(kind =>
          environment[kind].map(
            one => `- ${one.name} (/workspace/${archiveFolder(kind, one.name)}): ${one.description}`,
          ),
        );
  const directories = environment.capability_directories.map(path => `- ${path}`);
  if (told.length + directories.length === 0) return null;
  return [
    'These folders of the workspace hold skills. Read a SKILL.md before you use it.',
    ...told,
    ...directories,
  ].join('\n');
}
