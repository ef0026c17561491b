/** From the file's form, checked, to `Config`. */
import { resolve } from 'node:path';
import { datetimeMs } from '../../contract/instant.ts';
import { DEFAULT_WEIGHTS } from '../../placement/snapshot.ts';
import type { ChannelConfig, Config, HomeConfig, KeyConfig, TargetConfig } from './config.ts';
import * as defaults from './defaults.ts';
import { SERVER_BOUNDS, UPSTREAM_BOUNDS } from './limits.ts';
import { alertsOf } from './alerts.ts';
import { promptsOf } from './prompts.ts';
import { rateRulesOf } from './rate-limits.ts';
import { automationsOf } from './automations.ts';
import { agentRulesOf } from './agent-rules.ts';
import { egressOf } from './egress.ts';
import { workspacesOf } from './workspaces.ts';
import { sigv4Of } from './sigv4.ts';
import { tracesConfigOf } from './traces.ts';
import { capsOf, priceBookOf, rateCardOf } from './money.ts';
import type { FileConfig, FileHome, FileKey, FileTarget } from './file-form.ts';
import { limitValues } from './schema.ts';
import { hashSecret } from '../keys/secret.ts';
import { refusalOf } from './recorded.ts';
import { retentionOf } from './retention.ts';
import type { Sketch } from './sketch.ts';
import { toolsOf } from './tools.ts';

export interface Folders {
  /** What relative paths start from. */
  readonly base: string;
  /** Absolute paths of the contract folders. */
  readonly contracts: readonly string[];
}

export function normalise(file: FileConfig, folders: Folders): Config {
  const { listen, homes, weights, limits } = file;
  return {
    listen: { host: listen?.host ?? defaults.DEFAULT_HOST, port: listen?.port ?? defaults.DEFAULT_PORT },
    data: resolve(folders.base, file.data ?? defaults.DEFAULT_DATA),
    homes: homes === null || homes === undefined || homes.length === 0 ? [defaults.LOCAL_HOME] : homes.map(homeOf),
    targets: file.targets.map(targetOf),
    contracts: folders.contracts,
    reading: file.reading ?? null,
    asOf: asOfOf(file.as_of),
    weights: {
      price: weights?.price ?? DEFAULT_WEIGHTS.price,
      latency: weights?.latency ?? DEFAULT_WEIGHTS.latency,
      affinity: weights?.affinity ?? DEFAULT_WEIGHTS.affinity,
    },
    onAmbiguity: file.on_ambiguity ?? 'flag',
    enforce: file.enforce ?? true,
    events: file.events ?? [],
    firstRefusals: (file.first_refusals ?? []).map(refusalOf),
    requireSecondPerson: file.require_second_person ?? false,
    keys: (file.keys ?? []).flatMap(keyOf),
    channels: allChannels(file),
    products: allProducts(file),
    rates: rateCardOf(file),
    caps: capsOf(file),
    rateLimits: rateRulesOf(file),
    alerts: alertsOf(file),
    prompts: promptsOf(file),
    shadowMs: file.shadow_prices
      ? (file.shadow_prices.interval_minutes ?? defaults.DEFAULT_SHADOW_MINUTES) * 60_000
      : null,
    retention: retentionOf(file.retention),
    compaction: { strategy: file.compaction?.strategy ?? 'extractive', at: file.compaction?.at ?? null },
    ledger: {
      enabled: file.ledger?.enabled ?? true,
      key: typeof file.ledger?.key === 'string' ? resolve(folders.base, file.ledger.key) : null,
      intervalMs: file.ledger?.interval_ms ?? defaults.DEFAULT_LEDGER_INTERVAL_MS,
      origin: file.ledger?.origin ?? defaults.DEFAULT_LEDGER_ORIGIN,
      public: file.ledger?.public ?? false,
      witnesses: file.ledger?.witnesses ?? [],
    },
    automations: automationsOf(file.automations),
    ...agentRulesOf(file, folders.base),
    egress: egressOf(file.egress),
    workspaces: workspacesOf(file.workspaces, folders.base),
    publicUrl: file.public_url?.replace(/\/+$/, '') ?? null,
    sigv4: sigv4Of(file.sigv4),
    traces: tracesConfigOf(file.traces),
    tools: toolsOf(file, folders.base),
    limits: {
      ...limitValues(SERVER_BOUNDS, limits),
      upstream: limitValues(UPSTREAM_BOUNDS, typeof limits?.['upstream'] === 'object' ? limits['upstream'] : null),
    },
  };
}

