import { type Fields, isFields } from './fields.ts';

/**
 * Makes the JSON value that a schema asks for: the same for the same schema. All properties of an object, `minItems` or
 * one item of an array, the first of an enum or of alternatives, the least number allowed; strings say `emulated`.
 * An enum takes another value if exactly one of its values is chosen. A `pattern` is not solved. A schema that refers to itself is followed until the depth or the size named here.
 */
const SOFT_DEPTH = 6;
const HARD_DEPTH = 48;
const SOFT_NODES = 5_000;
const MAX_FILLED_ITEMS = 1_000;
const MAX_FILLED_CHARS = 100_000;

const FORMATS: Readonly<Record<string, string>> = {
  'date-time': '2026-01-01T00:00:00Z',
  date: '2026-01-01',
  time: '00:00:00Z',
  duration: 'P1D',
  email: 'emulated@example.com',
  hostname: 'emulated.example.com',
  ipv4: '192.0.2.1',
  ipv6: '2001:db8::1',
  uri: 'https://example.com/emulated',
  'uri-reference': '/emulated',
  url: 'https://example.com/emulated',
  uuid: '00000000-0000-4000-8000-000000000000',
};

export type FillMode = 'all' | 'required-only';

interface Filling {
  readonly root: unknown;
  readonly chosen: ReadonlySet<string>;
  nodes: number;
}

const numberOf = (value: unknown): number | null => (typeof value === 'number' ? value : null);

const resolve = (root: unknown, reference: string): unknown => {
  if (!reference.startsWith('#')) return true;
  let found: unknown = root;
  for (const part of reference.slice(1).split('/').slice(1)) {
    const key = decodeURIComponent(part).replaceAll('~1', '/').replaceAll('~0', '~');
    found = isFields(found) || Array.isArray(found) ? (found as Fields)[key] : undefined;
  }
  return found ?? true;
};

const fillString = (schema: Fields, name: string): string => {
  const format = FORMATS[String(schema['format'])];
  const least = Math.min(numberOf(schema['minLength']) ?? 0, MAX_FILLED_CHARS);
  const most = numberOf(schema['maxLength']) ?? Number.POSITIVE_INFINITY;
  const text = format ?? (name === '' ? 'emulated' : `emulated ${name}`);
  return text.padEnd(least, '.').slice(0, most);
};

interface Bound {
  readonly value: number;
  readonly open: boolean;
}

/** The tighter of a closed and an open bound; `side` is 1 for the lower, -1 for the upper. */
const boundOf = (closed: number | null, open: number | null, side: 1 | -1): Bound | null => {
  if (open !== null && (closed === null || (open - closed) * side >= 0)) return { value: open, open: true };
  return closed === null ? null : { value: closed, open: false };
};

/** The least number allowed, else the nearest to 1. */
const fillNumber = (schema: Fields, integer: boolean): number => {
  const low = boundOf(numberOf(schema['minimum']), numberOf(schema['exclusiveMinimum']), 1);
  const high = boundOf(numberOf(schema['maximum']), numberOf(schema['exclusiveMaximum']), -1);
  const step = numberOf(schema['multipleOf']) ?? (integer ? 1 : null);
  if (step !== null) {
    const at = low === null ? Math.floor(Math.min(1, high?.value ?? 1) / step) : Math.ceil(low.value / step);
    if (low?.open === true && at * step <= low.value) return (at + 1) * step;
    return low === null && high?.open === true && at * step >= high.value ? (at - 1) * step : at * step;
  }
  if (low !== null) {
    if (!low.open) return low.value;
    return high === null ? low.value + 1 : (low.value + high.value) / 2;
  }
  if (high === null || high.value > 1) return 1;
  return high.open ? high.value - 1 : high.value;
};

const merged = (schemas: readonly unknown[], base: Fields, filling: Filling): Fields => {
  const { allOf: _, ...rest } = base;
  let all: Fields = rest;
  for (const given of schemas) {
    const part = isFields(given) && typeof given['$ref'] === 'string' ? resolve(filling.root, given['$ref']) : given;
    if (!isFields(part)) continue;
    const properties = { ...(all['properties'] as Fields | undefined), ...(part['properties'] as Fields | undefined) };
    const required = [
      ...((all['required'] as string[] | undefined) ?? []),
      ...((part['required'] as string[] | undefined) ?? []),
    ];
    all = {
      ...all,
      ...part,
      ...(Object.keys(properties).length > 0 ? { properties } : {}),
      ...(required.length > 0 ? { required } : {}),
    };
  }
  return all;
};

