import { badRequest } from './failure.ts';

/**
 * Readers for the fields of a JSON body, with the messages and codes that OpenAI's API gives for a field of the wrong
 * type or range. Every reader takes null for absent, as the API does, and names the field by its path (`input[0].role`).
 */
export type Fields = Readonly<Record<string, unknown>>;

export interface Range {
  readonly min?: number;
  readonly max?: number;
}

export const pathOf = (parent: string, key: string | number): string =>
  typeof key === 'number' ? `${parent}[${key}]` : parent === '' ? key : `${parent}.${key}`;

export const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const kindOf = (value: unknown): string => {
  if (value === null || value === undefined) return 'null';
  if (Array.isArray(value)) return 'an array';
  if (typeof value === 'number') return Number.isInteger(value) ? 'an integer' : 'a decimal number';
  return { string: 'a string', boolean: 'a boolean', object: 'an object' }[typeof value as string] ?? 'a value';
};

export const missing = (param: string): Error =>
  badRequest(`Missing required parameter: '${param}'.`, param, 'missing_required_parameter');

export const wrongType = (param: string, expected: string, value: unknown): Error =>
  badRequest(
    `Invalid type for '${param}': expected ${expected}, but got ${kindOf(value)} instead.`,
    param,
    'invalid_type',
  );

const listed = (values: readonly string[]): string => {
  const quoted = values.map(value => `'${value}'`);
  if (quoted.length < 2) return quoted.join('');
  return `${quoted.slice(0, -1).join(', ')}${quoted.length > 2 ? ',' : ''} and ${quoted.at(-1) ?? ''}`;
};

export const wrongValue = (param: string, value: string, supported: readonly string[]): Error =>
  badRequest(`Invalid value: '${value}'. Supported values are: ${listed(supported)}.`, param, 'invalid_value');

const read =
  <T>(expected: string, test: (value: unknown) => value is T) =>
  (fields: Fields, key: string, parent = ''): T | null => {
    const value = fields[key];
    if (value === undefined || value === null) return null;
    if (!test(value)) throw wrongType(pathOf(parent, key), expected, value);
    return value;
  };

type Reader<T> = (fields: Fields, key: string, parent?: string) => T | null;

export const stringIn: Reader<string> = read('a string', value => typeof value === 'string');
export const booleanIn: Reader<boolean> = read('a boolean', value => typeof value === 'boolean');
export const objectIn: Reader<Fields> = read('an object', isFields);
export const arrayIn: Reader<readonly unknown[]> = read('an array', value => Array.isArray(value));

const numberOf = (
  integer: boolean,
): ((fields: Fields, key: string, range?: Range, parent?: string) => number | null) => {
  const noun = integer ? 'integer' : 'decimal';
  const readNumber = integer
    ? read('an integer', (value): value is number => Number.isInteger(value))
    : read('a decimal number', (value): value is number => typeof value === 'number');
  return (fields, key, { min, max } = {}, parent = '') => {
    const value = readNumber(fields, key, parent);
    if (value === null) return null;
    const param = pathOf(parent, key);
    const refuse = (side: string, sign: string, bound: number, code: string): Error =>
      badRequest(
        `Invalid '${param}': ${noun} ${side} value. Expected a value ${sign} ${bound}, but got ${value} instead.`,
        param,
        `${noun}_${code}_value`,
      );
    if (min !== undefined && value < min) throw refuse('below minimum', '>=', min, 'below_min');
    if (max !== undefined && value > max) throw refuse('above maximum', '<=', max, 'above_max');
    return value;
  };
};

export const integerIn: (fields: Fields, key: string, range?: Range, parent?: string) => number | null = numberOf(true);
export const numberIn: (fields: Fields, key: string, range?: Range, parent?: string) => number | null = numberOf(false);

export function choiceIn<T extends string>(
  fields: Fields,
  key: string,
  supported: readonly T[],
  parent = '',
): T | null {
  const value = stringIn(fields, key, parent);
  if (value === null) return null;
  const found = supported.find(candidate => candidate === value);
  if (found === undefined) throw wrongValue(pathOf(parent, key), value, supported);
  return found;
}

/** The same field, but its absence is an error. */
export function required<T>(reader: Reader<T>, fields: Fields, key: string, parent = ''): T {
  const value = reader(fields, key, parent);
  if (value === null) throw missing(pathOf(parent, key));
  return value;
}

export const objectAt = (value: unknown, param: string): Fields => {
  if (!isFields(value)) throw wrongType(param, 'an object', value);
  return value;
};

export function refuseUnknown(fields: Fields, known: ReadonlySet<string>, parent = ''): void {
  for (const key of Object.keys(fields)) {
    if (!known.has(key)) {
      const param = pathOf(parent, key);
      throw badRequest(`Unknown parameter: '${param}'.`, param, 'unknown_parameter');
    }
  }
}

const METADATA_PAIRS = 16;
const METADATA_KEY_CHARS = 64;
const METADATA_VALUE_CHARS = 512;

/** `metadata`: at most 16 pairs of a key of 64 and a string of 512 characters. */
export function metadataIn(fields: Fields): Fields | null {
  const metadata = objectIn(fields, 'metadata');
  if (metadata === null) return null;
  const keys = Object.keys(metadata);
  if (keys.length > METADATA_PAIRS) {
    throw badRequest(
      `Invalid 'metadata': too many properties. Expected an object with at most ${METADATA_PAIRS} properties, but got an object with ${keys.length} properties instead.`,
      'metadata',
      'object_above_max_properties',
    );
  }
  for (const key of keys) {
    const param = pathOf('metadata', key);
    const tooLong = (limit: number, length: number): Error =>
      badRequest(
        `Invalid '${param}': string too long. Expected a string with maximum length ${limit}, but got a string with length ${length} instead.`,
        param,
        'string_above_max_length',
      );
    const value = stringIn(metadata, key, 'metadata');
    if (value === null) throw wrongType(param, 'a string', value);
    if (key.length > METADATA_KEY_CHARS) throw tooLong(METADATA_KEY_CHARS, key.length);
    if (value.length > METADATA_VALUE_CHARS) throw tooLong(METADATA_VALUE_CHARS, value.length);
  }
  return metadata;
}
