/**
 * An engine with everything real but the upstream, which follows a script, and the clock, which stands still until it is moved. The store is
 * the one in memory: what outlives an engine is its data, as a file would.
 */
import { createHash } from 'node:crypto';
import { type CreateResponse, parseCreateResponse, type PerdureError } from '@perdure/protocol';
import { type HomeId, makeIds, type TenantId } from '../kernel/ids.ts';
import type { SessionRow } from '../log/rows.ts';
import type { Place } from '../placement/facts.ts';
import {
  CHANNELS,
  type Files,
  home,
  load,
  PRODUCTS,
  shippedFiles,
  snapshotOf,
  target,
} from '../placement/fixture.test-support.ts';
import type { HomeStore } from '../store/home-store.ts';
import { emptyMemoryData, type MemoryData } from '../store/memory/memory-data.ts';
import { openMemoryHome } from '../store/memory/open-memory-home.ts';
import type { Caller } from './caller.ts';
import type { CompactionOptions } from './compaction/options.ts';
import { makeSeals, type Seals } from './compaction/seal.ts';
import type { EngineOptions } from './engine-options.ts';
import { createEngine, type Engine, type RespondInput, type StoredResponse } from './engine.ts';
import type { EngineLimits } from './engine-context.ts';
import { Homes } from './homes.ts';
import { makeDesk } from './placement-desk.ts';
import type { Clock, Scheduler, Sha256 } from './ports.ts';
import type { Retention } from './retention.ts';
import { ScriptedProvider } from './scripted-provider.test-support.ts';

export const NOON = 1_774_008_000_000;
export const API_KEY = 'sk-upstream-9f3b1c-secret';

export const sha256: Sha256 = (...parts) => {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return new Uint8Array(hash.digest());
};

export const LIMITS: EngineLimits = {
  storeMs: 2000,
  turnAttempts: 3,
  retryWaitMs: 5000,
  turnMs: 20_000,
  patienceMs: 300,
  readers: 100,
  resumeMs: 2000,
  cacheBytes: 64 * 1024 * 1024,
  concurrent: 100,
  idempotencyMs: 24 * 3_600_000,
  leaseMs: 30_000,
  firstByteMs: 2000,
  idleMs: 2000,
  outputChars: 1_000_000,
};

export const ACME: Caller = {
  tenant: 'acme' as TenantId,
  principal: 'key_acme',
  product: 'api',
  channel: 'direct',
  segment: 'commercial',
  scopes: [],
};
export const RIVAL: Caller = { ...ACME, tenant: 'rival' as TenantId, principal: 'key_rival' };

/** No timers of its own: tests wake what they want woken. */
const STILL: Scheduler = { start: () => undefined, nudge: () => undefined, stop: async () => undefined };

export interface WorldOptions {
  readonly homes?: readonly string[];
  readonly places?: readonly Place[];
  /** Shipped contract sets, or the files of others. */
  readonly contracts?: readonly (string | Files)[];
  readonly limits?: Partial<EngineLimits>;
  readonly spend?: EngineOptions['spend'];
  readonly compaction?: Partial<CompactionOptions>;
  readonly files?: EngineOptions['files'];
  readonly environments?: EngineOptions['environments'];
}

export interface BootOptions {
  readonly tools?: EngineOptions['tools'];
  readonly agentHost?: EngineOptions['agentHost'];
  readonly limits?: Partial<EngineLimits>;
  readonly retention?: Retention;
}

export interface Booted {
  readonly engine: Engine;
  readonly stores: readonly HomeStore[];
  /** What the engine told its operator. */
  readonly reported: { readonly what: string; readonly error: PerdureError }[];
  /** Wakes a session as the scheduler would, once the engine has recovered. */
  wake(row: SessionRow): Promise<void>;
}

/** One key for all: what one process sealed another can open. */
export const SEALS: Seals = makeSeals(new Uint8Array(32).fill(7));

/** No two worlds of a test draw the same ids. */
let worlds = 0;

/** What outlives a process: the data of its homes, and time. */
export class World {
  readonly time: { wall: number; monotonic: number } = { wall: NOON, monotonic: 1000 };
  readonly clock: Clock = { now: () => this.time.wall, monotonic: () => this.time.monotonic };
  readonly provider: ScriptedProvider = new ScriptedProvider();
  readonly data: ReadonlyMap<string, MemoryData>;
  readonly #options: WorldOptions;
  #booted = 0;
  #drawn = 0;
  readonly #seed: number = worlds++;

  constructor(options: WorldOptions = {}) {
    this.#options = options;
    this.data = new Map((options.homes ?? ['local']).map(id => [id, emptyMemoryData()]));
  }

  pass(ms: number): void {
    this.time.wall += ms;
    this.time.monotonic += ms;
  }

  /** A process: an engine over the data as it lies. `wrap` comes between the two. */
  boot(how: BootOptions & { readonly wrap?: (store: HomeStore) => HomeStore } = {}): Booted {
    const stores = [...this.data].map(([id, data]) => {
      const store = openMemoryHome({ home: id as HomeId, clock: this.clock, data });
      return how.wrap?.(store) ?? store;
    });
    return this.bootOn(stores, how);
  }

