/** Days, months and business days, all in UTC. A day is written `2026-03-20`, a month `2026-03`; times are ms since 1970. */
import { dayOf } from '../kernel/day.ts';

export { dayOf };

export const DAY_MS = 86_400_000;

export function monthOf(ms: number): string {
  return new Date(ms).toISOString().slice(0, 7);
}

/** The start of a day. Null if there is no such day. */
export function dayStart(day: string): number | null {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(day)) return null;
  const ms = Date.parse(`${day}T00:00:00.000Z`);
  return Number.isNaN(ms) || dayOf(ms) !== day ? null : ms;
}

export interface Span {
  /** Inclusive. */
  readonly from: number;
  /** Exclusive. */
  readonly to: number;
}

/** A month from its first to its last moment. Null if there is no such month. */
export function monthSpan(month: string): Span | null {
  const from = dayStart(`${month}-01`);
  if (from === null) return null;
  const start = new Date(from);
  return { from, to: Date.UTC(start.getUTCFullYear(), start.getUTCMonth() + 1, 1) };
}

export function spanOfDay(ms: number): Span {
  const from = Math.floor(ms / DAY_MS) * DAY_MS;
  return { from, to: from + DAY_MS };
}

export function spanOfMonth(ms: number): Span {
  const at = new Date(ms);
  const [year, month] = [at.getUTCFullYear(), at.getUTCMonth()];
  return { from: Date.UTC(year, month, 1), to: Date.UTC(year, month + 1, 1) };
}

/** The day that is so many business days (Monday to Friday, no holidays known) after a day. With 0, the day itself. */
export function afterBusinessDays(day: number, count: number): number {
  let at = spanOfDay(day).from;
  for (let left = count; left > 0; ) {
    at += DAY_MS;
    const weekday = new Date(at).getUTCDay();
    if (weekday !== 0 && weekday !== 6) left -= 1;
  }
  return at;
}
