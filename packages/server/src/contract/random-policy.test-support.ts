/** Generators of Cedar policies (as text) and requests. They aim at well-typed expressions and stray often enough to meet every error. */
import * as cedar from '@cedar-policy/cedar-wasm/nodejs';
import * as fc from 'fast-check';
import { type CompiledPolicy, compilePolicy } from './policy.ts';
import type { MemoPlan } from './remembered.ts';
import { entityKey } from './value.ts';

export interface PolicyText {
  readonly id: string;
  readonly text: string;
  /** What a template's slots are linked to; null for a policy without slots. */
  readonly slots: Readonly<Record<string, { type: string; id: string }>> | null;
}

/** A policy, or its template, in Cedar's JSON form. */
export function estOf(policy: PolicyText): unknown {
  const answer = policy.slots === null ? cedar.policyToJson(policy.text) : cedar.templateToJson(policy.text);
  if (answer.type === 'failure') throw new Error(`${policy.text}: ${answer.errors.map(e => e.message).join('; ')}`);
  return answer.json;
}

/** Our closures of it, its slots linked. */
export function compileLinked(policy: PolicyText, est: unknown, plan: MemoPlan): CompiledPolicy {
  const slots = Object.entries(policy.slots ?? {}).map(([slot, uid]) => [slot, entityKey(uid.type, uid.id)] as const);
  return compilePolicy(est, new Map(slots), plan);
}

export interface RandomRequest {
  readonly principal: { type: string; id: string };
  readonly action: { type: string; id: string };
  readonly resource: { type: string; id: string };
  readonly context: Readonly<Record<string, unknown>>;
  readonly entities: readonly {
    uid: { type: string; id: string };
    attrs: Readonly<Record<string, unknown>>;
    parents: { type: string; id: string }[];
    tags: Readonly<Record<string, unknown>>;
  }[];
}

const IDS = ['a', 'b', 'c'] as const;
const TYPES = ['User', 'Team', 'Org'] as const;
const uids = TYPES.flatMap(type => IDS.map(id => ({ type, id })));
const arbUid = fc.constantFrom(...uids);
const arbAction = fc.constantFrom({ type: 'Action', id: 'read' }, { type: 'Action', id: 'write' });

const STRINGS = ['', 'a', 'ab', 'a*b', 'bab', 'é😀', 'us-gov'] as const;
const IPS = [
  '10.0.0.1',
  '10.0.0.0/8',
  '10.1.0.0/16',
  '127.0.0.1',
  '127.0.0.0/7',
  '224.0.0.1/4',
  '::1',
  'ff00::/8',
  'fe80::1/64',
  '1.2.3',
  '::ffff:1.2.3.4',
  '1.2.3.4/33',
] as const;
const DECIMALS = [
  '0.0',
  '1.0',
  '1.00',
  '-0.5',
  '12.3456',
  '922337203685477.5807',
  '-922337203685477.5808',
  '922337203685477.5808',
  '1.23456',
  '1',
] as const;
const DATETIMES = [
  '1970-01-01',
  '2026-02-27',
  '2026-04-27T00:00:00Z',
  '2026-04-26T23:59:59.999Z',
  '2026-04-27T01:00:00+0200',
  '0001-01-01',
  '1969-12-31T23:59:59Z',
  '2026-02-30',
  '2026-01-01T24:00:00Z',
] as const;
const DURATIONS = [
  '0ms',
  '1d',
  '-1d2h',
  '90m',
  '1d2h3m4s5ms',
  '86400000ms',
  '-1500ms',
  '9223372036854775807ms',
  '9223372036854775808ms',
  '1h1d',
  '',
] as const;
const LONGS = [0, 1, -1, 2, 7, 1000, 4294967296, 3037000500, 9007199254740991, -9007199254740991] as const;

const quoted = (text: string): string => JSON.stringify(text);
/** Mostly from the good part of a list, sometimes from all of it. */
const mostly = (good: readonly string[], all: readonly string[]) =>
  fc.oneof({ weight: 14, arbitrary: fc.constantFrom(...good) }, { weight: 1, arbitrary: fc.constantFrom(...all) });

const entityText = arbUid.map(uid => `${uid.type}::"${uid.id}"`);

