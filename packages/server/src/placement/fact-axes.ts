/** The dimensions of requests and sales: for each fact, the values that clauses can tell apart. */
import { choice, type Choice } from './dimension.ts';
import { askerAxes } from './asker-axes.ts';
import type { Axis, Draft, Offer, SpaceParts } from './axis.ts';
import { axis, constantsOf, numberChoices, OTHER, textChoices } from './axis-parts.ts';
import type { Action, Product } from './facts.ts';
import { OFFER_STATES, type OfferState } from './supposed.ts';
import { momentDimension } from './moments.ts';
import { labelAxes, labelsByHolder } from './label-axes.ts';
import { MAX_LABELS } from './space-bounds.ts';

const ACTIONS: readonly Action[] = ['infer', 'place_state', 'execute', 'egress'];

const setVendor = (draft: Draft, value: string): void => {
  draft.vendor = value;
};
const setState = (draft: Draft, value: boolean): void => {
  draft.stateHeld = value;
};
const setPurpose = (draft: Draft, value: string): void => {
  draft.purpose = value;
};
const setTenant = (draft: Draft, value: string): void => {
  draft.tenant = value;
};
const addSessionLabel = (draft: Draft, label: string): void => {
  draft.sessionLabels = [...draft.sessionLabels, label];
};
const addRequestLabel = (draft: Draft, label: string): void => {
  draft.requestLabels = [...draft.requestLabels, label];
};

export function callAxes(parts: SpaceParts): readonly Axis[] {
  const { alone, joint, request } = labelsByHolder(parts);
  const requestAxes = labelAxes(request, 'request', ['session.labels', 'call.labels'], addRequestLabel);
  return [
    axis(
      'action',
      'action',
      '',
      ACTIONS.map(action => choice(action, action)),
      (draft, value: Action) => {
        draft.action = value;
      },
    ),
    axis('vendor', 'vendor', 'model of', vendorChoices(parts), setVendor, ['call.vendor']),
    ...saleAxes(parts),
    axis('state', 'state', '', stateChoices(parts), setState, [
      'call.stateHeld',
      // Without state, the session is the request.
      ...(requestAxes.length > 0 ? ['session.labels'] : []),
    ]),
    axis('purpose', 'purpose', 'purpose', textChoices(parts, 'call.purpose', 'purpose'), setPurpose, ['call.purpose']),
    axis('tenant', 'tenant', 'tenant', textChoices(parts, 'session.tenant', 'tenant'), setTenant, ['session.tenant']),
    ...labelAxes(alone, 'session', ['session.labels'], addSessionLabel),
    ...requestAxes,
    ...labelAxes(joint, 'data', ['session.labels', 'call.labels'], addSessionLabel),
    ...askerAxes(parts),
    ...countAxes(parts, 'soFar', (draft, name, value) => {
      draft.soFar = { ...draft.soFar, [name]: value };
    }),
    ...otherAxes(parts),
  ];
}

export function saleAxes(parts: SpaceParts): readonly Axis[] {
  return [
    axis(
      'product',
      'product',
      '',
      productChoices(parts),
      (draft, value: Product) => {
        draft.product = value;
      },
      ['call.product', 'call.channel.seller'],
    ),
    axis(
      'channel',
      parts.open ? 'seller' : 'channel',
      parts.open ? 'sold by' : 'channel',
      channelChoices(parts),
      (draft, value: Offer) => {
        draft.channel = value;
      },
      ['call.channel'],
    ),
    axis(
      'segment',
      'segment',
      'segment',
      textChoices(parts, 'call.segment', 'segment'),
      (draft, value: string) => {
        draft.segment = value;
      },
      ['call.segment'],
    ),
    {
      dimension: momentDimension(parts),
      set: (draft: Draft, value: number) => {
        draft.at = value;
      },
      tells: ['call.at'],
    },
    ...recordedAxes(parts),
  ];
}

function scopeWords({ contracts }: SpaceParts, of: 'vendors' | 'products'): readonly string[] {
  return contracts.flatMap(({ scope }) => scope?.[of] ?? []);
}

function vendorChoices(parts: SpaceParts): Choice<string>[] {
  const named = unique([...constantsOf(parts, 'call.vendor'), ...scopeWords(parts, 'vendors')]);
  if (parts.places !== null) {
    const served = unique(parts.places.flatMap(place => (place.kind === 'target' ? [place.vendor] : [])));
    if (served.length > 0) return served.map(vendor => choice(vendor, vendor));
  }
  return [...named.map(vendor => choice(vendor, vendor)), choice('any other vendor', OTHER.vendor, { rest: true })];
}

