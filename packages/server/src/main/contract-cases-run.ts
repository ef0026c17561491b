/** Runs the table cases of a contract through the pipeline that decides live calls. */
import { datetimeMs } from '../contract/instant.ts';
import { decide, decideDistribution } from '../placement/decide.ts';
import type { Exclusion } from '../placement/decision.ts';
import type { AgentFacts, CallFacts, Channel, Place, Product, Segment, Use } from '../placement/facts.ts';
import type { Case, CaseFacts, CasePlace, CasesFile, Expected } from './contract-cases.ts';
import { recordedOf } from './contract-cases-recorded.ts';
import type { Side, SideOptions } from './contract-space.ts';

/** What was expected of a place (or of the sale, the class, the code), and what came out. */
export interface Check {
  readonly case: string;
  /** As the case says it: a day or a moment, UTC. */
  readonly at: string;
  /** Null: each contract's own. */
  readonly reading: string | null;
  readonly of: string;
  readonly expected: string;
  readonly got: string;
  readonly ok: boolean;
  /** The clauses that decided, with their citations. */
  readonly reasons: readonly Exclusion[];
}

/** The contracts of a case: the folder's own, and those that it names. */
export type Sides = (names: readonly string[], options: SideOptions) => Side;

const NO_PRICES = { inputPerMtok: 0, cachedInputPerMtok: 0, outputPerMtok: 0 };
const NO_USE: Use = { turns: 0, itemsRead: 0, memoryReads: 0, toolsRun: 0, filesTouched: 0 };
const MODEL = 'any';

/** @param own the id of the contract whose cases they are: `class` is its class */
export function runCases(file: CasesFile, own: string, sides: Sides): readonly Check[] {
  return file.cases.flatMap(one => runCase({ ...file.defaults, ...defined(one) } as Case, file, own, sides));
}

/** An absent key must not hide a default. */
function defined<T extends object>(value: T): Partial<T> {
  return Object.fromEntries(Object.entries(value).filter(([, one]) => one !== undefined)) as Partial<T>;
}

function runCase(one: Case, file: CasesFile, own: string, sides: Sides): readonly Check[] {
  const options: SideOptions = { reading: one.reading ?? null, onAmbiguity: one.on_ambiguity ?? 'flag' };
  const side = withRecorded(sides(one.with ?? [], options), one);
  const facts = factsOf(one, file);
  const action = one.action ?? 'infer';
  const places = Object.entries(file.places).map(([id, place]) => placeOf(id, place, action, facts.vendor));
  const decision = decide(snapshotWith(side, places), action, facts, {});
  const checks: Check[] = [];
  const asOf = { at: one.at ?? '', reading: one.reading ?? null };
  const check = (of: string, expected: string, got: string, reasons: readonly Exclusion[] = []): void =>
    void checks.push({ case: one.name, ...asOf, of, expected, got, ok: expected === got, reasons });
  const { expect } = one;
  for (const [id, expected] of Object.entries(expect.places ?? {})) {
    const row = decision.rows.find(({ place }) => place === id);
    if (row === undefined || row.verdict === 'wrong-model') {
      check(id, outcomeText(expected), `no model of ${facts.vendor} there`);
      continue;
    }
    const outcome = row.verdict === 'excluded' ? 'denied' : 'allowed';
    const got: Required<Expected> = {
      outcome,
      by: namesOf(row.exclusions),
      flagged: namesOf(row.flagged),
      permits: namesOf(row.permits),
    };
    check(id, outcomeText(expected), outcomeText(asAsked(got, expected)), [
      ...(outcome === 'denied' ? row.exclusions : row.permits),
      ...row.flagged,
    ]);
  }
  if (expect.class !== undefined) check('class', expect.class, decision.classes[own] ?? 'no class');
  if (expect.code !== undefined) check('code', expect.code, decision.code ?? 'none');
  if (expect.sale !== undefined) {
    const { product, channel, segment } = facts.session;
    const sale = decideDistribution(side.snapshot, channel, product, segment, facts.at);
    const flagged = sale.flagged.map(({ exclusion }) => exclusion);
    const got: Required<Expected> = {
      outcome: sale.outcome === 'refused' ? 'denied' : 'allowed',
      by: namesOf(sale.exclusions),
      flagged: namesOf(flagged),
      permits: namesOf(sale.permits),
    };
    check('sale', outcomeText(expect.sale), outcomeText(asAsked(got, expect.sale)), [
      ...(got.outcome === 'denied' ? sale.exclusions : sale.permits),
      ...flagged,
    ]);
  }
  return checks;
}

