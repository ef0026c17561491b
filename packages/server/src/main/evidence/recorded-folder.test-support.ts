/** A data folder with as many placements as a test wants, laid straight into its store: sessions of ten turns, well-formed and alike to real ones. */
import { createHash } from 'node:crypto';
import type { HomeId, ResponseId, SessionId, TenantId } from '../../kernel/ids.ts';

import { encodeHead, EVENT_CODES, type StoredEvent } from '../../log/codec.ts';
import type { EventBody, JsonObject } from '../../log/events.ts';
import type { ProjectionChange } from '../../log/rows.ts';
import { decide } from '../../placement/decide.ts';
import type { CallFacts, Health, Place, Segment } from '../../placement/facts.ts';
import { CHANNELS, PLACES, PRODUCTS, shippedFiles } from '../../placement/fixture.test-support.ts';
import { toRecord } from '../../placement/record.ts';
import { DEFAULT_WEIGHTS } from '../../placement/snapshot.ts';
import { openSqliteHome } from '../../store/sqlite/open-sqlite-home.ts';
import { snapshotOfDocument } from '../snapshots.ts';

const TURNS = 10;
/** When the first was recorded; each later one a second after. */
const FIRST = Date.UTC(2026, 2, 20);

export interface LaidFolder {
  readonly placements: number;
  readonly sessions: number;
}

/** What differs from call to call. */
export interface Traffic {
  readonly places: readonly Place[];
  readonly tenant: (session: number) => string;
  /** Over what every call has. */
  readonly facts: (
    session: number,
    turn: number,
  ) => Partial<Pick<CallFacts, 'purpose' | 'sessionLabels' | 'inputTokens'>>;
  readonly segment: (session: number) => Segment;
  readonly health: (session: number, turn: number) => Health;
}

const PLAIN: Traffic = {
  places: PLACES,
  tenant: session => (session % 2 === 0 ? 'acme' : 'rival'),
  facts: () => ({}),
  segment: () => 'commercial',
  health: () => ({}),
};

/** Appends under way at once: the store commits them together. */
const AT_ONCE = 64;

