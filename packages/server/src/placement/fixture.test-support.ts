/** Places, buyers and contracts for the tests of placement. The contracts are the shipped ones, read from the repository. */
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Contract } from '../contract/contract.ts';
import { findingLine } from '../contract/finding.ts';
import { loadContract } from '../contract/load.ts';
import type { CallFacts, Channel, HomePlace, Place, Product, SessionFacts, TargetPlace } from './facts.ts';
import { DEFAULT_WEIGHTS, makeSnapshot, type Snapshot, type SnapshotParts } from './snapshot.ts';

const SHIPPED = fileURLToPath(new URL('../../../../contracts', import.meta.url));

export type Files = Readonly<Record<string, string>>;

export function shippedFiles(name: string): Files {
  const folder = join(SHIPPED, name);
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true }).filter(entry => entry.isFile());
  return Object.fromEntries(
    entries.map(entry => {
      const path = join(entry.parentPath, entry.name);
      return [relative(folder, path).split(sep).join('/'), readFileSync(path, 'utf8')] as const;
    }),
  );
}

export function load(files: Files): Contract {
  const { contract, findings } = loadContract(files);
  if (contract === null) throw new Error(findings.map(findingLine).join('\n'));
  return contract;
}

const PRICES = { inputPerMtok: 1_250_000, cachedInputPerMtok: 125_000, outputPerMtok: 10_000_000 };

export function target(id: string, cloud: string, more: Partial<TargetPlace> = {}): TargetPlace {
  return {
    kind: 'target',
    id,
    cloud,
    region: `${cloud}-us-1`,
    jurisdiction: 'us',
    sovereignty: 'commercial',
    clearances: [],
    vendor: 'openai',
    model: 'gpt',
    prices: PRICES,
    accelerator: null,
    capacity: { maxConcurrent: null },
    capabilities: null,
    contextTokens: null,
    ...more,
  };
}

export function home(id: string, cloud: string, more: Partial<HomePlace> = {}): HomePlace {
  return {
    kind: 'home',
    id,
    cloud,
    region: `${cloud}-us-1`,
    jurisdiction: 'us',
    sovereignty: 'commercial',
    clearances: [],
    ...more,
  };
}

const GOV = { region: 'us-gov-west-1', sovereignty: 'gov', clearances: ['us-gov'] } as const;

export const PLACES: readonly Place[] = [
  target('azure', 'azure', { clearances: ['restricted'] }),
  target('aws', 'aws'),
  target('aws-gov', 'aws', GOV),
  target('claude-aws', 'aws', { vendor: 'anthropic', model: 'claude' }),
  home('home-azure', 'azure', { clearances: ['restricted'] }),
  home('home-aws', 'aws'),
  home('home-gov', 'aws', GOV),
];

export const CHANNELS: Readonly<Record<'direct' | 'bedrock' | 'foundry' | 'vertex', Channel>> = {
  direct: { id: 'direct', seller: 'openai', kind: 'direct' },
  bedrock: { id: 'bedrock', seller: 'amazon', kind: 'third-party' },
  foundry: { id: 'foundry', seller: 'microsoft', kind: 'third-party' },
  vertex: { id: 'vertex', seller: 'google', kind: 'third-party' },
};

export const PRODUCTS: Readonly<Record<'api' | 'frontier', Product>> = {
  api: { id: 'api', vendor: 'openai', kind: 'api' },
  frontier: { id: 'frontier', vendor: 'openai', kind: 'runtime' },
};

export const MARCH: number = Date.UTC(2026, 2, 20);

export type CallParts = Partial<Omit<CallFacts, 'session'>> & { readonly session?: Partial<SessionFacts> };

export function call(parts: CallParts = {}): CallFacts {
  const { session, ...rest } = parts;
  return {
    sessionId: 's1',
    vendor: 'openai',
    model: 'gpt',
    purpose: 'turn',
    sessionLabels: [],
    requestLabels: [],
    at: MARCH,
    inputTokens: 1000,
    outputBound: 1000,
    ...rest,
    session: {
      tenant: 'acme',
      product: PRODUCTS.api,
      channel: CHANNELS.direct,
      segment: 'commercial',
      stateHeld: true,
      startedAt: MARCH,
      reading: {},
      ...session,
    },
  };
}

export function snapshotOf(contracts: readonly Contract[], parts: Partial<SnapshotParts> = {}): Snapshot {
  return makeSnapshot({
    version: 'test',
    places: PLACES,
    contracts,
    readings: {},
    enforce: true,
    onAmbiguity: 'flag',
    weights: DEFAULT_WEIGHTS,
    ...parts,
  });
}