interface Texts {
  bool: string;
  long: string;
  string: string;
  entity: string;
  set: string;
  record: string;
  ip: string;
  decimal: string;
  datetime: string;
  duration: string;
  any: string;
}

const { bool } = fc.letrec<Texts>(tie => {
  const exactly = (type: keyof Texts) => tie(type) as fc.Arbitrary<string>;
  const depth = { depthSize: 'small' as const, maxDepth: 4 };
  const call = (name: string, ...args: fc.Arbitrary<string>[]) =>
    fc.tuple(...args).map(([self, ...rest]) => `(${self}).${name}(${rest.join(', ')})`);
  const infix = (op: string, left: fc.Arbitrary<string>, right: fc.Arbitrary<string>) =>
    fc.tuple(left, right).map(([a, b]) => `(${a} ${op} ${b})`);
  const choose = (test: fc.Arbitrary<string>, of: fc.Arbitrary<string>) =>
    fc.tuple(test, of, of).map(([t, a, b]) => `(if ${t} then ${a} else ${b})`);
  /** A value of the wanted type; now and then of any other. */
  const t = (type: keyof Texts) =>
    fc.oneof(
      { weight: 18, arbitrary: tie(type) as fc.Arbitrary<string> },
      { weight: 1, arbitrary: tie('any') as fc.Arbitrary<string> },
    );
  const [b, l, s, e, set, r] = [t('bool'), t('long'), t('string'), t('entity'), t('set'), t('record')];
  const [ip, dec, dt, du, any] = [t('ip'), t('decimal'), t('datetime'), t('duration'), exactly('any')];
  const order = fc.constantFrom('<', '<=', '>', '>=');
  const field = fc.constantFrom('flag', 'count', 'name', 'tags', 'owner', 'inner', 'missing');
  return {
    bool: fc.oneof(
      depth,
      fc.constantFrom('true', 'false', 'context.flag', 'principal.flag', 'resource.flag'),
      infix('&&', b, b),
      infix('||', b, b),
      b.map(x => `!(${x})`),
      infix('==', any, any),
      fc
        .constantFrom('long', 'set', 'record', 'entity', 'ip', 'decimal', 'datetime', 'duration')
        .chain(type => infix('==', exactly(type as keyof Texts), exactly(type as keyof Texts))),
      infix('!=', s, s),
      fc
        .tuple(order, fc.constantFrom('long', 'datetime', 'duration'))
        .chain(([op, type]) => infix(op, t(type as keyof Texts), t(type as keyof Texts))),
      infix('in', e, e),
      infix(
        'in',
        e,
        fc.array(e, { maxLength: 3 }).map(items => `[${items.join(', ')}]`),
      ),
      fc.tuple(e, fc.constantFrom(...TYPES)).map(([x, type]) => `(${x} is ${type})`),
      fc.tuple(e, fc.constantFrom(...TYPES), e).map(([x, type, above]) => `(${x} is ${type} in ${above})`),
      fc.tuple(fc.oneof(e, r), field).map(([x, name]) => `((${x}) has ${name})`),
      fc
        .tuple(fc.oneof(e, r), fc.constantFrom('inner.count', 'owner.flag', 'inner.missing', 'missing.x', 'count.x'))
        .map(([x, path]) => `((${x}) has ${path})`),
      fc
        .tuple(s, fc.constantFrom('*', 'a*', '*b', 'a\\*b', '*a*b*', '', 'é*', 'a'))
        .map(([x, pattern]) => `((${x}) like "${pattern}")`),
      call('contains', set, any),
      call('containsAll', set, set),
      call('containsAny', set, set),
      call('isEmpty', set),
      call('hasTag', e, s),
      choose(b, b),
      call('isIpv4', ip),
      call('isIpv6', ip),
      call('isLoopback', ip),
      call('isMulticast', ip),
      call('isInRange', ip, ip),
      fc
        .constantFrom('lessThan', 'lessThanOrEqual', 'greaterThan', 'greaterThanOrEqual')
        .chain(name => call(name, dec, dec)),
    ),
    long: fc.oneof(
      depth,
      fc.constantFrom(...LONGS).map(String),
      fc.constantFrom('context.count', 'principal.count', 'context.inner.count', 'resource["count"]'),
      infix('+', l, l),
      infix('-', l, l),
      infix('*', l, l),
      l.map(x => `(-(${x}))`),
      choose(b, l),
      fc.constantFrom('toMilliseconds', 'toSeconds', 'toMinutes', 'toHours', 'toDays').chain(name => call(name, du)),
      fc.tuple(e, s).map(([x, name]) => `(${x}).getTag(${name})`),
      fc.constantFrom('principal', 'resource').map(x => `(if ${x}.hasTag("n") then ${x}.getTag("n") else 0)`),
    ),
    string: fc.oneof(
      depth,
      fc.constantFrom(...STRINGS).map(quoted),
      fc.constantFrom('context.name', 'principal.name', 'resource.name'),
      choose(b, s),
    ),
    entity: fc.oneof(
      depth,
      entityText,
      fc.constantFrom('principal', 'resource', 'principal', 'resource', 'action', 'context.owner', 'Ghost::"x"'),
      choose(b, e),
    ),
    set: fc.oneof(
      depth,
      fc.array(fc.oneof(l, s), { maxLength: 3 }).map(items => `[${items.join(', ')}]`),
      fc.array(any, { maxLength: 3 }).map(items => `[${items.join(', ')}]`),
      fc.constantFrom('context.tags', 'principal.tags', 'resource.tags'),
    ),
    record: fc.oneof(
      depth,
      fc.constantFrom('context', 'context.inner'),
      fc.tuple(any, l).map(([a, n]) => `{"count": ${n}, "inner": {"count": ${n}}, "odd name": ${a}}`),
      fc.constant('{}'),
    ),
    ip: fc.oneof(
      depth,
      mostly(IPS.slice(0, 9), IPS).map(x => `ip("${x}")`),
      fc.constant('context.address'),
      choose(b, ip),
    ),
    decimal: fc.oneof(
      depth,
      mostly(DECIMALS.slice(0, 7), DECIMALS).map(x => `decimal("${x}")`),
      fc.constant('context.rate'),
    ),
    datetime: fc.oneof(
      depth,
      mostly(DATETIMES.slice(0, 7), DATETIMES).map(x => `datetime("${x}")`),
      fc.constant('context.at'),
      call('offset', dt, du),
      call('toDate', dt),
    ),
    duration: fc.oneof(
      depth,
      mostly(DURATIONS.slice(0, 8), DURATIONS).map(x => `duration("${x}")`),
      call('durationSince', dt, dt),
      call('toTime', dt),
    ),
    any: fc.oneof(
      depth,
      ...(['bool', 'long', 'string', 'entity', 'set', 'record', 'ip', 'decimal', 'datetime', 'duration'] as const).map(
        exactly,
      ),
    ),
  };
});

