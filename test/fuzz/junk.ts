/** JSON that nobody should send, as text: duplicate keys, numbers beyond any type and half characters have no other form. */
import * as fc from 'fast-check';

const NAMES = [
  '__proto__',
  'constructor',
  'prototype',
  'toString',
  'hasOwnProperty',
  'length',
  'then',
  'id',
  'type',
  '',
  '0',
];
const TEXTS = [
  '',
  ' ',
  '\u0000',
  'a\u0000b',
  '\uFEFF',
  '\u202E',
  '..',
  '../../etc/passwd',
  "'; DROP TABLE events; --",
  '${7*7}',
  '%s%n',
  '<script>',
  'null',
  'undefined',
  'NaN',
  '-0',
  'data:;base64,',
  'data:image/png;base64,AAAA',
  'http://127.0.0.1:1/',
  'file:///etc/passwd',
  'e\u0301'.repeat(50),
  '👩‍🚀'.repeat(20),
];
/** As they stand in JSON: half characters, and escapes that are none. */
const RAW_TEXTS = ['"\\ud800"', '"\\udc00\\ud800"', '"a\\ud83db"', '"\\u0000"', '"\\x41"', '"\n"', "'a'"];
const NUMBERS = [
  '0',
  '-0',
  '-1',
  '1e999',
  '-1e999',
  '1e-999',
  '9007199254740993',
  '123456789012345678901234567890',
  '0.1',
  '00',
  '+1',
  '.5',
  'NaN',
  'Infinity',
  '0x10',
];

const text: fc.Arbitrary<string> = fc.oneof(
  fc.constantFrom(...TEXTS).map(value => JSON.stringify(value)),
  fc.constantFrom(...RAW_TEXTS),
  fc.string({ unit: 'binary', maxLength: 40 }).map(value => JSON.stringify(value)),
  fc.nat({ max: 6_000 }).map(length => JSON.stringify('x'.repeat(length))),
);
const deep = (open: string, close: string): fc.Arbitrary<string> =>
  fc.nat({ max: 3_000 }).map(depth => `${open.repeat(depth)}1${close.repeat(depth)}`);
const name: fc.Arbitrary<string> = fc.oneof(fc.constantFrom(...NAMES), fc.string({ unit: 'binary', maxLength: 12 }));

/** A value of each kind that JSON has, and some that it has not. */
export const junk: fc.Arbitrary<string> = fc.letrec<{ value: string; list: string; object: string }>(tie => ({
  value: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    fc.constantFrom('null', 'true', 'false', '[]', '{}', 'nul', '[1,]', '{"a":1,}', '/**/1'),
    fc.constantFrom(...NUMBERS),
    text,
    fc.double().map(String),
    deep('[', ']'),
    deep('{"a":', '}'),
    tie('list'),
    tie('object'),
  ),
  list: fc.array(tie('value'), { maxLength: 5 }).map(items => `[${items.join(',')}]`),
  object: fc
    .array(fc.tuple(name, tie('value')), { maxLength: 5 })
    .map(members => `{${members.map(([key, value]) => `${JSON.stringify(key)}:${value}`).join(',')}}`),
})).value;

/** What is done to a body that was right. `pick` says where; each is reduced to what is there. */
export type Change =
  | { readonly kind: 'replace' | 'remove' | 'nest'; readonly pick: number; readonly with: string }
  | { readonly kind: 'add' | 'double'; readonly pick: number; readonly name: string; readonly with: string };

export const change: fc.Arbitrary<Change> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('replace' as const), pick: fc.nat(200), with: junk }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constantFrom('remove' as const, 'nest' as const), pick: fc.nat(200), with: junk }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constantFrom('add' as const, 'double' as const),
      pick: fc.nat(200),
      name,
      with: junk,
    }),
  },
);

/** A node of a JSON value, by where it hangs. */
interface Place {
  readonly parent: { [name: string]: unknown };
  readonly key: string;
}

function placesOf(value: unknown, into: Place[]): Place[] {
  if (typeof value !== 'object' || value === null) return into;
  const parent = value as { [name: string]: unknown };
  for (const key of Object.keys(parent)) {
    into.push({ parent, key });
    placesOf(parent[key], into);
  }
  return into;
}

const MARK = /"@@(\d+)@@"/g;
const TWICE = /"@@twice@@(\d+)"/g;

/** The body as text, changed. */
export function changed(body: unknown, changes: readonly Change[]): string {
  const root: { body: unknown } = { body: structuredClone(body) };
  const whole: { [name: string]: unknown } = root;
  const fragments: string[] = [];
  const keys: string[] = [];
  for (const [index, one] of changes.entries()) {
    fragments[index] = one.with;
    const places = placesOf(root, []);
    const { parent, key } = places[one.pick % places.length] ?? {
      parent: whole,
      key: 'body',
    };
    const at = parent[key];
    const inner =
      typeof at === 'object' && at !== null && !Array.isArray(at) ? (at as { [name: string]: unknown }) : null;
    switch (one.kind) {
      case 'replace':
        parent[key] = `@@${index}@@`;
        break;
      case 'remove':
        if (parent !== root) delete parent[key];
        break;
      case 'nest':
        parent[key] = [at];
        break;
      default: {
        // A key of its own, and the key that is there once more.
        keys[index] = one.kind === 'double' && inner === null ? key : one.name;
        const holder = inner ?? (Array.isArray(parent) ? null : parent === root ? null : parent);
        if (holder !== null) holder[`@@twice@@${index}`] = `@@${index}@@`;
      }
    }
  }
  return (JSON.stringify(root.body) ?? '')
    .replaceAll(TWICE, (_, index: string) => JSON.stringify(keys[Number(index)] ?? ''))
    .replaceAll(MARK, (_, index: string) => fragments[Number(index)] ?? 'null');
}
