import { describe, expect, it } from 'vitest';
import { decimalText, dollars, parseUnits, percent, roundHalfUp, share, units } from './amounts.ts';
import { afterBusinessDays, dayOf, dayStart, monthSpan } from './calendar.ts';
import { capReached, capSpan, type CapTerm } from './caps.ts';
import { billedIn } from './closing.ts';
import { boundOf, pricesAt, rateAt, type TokenPrices } from './prices.ts';
import { reconcile } from './reconcile.ts';
import { CALL, MARCH } from './rows.test-support.ts';
import { sum, GROUPS_MOST, TooManyGroups } from './totals.ts';
import { trancheState } from './tranches.ts';
import { rate } from './usage.ts';

const day = (text: string): number => dayStart(text) ?? Number.NaN;
const flat = (usd: number): TokenPrices => ({ input: usd, cached: usd, written: usd, output: usd, reasoning: usd });

describe('amounts', () => {
  it.each([
    [1n, 2n, 1n],
    [-1n, 2n, -1n],
    [1n, 3n, 0n],
    [2n, 3n, 1n],
    [5n, 1n, 5n],
  ])('%d/%d is %d', (num, den, rounded) => expect(roundHalfUp(num, den)).toBe(rounded));

  it('are written exactly', () => {
    expect([
      decimalText(1n, 6),
      decimalText(-1_500_000n, 6),
      decimalText(0n, 6),
      dollars(units(1234567) + 10n),
    ]).toEqual(['0.000001', '-1.5', '0', '$1,234,567.00001']);
  });

  it.each([
    [0.000001, 1n],
    [0.5, 500_000n],
    [-1.25, -1_250_000n],
    [999_999_999.999999, 999_999_999_999_999n],
    [9_000_000_000_000, 9_000_000_000_000_000_000n],
  ])('%d units are %d micro-units', (written, amount) => expect(units(written)).toBe(amount));

  it.each([0.0000001, 1.0000001, 1e21, Number.NaN])('%d units are not whole in micro-units', written => {
    expect(() => units(written)).toThrow(RangeError);
  });

  it('a percentage with a fraction is exact', () => {
    expect(percent(12.5)).toEqual({ num: 125n, den: 1000n });
    expect(share(8n, percent(12.5))).toBe(1n);
    expect(share(10n ** 24n, percent(0.000001))).toBe(10n ** 16n);
    expect(percent(20)).toEqual({ num: 20n, den: 100n });
  });

  it.each([
    ['$1,234.5', 1_234_500_000n],
    ['-0.0000005', -1n],
    ['0.0000004', 0n],
    ['1e3', null],
    ['', null],
  ])('%s is read as %s', (text, amount) => expect(parseUnits(text)).toBe(amount));
});

describe('days', () => {
  it('there is no 30 February, and a month ends where the next begins', () => {
    expect([dayStart('2026-02-30'), dayStart('2026-2-3'), monthSpan('2026-13')]).toEqual([null, null, null]);
    expect(monthSpan('2026-12')).toEqual({ from: day('2026-12-01'), to: day('2027-01-01') });
  });

  it('five business days from a Friday are the next Friday', () => {
    expect(dayOf(afterBusinessDays(day('2026-03-20'), 5))).toBe('2026-03-27');
    expect(dayOf(afterBusinessDays(day('2026-03-21'), 1))).toBe('2026-03-23');
    expect(dayOf(afterBusinessDays(day('2026-03-21'), 0))).toBe('2026-03-21');
  });
});

