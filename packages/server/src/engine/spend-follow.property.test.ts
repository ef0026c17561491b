/** Caps and facts that contracts begin to ask for while calls are made. One token costs one micro-dollar. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { CapTerm } from '../money/caps.ts';
import type { MeteredCall } from '../money/usage.ts';
import type { Engine } from './engine.ts';
import type { SessionLog } from './ports.ts';
import { batches, END, failure, message, thenFail } from './scripted-provider.test-support.ts';
import type { SpendTerms } from './spend.ts';
import { ACME, ask, codeOf, request, RIVAL, until, World } from './world.test-support.ts';

const prices = {
  bound: (_: string, __: number, reserved: { input: number; output: number }) =>
    BigInt(reserved.input) + BigInt(reserved.output),
  cost: (_: string, __: number, usage: { input: number; output: number }) => BigInt(usage.input) + BigInt(usage.output),
};
const ANY = { tenant: null, product: null, channel: null, cloud: null, key: null } as const;
const capOf = (amount: bigint, more: Partial<CapTerm> = {}): CapTerm => ({
  ...ANY,
  id: 'acme/cap',
  period: 'total',
  amount,
  ...more,
});
const terms = (caps: readonly CapTerm[], fact = false): SpendTerms => ({ caps, fact, inForce: () => caps });
const spend = { caps: [], prices, cloudOf: () => 'local' };
const usage = (output: number): typeof END => ({ ...END, usage: { input: 1, cached: 0, output, reasoning: 0 } });

function call(engine: Engine, stored: boolean, output: number, caller = ACME): Promise<string | null> {
  const fields = { max_output_tokens: output };
  if (stored) return codeOf(ask(engine, fields, { caller }).then(response => response.done));
  const signal = new AbortController().signal;
  const made = engine.stateless({ caller, request: request(fields), extra: {}, labels: [], signal });
  return codeOf(made.then(one => one.answer()));
}

const idle = (engine: Engine): Promise<void> => until(() => engine.busy === 0, 'the meters of all calls');

describe('a cap that appears under a running server', () => {
  it('counts what was spent before it, and what is in flight, and 64 callers at once never pass it', async () => {
    const world = new World({ spend });
    world.provider.follow(() => batches(message('Hi'), usage(9)));
    const { engine } = world.boot();
    await engine.recover();
    for (let i = 0; i < 5; i++) expect(await call(engine, i % 2 === 0, 100)).toBeNull();
    expect(engine.spend.idle).toBe(true);
    const under = Array.from({ length: 8 }, (_, i) => call(engine, i % 2 === 0, 100));
    await engine.spend.follow(terms([capOf(1000n, { cloud: 'local', channel: 'direct' })]));
    const [found] = engine.spend.balances();
    expect(found !== undefined && found.spent + found.reserved >= 130n).toBe(true);
    const codes = await Promise.all(Array.from({ length: 64 }, (_, i) => call(engine, i % 2 === 0, 100)));
    await Promise.all(under);
    await idle(engine);
    const made = codes.filter(code => code === null).length;
    expect(codes.filter(code => code === 'spend_cap_reached')).toHaveLength(64 - made);
    expect(engine.spend.balances()).toMatchObject([{ spent: BigInt((5 + 8 + made) * 10), reserved: 0n }]);
    while ((await call(engine, false, 100)) === null) await idle(engine);
    const [left] = engine.spend.balances();
    expect(left !== undefined && left.spent > 870n && left.spent <= 1000n).toBe(true);
    // The next process knows the terms from its start.
    const after = new World({ spend: { ...spend, contracts: terms([capOf(1000n)]) } });
    for (const [home, data] of world.data) Object.assign(after.data.get(home) ?? {}, data);
    const next = after.boot().engine;
    await next.recover();
    expect(next.spend.balances()).toMatchObject([{ spent: left?.spent, reserved: 0n }]);
    const again = Array.from({ length: 64 }, () => call(next, false, 100));
    expect(new Set(await Promise.all(again))).toEqual(new Set(['spend_cap_reached']));
  });

  it('is counted again at other prices, with what is in flight, and each call once', async () => {
    let times = 1n;
    const logged = () => (one: MeteredCall) => times * prices.cost('', 0, one.usage);
    const total = terms([capOf(100_000n)], true);
    const world = new World({ spend: { ...spend, prices: { ...prices, logged }, contracts: total } });
    world.provider.follow(() => batches(message('Hi'), usage(9)));
    const { engine } = world.boot();
    await engine.recover();
    for (let i = 0; i < 5; i++) expect(await call(engine, i % 2 === 0, 100)).toBeNull();
    await idle(engine);
    times = 3n;
    const under = Array.from({ length: 8 }, (_, i) => call(engine, i % 2 === 0, 100));
    await engine.spend.recount();
    const meanwhile = Array.from({ length: 3 }, (_, i) => call(engine, i % 2 === 0, 100));
    expect(new Set(await Promise.all([...under, ...meanwhile]))).toEqual(new Set([null]));
    await idle(engine);
    const [found] = engine.spend.balances();
    // Those that ended before it, and perhaps some of those under way, at three times the price.
    const dearer = (Number(found?.spent ?? 0n) - 16 * 10) / 20;
    expect([found?.reserved, Number.isInteger(dearer) && dearer >= 5 && dearer <= 13]).toEqual([0n, true]);
    times = 1n;
    await engine.spend.recount();
    expect(engine.spend.balances()).toMatchObject([{ spent: 160n, reserved: 0n }]);
    expect(engine.spend.fact('acme')).toEqual({ month: 160, total: 160 });
  });

  it('holds by its scope only, and no more once it is gone', async () => {
    const world = new World({ spend });
    world.provider.follow(() => batches(message('Hi'), usage(9)));
    const { engine } = world.boot();
    await engine.recover();
    const nothing = [
      capOf(0n, { cloud: 'azure' }),
      capOf(0n, { channel: 'resale' }),
      capOf(0n, { tenant: 'rival' }),
      capOf(0n, { product: 'frontier' }),
    ];
    await engine.spend.follow(terms(nothing));
    expect(await call(engine, true, 100)).toBeNull();
    expect(await call(engine, true, 100, RIVAL)).toBe('spend_cap_reached');
    for (const scope of [{ cloud: 'local' }, { channel: 'direct' }, { product: 'api' }]) {
      await engine.spend.follow(terms([capOf(0n, scope)]));
      expect(await call(engine, false, 100)).toBe('spend_cap_reached');
    }
    await engine.spend.follow(terms([]));
    expect(engine.spend.idle).toBe(true);
    expect(await call(engine, false, 100)).toBeNull();
  });

  it('counts a call by its end, though it ended while nobody asked', async () => {
    const world = new World({ spend });
    world.provider.follow(() => batches(message('Hi'), usage(9)));
    const gate = Promise.withResolvers<void>();
    world.provider.onCall = () => gate.promise;
    const { engine } = world.boot();
    await engine.recover();
    await engine.spend.follow(terms([capOf(1000n)]));
    const made = call(engine, true, 100);
    await until(() => world.provider.calls.length === 1, 'the call to be under way');
    expect(engine.spend.balances()).toMatchObject([{ spent: 0n, reserved: 138n }]);
    await engine.spend.follow(terms([]));
    gate.resolve();
    expect(await made).toBeNull();
    await idle(engine);
    await engine.spend.follow(terms([capOf(1000n)]));
    expect(engine.spend.balances()).toMatchObject([{ spent: 10n, reserved: 0n }]);
  });

  it('is not taken up while the log cannot be read; what held before goes on', async () => {
    const world = new World({ spend: { ...spend, contracts: terms([capOf(5000n)]) } });
    world.provider.follow(() => batches(message('Hi'), usage(9)));
    let broken = false;
    const { engine } = world.boot({
      wrap: store => ({
        ...store,
        tenants: () => (broken ? Promise.reject(new Error('the disk is gone')) : store.tenants()),
      }),
    });
    await engine.recover();
    broken = true;
    expect(await codeOf(engine.spend.follow(terms([capOf(0n, { period: 'day' })])))).not.toBeNull();
    expect(await call(engine, true, 100)).toBeNull();
    expect(engine.spend.balances()).toMatchObject([{ cap: { amount: 5000n }, reserved: 0n }]);
    broken = false;
    await engine.spend.follow(terms([capOf(0n, { period: 'day' })]));
    expect(await call(engine, true, 100)).toBe('spend_cap_reached');
  });
});

describe('what a tenant has spent', () => {
  it('is not known before the log was read, then is what its ended calls came to, in the month and in all', async () => {
    const world = new World({ spend: { ...spend, contracts: terms([], true) } });
    world.provider.follow(() => batches(message('Hi'), usage(9)));
    const { engine } = world.boot();
    expect(engine.spend.fact('acme')).toBeUndefined();
    await engine.recover();
    expect(engine.spend.fact('acme')).toEqual({ month: 0, total: 0 });
    await Promise.all([call(engine, true, 50), call(engine, false, 50), call(engine, false, 50, RIVAL)]);
    await idle(engine);
    expect(engine.spend.fact('acme')).toEqual({ month: 20, total: 20 });
    expect(engine.spend.fact('rival')).toEqual({ month: 10, total: 10 });
    world.pass(31 * 86_400_000);
    expect(engine.spend.fact('acme')).toEqual({ month: 0, total: 20 });
    await call(engine, false, 50);
    await idle(engine);
    expect(engine.spend.fact('acme')).toEqual({ month: 10, total: 30 });
    const after = world.boot().engine;
    await after.recover();
    expect(after.spend.fact('acme')).toEqual({ month: 10, total: 30 });
    expect(after.spend.fact('nobody')).toEqual({ month: 0, total: 0 });
    await after.spend.follow(terms([]));
    expect(after.spend.fact('acme')).toBeUndefined();
  });

  it('is told as the most that fits where it does not fit', async () => {
    const dear = { ...prices, cost: () => 2n ** 60n };
    const world = new World({ spend: { ...spend, prices: dear, contracts: terms([], true) } });
    const { engine } = world.boot();
    await engine.recover();
    await call(engine, true, 50);
    expect(engine.spend.fact('acme')).toEqual({ month: Number.MAX_SAFE_INTEGER, total: Number.MAX_SAFE_INTEGER });
  });
});

it('the period before is kept where somebody asks for it, across a restart too', async () => {
  const cap = capOf(1000n, { period: 'day' });
  const world = new World({ spend: { ...spend, past: true, contracts: terms([cap]) } });
  world.provider.follow(() => batches(message('Hi'), usage(9)));
  const { engine } = world.boot();
  await engine.recover();
  await call(engine, true, 50);
  await idle(engine);
  expect(engine.spend.pastBalances()).toMatchObject([{ spent: 0n }]);
  world.pass(24 * 3_600_000);
  const both = (one: Engine): unknown => [one.spend.pastBalances(), one.spend.balances()];
  const expected = [[{ cap: { id: cap.id }, spent: 10n, reserved: 0n }], [{ spent: 0n }]];
  expect(both(engine)).toMatchObject(expected);
  const next = world.boot().engine;
  await next.recover();
  expect(both(next)).toMatchObject(expected);
  await call(next, false, 50);
  await idle(next);
  expect(both(next)).toMatchObject([[{ spent: 10n }], [{ spent: 10n }]]);
  world.pass(48 * 3_600_000);
  const later = world.boot().engine;
  await later.recover();
  expect(both(later)).toMatchObject([[{ spent: 0n }], [{ spent: 0n }]]);
});

/** A store whose reads take as many ticks as they are told. */
function slow(store: SessionLog, ticks: () => number): Partial<SessionLog> {
  const late = async <T>(work: Promise<T>): Promise<T> => {
    const found = await work;
    for (let i = ticks(); i > 0; i--) await new Promise(setImmediate);
    return found;
  };
  return {
    placements: query => late(store.placements(query)),
    events: query => late(store.events(query)),
    append: append => late(store.append(append)),
  };
}

