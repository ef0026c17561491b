/**
 * A decision as it is kept: facts, counts and versions, never content, in about 300 bytes of JSON for three targets. The table is not
 * kept: it is decided again from the record and the snapshot that the record names (or another one: what-if).
 *
 * Keys are short because every turn of every session stores one; `RECORD_KEYS` says what each means. Defaults are left out.
 */
import { decide } from './decide.ts';
import { type Decision, type DecisionCode, type Exclusion, exclusionKey, type InForce } from './decision.ts';
import {
  type Action,
  type CallFacts,
  type DecideOptions,
  type DestinationFacts,
  FACTS_VERSION,
  type Health,
  type PlaceHealth,
  type PrincipalFacts,
  type Purpose,
  type Segment,
  type ShadowPrices,
  type ToolFacts,
  type Use,
} from './facts.ts';
import { modelKey, type Snapshot } from './snapshot.ts';

export interface PlacementRecord {
  readonly v: 1;
  readonly s: string;
  readonly a?: Action;
  readonly t: number;
  readonly c?: string;
  readonly x?: DecisionCode;
  readonly n: string;
  readonly p: readonly [id: string, vendor: string, kind: 'a' | 'r'];
  readonly h: readonly [id: string, seller: string, kind: 'd' | 't'];
  readonly g?: Segment;
  readonly z?: 1;
  readonly b?: number;
  readonly r?: Readonly<Record<string, string>>;
  readonly m: readonly [vendor: string, model: string];
  readonly u?: Purpose;
  readonly l?: readonly string[];
  readonly q?: readonly string[];
  readonly i: number;
  readonly o: number;
  readonly k?: readonly string[];
  readonly y?: readonly [number, number, number, number, number];
  readonly f?: readonly string[];
  readonly d?: readonly string[];
  readonly e?: Readonly<Record<string, RecordedHealth>>;
  readonly w?: readonly [near: string | 0, previous: string | 0];
  readonly j?: readonly string[];
  readonly S?: readonly [month: number, total: number];
  readonly F?: number;
  readonly N?: 0 | 1 | 2;
  readonly W?: readonly string[];
  readonly H?: ShadowPrices;
  readonly T?: readonly [name: string, origin: ToolFacts['origin']];
  readonly D?: readonly [host: string, use: DestinationFacts['use']];
  readonly A?: readonly [id: string, version: number];
  readonly K?: readonly [key: string, scopes?: readonly string[]];
}

/** Expected latency in ms, calls in flight, state (0 up, 1 down, 2 full), retry after in ms; trailing zeros left out. */
export type RecordedHealth = readonly number[];

export const RECORD_KEYS: Readonly<Record<keyof PlacementRecord, string>> = {
  v: 'version of this form',
  s: 'version of the snapshot decided on',
  a: 'action; absent: infer',
  t: 'time that contracts saw, ms since 1970',
  c: 'chosen place',
  x: 'code, if not placed',
  n: 'tenant',
  p: 'product: id, vendor, api or runtime',
  h: 'channel: id, seller, direct or third-party',
  g: 'segment; absent: commercial',
  z: 'no state is held for the caller',
  b: 'ms from the start of the session to t; absent: 0',
  r: "readings of the session that are not the snapshot's",
  m: 'model: vendor, name',
  u: 'purpose; absent: turn',
  l: 'labels of the session',
  q: 'labels of the request',
  i: 'input tokens, estimated',
  o: 'output tokens, at most',
  k: 'capabilities required',
  y: 'use before the call: turns, items read, memory reads, tools run, files touched; clauses are told it from version 4 of the facts on',
  f: 'contracts in force: id@version, then :reading',
  d: 'contract/clause that excluded a place (the contract only if several are in force); those only flagged begin with ~',
  e: 'health seen, by place; absent: up, idle, latency unknown',
  w: 'place to be near to, target of the last call',
  j: 'only these places were candidates',
  S: 'spend of the tenant before the call: in the month, in total, micro-USD; absent: not known',
  F: 'version of the facts that clauses were told; absent: 1',
  N: 'not enforced (monitor mode): 0 nothing was against it, 1 it would have gone elsewhere, 2 it would have been refused',
  W: 'waivers that took a reason away',
  H: 'shadow prices, by place: parts per million of the cost there that it saves elsewhere; absent: none',
  T: 'tool that runs: name, origin; absent: none',
  D: 'where data goes: host, use; absent: nothing leaves',
  A: 'agent of the session: id, version; absent: none, or a version of the facts before 4',
  K: 'key in whose name it was asked: id, then its scopes if a contract asked for them; absent: not known',
};

const STATES = ['up', 'down', 'full'] as const;
const NONE: readonly string[] = [];
const NO_OPTIONS: DecideOptions = {};

type Building = { -readonly [Key in keyof PlacementRecord]: PlacementRecord[Key] };

