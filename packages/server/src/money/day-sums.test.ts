import { describe, expect, it } from 'vitest';
import { DAY_MS } from './calendar.ts';
import { DaySums } from './day-sums.ts';
import { CALL, MARCH } from './rows.test-support.ts';
import { NOTHING, plus } from './totals.ts';
import { rate, type UsageRow } from './usage.ts';

const books = { currency: 'USD', costs: {}, rates: [] };
const row = (at: number, key = 'k'): UsageRow => rate({ ...CALL, at, key }, books);
const day = (n: number): number => MARCH + n * DAY_MS;
const ALL = { from: 0, to: day(100) };
const calls = (sums: DaySums, span = ALL, cuts: readonly number[] = []): number =>
  sums.parts(span, cuts).sums.reduce((all, { totals }) => plus(all, totals), NOTHING).calls;

describe('a window', () => {
  const sums = new DaySums(['key'], day(0));
  for (const at of [day(0) + 5, day(0) + 9, day(1), day(2)]) sums.add(row(at));

  it('takes whole days from the sums', () => {
    expect(sums.parts({ from: day(0), to: day(3) })).toMatchObject({ spans: [] });
    expect(calls(sums, { from: day(0), to: day(3) })).toBe(4);
    expect(calls(sums, { from: day(1), to: day(2) })).toBe(1);
  });

  it('that ends in a day takes it from them, if no call of it lies behind; else it is to be read', () => {
    expect(sums.parts({ from: day(0), to: day(0) + 10 })).toMatchObject({ spans: [] });
    expect(sums.parts({ from: day(0) + 5, to: day(1) })).toMatchObject({ spans: [] });
    expect(sums.parts({ from: day(0), to: day(0) + 9 })).toEqual({
      sums: [],
      spans: [{ from: day(0), to: day(0) + 9 }],
    });
    expect(sums.parts({ from: day(0) + 6, to: day(1) })).toEqual({
      sums: [],
      spans: [{ from: day(0) + 6, to: day(1) }],
    });
  });

  it('is cut where calls count otherwise', () => {
    expect(sums.parts({ from: day(0), to: day(3) }, [day(0) + 5, day(0) + 10, day(1)])).toMatchObject({ spans: [] });
    expect(sums.parts({ from: day(0), to: day(1) }, [day(0) + 9])).toEqual({
      sums: [],
      spans: [{ from: day(0), to: day(1) }],
    });
  });

  it('before what is kept is to be read', () => {
    expect(sums.parts({ from: day(-2), to: day(-1) })).toEqual({ sums: [], spans: [{ from: day(-2), to: day(-1) }] });
    expect(sums.parts({ from: day(-2), to: day(3) }).spans).toEqual([{ from: day(-2), to: day(0) }]);
    expect(calls(sums, { from: day(-2), to: day(3) })).toBe(4);
  });
});

describe('the bound of sums', () => {
  const filled = (...rows: readonly UsageRow[]): DaySums => {
    const sums = new DaySums(['key'], day(0), 2);
    for (const one of rows) sums.add(one);
    return sums;
  };

  it('holds: the oldest days go when there is one too many, and not before', () => {
    const full = filled(row(day(0)), row(day(1)), row(day(1)), row(day(0)));
    expect([full.size, full.from, calls(full)]).toEqual([2, day(0), 4]);
    full.add(row(day(2)));
    expect([full.size, full.from, calls(full)]).toEqual([2, day(1), 3]);
    expect(full.parts(ALL).spans).toEqual([{ from: 0, to: day(1) }]);
    // A late one of a day that went is read with it.
    full.add(row(day(0)));
    expect([full.size, calls(full)]).toEqual([2, 3]);
  });

  it('holds for a late day too: it is the oldest', () => {
    const sums = filled(row(day(1)), row(day(2)), row(day(0)));
    expect([sums.size, sums.from, calls(sums)]).toEqual([2, day(1), 2]);
  });

  it('holds for a day that alone is too much', () => {
    const sums = filled(row(day(1), 'a'), row(day(1), 'b'), row(day(1), 'c'), row(day(1), 'a'));
    expect([sums.size, sums.from, calls(sums)]).toEqual([0, day(2), 0]);
    expect(sums.parts(ALL).spans).toEqual([{ from: 0, to: day(2) }]);
  });
});
