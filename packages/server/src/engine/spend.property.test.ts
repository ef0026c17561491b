/** Spend caps under concurrency, across restarts. One token costs one micro-dollar. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { SessionId } from '../kernel/ids.ts';
import type { CapTerm } from '../money/caps.ts';
import type { Engine } from './engine.ts';
import type { CallScript } from './scripted-provider.test-support.ts';
import { batches, END, failure, message, thenFail, thenHang } from './scripted-provider.test-support.ts';
import { SpendDesk } from './spend.ts';
import { ACME, ask, codeOf, request, RIVAL, until, World } from './world.test-support.ts';

const prices = {
  bound: (_: string, __: number, reserved: { input: number; output: number }) =>
    BigInt(reserved.input) + BigInt(reserved.output),
  cost: (_: string, __: number, usage: { input: number; output: number }) => BigInt(usage.input) + BigInt(usage.output),
};
const capOf = (amount: bigint, more: Partial<CapTerm> = {}): CapTerm => ({
  id: 'cap',
  tenant: 'acme',
  product: null,
  channel: null,
  cloud: null,
  key: null,
  period: 'total',
  amount,
  ...more,
});

/** What every look at the desk must find, and how much there is against the cap. */
function look(engine: Engine): bigint {
  let all = 0n;
  for (const { cap, spent, reserved } of engine.spend.balances()) {
    expect(spent >= 0n && reserved >= 0n).toBe(true);
    expect(spent + reserved <= cap.amount).toBe(true);
    all = spent + reserved;
  }
  return all;
}

async function call(engine: Engine, stored: boolean, output: number, caller = ACME): Promise<string | null> {
  look(engine);
  const fields = { max_output_tokens: output };
  const made = stored
    ? codeOf(ask(engine, fields, { caller }).then(response => response.done))
    : codeOf(
        engine
          .stateless({ caller, request: request(fields), extra: {}, labels: [], signal: new AbortController().signal })
          .then(one => one.answer()),
      );
  return made.finally(() => look(engine));
}

const usage = (output: number): typeof END => ({ ...END, usage: { input: 1, cached: 0, output, reasoning: 0 } });
const idle = (engine: Engine): Promise<void> => until(() => engine.busy === 0, 'the meters of all calls');

