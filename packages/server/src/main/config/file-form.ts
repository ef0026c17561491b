/** perdure.yaml as it is written: what `schema.ts` lets through, before defaults are filled in. */
import type { FileAutomations } from './automations.ts';
import type { FileAgentRules } from './agent-rules.ts';
import type { FileEgress } from './egress.ts';
import type { FileWorkspaces } from './workspaces.ts';
import type { FileSigV4 } from './sigv4.ts';
import type { FileTraces } from './traces.ts';
import type { FileMcp } from './tools.ts';
import type { FilePrompt } from './prompts.ts';

export type Maybe<T> = T | null | undefined;
/** What a file may leave out. An empty value (`reading:`) is left out too. */
type Given<T> = { readonly [name in keyof T]?: Maybe<T[name]> };

/** All of them may be given to one key. */
export const SCOPES = ['inference', 'read', 'admin', 'operator', 'auditor', 'approve'] as const;

export interface FileHome {
  readonly id: string;
  readonly cloud: string;
  readonly region: string;
  readonly jurisdiction?: Maybe<string>;
  readonly sovereignty?: Maybe<string>;
  readonly clearances?: Maybe<readonly string[]>;
  readonly store?: Maybe<'sqlite'>;
}

/** In US dollars per million tokens. */
export interface FilePrices {
  readonly input: number;
  readonly cached_input?: Maybe<number>;
  readonly cache_write?: Maybe<number>;
  readonly output: number;
  readonly reasoning?: Maybe<number>;
}

export interface FileDatedPrices extends FilePrices {
  readonly from?: Maybe<string>;
}

export interface FileRate extends FileDatedPrices {
  readonly product?: Maybe<string>;
  readonly channel?: Maybe<string>;
  readonly model?: Maybe<string>;
}

export interface FileCap {
  readonly id: string;
  readonly tenant?: Maybe<string>;
  readonly product?: Maybe<string>;
  readonly key?: Maybe<string>;
  readonly period: 'day' | 'month' | 'total';
  readonly amount_usd: number;
}

export interface FileRateLimit {
  readonly tenant?: Maybe<string>;
  readonly key?: Maybe<string>;
  readonly per?: Maybe<'key' | 'tenant'>;
  readonly requests_per_minute?: Maybe<number>;
  readonly requests_per_day?: Maybe<number>;
  readonly tokens_per_minute?: Maybe<number>;
  readonly concurrent_requests?: Maybe<number>;
}

/** Where crossings of thresholds are told. */
export interface FileAlert {
  readonly id: string;
  readonly url: string;
  readonly secret: string;
  readonly caps?: Maybe<readonly number[]>;
  readonly commitments?: Maybe<readonly number[]>;
  readonly shares?: Maybe<readonly number[]>;
  readonly prepaid?: Maybe<readonly number[]>;
  readonly shortfall?: Maybe<boolean>;
  readonly tranches?: Maybe<boolean>;
  readonly allow_private?: Maybe<boolean>;
}

export interface FileTarget {
  readonly id: string;
  readonly vendor: string;
  readonly model: string;
  readonly upstream_model?: Maybe<string>;
  readonly cloud: string;
  readonly region: string;
  readonly jurisdiction?: Maybe<string>;
  readonly sovereignty?: Maybe<string>;
  readonly accelerator?: Maybe<string>;
  readonly dialect?: Maybe<'openai-responses' | 'openai-chat'>;
  readonly base_url: string;
  readonly api_key?: Maybe<string>;
  readonly clearances?: Maybe<readonly string[]>;
  readonly prices?: Maybe<FilePrices>;
  readonly price_book?: Maybe<readonly FileDatedPrices[]>;
  readonly capacity?: Maybe<number>;
  readonly capabilities?: Maybe<readonly string[]>;
  readonly context_tokens?: Maybe<number>;
  readonly host_check?: Maybe<'on' | 'off'>;
}