/** @param sessions each of `TURNS` calls and one state, but every third of a single call that used nothing */
export async function layFolder(dir: string, sessions: number, traffic: Traffic = PLAIN): Promise<LaidFolder> {
  const home = 'local' as HomeId;
  const loaded = snapshotOfDocument({
    form: 1,
    places: traffic.places,
    contracts: [shippedFiles('openai-2026-02'), shippedFiles('data-handling')],
    reading: 'as-written',
    enforce: true,
    onAmbiguity: 'flag',
    weights: DEFAULT_WEIGHTS,
  });
  const { snapshot } = loaded;
  const store = await openSqliteHome({ dir, home, clock: { now: () => FIRST, monotonic: () => 0 }, exclusive: true });
  await store.putDocument(snapshot.version, loaded.document);
  const appends: Promise<unknown>[] = [];
  let placements = 0;
  let at = FIRST;
  for (let index = 0; index < sessions; index++) {
    const id = String(index).padStart(28, '0');
    const session = `sess_${id}` as SessionId;
    const tenant = traffic.tenant(index) as TenantId;
    const segment = traffic.segment(index);
    const turns = index % 3 === 0 ? 1 : TURNS;
    const product = index % 5 < 2 ? PRODUCTS.api : PRODUCTS.frontier;
    const channel = index % 7 < 3 ? CHANNELS.direct : CHANNELS.bedrock;
    const bodies: EventBody[] = [];
    const changes: ProjectionChange[] = [];
    const origin = { product: product.id, channel: channel.id, segment, stateHeld: true, readings: {} };
    const head = { kind: 'responses' as const, home, owner: 'proc_test', origin };
    const nothing = { lineage: [], labels: [], openCalls: [], continues: null };
    bodies.push({ type: 'session.created', head: { ...head, ...nothing }, payload: null });
    const record = (action: 'infer' | 'place_state', facts: CallFacts, health: Health) => {
      const decision = decide(snapshot, action, facts, health, {});
      return {
        chosen: decision.chosen,
        placement: toRecord(decision, snapshot, facts, health) as unknown as JsonObject,
      };
    };
    const started = at;
    for (let turn = 0; turn < turns; turn++) {
      at += 1000;
      const facts: CallFacts = {
        session: {
          tenant,
          product,
          channel,
          segment,
          stateHeld: true,
          startedAt: started,
          reading: {},
          use: { turns: turn + 1, itemsRead: 2 * turn, memoryReads: 0, toolsRun: 0, filesTouched: 0 },
        },
        sessionId: session,
        vendor: 'openai',
        model: 'gpt',
        purpose: 'turn',
        sessionLabels: [],
        requestLabels: [],
        at: FIRST,
        inputTokens: 100 + turn * 37 + (index % 11),
        outputBound: 1000,
        ...traffic.facts(index, turn),
      };
      const health = traffic.health(index, turn);
      const response = `resp_${String(index * TURNS + turn).padStart(28, '0')}` as ResponseId;
      if (turn === 0) {
        const { placement } = record('place_state', facts, health);
        bodies.push({ type: 'state.placed', head: { placement }, payload: null });
        changes.push({ type: 'placed', seq: bodies.length, at });
      }
      bodies.push({
        type: 'input.accepted',
        head: { response, previous: null, count: 1, answers: [] },
        payload: { items: [] },
      });
      const shape = { background: false, streamed: false, tools: null, instructions: null };
      bodies.push({ type: 'turn.started', head: { response, model: 'gpt', ...shape }, payload: null });
      const { chosen, placement } = record('infer', facts, health);
      const reserved = { input: facts.inputTokens, output: facts.outputBound };
      bodies.push({
        type: 'call.placed',
        head: { call: 1, purpose: 'turn', chosen, placement, reserved },
        payload: null,
      });
      changes.push({ type: 'placed', seq: bodies.length, at });
      if (chosen === null) {
        bodies.push({ type: 'turn.failed', head: { response, code: 'placement_refused' }, payload: { message: '' } });
        continue;
      }
      const usage = { input: facts.inputTokens, cached: turn, output: 200 + (index % 13), reasoning: 0 };
      const end = {
        call: 1,
        outcome: 'completed' as const,
        reason: null,
        usage,
        upstream: { response: null, request: null },
      };
      bodies.push({ type: 'call.completed', head: { ...end, count: 1, calls: [] }, payload: null });
      bodies.push({ type: 'turn.completed', head: { response, status: 'completed', reason: null }, payload: null });
    }
    placements += changes.length;
    const times = new Map(
      changes.flatMap(change => (change.type === 'placed' ? [[change.seq, change.at] as const] : [])),
    );
    let now = started;
    const events = bodies.map((body, i): StoredEvent => {
      now = times.get(i + 1) ?? now;
      const digest = new Uint8Array(createHash('sha256').update(`${session} ${i}`).digest());
      const place = { seq: i + 1, epoch: 1, at: now, actor: 'engine', code: EVENT_CODES[body.type], version: 1 };
      return { ...place, head: encodeHead(body), payload: null, salt: null, payloadDigest: null, digest };
    });
    const row = { tenant, session, kind: 'responses' as const, seq: events.length, epoch: 1, owner: null, open: false };
    const rest = { ended: false, wakeAt: null, createdAt: started, updatedAt: now, state: null };
    const digest = events.at(-1)?.digest ?? new Uint8Array(32);
    const append = { tenant, session, expectedSeq: 0, expectedEpoch: 0, events, changes, prune: false };
    appends.push(store.append({ ...append, row: { ...row, ...rest, digest } }));
    if (appends.length === AT_ONCE) await Promise.all(appends.splice(0));
  }
  await Promise.all(appends);
  await store.close();
  return { placements, sessions };
}
