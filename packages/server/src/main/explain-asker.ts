/** Who asks for a call that nobody makes: a key and its scopes, and the agent of the session, looked up among those that there are. */
import { didYouMean } from '@perdure/protocol';
import { readHead } from '../engine/agents/rows.ts';
import type { ControlStore, KeyRow } from '../engine/ports.ts';
import type { TenantId } from '../kernel/ids.ts';
import type { AgentFacts, PrincipalFacts } from '../placement/facts.ts';
import type { Config } from './config/config.ts';
import { UnknownFact } from './explain.ts';
import { LOCAL_CALLER } from './keys.ts';
import { SCOPE_NAMES } from './keys/scopes.ts';

/** What is supposed. */
export interface AskerGiven {
  /** The name or the id of a key. */
  readonly key?: string;
  /** Instead of those that the key has. */
  readonly scopes?: readonly string[];
  /** The id of an agent, or its name. Without a version: the one in force. */
  readonly agent?: { readonly id: string; readonly version?: number };
}

/** Of the control home, or of its file; null: there is none yet. */
export type AskerStore = Pick<ControlStore, 'keys' | 'resources'> | null;

export interface Asker {
  /** Whose call it is, if a key says so. */
  readonly of: Pick<KeyRow, 'tenant' | 'product' | 'channel' | 'segment'> | null;
  /** Null: not said. */
  readonly principal: PrincipalFacts | null;
  readonly agent: AgentFacts | null;
  /** What was supposed though it is not there. */
  readonly warnings: readonly string[];
}

interface KnownKey extends Pick<KeyRow, 'id' | 'name' | 'tenant' | 'product' | 'channel' | 'segment'> {
  /** Null: it was revoked, and a clause that asks is told nothing. */
  readonly scopes: readonly string[] | null;
}

/** Agents read at a time. */
const PAGE = 1000;

/**
 * @param tenant whose keys and agents; null: whoever's the key is, else `otherwise`
 * @throws UnknownFact for a key, a scope, an agent or a version that is not there; a key whose scopes are given, and an agent whose version is,
 * may be supposed all the same
 */
export async function askerOf(
  config: Pick<Config, 'keys'>,
  store: AskerStore,
  given: AskerGiven,
  tenant: string | null,
  otherwise: string,
): Promise<Asker> {
  const warnings: string[] = [];
  const found = given.key === undefined ? null : keyOf(await keysOf(config, store, tenant), given.key, tenant);
  const { scopes } = given;
  if (scopes !== undefined) checkScopes(scopes, given.key);
  if (typeof found === 'string') {
    if (scopes === undefined)
      throw new UnknownFact(`${found}; with its scopes, a key that is not there can be supposed`);
    warnings.push(`${found}: it is supposed with the scopes that are given`);
  }
  const key = typeof found === 'string' ? null : found;
  if (key?.scopes === null && scopes === undefined)
    warnings.push(`the key ${key.id} was revoked: its scopes are not known, and a clause that asks denies`);
  const held = scopes ?? key?.scopes ?? null;
  const id = key?.id ?? given.key;
  const agent = await agentOf(store, (tenant ?? key?.tenant ?? otherwise) as TenantId, given.agent);
  return {
    of: key,
    principal: id === undefined ? null : { key: id, ...(held !== null && { scopes: held }) },
    agent: agent.facts,
    warnings: [...warnings, ...agent.warnings],
  };
}

async function keysOf(
  { keys }: Pick<Config, 'keys'>,
  store: AskerStore,
  tenant: string | null,
): Promise<readonly KnownKey[]> {
  const made = (await store?.keys()) ?? [];
  const all: readonly KnownKey[] = [
    ...keys.map(key => ({ ...key, id: `config:${key.name}`, tenant: key.tenant as TenantId })),
    ...made.map(key => ({ ...key, scopes: key.revokedAt === null ? key.scopes : null })),
  ];
  // Where no keys are asked for, everybody is this one.
  const { principal, ...local } = LOCAL_CALLER;
  const known = all.length > 0 ? all : [{ ...local, id: principal, name: principal }];
  return known.filter(key => tenant === null || key.tenant === tenant);
}

