/**
 * What a clause is told, and how it becomes Cedar values. The shapes are those of the caller's facts, so that nothing is copied on
 * the way; `schema.ts` says what each means.
 */
import { knownAt, type Recorded } from './recorded.ts';
import type { Reads } from './reads.ts';
import {
  type DatetimeValue,
  type EntityData,
  type EntityValue,
  entityKey,
  entityValue,
  type RecordValue,
  recordValue,
  setValue,
  type Value,
} from './value.ts';

export interface RuleProduct {
  readonly id: string;
  readonly vendor: string;
  readonly kind: string;
}

export interface RuleChannel {
  readonly id: string;
  readonly seller: string;
  readonly kind: string;
}

export interface RulePlace {
  /** What is absent or null is not known: a clause that asks for it fails. */
  readonly id?: string;
  readonly model?: string;
  readonly accelerator?: string | null;
  readonly cloud: string;
  readonly region: string;
  readonly jurisdiction: string;
  readonly sovereignty: string;
  readonly clearances: readonly string[];
}

export interface RuleUse {
  readonly turns: number;
  readonly itemsRead: number;
  readonly memoryReads: number;
  readonly toolsRun: number;
  readonly filesTouched: number;
}

export interface RuleAgent {
  readonly id: string;
  readonly version: number;
}

/** In whose name it is asked. No secret. */
export interface RulePrincipal {
  readonly key: string;
  /** Absent: not known. */
  readonly scopes?: readonly string[];
}

/** The tool that runs, of `execute`. */
export interface RuleTool {
  readonly name: string;
  readonly origin: string;
}

/** Where data goes, of `egress`. */
export interface RuleDestination {
  readonly host: string;
  readonly use: string;
}

/** Micro-USD of the tenant before this call: in the calendar month (UTC) of `at`, and ever. */
export interface RuleSpend {
  readonly month: number;
  readonly total: number;
}

export interface RuleFacts {
  readonly session: {
    readonly tenant: string;
    readonly product: RuleProduct;
    readonly channel: RuleChannel;
    readonly segment: string;
    readonly stateHeld: boolean;
    readonly use?: RuleUse;
  };
  readonly vendor: string;
  readonly purpose: string;
  readonly sessionLabels: readonly string[];
  readonly requestLabels: readonly string[];
  /** Milliseconds since 1970. */
  readonly at: number;
  /** Absent: not known, so that a clause that asks for it fails. Never zero instead: it would allow what a cap forbids. */
  readonly spend?: RuleSpend;
  /** Absent: the session is of no agent. */
  readonly agent?: RuleAgent;
  /** Absent: not known. */
  readonly principal?: RulePrincipal;
  /** What the session had done before the call: what clauses are told, while `session.use` is for definitions. Absent: not known. */
  readonly soFar?: RuleUse;
  /** Absent: no tool runs, and a clause that asks for it fails. */
  readonly tool?: RuleTool;
  readonly destination?: RuleDestination;
  readonly recorded: Recorded;
}

export interface RuleSale {
  readonly channel: RuleChannel;
  readonly product: RuleProduct;
  readonly segment: string;
  readonly at: number;
  readonly recorded: Recorded;
}

const NO_TAGS: ReadonlyMap<string, Value> = new Map();
const NO_ATTRS: ReadonlyMap<string, Value> = new Map();
const NO_ANCESTORS: ReadonlySet<string> = new Set();
const ALONE: EntityData = { attrs: NO_ATTRS, ancestors: NO_ANCESTORS, tags: NO_TAGS };
/** Ids of principals. Sessions are all called alike: no clause may name one, and what is decided for one holds for its like. */
const SESSION = 'session';
const EPHEMERAL = 'ephemeral';

function entity(
  type: string,
  id: string,
  attrs: readonly (readonly [string, Value])[],
  parent: string | null,
): EntityValue {
  const ancestors = parent === null ? NO_ANCESTORS : new Set([parent]);
  return entityValue(type, id, { attrs: attrs.length === 0 ? NO_ATTRS : new Map(attrs), ancestors, tags: NO_TAGS });
}

export function placeEntity(place: RulePlace): EntityValue {
  const { id, model, accelerator } = place;
  const attrs: (readonly [string, Value])[] = [
    ['jurisdiction', place.jurisdiction],
    ['sovereignty', place.sovereignty],
    ['clearances', setValue(place.clearances)],
  ];
  if (id !== undefined) attrs.push(['id', id]);
  if (model !== undefined) attrs.push(['model', model]);
  if (accelerator !== undefined && accelerator !== null) attrs.push(['accelerator', accelerator]);
  return entity('Region', place.region, attrs, entityKey('Cloud', place.cloud));
}

