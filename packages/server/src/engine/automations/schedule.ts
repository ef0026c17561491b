/**
 * When automations come due: a cron expression of five fields in a time zone, or one moment. Pure: the time is given.
 *
 * Where a clock is put forward, a local time that is skipped comes due at the end of the gap; where it is put back, a local time that comes
 * twice comes due the first time. What is written with steps or `*` goes on evenly through both.
 */
import { AUTOMATION_LIMITS, perdureError } from '@perdure/protocol';
import type { Cron } from 'croner';
import { lateModule } from '../late-module.ts';

const croner = lateModule<{ readonly Cron: typeof Cron }>('croner');

/** Moments are ms since 1970. */
export type Schedule =
  | { readonly type: 'periodic'; readonly expression: string; readonly timezone: string }
  | { readonly type: 'once'; readonly runAt: number };

export const MINUTE_MS = 60_000;
/** An offset such as +05:00 is no zone: it knows no summer. */
const ZONE = /^[A-Za-z][A-Za-z0-9_+-]*(\/[A-Za-z0-9_+-]+)*$/;

/** @throws invalid_request if it never comes due again after `now`, or names no zone */
export function checkSchedule(schedule: Schedule, now: number): void {
  if (schedule.type === 'once') {
    if (schedule.runAt <= now) throw wrong('run_at', 'The time of a run must lie in the future.');
    if (schedule.runAt > now + AUTOMATION_LIMITS.aheadSeconds * 1000)
      throw wrong('run_at', 'The time of a run must lie within the next ten years.');
    return;
  }
  if (!isZone(schedule.timezone)) throw wrong('timezone', 'The time zone is none of the IANA names.');
  let first: number | null;
  try {
    first = nextAfter(schedule, now);
  } catch {
    throw wrong('expression', 'The cron expression cannot be read: five fields, each within its range.');
  }
  if (first === null) throw wrong('expression', 'The cron expression never comes due.');
}

/** The first moment after `after` at which it comes due; null if there is none. */
export function nextAfter(schedule: Schedule, after: number): number | null {
  if (schedule.type === 'once') return schedule.runAt > after ? schedule.runAt : null;
  return cronOf(schedule).nextRun(new Date(after))?.getTime() ?? null;
}

/** The last moment up to `now` at which it came due. `due`: one such moment, where the search begins. */
export function lastDue(schedule: Schedule, due: number, now: number): number {
  if (schedule.type === 'once') return schedule.runAt;
  const cron = cronOf(schedule);
  // Moments lie whole minutes after one another. Of the minutes after `due`, the last that has one between it and now.
  const following = (minute: number): number =>
    cron.nextRun(new Date(due + minute * MINUTE_MS - 1))?.getTime() ?? Number.POSITIVE_INFINITY;
  let [low, high] = [0, Math.floor((now - due) / MINUTE_MS) + 1];
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (following(middle) <= now) low = middle;
    else high = middle;
  }
  return due + low * MINUTE_MS;
}

function cronOf({ expression, timezone }: Extract<Schedule, { type: 'periodic' }>): Cron {
  const { Cron: NewCron } = croner();
  return new NewCron(expression, { timezone, paused: true, mode: '5-part' });
}

function isZone(name: string): boolean {
  if (!ZONE.test(name)) return false;
  try {
    return Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone !== '';
  } catch {
    return false;
  }
}

function wrong(param: string, message: string): Error {
  return perdureError('invalid_request', message, { param });
}