/** Past the soft bounds the alternative that leads nowhere deeper is taken. */
const alternative = (options: readonly unknown[], ending: boolean): unknown => {
  const flat = options.find(
    option => isFields(option) && !('$ref' in option) && option['type'] !== 'object' && option['type'] !== 'array',
  );
  return ending ? (flat ?? options[0]) : options[0];
};

const typeOf = (schema: Fields, ending: boolean): unknown => {
  const type = schema['type'];
  if (Array.isArray(type))
    return ending && type.includes('null') ? 'null' : (type.find(each => each !== 'null') ?? 'null');
  if (type !== undefined) return type;
  if ('properties' in schema) return 'object';
  if ('items' in schema) return 'array';
  return 'string';
};

function fillObject(schema: Fields, filling: Filling, depth: number, mode: FillMode, ending: boolean): unknown {
  const properties = isFields(schema['properties']) ? schema['properties'] : {};
  const required = Array.isArray(schema['required']) ? (schema['required'] as unknown[]) : null;
  const needed = mode === 'required-only' || ending ? required : null;
  const names = needed === null ? Object.keys(properties) : needed.filter(name => typeof name === 'string');
  const entries = names.map((name): [string, unknown] => [
    name,
    fill(properties[name] ?? true, filling, depth + 1, name, mode),
  ]);
  return Object.fromEntries(entries);
}

function valueOf(values: readonly unknown[], { chosen }: Filling): unknown {
  const [only, ...others] = values.filter(value => typeof value === 'string' && chosen.has(value));
  return only === undefined || others.length > 0 ? values[0] : only;
}

function fill(given: unknown, filling: Filling, depth: number, name: string, mode: FillMode): unknown {
  filling.nodes++;
  if (depth > HARD_DEPTH) return null;
  const ending = depth >= SOFT_DEPTH || filling.nodes > SOFT_NODES;
  if (!isFields(given)) return fillString({}, name);
  if (typeof given['$ref'] === 'string')
    return fill(resolve(filling.root, given['$ref']), filling, depth + 1, name, mode);
  if ('const' in given) return given['const'];
  if (Array.isArray(given['enum']) && given['enum'].length > 0) return valueOf(given['enum'], filling);
  if ('default' in given && given['default'] !== null) return given['default'];
  if (Array.isArray(given['allOf']))
    return fill(merged(given['allOf'], given, filling), filling, depth + 1, name, mode);
  for (const key of ['anyOf', 'oneOf']) {
    const options = given[key];
    if (Array.isArray(options) && options.length > 0)
      return fill(alternative(options, ending), filling, depth + 1, name, mode);
  }
  switch (typeOf(given, ending)) {
    case 'object':
      return fillObject(given, filling, depth, mode, ending);
    case 'array': {
      const least = Math.min(numberOf(given['minItems']) ?? (ending ? 0 : 1), MAX_FILLED_ITEMS);
      const count = Math.min(least, numberOf(given['maxItems']) ?? least);
      const prefix = Array.isArray(given['prefixItems']) ? (given['prefixItems'] as unknown[]) : [];
      return Array.from({ length: Math.max(count, prefix.length) }, (_, index) =>
        fill(prefix[index] ?? given['items'] ?? true, filling, depth + 1, name, mode),
      );
    }
    case 'integer':
      return fillNumber(given, true);
    case 'number':
      return fillNumber(given, false);
    case 'boolean':
      return true;
    case 'null':
      return null;
    default:
      return fillString(given, name);
  }
}

/**
 * `required-only` leaves optional properties out where the schema says which are required.
 * @param chosen values that enums take
 */
export const fillSchema = (schema: unknown, mode: FillMode = 'all', chosen: readonly string[] = []): unknown =>
  fill(schema, { root: schema, chosen: new Set(chosen), nodes: 0 }, 0, '', mode);
