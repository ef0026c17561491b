/** A home in memory with metered calls at any times: each is a session with one turn and one call, which ends when a test says so. */
import type { HomeId, ResponseId, SessionId, TenantId } from '../kernel/ids.ts';
import { encodeHead, EVENT_CODES, type StoredEvent } from '../log/codec.ts';
import type { EventBody } from '../log/events.ts';
import { openMemoryHome } from '../store/memory/open-memory-home.ts';
import type { HomeStore } from '../store/home-store.ts';
import type { TargetFacts, UsageSource } from './usage.ts';

const HOME = 'local' as HomeId;

export interface LaidCall {
  readonly at: number;
  readonly tenant: string;
  readonly product: string;
  readonly vendor: string;
  readonly target: string;
  readonly tokens: number;
}

export const LAID: LaidCall = {
  at: 1000,
  tenant: 'acme',
  product: 'api',
  vendor: 'openai',
  target: 'azure-east',
  tokens: 10,
};

const FACTS: { readonly [target: string]: TargetFacts } = {
  'azure-east': { cloud: 'azure', region: 'r', accelerator: null, prices: null },
  'aws-east': { cloud: 'aws', region: 'r', accelerator: 'trn', prices: null },
  gone: {
    cloud: 'aws',
    region: 'r',
    accelerator: 'gpu',
    prices: { input: 7, cached: 1, written: 8, output: 9, reasoning: 9 },
  },
};

export class MeteredLog {
  readonly store: HomeStore = openMemoryHome({ home: HOME, clock: { now: () => 0, monotonic: () => 0 } });
  readonly source: UsageSource = {
    homes: [this.store],
    wait: work => work,
    target: async (_, __, target) => FACTS[target] ?? null,
  };
  readonly #calls: LaidCall[] = [];

  /** @returns its number */
  async place(call: LaidCall): Promise<number> {
    const n = this.#calls.push(call) - 1;
    const { product, vendor, target, tokens } = call;
    const response = responseOf(n);
    const origin = { product, channel: 'direct', segment: 'commercial' as const, stateHeld: true, readings: {} };
    const record = { p: [product, 'api'], h: ['direct', 'openai', 'direct'], m: [vendor, 'gpt'], s: 'v1' };
    const nothing = { lineage: [], labels: [], openCalls: [], continues: null };
    const shape = { background: false, streamed: false, tools: null, instructions: null };
    await this.#append(n, 0, call.at, [
      {
        type: 'session.created',
        head: { kind: 'responses', home: HOME, owner: 'proc_test', origin, ...nothing },
        payload: null,
      },
      { type: 'turn.started', head: { response, model: 'gpt', ...shape }, payload: null },
      {
        type: 'call.placed',
        head: {
          call: 1,
          purpose: 'turn',
          chosen: target,
          placement: record,
          reserved: { input: tokens, output: 0 },
        },
        payload: null,
      },
    ]);
    return n;
  }

  /** @param at when its meter is written, ms since 1970 */
  async end(n: number, at: number): Promise<void> {
    const input = this.#calls[n]?.tokens ?? 0;
    const usage = { input, cached: 0, output: input, reasoning: 0 };
    const upstream = { response: null, request: null };
    const head = { call: 1, outcome: 'completed' as const, reason: null, usage, upstream, count: 1, calls: [] };
    await this.#append(n, 3, at, [{ type: 'call.completed', head, payload: null }]);
  }

  async #append(n: number, after: number, at: number, bodies: readonly EventBody[]): Promise<void> {
    const tenant = (this.#calls[n]?.tenant ?? '') as TenantId;
    const session = `sess_${String(n).padStart(28, '0')}` as SessionId;
    const digest = new Uint8Array(32);
    const events = bodies.map((body, i): StoredEvent => {
      const place = { seq: after + i + 1, epoch: 1, at, actor: 'key:k', code: EVENT_CODES[body.type], version: 1 };
      return { ...place, head: encodeHead(body), payload: null, salt: null, payloadDigest: null, digest };
    });
    const changes = after === 0 ? [{ type: 'placed' as const, seq: 3, at }] : [];
    const row = { tenant, session, kind: 'responses' as const, seq: after + bodies.length, epoch: 1, owner: null };
    const rest = { open: false, ended: false, wakeAt: null, createdAt: at, updatedAt: at, state: null, digest };
    const place = { tenant, session, expectedSeq: after, expectedEpoch: after === 0 ? 0 : 1 };
    const done = await this.store.append({ ...place, events, changes, row: { ...row, ...rest }, prune: false });
    if (!done.ok) throw new Error(done.reason);
  }
}

function responseOf(n: number): ResponseId {
  return `resp_${String(n).padStart(28, '0')}` as ResponseId;
}