/** The one of the id, else of the name; else what is wrong. @throws UnknownFact if several have the name */
function keyOf(keys: readonly KnownKey[], given: string, tenant: string | null): KnownKey | string {
  const byId = keys.find(({ id }) => id === given);
  if (byId !== undefined) return byId;
  const named = keys.filter(({ name }) => name === given);
  // A name that was revoked and given again is the new one's.
  const living = named.filter(({ scopes }) => scopes !== null);
  const [one, other] = living.length > 0 ? living : named;
  if (other !== undefined)
    throw new UnknownFact(
      `several keys are called ${given}: ${(living.length > 0 ? living : named).map(({ id }) => id).join(', ')}`,
    );
  if (one !== undefined) return one;
  const where = tenant === null ? '' : ` of the tenant ${tenant}`;
  return `there is no key ${short(given)}${where} (${hintOf(
    given,
    keys.flatMap(({ id, name }) => [name, id]),
  )})`;
}

function checkScopes(scopes: readonly string[], key: string | undefined): void {
  if (key === undefined) throw new UnknownFact('scopes are those of a key, and none is named');
  const unknown = scopes.find(scope => !(SCOPE_NAMES as readonly string[]).includes(scope));
  if (unknown !== undefined)
    throw new UnknownFact(`there is no scope ${short(unknown)} (${hintOf(unknown, SCOPE_NAMES)})`);
}

interface AgentFound {
  readonly facts: AgentFacts | null;
  readonly warnings: readonly string[];
}

interface KnownAgent {
  readonly id: string;
  readonly name: string | null;
  /** The one in force. */
  readonly version: number;
}

async function agentsOf(store: NonNullable<AskerStore>, tenant: TenantId): Promise<readonly KnownAgent[]> {
  const agents: KnownAgent[] = [];
  for (let after: string | null = null; ; ) {
    const page = await store.resources({ kind: 'agent', tenant, order: 'asc', limit: PAGE, after });
    agents.push(...page.map(row => ({ id: row.id, name: readHead(row).name, version: row.version })));
    if (page.length < PAGE) return agents;
    after = page.at(-1)?.id ?? null;
  }
}

async function agentOf(store: AskerStore, tenant: TenantId, given: AskerGiven['agent']): Promise<AgentFound> {
  if (given === undefined) return { facts: null, warnings: [] };
  const agents = store === null ? [] : await agentsOf(store, tenant);
  const named = agents.filter(({ name }) => name === given.id);
  const found = agents.find(({ id }) => id === given.id) ?? named[0];
  if (found?.id !== given.id && named.length > 1)
    throw new UnknownFact(`several agents are called ${short(given.id)}: ${named.map(({ id }) => id).join(', ')}`);
  if (found !== undefined) {
    const { id, version: last } = found;
    const version = given.version ?? last;
    if (version <= last) return { facts: { id, version }, warnings: [] };
    throw new UnknownFact(`the agent ${id} has no version ${version} (the last is ${last})`);
  }
  const words = agents.flatMap(({ id, name }) => (name === null ? [id] : [name, id]));
  const missing = `there is no agent ${short(given.id)} of the tenant ${tenant} (${hintOf(given.id, words)})`;
  if (given.version === undefined)
    throw new UnknownFact(`${missing}; with a version, as ${short(given.id)}@1, one that is not there can be supposed`);
  return { facts: { id: given.id, version: given.version }, warnings: [`${missing}: it is supposed`] };
}

/** Names that an error lists. */
const LISTED = 12;

function hintOf(given: string, known: readonly string[]): string {
  const near = didYouMean(given, known);
  if (near !== null) return `did you mean ${near}?`;
  if (known.length === 0) return 'there are none';
  const more = known.length > LISTED ? ', ...' : '';
  return `there are: ${known.slice(0, LISTED).join(', ')}${more}`;
}

function short(text: string): string {
  return text.slice(0, 64);
}