/** Every call makes one. Keys are set in the order of `RECORD_KEYS`: a record is kept as the text that it gives. */
export function toRecord(
  decision: Decision,
  snapshot: Snapshot,
  facts: CallFacts,
  health: Health,
  options: DecideOptions = NO_OPTIONS,
): PlacementRecord {
  const { session } = facts;
  const { product, channel } = session;
  const record = { v: 1, s: snapshot.version } as Building;
  if (decision.action !== 'infer') record.a = decision.action;
  record.t = facts.at;
  if (decision.chosen !== null) record.c = decision.chosen;
  if (decision.code !== null) record.x = decision.code;
  record.n = session.tenant;
  record.p = [product.id, product.vendor, product.kind === 'api' ? 'a' : 'r'];
  record.h = [channel.id, channel.seller, channel.kind === 'direct' ? 'd' : 't'];
  if (session.segment !== 'commercial') record.g = session.segment;
  if (!session.stateHeld) record.z = 1;
  if (session.startedAt !== facts.at) record.b = facts.at - session.startedAt;
  const readings = readingsOfItsOwn(session.reading, snapshot);
  if (readings !== null) record.r = readings;
  record.m = [facts.vendor, facts.model];
  if (facts.purpose !== 'turn') record.u = facts.purpose;
  if (facts.sessionLabels.length > 0) record.l = facts.sessionLabels;
  if (facts.requestLabels.length > 0) record.q = facts.requestLabels;
  record.i = facts.inputTokens;
  record.o = facts.outputBound;
  if (facts.requires !== undefined) record.k = facts.requires;
  const use = facts.soFar ?? session.use;
  if (use !== undefined) record.y = useTuple(use);
  if (decision.inForce.length > 0) record.f = decision.inForce.map(contractInForce);
  const deciding = decidingClauses(decision);
  if (deciding.length > 0) record.d = deciding;
  const seen = healthSeen(decision, snapshot, facts, health);
  if (seen !== null) record.e = seen;
  if (options.near !== undefined || options.previous !== undefined)
    record.w = [options.near ?? 0, options.previous ?? 0];
  if (options.only !== undefined) record.j = options.only;
  if (facts.spend !== undefined) record.S = [facts.spend.month, facts.spend.total];
  record.F = FACTS_VERSION;
  if (decision.monitored !== null) record.N = MONITORED[decision.monitored];
  const waivers = waiversUsed(decision);
  if (waivers.length > 0) record.W = waivers;
  const shadow = shadowSeen(options.shadow, snapshot, facts);
  if (shadow !== null) record.H = shadow;
  if (facts.tool !== undefined) record.T = [facts.tool.name, facts.tool.origin];
  if (facts.destination !== undefined) record.D = [facts.destination.host, facts.destination.use];
  if (facts.agent !== undefined) record.A = [facts.agent.id, facts.agent.version];
  if (facts.principal !== undefined) record.K = keyTuple(facts.principal);
  return record;
}

function keyTuple({ key, scopes }: PrincipalFacts): NonNullable<PlacementRecord['K']> {
  return scopes === undefined ? [key] : [key, scopes];
}

/** Of the candidates, also for other snapshots. Null if there is none. */
function shadowSeen(shadow: ShadowPrices | undefined, snapshot: Snapshot, facts: CallFacts): ShadowPrices | null {
  if (shadow === undefined) return null;
  let seen: Record<string, number> | null = null;
  for (const { id } of snapshot.byModel.get(modelKey(facts.vendor, facts.model)) ?? []) {
    const price = shadow[id];
    if (price !== undefined && price !== 0) (seen ??= {})[id] = price;
  }
  return seen;
}

const MONITORED = { nothing: 0, moved: 1, refused: 2 } as const;

function waiversUsed({ flagged }: Decision): readonly string[] {
  if (flagged.length === 0) return NONE;
  return [...new Set(flagged.flatMap(({ waiver }) => (waiver === undefined ? [] : [waiver])))];
}

/** Null if they are the snapshot's. */
function readingsOfItsOwn(
  readings: Readonly<Record<string, string>>,
  snapshot: Snapshot,
): Readonly<Record<string, string>> | null {
  if (readings === snapshot.readings) return null;
  const own = Object.entries(readings).filter(([contract, reading]) => snapshot.readings[contract] !== reading);
  return own.length > 0 ? Object.fromEntries(own) : null;
}

function contractInForce({ contract, version, reading }: InForce): string {
  return reading === null ? `${contract}@${version}` : `${contract}@${version}:${reading}`;
}

function decidingClauses(decision: Decision): readonly string[] {
  if (decision.flagged.length === 0 && decision.rows.every(row => row.exclusions.length === 0)) return NONE;
  const only = decision.inForce.length === 1 ? decision.inForce[0] : undefined;
  const name = (exclusion: Exclusion): string => {
    const key = exclusionKey(exclusion);
    const prefix = `${only?.contract ?? ''}/`;
    return only !== undefined && key.startsWith(prefix) ? key.slice(prefix.length) : key;
  };
  const names = new Set(decision.rows.flatMap(row => row.exclusions.map(name)));
  for (const { exclusion } of decision.flagged) names.add(`~${name(exclusion)}`);
  return [...names];
}

