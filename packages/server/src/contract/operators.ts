/** What Cedar's operators do to values: type checks, attribute access, hierarchy, comparison, arithmetic, sets, tags. */
import { addLong, multiplyLong, negateLong, subtractLong } from './long.ts';
import * as v from './value.ts';
import { type EntityValue, type Env, EvaluationError, type Value } from './value.ts';

function typeError(wanted: string, value: Value): EvaluationError {
  return new EvaluationError(`type error: expected ${wanted}, got ${v.typeName(value)}`);
}

export function asBool(value: Value): boolean {
  if (typeof value === 'boolean') return value;
  throw typeError('bool', value);
}

function asLong(value: Value): v.Long {
  if (typeof value === 'number' || typeof value === 'bigint') return value;
  throw typeError('long', value);
}

export function asString(value: Value): string {
  if (typeof value === 'string') return value;
  throw typeError('string', value);
}

function asSet(value: Value): v.SetValue {
  if (typeof value === 'object' && value.kind === 'set') return value;
  throw typeError('set', value);
}

export function asEntity(value: Value): EntityValue {
  if (typeof value === 'object' && value.kind === 'entity') return value;
  throw typeError('entity', value);
}

/** The place is known to clauses that name it, as any entity of the request is. */
function dataOf(value: EntityValue, { resource, entities }: Env): v.EntityData | null {
  if (value.data !== null) return value.data;
  return (value.key === resource.key ? resource.data : null) ?? entities.get(value.key) ?? null;
}

function existing(value: EntityValue, env: Env): v.EntityData {
  const data = dataOf(value, env);
  if (data === null) throw new EvaluationError(`entity ${value.key} does not exist`);
  return data;
}

/** `of.name`: a missing attribute, or an entity that the request does not know, is an error. */
export function attribute(of: Value, name: string, env: Env): Value {
  if (typeof of !== 'object' || (of.kind !== 'record' && of.kind !== 'entity')) throw typeError('record or entity', of);
  const found = of.kind === 'record' ? of.fields.get(name) : existing(of, env).attrs.get(name);
  if (found === undefined) {
    const what = `has no attribute ${JSON.stringify(name)}`;
    // Clauses are validated: what facts should have and have not is a fact that nobody knew.
    throw new EvaluationError(`${of.kind === 'entity' ? of.key : 'record'} ${what}: the fact is not known`);
  }
  return found;
}

/** The attribute, or null where Cedar's `has` is false. */
export function attributeIfAny(of: Value, name: string, env: Env): Value | null {
  if (typeof of !== 'object' || (of.kind !== 'record' && of.kind !== 'entity')) throw typeError('record or entity', of);
  return (of.kind === 'record' ? of.fields.get(name) : dataOf(of, env)?.attrs.get(name)) ?? null;
}

/** `below` is `above` or lies under it. An unknown entity lies under nothing. */
export function isIn(below: EntityValue, aboveKey: string, env: Env): boolean {
  return below.key === aboveKey || (dataOf(below, env)?.ancestors.has(aboveKey) ?? false);
}

export function inOperator(left: Value, right: Value, env: Env): boolean {
  const below = asEntity(left);
  if (typeof right !== 'object' || right.kind !== 'set') return isIn(below, asEntity(right).key, env);
  // Every member must be an entity before any is asked: an odd member is an error even beside a match.
  for (const item of right.list) throw typeError('entity', item);
  const members = right.objects.map(asEntity);
  return members.some(member => isIn(below, member.key, env));
}

/** Cedar orders longs, datetimes and durations, each among themselves; the rest is a type error. */
function less(left: Value, right: Value, orEqual: boolean): boolean {
  let a: v.Long;
  let b: v.Long;
  if (typeof left === 'object' && (left.kind === 'datetime' || left.kind === 'duration')) {
    if (typeof right !== 'object' || right.kind !== left.kind) throw typeError(left.kind, right);
    a = left.ms;
    b = right.ms;
  } else {
    a = asLong(left);
    b = asLong(right);
  }
  return orEqual ? a <= b : a < b;
}

function getTag(of: Value, name: Value, env: Env): Value {
  const value = asEntity(of);
  const tag = asString(name);
  const found = existing(value, env).tags.get(tag);
  if (found === undefined) throw new EvaluationError(`${value.key} has no tag ${JSON.stringify(tag)}`);
  return found;
}

function hasTag(of: Value, name: Value, env: Env): boolean {
  const value = asEntity(of);
  const tag = asString(name);
  return dataOf(value, env)?.tags.has(tag) ?? false;
}

export type BinaryOperator = (left: Value, right: Value, env: Env) => Value;

export const BINARY: ReadonlyMap<string, BinaryOperator> = new Map<string, BinaryOperator>([
  ['==', (a, b) => v.equal(a, b)],
  ['!=', (a, b) => !v.equal(a, b)],
  ['<', (a, b) => less(a, b, false)],
  ['<=', (a, b) => less(a, b, true)],
  ['>', (a, b) => less(b, a, false)],
  ['>=', (a, b) => less(b, a, true)],
  ['+', (a, b) => addLong(asLong(a), asLong(b))],
  ['-', (a, b) => subtractLong(asLong(a), asLong(b))],
  ['*', (a, b) => multiplyLong(asLong(a), asLong(b))],
  ['contains', (a, b) => v.setHas(asSet(a), b)],
  ['containsAll', (a, b) => v.setHasAll(asSet(a), asSet(b))],
  ['containsAny', (a, b) => v.setHasAny(asSet(a), asSet(b))],
]);

/** Operators that look entities up in the request. */
export const BINARY_ON_ENTITIES: ReadonlyMap<string, BinaryOperator> = new Map<string, BinaryOperator>([
  ['in', inOperator],
  ['hasTag', hasTag],
  ['getTag', getTag],
]);

export type UnaryOperator = (arg: Value) => Value;

export const UNARY: ReadonlyMap<string, UnaryOperator> = new Map<string, UnaryOperator>([
  ['neg', arg => negateLong(asLong(arg))],
  ['isEmpty', arg => v.setIsEmpty(asSet(arg))],
]);
