/**
 * The finite space of request classes that the clauses of some contracts can tell apart. Values that no clause names are one value,
 * "any other". Two requests of one class are decided alike.
 *
 * F1. The space is bounded: `MAX_CLASSES` classes over `MAX_PLACES` places, else `SpaceTooWide`, which says what is too wide.
 * F2. A fact that no clause reads has one value, and so adds nothing.
 */
import { callAxes, saleAxes, useCounts } from './fact-axes.ts';
import type { Point } from './boxes.ts';
import type { Choice, Dimension } from './dimension.ts';
import type { Action, CallFacts, Channel, Place, Product, Segment, Use } from './facts.ts';
import { type OfferState, supposed } from './supposed.ts';
import { type PlaceSpace, placeSpace } from './place-space.ts';
import type { ContractRules, ToldCall } from './ports.ts';
import { MAX_CLASSES, NoSuchValue, SpaceTooWide } from './space-bounds.ts';
import { useAxis } from './use-axis.ts';

/** What clauses read, and what they compare it with: `contract/mentions.ts` finds it. */
export interface SpaceMentions {
  readonly facts: ReadonlyMap<
    string,
    { readonly constants: ReadonlySet<string | number | boolean>; readonly isSet: boolean; readonly isTime: boolean }
  >;
  readonly pairs: readonly (readonly [string, string])[];
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
}

export interface FactSpace {
  /** Of requests: the first axis is the action. */
  readonly calls: readonly Axis[];
  /** Of sales. */
  readonly sales: readonly Axis[];
  readonly places: PlaceSpace;
  /** Request classes, sales not counted. */
  readonly size: number;
}

/** @throws SpaceTooWide, NoSuchValue */
export function makeFactSpace(parts: SpaceParts): FactSpace {
  const wanted = new Map(Object.entries(parts.only));
  const narrow = (axes: readonly Axis[]): readonly Axis[] => axes.map(axis => narrowed(axis, wanted));
  const narrowCalls = narrow(callAxes(parts));
  const { classByUse } = parts;
  const calls =
    classByUse === null ? narrowCalls : [...narrowCalls, ...useAxis(useCounts(parts), narrowCalls, classByUse)];
  const sales = narrow(saleAxes(parts));
  for (const name of wanted.keys()) {
    if (calls.some(({ dimension }) => dimension.name === name)) continue;
    const names = calls.map(({ dimension }) => dimension.name).join(', ');
    throw new NoSuchValue(`there is no dimension ${name} here (there are: ${names})`);
  }
  const size = sizeOf(calls);
  if (size > MAX_CLASSES) {
    const widest = calls.toSorted((a, b) => b.dimension.choices.length - a.dimension.choices.length).slice(0, 3);
    const list = widest.map(({ dimension: { name, choices } }) => `${name} (${choices.length} values)`).join(', ');
    throw new SpaceTooWide(
      `the clauses tell ${size} request classes apart; at most ${MAX_CLASSES} are looked at. The widest dimensions are ${list}. ` +
        `Narrow them: --only ${widest[0]?.dimension.name ?? 'product'}=VALUE, or --at DAY for one moment`,
    );
  }
  return { calls, sales, places: placeSpace(parts), size };
}

function narrowed(axis: Axis, wanted: ReadonlyMap<string, readonly string[]>): Axis {
  const { dimension } = axis;
  const values = wanted.get(dimension.name);
  if (values === undefined) return axis;
  const choices = values.map(value => {
    const found = dimension.choices.find(one => one.label === value || nameOf(one) === value);
    if (found !== undefined) return found;
    const list = dimension.choices.map(nameOf).join(', ');
    throw new NoSuchValue(`${dimension.name} is never ${JSON.stringify(value)} here (there are: ${list})`);
  });
  return { ...axis, dimension: { ...dimension, choices } };
}

/** How `--only` calls a choice. */
export function nameOf({ value, label }: Choice): string {
  if (typeof value === 'string') return value;
  if (typeof value === 'object' && value !== null && 'id' in value && typeof value.id === 'string') return value.id;
  return label;
}

function sizeOf(axes: readonly Axis[]): number {
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
    recorded: supposed(draft.events, draft.refusals),
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
    const inner = typeof next === 'object' && next !== null ? { ...next } : {};
    at[part] = inner;
    at = inner as Record<string, unknown>;
  }
  at[path.at(-1) ?? ''] = value;
}