  bootOn(stores: readonly HomeStore[], { limits = {}, retention, tools, agentHost }: BootOptions = {}): Booted {
    const [control] = stores;
    if (control === undefined) throw new Error('a world needs a home');
    const places = this.#options.places ?? [
      target('up-1', 'local'),
      target('up-2', 'local'),
      target('up-3', 'local'),
      ...stores.map(store => home(store.home, 'local')),
    ];
    const contracts = (this.#options.contracts ?? ['none']).map(set =>
      load(typeof set === 'string' ? shippedFiles(set) : set),
    );
    const snapshot = snapshotOf(contracts, { places });
    const desk = makeDesk({
      snapshot: () => snapshot,
      targets: places.flatMap(place =>
        place.kind === 'target'
          ? [
              {
                id: place.id,
                cloud: place.cloud,
                region: place.region,
                model: place.model,
                vendor: place.vendor,
                capacity: null,
                contextTokens: place.contextTokens,
                provider: this.provider,
                upstream: { target: place.id, baseUrl: 'http://upstream', model: 'm', apiKey: API_KEY },
              },
            ]
          : [],
      ),
      sale: (product, channel) => {
        const sold = PRODUCTS[product as keyof typeof PRODUCTS];
        const through = CHANNELS[channel as keyof typeof CHANNELS];
        return sold === undefined || through === undefined ? null : { product: sold, channel: through };
      },
      asOf: null,
      clock: this.clock,
    });
    const reported: Booted['reported'] = [];
    const ids = makeIds(this.clock, into => {
      into.set(sha256(`${this.#seed} ${this.#drawn++}`).subarray(0, into.length));
      return into;
    });
    this.#booted += 1;
    let onDue: ((row: SessionRow) => Promise<void>) | null = null;
    const scheduler: Scheduler = { ...STILL, start: due => void (onDue = due) };
    const engine = createEngine({
      homes: new Homes(stores),
      control,
      placing: desk,
      clock: this.clock,
      ids,
      sha256,
      salt: () => new Uint8Array(16).fill(this.#drawn++ & 255),
      owner: `proc_${this.#booted}`,
      scheduler,
      limits: { ...LIMITS, ...this.#options.limits, ...limits },
      report: (what, error) => reported.push({ what, error }),
      ...(retention !== undefined && { retention }),
      ...(tools !== undefined && { tools }),
      ...(agentHost !== undefined && { agentHost }),
      ...(this.#options.spend !== undefined && { spend: this.#options.spend }),
      compaction: { strategy: 'extractive', at: null, seals: SEALS, ...this.#options.compaction },
      ...(this.#options.files !== undefined && { files: this.#options.files }),
      ...(this.#options.environments !== undefined && { environments: this.#options.environments }),
      targetFacts: async (_, __, id) => {
        const place = places.find(one => one.id === id);
        return place?.kind === 'target'
          ? { cloud: place.cloud, region: place.region, accelerator: place.accelerator, prices: null }
          : null;
      },
    });
    const wake = async (row: SessionRow): Promise<void> => {
      if (onDue === null) await engine.recover();
      await onDue?.(row);
    };
    return { engine, stores, reported, wake };
  }
}

export function request(fields: { readonly [name: string]: unknown } = {}): CreateResponse {
  const parsed = parseCreateResponse({ model: 'gpt', input: 'Hello', ...fields });
  if (!parsed.ok) throw parsed.error;
  return parsed.value;
}

/** Begins a stored turn. */
export function ask(
  engine: Engine,
  fields: { readonly [name: string]: unknown } = {},
  more: Partial<RespondInput> = {},
): Promise<StoredResponse> {
  return engine.respond({ caller: ACME, request: request(fields), labels: [], idempotency: null, ...more });
}

/** The code of the error that a promise rejects with, `null` if it does not. */
export async function codeOf(work: Promise<unknown>): Promise<string | null> {
  try {
    await work;
    return null;
  } catch (error) {
    return (error as PerdureError).code ?? String(error);
  }
}

/** Events of a stream until its end, as their bytes. */
export async function read(stream: AsyncIterable<readonly { readonly json: string }[]>): Promise<string[]> {
  const all: string[] = [];
  for await (const batch of stream) for (const { json } of batch) all.push(json);
  return all;
}

/** Resolves when `holds` does, looking again after every turn of the event loop. */
export async function until(holds: () => boolean, what: string): Promise<void> {
  // By the clock, not by turns of the event loop: some of what is waited for waits for a timer, and idle turns are quick.
  for (const until = performance.now() + 10_000; performance.now() < until; ) {
    if (holds()) return;
    await new Promise(resolve => setImmediate(resolve));
  }
  throw new Error(`never came: ${what}`);
}

/** A promise that a test settles itself. */
export interface Gate {
  readonly opened: Promise<void>;
  open(): void;
}

export function gate(): Gate {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { opened: promise, open: () => resolve() };
}
