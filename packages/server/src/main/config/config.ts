/** The configuration as the rest of the server sees it: plain data, checked, every default filled in. */
import type { PromptTemplate } from '../../engine/prompts/template.ts';
import type { RateRule } from '../../engine/rate/rules.ts';
import type { CompactionOptions } from '../../engine/compaction/options.ts';
import type { CapTerm } from '../../money/caps.ts';
import type { PriceBook, RateCard } from '../../money/prices.ts';
import type { Channel, FirstRefusal, Product, RecordedEvent, Segment } from '../../placement/facts.ts';
import type { Weights } from '../../placement/snapshot.ts';
import type { AutomationRules } from '../../engine/automations/ports.ts';
import type { EgressRules } from '../../provider/egress/rules.ts';
import type { ToolsConfig } from './tools.ts';
import type { DialectName } from '../../provider/dialect.ts';
import type { AgentRules } from './agent-rules.ts';
import type { Limits } from './limits.ts';
import type { WorkspacesConfig } from './workspaces.ts';

export interface Config extends AgentRules {
  /** `said`: where the file says the host, as file:line:column; absent where no file does. */
  readonly listen: { readonly host: string; readonly port: number; readonly said?: string };
  /** Absolute path of the data folder. */
  readonly data: string;
  readonly homes: readonly HomeConfig[];
  readonly targets: readonly TargetConfig[];
  /** Absolute paths of contract folders. */
  readonly contracts: readonly string[];
  /** The reading wanted of the contracts that have it; null for each contract's own default. */
  readonly reading: string | null;
  /** The time that contracts see; null for the real time. `text` is as written: a day, or a moment, in UTC. */
  readonly asOf: { readonly text: string; readonly ms: number } | null;
  readonly weights: Weights;
  readonly onAmbiguity: 'flag' | 'refuse';
  /** False: monitor mode. */
  readonly enforce: boolean;
  /** What happened that no date of a contract can tell. */
  readonly events: readonly RecordedEvent[];
  readonly firstRefusals: readonly FirstRefusal[];
  /** Whether every activation and waiver needs a second person. */
  readonly requireSecondPerson: boolean;
  readonly keys: readonly KeyConfig[];
  readonly channels: readonly ChannelConfig[];
  readonly products: readonly Product[];
  /** What customers pay. */
  readonly rates: RateCard;
  readonly caps: readonly CapTerm[];
  readonly rateLimits: readonly RateRule[];
  readonly alerts: readonly AlertConfig[];
  readonly prompts: readonly PromptTemplate[];
  /** How often shadow prices of commitments are computed, ms; null: never. */
  readonly shadowMs: number | null;
  readonly retention: RetentionConfig;
  readonly limits: Limits;
  readonly compaction: Pick<CompactionOptions, 'strategy' | 'at'>;
  readonly ledger: LedgerConfig;
  readonly automations: Omit<AutomationRules, 'keyMs'>;
  readonly egress: EgressRules;
  readonly tools: ToolsConfig;
  readonly workspaces: WorkspacesConfig;
  /** Where workers and people reach this server, without a slash at the end; null: where it listens. */
  readonly publicUrl: string | null;
  readonly sigv4: SigV4Config;
  readonly traces: TracesConfig;
}

export interface TracesConfig {
  /** Whether they hold what was said. */
  readonly content: boolean;
  /** Where those of finished turns are sent; null: nowhere. Times in ms. */
  readonly otlp: {
    readonly url: string;
    /** They may hold a secret (L9). */
    readonly headers: { readonly [name: string]: string };
    readonly intervalMs: number;
    readonly timeoutMs: number;
    readonly retryMs: number;
  } | null;
}

/** Requests under /openai that are signed as AWS has it. */
export interface SigV4Config {
  /** Regions that may be signed for; none: signatures are not accepted. */
  readonly regions: readonly string[];
  readonly sessionTokens: boolean;
}

/** How long what is stored lives. Times in ms; null: for ever. */
export interface RetentionConfig {
  readonly lifetime: { readonly responsesMs: number | null; readonly conversationsMs: number | null };
  readonly sweepMs: number;
  /** What holds for a tenant instead. */
  readonly tenants: ReadonlyMap<string, RetentionConfig['lifetime']>;
}

