import { describe, expect, test } from 'vitest';
import { checkSchedule, lastDue, nextAfter, type Schedule } from './schedule.ts';

const cron = (expression: string, timezone = 'UTC'): Schedule => ({ type: 'periodic', expression, timezone });
const at = (text: string): number => Date.parse(text);
/** Moments after a time, to the minute. */
const moments = (schedule: Schedule, from: string, count: number): readonly string[] => {
  const found: string[] = [];
  for (let time: number | null = at(from); found.length < count; ) {
    time = nextAfter(schedule, time);
    if (time === null) break;
    found.push(new Date(time).toISOString().slice(0, 16));
  }
  return found;
};
const faultOf = (schedule: Schedule, now = at('2026-01-01T00:00:00Z')): string => {
  try {
    checkSchedule(schedule, now);
    return 'none';
  } catch (error) {
    const { code, param } = error as { code: string; param: string };
    return `${code} ${param}`;
  }
};

describe('clocks that are put forward and back', () => {
  test('a local time that is skipped comes due at the end of the gap', () => {
    expect(moments(cron('30 2 * * *', 'Europe/Berlin'), '2026-03-28T12:00Z', 2)).toEqual([
      '2026-03-29T01:00',
      '2026-03-30T00:30',
    ]);
    expect(moments(cron('30 2 * * *', 'America/New_York'), '2026-03-07T12:00Z', 2)).toEqual([
      '2026-03-08T07:00',
      '2026-03-09T06:30',
    ]);
  });

  test('a local time that comes twice comes due the first time', () => {
    expect(moments(cron('30 2 * * *', 'Europe/Berlin'), '2026-10-24T12:00Z', 2)).toEqual([
      '2026-10-25T00:30',
      '2026-10-26T01:30',
    ]);
    expect(moments(cron('30 1 * * *', 'America/New_York'), '2026-10-31T12:00Z', 2)).toEqual([
      '2026-11-01T05:30',
      '2026-11-02T06:30',
    ]);
  });

  test('what is written with * or steps goes on evenly through both', () => {
    for (const zone of ['Europe/Berlin', 'America/New_York'])
      for (const from of ['2026-03-07T20:00Z', '2026-03-28T20:00Z', '2026-10-24T20:00Z', '2026-10-31T20:00Z']) {
        const times = moments(cron('*/30 * * * *', zone), from, 24).map(text => at(`${text}Z`));
        expect(times.every((time, i) => time === at(from) + (i + 1) * 1_800_000)).toBe(true);
      }
  });

  test('a zone without a summer time has neither', () => {
    expect(moments(cron('30 2 * * *', 'Asia/Tokyo'), '2026-03-28T12:00Z', 3)).toEqual([
      '2026-03-28T17:30',
      '2026-03-29T17:30',
      '2026-03-30T17:30',
    ]);
  });

  test('a gap of half an hour, and one at midnight', () => {
    expect(moments(cron('15 2 * * *', 'Australia/Lord_Howe'), '2026-10-03T00:00Z', 2)).toEqual([
      '2026-10-03T15:30',
      '2026-10-04T15:15',
    ]);
    expect(moments(cron('30 0 * * *', 'Asia/Beirut'), '2026-03-28T12:00Z', 1)).toEqual(['2026-03-28T22:00']);
  });
});

test('the last moment that came due, however long ago the first was', () => {
  const minutely = cron('* * * * *');
  expect(lastDue(minutely, at('2020-01-01T00:00Z'), at('2026-01-01T00:00:59Z'))).toBe(at('2026-01-01T00:00Z'));
  const weekly = cron('0 9 * * 1', 'Europe/Berlin');
  const first = nextAfter(weekly, at('2026-01-01T00:00Z')) ?? 0;
  expect(new Date(lastDue(weekly, first, at('2026-07-08T12:00Z'))).toISOString()).toBe('2026-07-06T07:00:00.000Z');
  expect(lastDue(weekly, first, first)).toBe(first);
  expect(lastDue(weekly, first, first + 1)).toBe(first);
});

test('days of the month and of the week are alternatives, as cron has it', () => {
  expect(moments(cron('0 0 13 * FRI'), '2026-02-01T00:00Z', 3)).toEqual([
    '2026-02-06T00:00',
    '2026-02-13T00:00',
    '2026-02-20T00:00',
  ]);
  expect(moments(cron('0 0 29 2 *'), '2026-02-01T00:00Z', 1)).toEqual(['2028-02-29T00:00']);
});

test('what never comes due, or cannot be read, is refused by its name', () => {
  expect(faultOf(cron('0 0 * * *', 'Europe/Berlin'))).toBe('none');
  expect(faultOf(cron('0 0 31 2 *'))).toBe('invalid_request expression');
  expect(faultOf(cron('61 0 * * *'))).toBe('invalid_request expression');
  expect(faultOf(cron('0 0 * * *', 'Nowhere/City'))).toBe('invalid_request timezone');
  expect(faultOf(cron('0 0 * * *', '+05:00'))).toBe('invalid_request timezone');
  expect(faultOf(cron('0 0 * * *', ''))).toBe('invalid_request timezone');
  const once = (runAt: number): string => faultOf({ type: 'once', runAt }, 1_000);
  expect([once(1_000), once(1_001)]).toEqual(['invalid_request run_at', 'none']);
  const tenYears = 10 * 366 * 86_400_000;
  expect([once(1_000 + tenYears), once(1_001 + tenYears)]).toEqual(['none', 'invalid_request run_at']);
});