describe('prices', () => {
  const book = [
    { from: null, prices: flat(1) },
    { from: MARCH, prices: flat(2) },
  ];
  it('change at the first moment of their day', () => {
    expect([pricesAt(book, MARCH - 1), pricesAt(book, MARCH), pricesAt(book.slice(1), MARCH - 1)]).toEqual([
      flat(1),
      flat(2),
      null,
    ]);
  });

  it('of a sale: what names more wins, whatever is newer', () => {
    const any = { product: null, channel: null, model: null, from: MARCH, prices: flat(1) };
    const card = [
      any,
      { ...any, product: 'api', from: null, prices: flat(2) },
      { ...any, channel: 'direct', prices: flat(3) },
    ];
    expect(rateAt(card, CALL, MARCH)).toEqual(flat(3));
    expect(rateAt(card, CALL, MARCH - 1)).toEqual(flat(2));
    expect(rateAt(card, { ...CALL, channel: 'bedrock' }, MARCH)).toEqual(flat(2));
    expect(rateAt(card, { ...CALL, channel: 'bedrock', product: 'x' }, MARCH - 1)).toBeNull();
  });

  it('a bound is rounded up, at the dearest that a token can be', () => {
    expect(boundOf({ input: 1, output: 0 }, { ...flat(0), cached: 1 })).toBe(1n);
    expect(
      boundOf({ input: 1_000_000, output: 1_000_000 }, { input: 1, cached: 0, written: 0, output: 2, reasoning: 5 }),
    ).toBe(6n);
    expect(boundOf({ input: 1, output: 0 }, { ...flat(0), written: 1 })).toBe(1n);
  });
});

describe('rating', () => {
  const books = { currency: 'USD', costs: { 'azure-east': [{ from: null, prices: flat(1_000_000) }] }, rates: [] };
  it('counts each token once, and says when no price is known', () => {
    expect(rate(CALL, books)).toMatchObject({
      cost: 1050n,
      revenue: 0n,
      priced: true,
      tokens: { input: 800, cached: 200, written: 0, output: 40, reasoning: 10 },
    });
    // What was written to the cache was not read from it, and neither is more than the input.
    const written = (count: number): object =>
      rate({ ...CALL, usage: { ...CALL.usage, written: count } }, books).tokens;
    expect(written(300)).toEqual({ input: 500, cached: 200, written: 300, output: 40, reasoning: 10 });
    expect(written(800)).toEqual({ input: 0, cached: 200, written: 800, output: 40, reasoning: 10 });
    expect(written(801)).toEqual({ input: 0, cached: 200, written: 800, output: 40, reasoning: 10 });
    expect(rate({ ...CALL, target: 'gone' }, books)).toMatchObject({ cost: 0n, priced: false });
    expect(rate({ ...CALL, target: 'gone', seen: flat(2_000_000) }, books)).toMatchObject({
      cost: 2100n,
      priced: true,
    });
    expect(rate({ ...CALL, seen: flat(2_000_000) }, books)).toMatchObject({ cost: 1050n });
  });

  it.each(['lab', 'eval', 'shadow', 'probe'])('%s calls cost and bring nothing', purpose => {
    const rates = [{ product: null, channel: null, model: null, from: null, prices: flat(1_000_000) }];
    expect(rate({ ...CALL, purpose }, { ...books, rates })).toMatchObject({ cost: 1050n, revenue: 0n });
    expect(rate(CALL, { ...books, rates })).toMatchObject({ revenue: 1050n });
  });

  it('groups are bounded', () => {
    const rows = Array.from({ length: GROUPS_MOST }, (_, i) => rate({ ...CALL, key: `k${i}` }, books));
    expect(sum(rows, ['key'])).toHaveLength(GROUPS_MOST);
    expect(() => sum([...rows, rate({ ...CALL, key: 'one more' }, books)], ['key'])).toThrow(TooManyGroups);
  });
});

describe('tranches', () => {
  const term = { id: 't', payer: 'a', payee: 'b', amount: units(1), before: day('2028-12-31'), noticeBusinessDays: 5 };
  const any = { ...term, due: { any: ['ipo', 'milestone'] } };
  it.each([
    ['2026-03-30', {}, 'waiting', null],
    ['2027-01-05', { ipo: day('2027-01-04') }, 'notice', '2027-01-11'],
    ['2027-01-11', { ipo: day('2027-01-04') }, 'payable', '2027-01-11'],
    ['2028-12-30', {}, 'waiting', null],
    ['2028-12-31', {}, 'lapsed', null],
    ['2029-01-31', { ipo: day('2028-12-31') }, 'lapsed', null],
    ['2026-01-01', { ipo: day('2027-01-04') }, 'waiting', null],
  ])('on %s, with %o: %s', (asOf, events, status, payable) => {
    const state = trancheState(any, events, day(asOf));
    expect([state.status, state.payableOn === null ? null : dayOf(state.payableOn)]).toEqual([status, payable]);
  });

  it('all of them: the last one triggers', () => {
    const all = { ...term, due: { all: ['ipo', 'milestone'] } };
    expect(trancheState(all, { ipo: day('2027-01-04') }, day('2027-06-01'))).toMatchObject({
      status: 'waiting',
      waitsFor: ['milestone'],
    });
    expect(
      trancheState(all, { ipo: day('2027-01-04'), milestone: day('2027-02-01') }, day('2027-06-01')),
    ).toMatchObject({ status: 'payable', payableOn: day('2027-02-08') });
  });

  it('on a day', () => {
    const fixed = { ...term, before: null, due: { on: day('2026-03-31') } };
    expect(trancheState(fixed, {}, day('2026-03-30')).status).toBe('waiting');
    expect(trancheState(fixed, {}, day('2026-03-31')).status).toBe('payable');
  });
});