type Step =
  | { readonly type: 'call'; readonly stored: boolean; readonly rival: boolean }
  | { readonly type: 'wait'; readonly ticks: number }
  | { readonly type: 'follow'; readonly set: number };
const CALL: Step = { type: 'call', stored: false, rival: false };
const follow = (set: number): Step => ({ type: 'follow', set });
const wait = (ticks: number): Step => ({ type: 'wait', ticks });
/** What went wrong once: an end that came while nobody asked; commits told of just as a reading ends, and just after. */
const FOUND: [Step[], number[]][] = [
  [[follow(1), follow(0), { ...CALL, stored: true }, wait(1), follow(0), follow(1), wait(0)], [0]],
  [[follow(0), CALL, CALL, follow(1), { ...CALL, stored: true }], [0]],
  [
    [CALL, CALL, CALL, follow(1), follow(2), wait(0), wait(0)],
    [1, 0, 0],
  ],
];

it('whenever terms appear among calls, their books are in the end what the log says', async () => {
  const step: fc.Arbitrary<Step> = fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({ type: fc.constant('call' as const), stored: fc.boolean(), rival: fc.boolean() }),
    },
    { weight: 3, arbitrary: fc.record({ type: fc.constant('wait' as const), ticks: fc.nat(12) }) },
    { weight: 2, arbitrary: fc.record({ type: fc.constant('follow' as const), set: fc.nat(3) }) },
  );
  const sets = [
    terms([]),
    terms([capOf(10n ** 9n)]),
    terms([capOf(10n ** 9n, { tenant: 'acme', period: 'month' }), capOf(10n ** 9n)], true),
    terms([], true),
  ];
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { minLength: 4, maxLength: 30 }),
      fc.array(fc.nat(9), { minLength: 1, maxLength: 12 }),
      async (steps, delays) => {
        let drawn = 0;
        const ticks = (): number => delays[drawn++ % delays.length] ?? 0;
        const world = new World({ spend });
        world.provider.follow((_, n) =>
          n % 5 === 3 ? thenFail([], failure('upstream_error', { retryable: true })) : batches(message('Hi'), usage(n)),
        );
        const { engine } = world.boot({ wrap: store => ({ ...store, ...slow(store, ticks) }) });
        await engine.recover();
        const work: Promise<unknown>[] = [];
        let last = sets[0];
        for (const one of steps) {
          if (one.type === 'call') work.push(call(engine, one.stored, 50, one.rival ? RIVAL : ACME));
          else if (one.type === 'wait') for (let i = 0; i < one.ticks; i++) await new Promise(setImmediate);
          else {
            last = sets[one.set];
            if (last !== undefined) work.push(engine.spend.follow(last));
          }
        }
        await Promise.all(work);
        await idle(engine);
        const fresh = new World({ spend: { ...spend, ...(last !== undefined && { contracts: last }) } });
        for (const [home, data] of world.data) Object.assign(fresh.data.get(home) ?? {}, data);
        const next = fresh.boot().engine;
        await next.spend.rebuild({ homes: fresh.boot().stores, wait: one => one, target: async () => null });
        expect(engine.spend.balances()).toEqual(next.spend.balances());
        for (const tenant of ['acme', 'rival']) expect(engine.spend.fact(tenant)).toEqual(next.spend.fact(tenant));
      },
    ),
    { numRuns: 60, examples: FOUND },
  );
});