type Slots = Record<string, { type: string; id: string }>;

/** A constraint of the scope: its text, and the slot that it fills if it is a template's. */
function arbitraryScope(variable: 'principal' | 'resource'): fc.Arbitrary<{ text: string; slots: Slots }> {
  const slot = `?${variable}`;
  const fixed = (text: string) => ({ text, slots: {} });
  return fc.oneof(
    { weight: 12, arbitrary: fc.constant(fixed(variable)) },
    { weight: 1, arbitrary: entityText.map(uid => fixed(`${variable} == ${uid}`)) },
    { weight: 2, arbitrary: entityText.map(uid => fixed(`${variable} in ${uid}`)) },
    { weight: 2, arbitrary: fc.constantFrom(...TYPES).map(type => fixed(`${variable} is ${type}`)) },
    {
      weight: 1,
      arbitrary: fc
        .tuple(fc.constantFrom(...TYPES), entityText)
        .map(([type, uid]) => fixed(`${variable} is ${type} in ${uid}`)),
    },
    { weight: 1, arbitrary: arbUid.map(uid => ({ text: `${variable} in ${slot}`, slots: { [slot]: uid } })) },
    { weight: 1, arbitrary: arbUid.map(uid => ({ text: `${variable} == ${slot}`, slots: { [slot]: uid } })) },
    {
      weight: 1,
      arbitrary: fc
        .tuple(fc.constantFrom(...TYPES), arbUid)
        .map(([type, uid]) => ({ text: `${variable} is ${type} in ${slot}`, slots: { [slot]: uid } })),
    },
  );
}

