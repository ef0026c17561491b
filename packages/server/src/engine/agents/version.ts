/** Versions of an agent: their ids, their digests, and how one follows from another. Pure. */
import { AGENT_DEFAULTS, type AgentBody, type AgentConfig, type Json, shownAgentConfig } from '@perdure/protocol';
import { base32, fromBase32, idBody } from '../../kernel/ids.ts';
import type { Sha256 } from '../ports.ts';

/** What a version holds of an agent: all that a request can say of one. */
export interface AgentContent {
  readonly name: string | null;
  readonly metadata: { readonly [key: string]: string };
  readonly config: AgentConfig;
}

export interface AgentVersion extends AgentContent {
  readonly agent: string;
  /** 1 for the first. */
  readonly version: number;
  /** ms since 1970. */
  readonly createdAt: number;
  /** The principal who made it. */
  readonly createdBy: string;
  readonly rolledBackTo: number | null;
  /** Hex. It goes when the version does, and with it what the digest could tell (L13). */
  readonly salt: string;
  readonly digest: string;
}

const NUMBER_CHARS = 4;
/** After every number. */
const LAST = 'zzzz';

/** Null if `agent` is no id of an agent. Ids of one agent sort by their numbers. */
export function versionId(agent: string, version: number): string | null {
  const body = idBody(agent, 'agent');
  return body === null ? null : `agentver_${body}${base32(version, NUMBER_CHARS)}`;
}

/** The number of a version's id; 0 if it is of no version of the agent. */
export function versionNumber(agent: string, id: string): number {
  const number = fromBase32(id.slice(-NUMBER_CHARS));
  return number > 0 && versionId(agent, number) === id ? number : 0;
}

/** The row that says that an agent was deleted. */
export function tombstoneId(agent: string): string {
  return `agentver_${agent.slice('agent_'.length)}${LAST}`;
}

/** Of a new agent. The model is there: its schema asks for it. */
export function firstContent({ config, name, metadata }: AgentBody): AgentContent {
  return {
    name: name ?? null,
    metadata: metadata ?? {},
    config: { ...AGENT_DEFAULTS, model: '', ...config },
  };
}

/** What is absent stays. */
export function changedContent(now: AgentContent, { config, name, metadata }: AgentBody): AgentContent {
  return {
    name: name === undefined ? now.name : name,
    metadata: metadata ?? now.metadata,
    config: { ...now.config, ...config },
  };
}

export function sameContent(a: AgentContent, b: AgentContent): boolean {
  return contentText(a) === contentText(b);
}

/** SHA-256 over the salt as text and the content in canonical JSON, as answers show it: hex. Whoever has the answer can compute it. */
export function contentDigest(sha256: Sha256, salt: string, content: AgentContent): string {
  return hex(sha256(salt, contentText(content)));
}

function contentText({ name, metadata, config }: AgentContent): string {
  return canonicalJson({ name, metadata, ...shownAgentConfig(config) });
}

/** Keys in the order of their code units, no spaces. */
export function canonicalJson(value: Json): string {
  if (Array.isArray(value)) return `[${value.map((one: Json) => canonicalJson(one)).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const members = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return `{${members.map(([key, member]) => `${JSON.stringify(key)}:${canonicalJson(member)}`).join(',')}}`;
}

export function hex(bytes: Uint8Array): string {
  return Array.from(bytes, byte => byte.toString(16).padStart(2, '0')).join('');
}