export function productEntity(product: RuleProduct): EntityValue {
  return entity('Product', product.id, [['kind', product.kind]], entityKey('Vendor', product.vendor));
}

export function channelEntity(channel: RuleChannel): EntityValue {
  const attrs = [
    ['seller', entityValue('Vendor', channel.seller, ALONE)],
    ['kind', channel.kind],
  ] as const;
  return entity('Channel', channel.id, attrs, null);
}

function datetime(ms: number): DatetimeValue {
  return { kind: 'datetime', ms };
}

function principalAttrs(labels: Value, { principal }: RuleFacts): readonly (readonly [string, Value])[] {
  if (principal === undefined) return [['labels', labels]];
  const { key, scopes } = principal;
  const known = [['labels', labels] as const, ['key', key] as const];
  return scopes === undefined ? known : [...known, ['scopes', setValue(scopes)]];
}

/** The parts of a call's environment that do not depend on a contract. */
export interface CallValues {
  readonly principal: EntityValue;
  readonly product: EntityValue;
  readonly call: RecordValue;
  readonly entities: ReadonlyMap<string, EntityData>;
}

export function callValues(facts: RuleFacts): CallValues {
  const { session } = facts;
  const product = productEntity(session.product);
  const channel = channelEntity(session.channel);
  const vendor = entityValue('Vendor', facts.vendor, ALONE);
  const requestLabels = setValue(facts.requestLabels);
  // Labels only grow: a request without state of its own still carries its own labels, and any that came with it.
  const labels =
    session.stateHeld || facts.requestLabels.length === 0
      ? setValue(facts.sessionLabels)
      : setValue([...facts.sessionLabels, ...facts.requestLabels]);
  const id = session.stateHeld ? SESSION : EPHEMERAL;
  const principal = entity('Session', id, principalAttrs(labels, facts), entityKey('Tenant', session.tenant));
  const entities = new Map<string, EntityData>();
  for (const known of [principal, product, channel, vendor])
    if (known.data !== null) entities.set(known.key, known.data);
  const { events, firstRefusal } = knownAt(facts.recorded, facts.at, session.product.id);
  const call: [string, Value][] = [
    ['vendor', vendor],
    ['product', product],
    ['channel', channel],
    ['segment', session.segment],
    ['purpose', facts.purpose],
    ['stateHeld', session.stateHeld],
    ['labels', requestLabels],
    ['at', datetime(facts.at)],
    ['events', events],
    ['firstRefusal', firstRefusal],
  ];
  if (facts.spend !== undefined) {
    const { month, total } = facts.spend;
    call.push([
      'spend',
      recordValue([
        ['month', month],
        ['total', total],
      ]),
    ]);
  }
  if (facts.agent !== undefined) {
    const { id: agent, version } = facts.agent;
    call.push([
      'agent',
      recordValue([
        ['id', agent],
        ['version', version],
      ]),
    ]);
  }
  return { principal, product, call: recordValue(call), entities };
}

/** What clauses on places are told beside the call and its class: some of it only of some actions. */
export function contextOf(action: string, facts: RuleFacts): readonly (readonly [string, Value])[] {
  const { soFar } = facts;
  const own = ofAction(action, facts);
  return soFar === undefined ? own : [['use', useValue(soFar)], ...own];
}

function ofAction(action: string, { tool, destination }: RuleFacts): readonly (readonly [string, Value])[] {
  if (action === 'execute' && tool !== undefined)
    return [
      [
        'tool',
        recordValue([
          ['name', tool.name],
          ['origin', tool.origin],
        ]),
      ],
    ];
  if (action === 'egress' && destination !== undefined)
    return [
      [
        'destination',
        recordValue([
          ['host', destination.host],
          ['use', destination.use],
        ]),
      ],
    ];
  return NOTHING_MORE;
}

const NOTHING_MORE: readonly never[] = [];
const NO_USE: RuleUse = { turns: 0, itemsRead: 0, memoryReads: 0, toolsRun: 0, filesTouched: 0 };

function useValue({ turns, itemsRead, memoryReads, toolsRun, filesTouched }: RuleUse): RecordValue {
  return recordValue(Object.entries({ turns, itemsRead, memoryReads, toolsRun, filesTouched }));
}

