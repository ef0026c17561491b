/** Axes of the fact space, its points, and the request that stands for a point. */
import type { Point } from './boxes.ts';
import type { Dimension } from './dimension.ts';
import type { Action, AgentFacts, CallFacts, Channel, Place, Product, Segment, Use } from './facts.ts';
import type { ContractRules, ToldCall } from './ports.ts';
import { type OfferState, supposed } from './supposed.ts';

/** What clauses read, and what they compare it with: `contract/mentions.ts` finds it. */
export interface SpaceMentions {
  readonly facts: ReadonlyMap<
    string,
    { readonly constants: ReadonlySet<string | number | boolean>; readonly isSet: boolean; readonly isTime: boolean }
  >;
  readonly pairs: readonly (readonly [string, string])[];
}

/** A fact that a clause reads. */
export interface ReadFact {
  readonly path: string;
  /** Of a set of words, those that are looked for; null: any may be. */
  readonly words: ReadonlySet<string | number | boolean> | null;
}

/** A clause or definition: `contract/reach.ts` finds it. */
export interface SpaceClause {
  readonly of: 'place' | 'sale' | 'definition';
  /** Null: every one. */
  readonly actions: ReadonlySet<string> | null;
  readonly reads: readonly ReadFact[];
  /** It applies to nothing of which one of these does not hold, whatever else it reads. */
  readonly needs: readonly { readonly reads: readonly ReadFact[]; readonly holds: (facts: ToldCall) => boolean }[];
}

/** A seller of null is whoever made the product. */
export interface Offer {
  readonly id: string;
  readonly seller: string | null;
  readonly kind: Channel['kind'];
}

export interface SpaceParts {
  readonly mentions: SpaceMentions;
  readonly contracts: readonly Pick<ContractRules, 'effective' | 'scope'>[];
  /** The clauses of each contract. Null: any clause may read any fact. */
  readonly clauses: readonly (readonly [contract: ContractRules, clauses: readonly SpaceClause[]])[] | null;
  /** Labels of which clauses tell whether the session or the request carries them; null: all. */
  readonly labelsApart: ReadonlySet<string> | null;
  /** The words that facts have, by the last part of their name. */
  readonly vocabulary: Readonly<Record<string, readonly string[]>>;
  /** Null: every place that clauses can tell apart. */
  readonly places: readonly Place[] | null;
  readonly products: readonly Product[];
  readonly channels: readonly Offer[];
  /** Whether products and channels other than those may be sold. */
  readonly open: boolean;
  /** Moments, ms since 1970, `to` exclusive; equal: that moment alone. Null is unbounded. */
  readonly from: number | null;
  readonly to: number | null;
  /** The classes of a request, if what its session did counts: under retrospective readings. Null if it does not. */
  readonly classByUse: ((facts: ToldCall) => string) | null;
  /** Dimension -> the only values wanted of it. */
  readonly only: Readonly<Record<string, readonly string[]>>;
}

/** A request class in the making. */
export interface Draft {
  action: Action;
  vendor: string;
  product: Product;
  channel: Offer;
  segment: string;
  purpose: string;
  stateHeld: boolean;
  tenant: string;
  sessionLabels: readonly string[];
  requestLabels: readonly string[];
  at: number;
  use: Record<string, number>;
  /** What the session had done before. */
  soFar: Record<string, number>;
  agent: AgentFacts | null;
  key: string;
  scopes: readonly string[];
  /** Recorded events. */
  events: readonly string[];
  /** Rights of first refusal that were offered. */
  refusals: Readonly<Record<string, OfferState>>;
  /** Facts that are named by their path alone. */
  more: (readonly [path: readonly string[], value: unknown])[];
}

/** A dimension, and what its choice does to a request. */
export interface Axis {
  readonly dimension: Dimension;
  readonly set: (draft: Draft, value: never) => void;
  /** Paths of the facts that it makes a difference to. */
  readonly tells: readonly string[];
  /** Of a set of words, the one that it adds. Absent: it is no set, or any. */
  readonly word?: string;
}

/** Points of some axes. */
export function sizeOf(axes: readonly Axis[]): number {
  return axes.reduce((size, { dimension }) => size * dimension.choices.length, 1);
}

/** Every point of some axes, the last axis fastest. */
export function* pointsOf(axes: readonly Axis[]): Generator<Point> {
  const widths = axes.map(({ dimension }) => dimension.choices.length);
  const size = sizeOf(axes);
  for (let n = 0; n < size; n++) {
    const point: number[] = [];
    let left = n;
    for (let i = widths.length - 1; i >= 0; i--) {
      const width = widths[i] ?? 1;
      point[i] = left % width;
      left = Math.floor(left / width);
    }
    yield point;
  }
}

export interface RequestClass {
  readonly action: Action;
  readonly facts: ToldCall;
}

/** The representative of a class. */
export function requestAt(axes: readonly Axis[], point: Point): RequestClass {
  const draft: Draft = {
    action: 'infer',
    vendor: '',
    product: { id: '', vendor: '', kind: 'api' },
    channel: { id: 'direct', seller: null, kind: 'direct' },
    segment: 'commercial',
    purpose: 'turn',
    stateHeld: true,
    tenant: '',
    sessionLabels: [],
    requestLabels: [],
    at: 0,
    use: {},
    soFar: {},
    agent: null,
    key: 'any',
    scopes: [],
    events: [],
    refusals: {},
    more: [],
  };
  for (const [i, { dimension, set }] of axes.entries()) {
    const chosen = dimension.choices[point[i] ?? 0];
    if (chosen !== undefined) set(draft, chosen.value as never);
  }
  return { action: draft.action, facts: factsOf(draft) };
}

const NO_USE: Use = { turns: 0, itemsRead: 0, memoryReads: 0, toolsRun: 0, filesTouched: 0 };

function factsOf(draft: Draft): ToldCall {
  const { product, channel, at, vendor, stateHeld } = draft;
  const facts: ToldCall = {
    session: {
      tenant: draft.tenant,
      product,
      channel: { id: channel.id, seller: channel.seller ?? product.vendor, kind: channel.kind },
      // The clauses' own words count here, even those that no key can have.
      segment: draft.segment as Segment,
      stateHeld,
      startedAt: at,
      reading: {},
      use: { ...NO_USE, ...draft.use },
    },
    sessionId: 'any',
    vendor,
    model: 'any',
    purpose: draft.purpose as CallFacts['purpose'],
    sessionLabels: draft.sessionLabels,
    requestLabels: draft.requestLabels,
    at,
    inputTokens: 0,
    outputBound: 0,
    spend: { month: 0, total: 0 },
    soFar: { ...NO_USE, ...draft.soFar },
    principal: { key: draft.key, scopes: draft.scopes },
    ...(draft.agent !== null && { agent: draft.agent }),
    // Of names that no clause knows.
    tool: { name: 'anything-else', origin: 'builtin' },
    destination: { host: 'anything-else', use: 'web' },
    recorded: supposed(draft.events, draft.refusals, at),
  };
  for (const [path, value] of draft.more) {
    put(facts, path, value);
    put(facts.session, path, value);
  }
  return facts;
}

/** Facts that this module does not know by name lie where their path says, beside the others. */
function put(into: object, path: readonly string[], value: unknown): void {
  let at = into as Record<string, unknown>;
  for (const part of path.slice(0, -1)) {
    const next = at[part];
    const inner: Record<string, unknown> = typeof next === 'object' && next !== null ? { ...next } : {};
    at[part] = inner;
    at = inner;
  }
  at[path.at(-1) ?? ''] = value;
}