const arbitraryActionScope = fc.oneof(
  { weight: 6, arbitrary: fc.constant('action') },
  { weight: 1, arbitrary: arbAction.map(uid => `action == Action::"${uid.id}"`) },
  { weight: 1, arbitrary: fc.constant('action in [Action::"read", Action::"write"]') },
  { weight: 1, arbitrary: fc.constant('action in Action::"any"') },
);

function arbitraryPolicy(): fc.Arbitrary<Omit<PolicyText, 'id'>> {
  const condition = fc
    .tuple(fc.constantFrom('when', 'when', 'when', 'unless'), bool, fc.constantFrom(true, true, true, false))
    // Three in four conditions hold unless they fail: otherwise hardly a request would be allowed.
    .map(([kind, body, lenient]) => {
      const end = kind === 'when' ? '|| true' : '&& false';
      return `${kind} { ${lenient ? `(${body}) ${end}` : body} }`;
    });
  return fc
    .tuple(
      fc.oneof({ weight: 9, arbitrary: fc.constant('permit') }, { weight: 1, arbitrary: fc.constant('forbid') }),
      arbitraryScope('principal'),
      arbitraryActionScope,
      arbitraryScope('resource'),
      fc.array(condition, { minLength: 1, maxLength: 2 }),
    )
    .map(([effect, principal, action, resource, conditions]) => {
      const slots = { ...principal.slots, ...resource.slots };
      return {
        text: `${effect} (${principal.text}, ${action}, ${resource.text}) ${conditions.join(' ')};`,
        slots: Object.keys(slots).length > 0 ? slots : null,
      };
    });
}

export function arbitraryPolicySet(): fc.Arbitrary<PolicyText[]> {
  return fc
    .array(arbitraryPolicy(), { minLength: 1, maxLength: 4 })
    .map(list => list.map((policy, i) => ({ ...policy, id: `p${i}` })));
}

const arbAttributes = fc.record(
  {
    flag: fc.boolean(),
    count: fc.constantFrom(...LONGS),
    name: fc.constantFrom(...STRINGS),
    tags: fc.array(fc.oneof(fc.constantFrom(...STRINGS), fc.constantFrom(...LONGS)), { maxLength: 3 }),
    inner: fc.record({ count: fc.constantFrom(...LONGS) }),
    owner: arbUid.map(uid => ({ __entity: uid })),
  },
  { requiredKeys: ['flag', 'count', 'name', 'tags'] },
);

export function arbitraryRequest(): fc.Arbitrary<RandomRequest> {
  // Parents point to later entities only, so that there is no cycle.
  const entities = fc.tuple(
    ...uids.map((uid, i) =>
      fc.record({
        uid: fc.constant(uid),
        attrs: arbAttributes,
        parents: fc.subarray(uids.slice(i + 1), { maxLength: Math.min(2, uids.length - i - 1) }),
        tags: fc.oneof(
          fc.constant({}),
          fc.record({ n: fc.constantFrom(...LONGS) }),
          fc.record({ a: fc.constantFrom(...LONGS) }),
        ),
      }),
    ),
  );
  const context = fc
    .tuple(
      arbAttributes,
      fc.constantFrom(...IPS.slice(0, 9)),
      fc.constantFrom(...DECIMALS.slice(0, 7)),
      fc.constantFrom(...DATETIMES.slice(0, 7)),
    )
    .map(([attributes, address, rate, at]) => ({
      ...attributes,
      address: { __extn: { fn: 'ip', arg: address } },
      rate: { __extn: { fn: 'decimal', arg: rate } },
      at: { __extn: { fn: 'datetime', arg: at } },
    }));
  return fc.record({
    principal: arbUid,
    action: arbAction,
    resource: arbUid,
    context,
    entities: fc
      .tuple(entities, fc.subarray(uids, { minLength: uids.length - 1 }))
      .map(([all, kept]) => all.filter(entity => kept.includes(entity.uid))),
  });
}