describe('64 callers at once', () => {
  it('never pass a cap, and spend all of it that they can', async () => {
    const world = new World({ spend: { caps: [capOf(1000n)], prices } });
    world.provider.follow(() => batches(message('Hi'), usage(9)));
    const { engine } = world.boot();
    await engine.recover();
    const codes = await Promise.all(Array.from({ length: 64 }, (_, i) => call(engine, i % 2 === 0, 100)));
    await idle(engine);
    // Each may come to a little more than 100: seven to nine of them fit at once, by whose inputs come first. They come to 10 each.
    const made = codes.filter(code => code === null).length;
    expect([7, 8, 9]).toContain(made);
    expect(codes.filter(code => code === 'spend_cap_reached')).toHaveLength(64 - made);
    expect(world.provider.calls).toHaveLength(made);
    expect(engine.spend.balances()).toMatchObject([{ spent: BigInt(made * 10), reserved: 0n }]);
    // What was held and not used is free again.
    while ((await call(engine, false, 100)) === null) await idle(engine);
    const [left] = engine.spend.balances();
    expect(left !== undefined && left.spent > 870n && left.spent <= 1000n).toBe(true);
    // The next process reads the same back, and lets no more through.
    const after = world.boot().engine;
    await after.recover();
    expect(after.spend.balances()).toEqual(engine.spend.balances());
    expect(await Promise.all(Array.from({ length: 64 }, () => call(after, false, 100)))).toEqual(
      Array.from({ length: 64 }, () => 'spend_cap_reached'),
    );
    // Another tenant has nothing to do with it.
    expect(await call(after, true, 100, RIVAL)).toBeNull();
  });

  it('are told which cap, how much of it is gone, and when it begins anew', async () => {
    const world = new World({ spend: { caps: [capOf(10n, { id: 'acme-day', period: 'day' })], prices } });
    const { engine } = world.boot();
    await engine.recover();
    const refused = await ask(engine, { max_output_tokens: 100 }).catch((error: unknown) => error);
    expect(refused).toMatchObject({
      code: 'spend_cap_reached',
      status: 429,
      details: { cap: 'acme-day', amount_micro_usd: '10', spent_micro_usd: '0', resets_at: '2026-03-21T00:00:00.000Z' },
    });
    expect((refused as Error).message).toContain('The spend cap acme-day is $0.00001 today');
    expect((refused as Error).message).toContain('$0.00 is spent');
    // Nothing was placed, and nothing is held.
    expect(world.provider.calls).toHaveLength(0);
    expect(engine.spend.balances()).toMatchObject([{ spent: 0n, reserved: 0n }]);
  });

  it('L10: of a cap over all tenants are not told what others spent', async () => {
    const world = new World({ spend: { caps: [capOf(150n, { tenant: null })], prices } });
    world.provider.follow(() => batches(message('Hi'), usage(99)));
    const { engine } = world.boot();
    await engine.recover();
    expect(await call(engine, false, 100, RIVAL)).toBeNull();
    await idle(engine);
    const refused = await ask(engine, { max_output_tokens: 100 }).catch((error: unknown) => error);
    expect(refused).toMatchObject({ code: 'spend_cap_reached', details: { cap: 'cap', amount_micro_usd: '150' } });
    expect(JSON.stringify(refused)).not.toContain('spent');
    expect((refused as Error).message).not.toContain('spent');
  });

  it('count by product and key too, each in its own period', async () => {
    const caps = [
      capOf(400n, { id: 'key', key: 'key_acme', period: 'day' }),
      capOf(0n, { id: 'frontier', product: 'frontier' }),
    ];
    const world = new World({ spend: { caps, prices } });
    world.provider.follow(() => batches(message('Hi'), usage(99)));
    const { engine } = world.boot();
    await engine.recover();
    expect(await call(engine, false, 350, { ...ACME, product: 'frontier' })).toBe('spend_cap_reached');
    expect(await call(engine, false, 350)).toBeNull();
    await idle(engine);
    expect(await call(engine, false, 350)).toBe('spend_cap_reached');
    expect(await call(engine, false, 350, { ...ACME, principal: 'key_other' })).toBeNull();
    await idle(engine);
    world.pass(24 * 3_600_000);
    expect(await call(engine, false, 350)).toBeNull();
    await idle(engine);
    expect(engine.spend.balances()).toMatchObject([{ spent: 100n }, { spent: 0n }]);
  });

  it('are refused until the log has been read, and a store that cannot be read refuses them all', async () => {
    const world = new World({ spend: { caps: [capOf(1000n)], prices } });
    const { engine } = world.boot({
      wrap: store => ({ ...store, tenants: () => Promise.reject(new Error('the disk is gone')) }),
    });
    const asked = call(engine, false, 16);
    await codeOf(engine.recover());
    expect(await asked).not.toBeNull();
    expect(world.provider.calls).toHaveLength(0);
  });
});

describe('a process that died', () => {
  it.each([
    ['stored', true],
    ['stateless', false],
  ])('leaves its %s call held at its bound; recovery charges it', async (_, stored) => {
    const world = new World({ spend: { caps: [capOf(10_000n)], prices } });
    world.provider.follow(made => thenHang([], made));
    const booted = world.boot();
    await booted.engine.recover();
    const under = call(booted.engine, stored, 500);
    under.catch(() => undefined);
    // A stateless call is committed beside the upstream's work.
    await until(() => (world.data.get('local')?.placements.length ?? 0) === 1 || stored, 'the placement');
    await until(() => world.provider.calls.length === 1, 'the call');
    const [held] = booted.engine.spend.balances();
    expect(held?.spent).toBe(0n);
    expect((held?.reserved ?? 0n) > 500n).toBe(true);
    for (const store of booted.stores) await store.close();
    world.pass(60_000);
    world.provider.follow(() => batches(message('Hi'), usage(9)));
    const next = world.boot();
    await next.engine.spend.rebuild({ homes: next.stores, wait: work => work, target: async () => null });
    expect(next.engine.spend.balances()).toEqual([held]);
    const last = world.boot();
    await last.engine.recover();
    await idle(last.engine);
    // The cut call at its bound, and for a stored turn the one that took its place.
    const again = stored ? 10n : 0n;
    expect(last.engine.spend.balances()).toMatchObject([{ spent: (held?.reserved ?? 0n) + again, reserved: 0n }]);
  });
});