/** A webhook that crossings of thresholds are told to. */
export interface AlertConfig {
  readonly id: string;
  readonly url: string;
  /** `whsec_` and the key in base64. A secret: for signing only (L9). */
  readonly secret: string;
  /** Percentages of a cap, in rising order. */
  readonly caps: readonly number[];
  /** Percentages of a commitment's amount that is spent, in rising order. */
  readonly commitments: readonly number[];
  /** Percentages of the cap of a share. */
  readonly shares: readonly number[];
  /** Percentages of prepaid credits. */
  readonly prepaid: readonly number[];
  /** Whether a forecast that misses a commitment is told, once a month. */
  readonly shortfall: boolean;
  /** Whether the notice and the day of payment of a tranche are told. */
  readonly tranches: boolean;
  /** Whether it may be reached without TLS, and on addresses that are not public. */
  readonly allowPrivate: boolean;
}

export interface LedgerConfig {
  readonly enabled: boolean;
  /** Absolute path of the signing key; null: `ledger.key` in the data folder. It is made if it is not there. */
  readonly key: string | null;
  /** Between two passes, ms. */
  readonly intervalMs: number;
  /** What the names of new logs begin with. */
  readonly origin: string;
  /** Whether checkpoint and tiles are served without a key. */
  readonly public: boolean;
  /** Witnesses whose cosignatures are taken, in the text form of signed notes. */
  readonly witnesses: readonly string[];
}

export interface HomeConfig {
  readonly id: string;
  readonly cloud: string;
  readonly region: string;
  readonly jurisdiction: string;
  readonly sovereignty: string;
  readonly clearances: readonly string[];
  readonly store: 'sqlite';
}

export interface TargetConfig {
  readonly id: string;
  readonly vendor: string;
  /** The public name, as callers ask for it. */
  readonly model: string;
  readonly upstreamModel: string;
  readonly cloud: string;
  readonly region: string;
  readonly jurisdiction: string;
  readonly sovereignty: string;
  readonly accelerator: string | null;
  readonly dialect: DialectName;
  /** Without a slash at its end. */
  readonly baseUrl: string;
  /** A secret: for the provider only (L9). */
  readonly apiKey: string | null;
  readonly clearances: readonly string[];
  /** What calls are rated by, and placement scores by: the prices of the day. Empty if not known. */
  readonly priceBook: PriceBook;
  /** Calls at once; null for no bound. */
  readonly capacity: number | null;
  /** What the deployment can do; null if not declared. */
  readonly capabilities: readonly string[] | null;
  /** Tokens of input and output together; null if unknown. */
  readonly contextTokens: number | null;
  /** Whether the upstream is the emulator, by the name of its model. */
  readonly emulated: boolean;
}

/** A key of the configuration file. Only its hash is kept, even if the file gives the secret. */
export interface KeyConfig {
  readonly name: string;
  /** SHA-256 of the key, hex. */
  readonly hash: string;
  readonly tenant: string;
  readonly channel: string;
  readonly segment: Segment;
  readonly product: string;
  readonly scopes: readonly Scope[];
}

export interface ChannelConfig {
  readonly id: string;
  /** Null: whoever made the product sells it. */
  readonly seller: string | null;
  readonly kind: Channel['kind'];
}

/** What a key may do; `keys/scopes.ts` says what each is for. */
export type Scope = 'inference' | 'read' | 'admin' | 'operator' | 'auditor' | 'approve';

/** What a key sells access to; null if the configuration does not have its product or channel (any more). */
export function saleOf(
  config: Pick<Config, 'channels' | 'products'>,
  productId: string,
  channelId: string,
): { readonly product: Product; readonly channel: Channel } | null {
  const product = config.products.find(({ id }) => id === productId);
  const channel = config.channels.find(({ id }) => id === channelId);
  if (product === undefined || channel === undefined) return null;
  return { product, channel: { ...channel, seller: channel.seller ?? product.vendor } };
}