export function definitionContext(values: CallValues, use: RuleUse = NO_USE): RecordValue {
  return recordValue([
    ['call', values.call],
    ['use', useValue(use)],
  ]);
}

export function saleContext(sale: RuleSale): RecordValue {
  const { events, firstRefusal } = knownAt(sale.recorded, sale.at, sale.product.id);
  return recordValue([
    ['segment', sale.segment],
    ['at', datetime(sale.at)],
    ['events', events],
    ['firstRefusal', firstRefusal],
  ]);
}

/** A text that two texts share only if they are equal, however it is joined to others. */
function part(text: string): string {
  return `${text.length}:${text}`;
}

function parts(texts: readonly string[]): string {
  let joined = `${texts.length}[`;
  for (const text of texts) joined += part(text);
  return joined;
}

/** The last one is kept: a decision asks for the sale and for the call. */
let lastSale: { channel: RuleChannel; product: RuleProduct; segment: string; signature: string } | null = null;

function saleSignature(channel: RuleChannel, product: RuleProduct, segment: string): string {
  if (lastSale?.channel === channel && lastSale.product === product && lastSale.segment === segment)
    return lastSale.signature;
  const signature =
    part(channel.id) +
    part(channel.seller) +
    part(channel.kind) +
    part(product.id) +
    part(product.vendor) +
    part(product.kind) +
    part(segment);
  lastSale = { channel, product, segment, signature };
  return signature;
}

/** Where a time lies among sorted moments: before, at or after each. */
function placeAmong(moments: readonly number[], at: number): string {
  let before = 0;
  for (const moment of moments) {
    if (moment === at) return `=${before}`;
    if (moment > at) break;
    before += 1;
  }
  return `<${before}`;
}

/** The part of a signature for the facts that only some clauses read. A fact that none of them reads adds nothing. */
function signatureOfRead(
  reads: Reads,
  at: number,
  recorded: Recorded,
  product: string,
  spend: RuleSpend | undefined,
): string {
  let signature = reads.time ? String(at) : reads.moments.length > 0 ? placeAmong(reads.moments, at) : '';
  if (reads.events || reads.firstRefusal) {
    const { eventsKey, firstRefusalKey } = knownAt(recorded, at, product);
    if (reads.events) signature += eventsKey;
    if (reads.firstRefusal) signature += firstRefusalKey;
  }
  if (reads.spend) signature += spend === undefined ? '?' : `$${spend.month} ${spend.total}`;
  return signature;
}

/** Of the agent and of the key that asks, where a clause reads them. */
function signatureOfAsker({ agent, principal }: RuleFacts, reads: Reads): string {
  let signature = '';
  if (reads.agent) signature += agent === undefined ? '-' : `@${agent.version} ${part(agent.id)}`;
  if (!reads.key) return signature;
  if (principal === undefined) return `${signature}-`;
  const { key, scopes } = principal;
  return signature + part(key) + (scopes === undefined ? '-' : parts(scopes));
}

/**
 * Calls with the same signature are the same to every clause: turns of a session, and sessions alike. What the session has done is apart
 * (`signatureOfUse`).
 * @param reads what the clauses read
 */
export function callSignature(facts: RuleFacts, reads: Reads): string {
  const { session } = facts;
  return (
    saleSignature(session.channel, session.product, session.segment) +
    (session.stateHeld ? 'h' : 's') +
    part(session.tenant) +
    part(facts.vendor) +
    part(facts.purpose) +
    parts(facts.sessionLabels) +
    parts(facts.requestLabels) +
    (reads.tool && facts.tool !== undefined ? parts([facts.tool.name, facts.tool.origin]) : '') +
    (reads.destination && facts.destination !== undefined
      ? parts([facts.destination.host, facts.destination.use])
      : '') +
    (reads.agent || reads.key ? signatureOfAsker(facts, reads) : '') +
    signatureOfRead(reads, facts.at, facts.recorded, session.product.id, facts.spend)
  );
}

export function signatureOfSale(sale: RuleSale, reads: Reads): string {
  const { channel, product, segment, at, recorded } = sale;
  return saleSignature(channel, product, segment) + signatureOfRead(reads, at, recorded, product.id, undefined);
}

export function signatureOfUse(use: RuleUse | undefined): string {
  if (use === undefined) return '';
  return [use.turns, use.itemsRead, use.memoryReads, use.toolsRun, use.filesTouched].join(' ');
}