describe('a placement of which nobody knows whether it was committed', () => {
  const made = {
    tenant: 'acme',
    product: 'api',
    channel: 'direct',
    cloud: 'local',
    key: 'k',
    target: 't',
    session: 'sess_1' as SessionId,
    call: 1,
  };
  const reserved = { input: 1, output: 9 };
  const desk = (): SpendDesk => new SpendDesk({ caps: [capOf(15n)], prices, now: () => 0 });

  it('is held until the log has been read', () => {
    const spend = desk();
    expect(spend.hold({ ...made, reserved })).toBeNull();
    spend.settleDoubt(made.session);
    expect(spend.balances()).toMatchObject([{ reserved: 10n }]);
    spend.doubt(made.session, 1);
    expect(spend.hold({ ...made, call: 2, reserved })?.code).toBe('spend_cap_reached');
    spend.settleDoubt('sess_2' as SessionId);
    expect(spend.balances()).toMatchObject([{ reserved: 10n }]);
    spend.settleDoubt(made.session);
    expect(spend.balances()).toMatchObject([{ spent: 0n, reserved: 0n }]);
    expect(spend.hold({ ...made, call: 2, reserved })).toBeNull();
  });

  it('makes room for the call that takes its place in the same commit, by what it will not have cost', () => {
    const spend = desk();
    spend.hold({ ...made, reserved });
    const failed = (output: number) =>
      [
        {
          type: 'call.failed',
          head: {
            call: 1,
            code: 'upstream_error',
            usage: { input: 1, cached: 0, output, reasoning: 0 },
            metered: 'exact',
            count: 0,
            upstream: { response: null, request: null },
          },
          payload: null,
        },
      ] as const;
    expect(spend.hold({ ...made, call: 2, reserved }, failed(5))?.code).toBe('spend_cap_reached');
    expect(spend.hold({ ...made, call: 2, reserved }, failed(4))).toBeNull();
  });
});

type Move =
  | { readonly type: 'call'; readonly stored: boolean; readonly output: number; readonly rival: boolean }
  | { readonly type: 'restart' }
  | { readonly type: 'settle' };

const move: fc.Arbitrary<Move> = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.record({
      type: fc.constant('call' as const),
      stored: fc.boolean(),
      output: fc.integer({ min: 16, max: 60 }),
      rival: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.constant({ type: 'restart' as const }) },
  { weight: 2, arbitrary: fc.constant({ type: 'settle' as const }) },
);

/** Ends well, breaks off, is refused by the upstream, or never ends. */
const SCRIPTS: readonly CallScript[] = [
  () => batches(message('Hi'), usage(7)),
  () => batches(message('Hi'), usage(16)),
  () => thenFail([], failure('upstream_error', { retryable: true })),
  () => thenFail([], failure('upstream_rejected', { status: 400 })),
  () => thenFail(message('Hi'), failure('upstream_interrupted')),
  call => thenHang([], call),
];

it('whatever calls do and however often the process dies, no cap is passed, and the desk is what the log says', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(move, { maxLength: 40 }),
      fc.array(fc.nat(SCRIPTS.length - 1), { minLength: 1, maxLength: 10 }),
      fc.bigInt({ min: 0n, max: 900n }),
      async (moves, scripts, amount) => {
        // What hangs is given up soon, so that the dead processes of a run do not linger.
        const limits = { firstByteMs: 40, idleMs: 40 };
        const world = new World({ limits, spend: { caps: [capOf(amount)], prices } });
        world.provider.follow((made, n) => {
          const script = SCRIPTS[scripts[n % scripts.length] ?? 0];
          return script?.(made, n) ?? batches([]);
        });
        let booted = world.boot();
        let { engine } = booted;
        await engine.recover();
        const under: Promise<unknown>[] = [];
        for (const one of moves) {
          look(engine);
          if (one.type === 'call') {
            const pending = call(engine, one.stored, one.output, one.rival ? RIVAL : ACME);
            pending.catch(() => undefined);
            under.push(pending);
          } else if (one.type === 'settle') for (let i = 0; i < 30; i++) await new Promise(setImmediate);
          else {
            // The old process is gone with its calls: its stores let nothing more through.
            for (const store of booted.stores) await store.close();
            booted = world.boot();
            world.pass(60_000);
            ({ engine } = booted);
            await engine.recover();
          }
        }
        look(engine);
        // What a process after this one reads back is what this one holds, but for what it has not written yet.
        for (const store of booted.stores) await store.close();
        await Promise.allSettled(under);
        const after = world.boot().engine;
        await after.spend.rebuild({ homes: world.boot().stores, wait: work => work, target: async () => null });
        expect(look(after) <= amount).toBe(true);
      },
    ),
    { numRuns: 25 },
  );
});