function allChannels(file: Pick<FileConfig, 'channels'>): readonly ChannelConfig[] {
  const own = (file.channels ?? []).map(
    ({ id, seller, kind }): ChannelConfig => ({ id, seller: seller ?? null, kind }),
  );
  return override(defaults.BUILT_IN_CHANNELS, own);
}

function allProducts(file: Pick<FileConfig, 'products'>): Config['products'] {
  const own = (file.products ?? []).map(({ id, vendor, kind }) => ({ id, vendor, kind }));
  return override(defaults.BUILT_IN_PRODUCTS, own);
}

/** What the file names wins over the built-in of that name. */
function override<T extends { readonly id: string }>(builtIn: readonly T[], own: readonly T[]): readonly T[] {
  return [...builtIn.filter(({ id }) => !own.some(one => one.id === id)), ...own];
}

/** The names of all channels and products, built-in ones included. */
export function offersOf(sketch: Sketch): {
  readonly channels: readonly string[];
  readonly products: readonly string[];
} {
  const names = (
    builtIn: readonly { readonly id: string }[],
    own: readonly { readonly id: string | null }[],
  ): readonly string[] => [...builtIn, ...own].flatMap(({ id }) => (id === null ? [] : [id]));
  return {
    channels: names(defaults.BUILT_IN_CHANNELS, sketch.channels),
    products: names(defaults.BUILT_IN_PRODUCTS, sketch.products),
  };
}

function placeOf(place: FileHome | FileTarget): Omit<HomeConfig, 'store'> {
  return {
    id: place.id,
    cloud: place.cloud,
    region: place.region,
    jurisdiction: place.jurisdiction ?? defaults.DEFAULT_JURISDICTION,
    sovereignty: place.sovereignty ?? defaults.DEFAULT_SOVEREIGNTY,
    clearances: place.clearances ?? [],
  };
}

function homeOf(home: FileHome): HomeConfig {
  return { ...placeOf(home), store: home.store ?? 'sqlite' };
}

function targetOf(target: FileTarget): TargetConfig {
  const upstreamModel = target.upstream_model ?? target.model;
  return {
    ...placeOf(target),
    vendor: target.vendor,
    model: target.model,
    upstreamModel,
    accelerator: target.accelerator ?? null,
    dialect: target.dialect ?? 'openai-responses',
    baseUrl: target.base_url.replace(/\/+$/, ''),
    apiKey: target.api_key ?? null,
    priceBook: priceBookOf(target),
    capacity: target.capacity ?? null,
    capabilities: target.capabilities ?? null,
    contextTokens: target.context_tokens ?? null,
    emulated: upstreamModel.endsWith('-emulated'),
  };
}

function keyOf(key: FileKey): KeyConfig[] {
  const hash = key.hash ?? (key.secret ? hashSecret(key.secret) : null);
  if (hash === null) return [];
  return [
    {
      name: key.name,
      hash,
      tenant: key.tenant ?? defaults.DEFAULT_TENANT,
      channel: key.channel ?? defaults.DEFAULT_CHANNEL,
      segment: key.segment ?? defaults.DEFAULT_SEGMENT,
      product: key.product ?? defaults.DEFAULT_PRODUCT,
      scopes: key.scopes ?? ['inference', 'read'],
    },
  ];
}

function asOfOf(text: string | null | undefined): Config['asOf'] {
  const ms = text === null || text === undefined ? null : datetimeMs(text);
  return ms === null || text === null || text === undefined ? null : { text, ms };
}