function withRecorded(side: Side, one: CaseFacts): Side {
  const recorded = recordedOf(one);
  return { ...side, snapshot: { ...side.snapshot, ...recorded, recorded } };
}

function snapshotWith({ snapshot }: Side, places: readonly Place[]): Side['snapshot'] {
  const targets = places.filter(place => place.kind === 'target');
  const homes = places.filter(place => place.kind === 'home');
  const byModel = new Map<string, typeof targets>();
  for (const target of targets) {
    // The model that is asked for is whatever the place serves.
    const key = `${target.vendor}/${MODEL}`;
    byModel.set(key, [...(byModel.get(key) ?? []), target]);
  }
  return { ...snapshot, places, targets, homes, byId: new Map(places.map(one => [one.id, one])), byModel };
}

function placeOf(id: string, place: CasePlace, action: string, vendor: string): Place {
  const base = {
    id,
    cloud: place.cloud,
    region: place.region ?? `${place.cloud}-region`,
    jurisdiction: place.jurisdiction ?? 'us',
    sovereignty: place.sovereignty ?? 'commercial',
    clearances: place.clearances ?? [],
  };
  if (action !== 'infer') return { kind: 'home', ...base };
  const serves = place.vendors === undefined || place.vendors.includes(vendor);
  return {
    kind: 'target',
    ...base,
    vendor: serves ? vendor : (place.vendors?.[0] ?? ''),
    model: place.model ?? MODEL,
    prices: NO_PRICES,
    accelerator: place.accelerator ?? null,
    capacity: { maxConcurrent: null },
    capabilities: null,
    contextTokens: null,
  };
}

function factsOf(one: CaseFacts, { products, channels }: CasesFile): CallFacts {
  const at = datetimeMs(one.at ?? '') ?? 0;
  const sold = products[one.product ?? ''] ?? { vendor: '', kind: 'api' };
  const product: Product = { id: one.product ?? '', ...sold };
  const by = channels[one.channel ?? ''] ?? { kind: 'direct' };
  const channel: Channel = { id: one.channel ?? '', kind: by.kind, seller: by.seller ?? product.vendor };
  const more = one.facts ?? {};
  return {
    ...more,
    session: {
      ...more,
      tenant: one.tenant ?? 'acme',
      product,
      channel,
      segment: (one.segment ?? 'commercial') as Segment,
      stateHeld: one.stored ?? true,
      startedAt: at,
      reading: {},
      ...(one.use === undefined ? {} : { use: { ...NO_USE, ...one.use } }),
    },
    sessionId: 'case',
    soFar: { ...NO_USE, ...one.use },
    ...(one.agent !== undefined && { agent: { version: 1, ...defined(one.agent) } as AgentFacts }),
    ...((one.key !== undefined || one.scopes !== undefined) && {
      principal: { key: one.key ?? 'case', scopes: one.scopes ?? [] },
    }),
    vendor: one.vendor ?? product.vendor,
    model: MODEL,
    purpose: (one.purpose ?? 'turn') as CallFacts['purpose'],
    sessionLabels: one.labels ?? [],
    requestLabels: one.request_labels ?? [],
    at,
    ...(one.spend !== undefined && { spend: one.spend }),
    inputTokens: 0,
    outputBound: 0,
  };
}

function namesOf(exclusions: readonly Exclusion[]): readonly string[] {
  return exclusions.map(one => ('clause' in one ? one.clause : one.kind)).toSorted();
}

/** What the case does not ask is not compared. */
function asAsked(got: Required<Expected>, asked: Expected): Expected {
  return {
    outcome: got.outcome,
    by: asked.by === undefined ? undefined : got.by,
    flagged: asked.flagged === undefined ? undefined : got.flagged,
    permits: asked.permits === undefined ? undefined : got.permits,
  };
}

function outcomeText({ outcome, by, flagged, permits }: Expected): string {
  const list = (names: readonly string[]): string => (names.length === 0 ? 'nothing' : names.toSorted().join(', '));
  const parts = [
    by === undefined || (outcome === 'allowed' && by.length === 0) ? null : `by ${list(by)}`,
    permits === undefined ? null : `permitted by ${list(permits)}`,
    flagged === undefined ? null : `flagged ${list(flagged)}`,
  ].filter(part => part !== null);
  return [outcome, ...parts].join('; ').replace('; by ', ' by ');
}