export interface FileKey {
  readonly name: string;
  readonly hash?: Maybe<string>;
  readonly secret?: Maybe<string>;
  readonly tenant?: Maybe<string>;
  readonly channel?: Maybe<string>;
  readonly segment?: Maybe<'commercial' | 'us-gov' | 'us-natsec'>;
  readonly product?: Maybe<string>;
  readonly scopes?: Maybe<readonly (typeof SCOPES)[number][]>;
}

export interface FileEvent {
  readonly id: string;
  readonly date: string;
  readonly source: string;
}

export interface FileFirstRefusal {
  readonly id: string;
  readonly product?: Maybe<string>;
  readonly offered: string;
  readonly deadline: string;
  readonly accepted?: Maybe<string>;
  readonly declined?: Maybe<string>;
  readonly source: string;
}

/** `ServerLimits` and `UpstreamLimits` under their names in the file. */
export type FileLimits = { readonly [name: string]: Maybe<number | { readonly [name: string]: Maybe<number> }> };

export interface FileLedger {
  readonly enabled?: Maybe<boolean>;
  readonly key?: Maybe<string>;
  readonly interval_ms?: Maybe<number>;
  readonly origin?: Maybe<string>;
  readonly public?: Maybe<boolean>;
  readonly witnesses?: Maybe<readonly string[]>;
}

export interface FileLifetime {
  readonly responses_days?: Maybe<number | 'none'>;
  readonly conversations_days?: Maybe<number | 'none'>;
}

export interface FileRetention extends FileLifetime {
  readonly sweep_seconds?: Maybe<number>;
  readonly tenants?: Maybe<{ readonly [tenant: string]: FileLifetime }>;
}

export interface FileConfig extends FileAgentRules {
  readonly listen?: Maybe<{ readonly host?: Maybe<string>; readonly port?: Maybe<number> }>;
  readonly data?: Maybe<string>;
  readonly homes?: Maybe<readonly FileHome[]>;
  readonly targets: readonly FileTarget[];
  readonly contracts?: Maybe<readonly string[]>;
  readonly reading?: Maybe<string>;
  readonly as_of?: Maybe<string>;
  readonly weights?: Maybe<Given<{ price: number; latency: number; affinity: number }>>;
  readonly on_ambiguity?: Maybe<'flag' | 'refuse'>;
  readonly enforce?: Maybe<boolean>;
  readonly events?: Maybe<readonly FileEvent[]>;
  readonly first_refusals?: Maybe<readonly FileFirstRefusal[]>;
  readonly require_second_person?: Maybe<boolean>;
  readonly keys?: Maybe<readonly FileKey[]>;
  readonly channels?: Maybe<
    readonly {
      readonly id: string;
      readonly seller?: Maybe<string>;
      readonly kind: 'direct' | 'third-party';
      readonly rates?: Maybe<readonly FileRate[]>;
    }[]
  >;
  readonly products?: Maybe<
    readonly {
      readonly id: string;
      readonly vendor: string;
      readonly kind: 'api' | 'runtime';
      readonly rates?: Maybe<readonly FileRate[]>;
    }[]
  >;
  readonly rates?: Maybe<readonly FileRate[]>;
  readonly caps?: Maybe<readonly FileCap[]>;
  readonly rate_limits?: Maybe<readonly FileRateLimit[]>;
  readonly alerts?: Maybe<readonly FileAlert[]>;
  readonly prompts?: Maybe<readonly FilePrompt[]>;
  readonly shadow_prices?: Maybe<{ readonly interval_minutes?: Maybe<number> }>;
  readonly retention?: Maybe<FileRetention>;
  readonly compaction?: Maybe<{ readonly strategy?: Maybe<'extractive' | 'model'>; readonly at?: Maybe<number> }>;
  readonly limits?: Maybe<FileLimits>;
  readonly ledger?: Maybe<FileLedger>;
  readonly automations?: Maybe<FileAutomations>;
  readonly egress?: Maybe<FileEgress>;
  readonly workspaces?: Maybe<FileWorkspaces>;
  readonly public_url?: Maybe<string>;
  readonly sigv4?: Maybe<FileSigV4>;
  readonly traces?: Maybe<FileTraces>;
  readonly tools?: Maybe<string | readonly string[]>;
  readonly mcp?: Maybe<FileMcp>;
}
