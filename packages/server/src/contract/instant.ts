/** Cedar's `datetime`, `duration` and `decimal` literals. Times are UTC milliseconds; there are no leap seconds. */
import { addLong, divideLong, moduloLong, subtractLong, toLong } from './long.ts';
import { type DatetimeValue, type DecimalValue, type DurationValue, EvaluationError } from './value.ts';

export const SECOND_MS = 1000;
export const MINUTE_MS: number = 60 * SECOND_MS;
export const HOUR_MS: number = 60 * MINUTE_MS;
export const DAY_MS: number = 24 * HOUR_MS;

const DATETIME = /^(\d{4})-(\d{2})-(\d{2})(?:T(\d{2}):(\d{2}):(\d{2})(?:\.(\d{3}))?(?:Z|([+-])(\d{2})(\d{2})))?$/;
const DURATION = /^(-?)(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?(?:(\d+)ms)?$/;
const DECIMAL = /^(-?)(\d+)\.(\d{1,4})$/;

export function parseDatetime(text: string): DatetimeValue {
  const ms = datetimeMs(text);
  if (ms === null) throw new EvaluationError(`not a datetime: ${JSON.stringify(text)}`);
  return { kind: 'datetime', ms };
}

/** Milliseconds since 1970 of a day or moment written as Cedar writes it, or null. */
export function datetimeMs(text: string): number | null {
  const match = DATETIME.exec(text);
  if (match === null) return null;
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0, milli = 0] = match
    .slice(1, 8)
    .map(part => Number(part ?? 0));
  const offsetHour = Number(match[9] ?? 0);
  const offsetMinute = Number(match[10] ?? 0);
  if (hour > 23 || minute > 59 || second > 59 || offsetHour > 23 || offsetMinute > 59) return null;
  // setUTCFullYear, because Date.UTC reads the years 0 to 99 as 1900 to 1999. A day that does not exist rolls over: refuse it.
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  if (date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day) return null;
  const offset = (offsetHour * HOUR_MS + offsetMinute * MINUTE_MS) * (match[8] === '-' ? -1 : 1);
  return date.getTime() + hour * HOUR_MS + minute * MINUTE_MS + second * SECOND_MS + milli - offset;
}

export function parseDuration(text: string): DurationValue {
  const match = DURATION.exec(text);
  if (match === null || text === '' || text === '-')
    throw new EvaluationError(`not a duration: ${JSON.stringify(text)}`);
  const units = [DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS, 1];
  let total = 0n;
  for (const [i, unit] of units.entries()) total += BigInt(match[i + 2] ?? '0') * BigInt(unit);
  return { kind: 'duration', ms: toLong(match[1] === '-' ? -total : total, 'reading a duration') };
}

export function parseDecimal(text: string): DecimalValue {
  const match = DECIMAL.exec(text);
  if (match === null) throw new EvaluationError(`not a decimal: ${JSON.stringify(text)}`);
  const scaled = BigInt(`${match[2] ?? ''}${(match[3] ?? '').padEnd(4, '0')}`);
  return { kind: 'decimal', scaled: toLong(match[1] === '-' ? -scaled : scaled, 'reading a decimal') };
}

export function offsetBy(time: DatetimeValue, by: DurationValue): DatetimeValue {
  return { kind: 'datetime', ms: addLong(time.ms, by.ms) };
}

export function durationSince(time: DatetimeValue, since: DatetimeValue): DurationValue {
  return { kind: 'duration', ms: subtractLong(time.ms, since.ms) };
}

export function startOfDay(time: DatetimeValue): DatetimeValue {
  return { kind: 'datetime', ms: subtractLong(time.ms, moduloLong(time.ms, DAY_MS)) };
}

export function timeOfDay(time: DatetimeValue): DurationValue {
  return { kind: 'duration', ms: moduloLong(time.ms, DAY_MS) };
}

export function durationIn(duration: DurationValue, unitMs: number): number | bigint {
  return divideLong(duration.ms, unitMs);
}