/** Products with the same signature are the same to every clause. */
function productChoices(parts: SpaceParts): Choice<Product>[] {
  const ids = unique([...constantsOf(parts, 'call.product.id'), ...scopeWords(parts, 'products')]);
  const vendors = unique([...constantsOf(parts, 'call.product.vendor'), ...scopeWords(parts, 'vendors')]);
  // Who is direct depends on who made the product.
  const sellers = constantsOf(parts, 'call.channel.seller');
  const told = unique([...vendors, ...sellers]);
  const kindRead = parts.mentions.facts.has('call.product.kind');
  const vendorRead = told.length > 0;
  const kinds: readonly Product['kind'][] = kindRead ? ['api', 'runtime'] : ['api'];
  const made = [...told, OTHER.vendor];
  const others = ids.filter(id => !parts.products.some(product => product.id === id));
  const invented = !parts.open
    ? []
    : [...others, 'another-product'].flatMap(id =>
        made.flatMap(vendor => kinds.map(kind => ({ id, vendor, kind }) satisfies Product)),
      );
  const known = parts.open ? parts.products.filter(({ id }) => ids.includes(id)) : parts.products;
  const bySignature = new Map<string, Product[]>();
  for (const product of [...known, ...invented]) {
    const signature = [
      ids.includes(product.id) ? product.id : '',
      vendorRead && told.includes(product.vendor) ? product.vendor : '',
      kindRead ? product.kind : '',
    ].join('|');
    bySignature.set(signature, [...(bySignature.get(signature) ?? []), product]);
  }
  return [...bySignature.values()].flatMap(alike => {
    const [product] = alike;
    if (product === undefined) return [];
    const { vendor, kind } = product;
    const maker = vendor === OTHER.vendor ? 'any other vendor' : vendor;
    const ofKind = kindRead ? `${kind} product` : 'product';
    const rest = product.id === 'another-product';
    if (kinds.length * made.length === 1) return [choice(rest ? 'any product' : product.id, product, { rest })];
    const kindOf = vendorRead ? `${ofKind} of ${maker}` : ofKind;
    const named = known.some(one => ids.includes(one.id) && one.vendor === vendor && (!kindRead || one.kind === kind));
    const label = rest ? `any ${named ? 'other ' : ''}${kindOf}` : alike.map(({ id }) => id).join(' or ');
    const groups = [...(vendorRead ? [`product of ${maker}`] : []), ...(kindRead ? [`${kind} product`] : [])];
    if (kindRead && vendorRead) groups.push(`${kind} product of ${maker}`);
    return [choice(label, product, { rest, groups })];
  });
}

function channelChoices(parts: SpaceParts): Choice<Offer>[] {
  const ids = constantsOf(parts, 'call.channel.id');
  const sellers = unique(constantsOf(parts, 'call.channel.seller'));
  const { facts } = parts.mentions;
  const sellerRead = facts.has('call.channel.seller');
  const kindRead = facts.has('call.channel.kind');
  if (!sellerRead && !kindRead && ids.length === 0) return [choice('anybody', parts.channels[0] ?? DIRECT)];
  const third = (seller: string): Offer => ({ id: `by-${seller}`, seller, kind: 'third-party' });
  const invented = parts.open ? [DIRECT, ...(sellerRead ? sellers : []).map(third), third(OTHER.vendor)] : [];
  const known = parts.open ? parts.channels.filter(({ id }) => ids.includes(id)) : parts.channels;
  const bySignature = new Map<string, Offer[]>();
  for (const offer of [...known, ...invented]) {
    const seller = offer.seller === null ? '=' : sellers.includes(offer.seller) ? offer.seller : '';
    const signature = [ids.includes(offer.id) ? offer.id : '', sellerRead ? seller : '', offer.kind].join('|');
    bySignature.set(signature, [...(bySignature.get(signature) ?? []), offer]);
  }
  return [...bySignature.values()].flatMap(alike => {
    const [offer] = alike;
    if (offer === undefined) return [];
    if (offer === DIRECT) return [choice('its maker', offer)];
    const rest = offer.seller === OTHER.vendor;
    if (!parts.open || ids.includes(offer.id)) return [choice(alike.map(({ id }) => id).join(' or '), offer)];
    const others = sellerRead && sellers.length > 0 ? 'any other third party' : 'any third party';
    return [choice(rest ? others : (offer.seller ?? ''), offer, { rest, groups: ['third party'] })];
  });
}

const DIRECT: Offer = { id: 'direct', seller: null, kind: 'direct' };

function stateChoices({ mentions }: SpaceParts): Choice<boolean>[] {
  const held = choice('state held', true);
  return mentions.facts.has('call.stateHeld') ? [held, choice('no state held', false)] : [held];
}