/** Null if there is none. The health of every candidate, so that another snapshot can be decided on too; without what no decision could have used. */
function healthSeen(
  decision: Decision,
  snapshot: Snapshot,
  facts: CallFacts,
  health: Health,
): Record<string, RecordedHealth> | null {
  let seen: Record<string, RecordedHealth> | null = null;
  const candidates =
    decision.action === 'infer' ? (snapshot.byModel.get(modelKey(facts.vendor, facts.model)) ?? []) : snapshot.homes;
  for (const place of candidates) {
    const known = health[place.id];
    if (known === undefined) continue;
    const bounded = place.kind === 'target' && place.capacity.maxConcurrent !== null;
    const inFlight = bounded ? known.inFlight : 0;
    if (isIdle(known, inFlight)) continue;
    const numbers = [known.expectedLatencyMs, inFlight, STATES.indexOf(known.state)];
    if (known.retryAfterMs !== undefined) numbers.push(known.retryAfterMs);
    else while (numbers.at(-1) === 0) numbers.pop();
    seen ??= {};
    seen[place.id] = numbers;
  }
  return seen;
}

/** As a place is taken to be of which nothing is recorded. */
function isIdle({ expectedLatencyMs, state, retryAfterMs }: PlaceHealth, inFlight: number): boolean {
  return expectedLatencyMs === 0 && inFlight === 0 && state === 'up' && retryAfterMs === undefined;
}

function useTuple(use: Use): [number, number, number, number, number] {
  return [use.turns, use.itemsRead, use.memoryReads, use.toolsRun, use.filesTouched];
}

export interface RecordedCall {
  readonly action: Action;
  readonly facts: CallFacts;
  readonly health: Health;
  readonly options: DecideOptions;
}

/** The version of the facts from which on clauses are told what a session has done so far. */
const USE_TOLD = 4;

/** The call that a record is of. The session's id is not kept: no clause may name one. */
export function fromRecord(record: PlacementRecord): RecordedCall {
  const [productId, productVendor, productKind] = record.p;
  const [channelId, seller, channelKind] = record.h;
  const [turns = 0, itemsRead = 0, memoryReads = 0, toolsRun = 0, filesTouched = 0] = record.y ?? [];
  const use = record.y === undefined ? null : { turns, itemsRead, memoryReads, toolsRun, filesTouched };
  const [key, scopes] = record.K ?? [];
  const [near, previous] = record.w ?? [0, 0];
  return {
    action: record.a ?? 'infer',
    facts: {
      session: {
        tenant: record.n,
        product: { id: productId, vendor: productVendor, kind: productKind === 'a' ? 'api' : 'runtime' },
        channel: { id: channelId, seller, kind: channelKind === 'd' ? 'direct' : 'third-party' },
        segment: record.g ?? 'commercial',
        stateHeld: record.z === undefined,
        startedAt: record.t - (record.b ?? 0),
        reading: record.r ?? {},
        ...(use !== null && { use }),
      },
      sessionId: '',
      vendor: record.m[0],
      model: record.m[1],
      purpose: record.u ?? 'turn',
      sessionLabels: record.l ?? NONE,
      requestLabels: record.q ?? NONE,
      at: record.t,
      inputTokens: record.i,
      outputBound: record.o,
      ...(record.k !== undefined && { requires: record.k }),
      ...(record.S !== undefined && { spend: { month: record.S[0], total: record.S[1] } }),
      ...(record.T !== undefined && { tool: { name: record.T[0], origin: record.T[1] } }),
      ...(record.D !== undefined && { destination: { host: record.D[0], use: record.D[1] } }),
      ...(record.A !== undefined && { agent: { id: record.A[0], version: record.A[1] } }),
      ...(key !== undefined && { principal: { key, ...(scopes !== undefined && { scopes }) } }),
      // Files were not counted before, and clauses were not told: what is not known denies.
      ...(use !== null && (record.F ?? 1) >= USE_TOLD && { soFar: use }),
    },
    health: Object.fromEntries(
      Object.entries(record.e ?? {}).map(([id, numbers]) => [id, healthFrom(numbers)] as const),
    ),
    options: {
      ...(near !== 0 && { near }),
      ...(previous !== 0 && { previous }),
      ...(record.j !== undefined && { only: record.j }),
      ...(record.H !== undefined && { shadow: record.H }),
    },
  };
}

export function healthFrom([latency = 0, inFlight = 0, state = 0, retryAfterMs]: RecordedHealth): PlaceHealth {
  return {
    state: STATES[state] ?? 'down',
    inFlight,
    expectedLatencyMs: latency,
    ...(retryAfterMs !== undefined && { retryAfterMs }),
  };
}

/**
 * The whole decision again. On the snapshot that the record names it equals the original; on another it is what would have been.
 * @param readings whose readings hold where they differ: the session's own (the default), or the snapshot's, to suppose another one
 */
export function recompute(
  record: PlacementRecord,
  snapshot: Snapshot,
  readings: 'session' | 'snapshot' = 'session',
): Decision {
  const { action, facts, health, options } = fromRecord(record);
  const supposed = readings === 'session' ? facts : { ...facts, session: { ...facts.session, reading: {} } };
  return decide(snapshot, action, supposed, health, options);
}
