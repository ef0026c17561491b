/** The functions of Cedar's extensions, by name. Each checks its arguments' types: a validated policy may still read an unvalidated request. */
import * as instant from './instant.ts';
import { ipInRange, ipIsLoopback, ipIsMulticast, parseIp } from './ip-address.ts';
import {
  type DatetimeValue,
  type DecimalValue,
  type DurationValue,
  EvaluationError,
  type IpValue,
  typeName,
  type Value,
} from './value.ts';

export type ExtensionFunction =
  | { readonly arity: 1; readonly call: (a: Value) => Value }
  | { readonly arity: 2; readonly call: (a: Value, b: Value) => Value };

function wrong(wanted: string, value: Value): EvaluationError {
  return new EvaluationError(`type error: expected ${wanted}, got ${typeName(value)}`);
}

function asText(value: Value): string {
  if (typeof value === 'string') return value;
  throw wrong('string', value);
}

function asIp(value: Value): IpValue {
  if (typeof value === 'object' && value.kind === 'ip') return value;
  throw wrong('ip', value);
}

function asDecimal(value: Value): DecimalValue {
  if (typeof value === 'object' && value.kind === 'decimal') return value;
  throw wrong('decimal', value);
}

function asDatetime(value: Value): DatetimeValue {
  if (typeof value === 'object' && value.kind === 'datetime') return value;
  throw wrong('datetime', value);
}

function asDuration(value: Value): DurationValue {
  if (typeof value === 'object' && value.kind === 'duration') return value;
  throw wrong('duration', value);
}

function unary(call: (a: Value) => Value): ExtensionFunction {
  return { arity: 1, call };
}

function binary(call: (a: Value, b: Value) => Value): ExtensionFunction {
  return { arity: 2, call };
}

export const EXTENSION_FUNCTIONS: ReadonlyMap<string, ExtensionFunction> = new Map([
  ['ip', unary(a => parseIp(asText(a)))],
  ['isIpv4', unary(a => asIp(a).version === 4)],
  ['isIpv6', unary(a => asIp(a).version === 6)],
  ['isLoopback', unary(a => ipIsLoopback(asIp(a)))],
  ['isMulticast', unary(a => ipIsMulticast(asIp(a)))],
  ['isInRange', binary((a, b) => ipInRange(asIp(a), asIp(b)))],
  ['decimal', unary(a => instant.parseDecimal(asText(a)))],
  ['lessThan', binary((a, b) => asDecimal(a).scaled < asDecimal(b).scaled)],
  ['lessThanOrEqual', binary((a, b) => asDecimal(a).scaled <= asDecimal(b).scaled)],
  ['greaterThan', binary((a, b) => asDecimal(a).scaled > asDecimal(b).scaled)],
  ['greaterThanOrEqual', binary((a, b) => asDecimal(a).scaled >= asDecimal(b).scaled)],
  ['datetime', unary(a => instant.parseDatetime(asText(a)))],
  ['offset', binary((a, b) => instant.offsetBy(asDatetime(a), asDuration(b)))],
  ['durationSince', binary((a, b) => instant.durationSince(asDatetime(a), asDatetime(b)))],
  ['toDate', unary(a => instant.startOfDay(asDatetime(a)))],
  ['toTime', unary(a => instant.timeOfDay(asDatetime(a)))],
  ['duration', unary(a => instant.parseDuration(asText(a)))],
  ['toMilliseconds', unary(a => instant.durationIn(asDuration(a), 1))],
  ['toSeconds', unary(a => instant.durationIn(asDuration(a), instant.SECOND_MS))],
  ['toMinutes', unary(a => instant.durationIn(asDuration(a), instant.MINUTE_MS))],
  ['toHours', unary(a => instant.durationIn(asDuration(a), instant.HOUR_MS))],
  ['toDays', unary(a => instant.durationIn(asDuration(a), instant.DAY_MS))],
]);

/** Calls a function of an extension on constants, as entity data may. Throws `EvaluationError`. */
export function callExtension(name: string, args: readonly Value[]): Value {
  const fn = EXTENSION_FUNCTIONS.get(name);
  if (fn === undefined) throw new EvaluationError(`unknown function ${name}`);
  const [a, b] = args;
  if (args.length !== fn.arity || a === undefined) throw new EvaluationError(`${name} takes ${fn.arity} arguments`);
  if (fn.arity === 1) return fn.call(a);
  if (b === undefined) throw new EvaluationError(`${name} takes 2 arguments`);
  return fn.call(a, b);
}