describe('caps', () => {
  const cap: CapTerm = {
    id: 'c',
    tenant: 'acme',
    product: null,
    channel: null,
    cloud: null,
    key: null,
    period: 'month',
    amount: 100n,
  };
  const balance = { cap, span: capSpan(cap, MARCH), spent: 40n, reserved: 50n };
  it('admit what is within, to the micro-unit', () => {
    expect([capReached([balance], 10n), capReached([balance], 11n)]).toEqual([null, balance]);
  });
  it('let what costs nothing through, even when passed', () => {
    expect(capReached([{ ...balance, spent: 200n }], 0n)).toBeNull();
    expect(capReached([{ ...balance, spent: 200n }], 1n)).not.toBeNull();
  });
});

describe('closed months', () => {
  const march = { period: '2026-03', cutoff: day('2026-04-05') };
  const closed = new Map([['2026-03', march]]);
  const call = { at: day('2026-03-31'), meteredAt: day('2026-03-31') };
  it.each([
    ['in time', call, '2026-03', false],
    ['at the cut-off', { ...call, meteredAt: march.cutoff }, '2026-03', false],
    ['too late', { ...call, meteredAt: march.cutoff + 1 }, '2026-04', true],
    ['of an open month', { at: day('2026-04-01'), meteredAt: day('2026-04-20') }, '2026-04', false],
  ])('%s', (_, row, period, correction) => expect(billedIn(row, closed)).toEqual({ period, correction }));

  it('a correction goes past closed months, and stays where it is when its month closes later', () => {
    const late = { ...call, meteredAt: day('2026-05-20') };
    const april = new Map([...closed, ['2026-04', { period: '2026-04', cutoff: day('2026-05-05') }]]);
    expect(billedIn(late, april)).toEqual({ period: '2026-05', correction: true });
    const may = new Map([...april, ['2026-05', { period: '2026-05', cutoff: day('2026-06-05') }]]);
    expect(billedIn(late, may)).toEqual({ period: '2026-05', correction: true });
  });
});

describe('a bill', () => {
  const own = (request: string, cost: bigint) => ({
    id: `plc_${request}`,
    at: MARCH,
    target: 't',
    cost,
    metered: 'exact' as const,
    upstream: { response: `resp_${request}`, request },
    usage: { input: 10, output: 5 },
  });
  const line = (id: string, amount: bigint, inputTokens: number | null = null) => ({
    id,
    amount,
    inputTokens,
    outputTokens: null,
  });
  it('matches, differs, and lacks on either side', () => {
    const result = reconcile(
      [line('a', 60n), line('a', 40n), line('resp_b', 7n), line('c', 100n, 11), line('x', 3n), line('e', 9n)],
      [own('a', 100n), own('b', 7n), own('c', 100n), own('d', 1n), own('free', 0n), own('e', 5n)],
    );
    expect(result.matched).toEqual({ lines: 2, amount: 107n });
    expect(result.differing.map(one => [one.bill.id, one.amount])).toEqual([
      ['c', 0n],
      ['e', 4n],
    ]);
    expect(result.missingInBill.map(one => one.id)).toEqual(['plc_d']);
    expect(result.missingInRecord.map(one => one.id)).toEqual(['x']);
    expect([result.billed, result.recorded]).toEqual([219n, 213n]);
  });
});