function subsets(labels: readonly string[]): readonly (readonly string[])[] {
  let sets: (readonly string[])[] = [[]];
  for (const label of labels.slice(0, MAX_LABELS)) sets = [...sets, ...sets.map(set => [...set, label])];
  return sets;
}

/** What definitions ask of a session's use, a count each. */
export function useCounts(parts: SpaceParts): readonly Axis[] {
  return countAxes(parts, 'use', (draft, name, value) => {
    draft.use = { ...draft.use, [name]: value };
  });
}

/** An axis for each count below `of` that is read. What clauses ask of what a session has done so far is called so. */
function countAxes(
  { mentions }: SpaceParts,
  of: 'use' | 'soFar',
  set: (draft: Draft, name: string, value: number) => void,
): readonly Axis[] {
  return [...mentions.facts].flatMap(([path, { constants }]) => {
    if (!path.startsWith(`${of}.`)) return [];
    const name = path.slice(of.length + 1);
    const called = of === 'use' ? name : `${name} so far`;
    return [
      axis(
        path === `use.${name}` ? name : path,
        called,
        called,
        numberChoices(constants, 0),
        (draft, value: number) => set(draft, name, value),
        [path],
      ),
    ];
  });
}

/** Facts with an axis of their own, or that follow from others. */
const KNOWN =
  /^(class|tool|destination|use\..*|soFar|soFar\..*|place\..*|session|session\.(labels|tenant|key|scopes)|call|call\.(agent|agent\.(id|version)|vendor|segment|purpose|stateHeld|labels|at|events|firstRefusal\..*|product|product\..*|channel|channel\..*))$/;

/** Recorded events that clauses name, and the rights of first refusal, each in the states that clauses ask for and in one that none does. */
function recordedAxes(parts: SpaceParts): readonly Axis[] {
  const events = constantsOf(parts, 'call.events').map(id => ({
    ...axis(
      `event:${id}`,
      'events',
      '',
      [choice(`without the event ${id}`, false), choice(`after the event ${id}`, true)],
      (draft, happened: boolean) => {
        if (happened) draft.events = [...draft.events, id];
      },
      ['call.events'],
    ),
    word: id,
  }));
  const asked = OFFER_STATES.map(state => [state, constantsOf(parts, `call.firstRefusal.${state}`)] as const);
  const rights = unique(asked.flatMap(([, ids]) => ids)).map(id => {
    const states = asked.flatMap(([state, ids]) => (ids.includes(id) ? [state] : []));
    const right = axis(
      `refusal:${id}`,
      'rights of first refusal',
      '',
      [
        ...states.map(state => choice<OfferState | null>(`${id} ${state}`, state)),
        choice<OfferState | null>(`${id} not ${states.join(' or ')}`, null, { rest: true }),
      ],
      (draft, state: OfferState | null) => {
        if (state !== null) draft.refusals = { ...draft.refusals, [id]: state };
      },
      ['call.firstRefusal'],
    );
    return { ...right, word: id };
  });
  return [...events, ...rights];
}

/** What the schema has gained since this was written: values by what clauses compare it with. */
function otherAxes({ mentions, vocabulary }: SpaceParts): readonly Axis[] {
  return [...mentions.facts].flatMap(([path, fact]) => {
    if (KNOWN.test(path)) return [];
    const parts = path.replace(/^(call|session)\./, '').split('.');
    const name = parts.join('.');
    const choices = choicesBy(fact, vocabulary[parts.at(-1) ?? ''], LEAST[parts[0] ?? '']);
    return [
      axis(
        name,
        name,
        name,
        choices,
        (draft, value: unknown) => {
          draft.more.push([parts, value]);
        },
        [path, name, `call.${name}`, `session.${name}`],
      ),
    ];
  });
}

/** Numbers that are never less. */
const LEAST: Readonly<Record<string, number>> = { spend: 0 };

function choicesBy(
  { constants, isSet, isTime }: { constants: ReadonlySet<unknown>; isSet: boolean; isTime: boolean },
  words: readonly string[] | undefined,
  least: number = Number.NEGATIVE_INFINITY,
): Choice[] {
  const texts = [...constants].filter(one => typeof one === 'string').toSorted();
  if (isSet) return subsets(texts).map(set => choice(set.length === 0 ? 'none' : set.join(' and '), set));
  if (isTime || [...constants].some(one => typeof one === 'number')) return numberChoices(constants, least);
  if (texts.length === 0) return [choice('true', true), choice('false', false)];
  const other = words === undefined ? OTHER.text : words.find(word => !texts.includes(word));
  return [
    ...texts.map(text => choice(text, text)),
    ...(other === undefined ? [] : [choice('any other', other, { rest: true })]),
  ];
}

function unique(words: readonly string[]): readonly string[] {
  return [...new Set(words)].toSorted();
}
