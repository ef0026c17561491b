import { describe, expect, it } from 'vitest';
import type { TenantId } from '../kernel/ids.ts';
import { sumUsage } from '../log/events.ts';
import type { MeteredCall } from '../money/usage.ts';
import type { Booted } from './world.test-support.ts';
import { batches, END, failure, functionCall, message, thenFail, thenHang } from './scripted-provider.test-support.ts';
import { ACME, ask, codeOf, NOON, request, RIVAL, until, World } from './world.test-support.ts';
import { type OpenCall, USAGE_PAGE, type UsageCursor } from './usage.ts';

const ALWAYS = { from: 0, to: Number.MAX_SAFE_INTEGER };
const both = [ACME.tenant, RIVAL.tenant];

async function usageOf(
  { engine }: Pick<Booted, 'engine'>,
  tenants: readonly TenantId[] = [ACME.tenant],
  window: { readonly from: number; readonly to: number } = ALWAYS,
): Promise<{ calls: MeteredCall[]; open: OpenCall[]; pages: number }> {
  const found: { calls: MeteredCall[]; open: OpenCall[]; pages: number } = { calls: [], open: [], pages: 0 };
  for await (const page of engine.usage({ tenants, ...window })) {
    found.calls.push(...page.calls);
    found.open.push(...page.open);
    found.pages += 1;
  }
  return found;
}

const stateless = (booted: Booted, caller = ACME): Promise<unknown> =>
  booted.engine
    .stateless({ caller, request: request(), extra: {}, labels: [], signal: new AbortController().signal })
    .then(call => call.answer());
const settled = ({ engine }: Booted): Promise<void> => until(() => engine.busy === 0, 'the meters');

describe('usage', () => {
  it('has every call with its facts, stored and stateless, newest first', async () => {
    const world = new World();
    const booted = world.boot();
    const first = await ask(booted.engine);
    await first.done;
    world.pass(1000);
    await stateless(booted);
    await settled(booted);
    const { calls, open } = await usageOf(booted);
    expect(open).toEqual([]);
    expect(calls).toHaveLength(2);
    expect(calls[1]).toMatchObject({
      id: first.placement,
      response: first.id,
      at: NOON,
      meteredAt: NOON,
      tenant: 'acme',
      key: 'key_acme',
      product: 'api',
      channel: 'direct',
      seller: 'openai',
      segment: 'commercial',
      purpose: 'turn',
      vendor: 'openai',
      model: 'gpt',
      cloud: 'local',
      outcome: 'completed',
      metered: 'exact',
      usage: END.usage,
      upstream: { response: 'up_resp', request: 'up_req' },
    });
    expect(calls[0]).toMatchObject({ response: null, at: NOON + 1000, key: 'key_acme' });
    expect((await booted.engine.placement(ACME, calls[0]?.id ?? '')).id).toBe(calls[0]?.id);
  });

  it('L10: shows nobody what is another tenant’s', async () => {
    const world = new World();
    const booted = world.boot();
    await (await ask(booted.engine)).done;
    await stateless(booted, RIVAL);
    await settled(booted);
    expect((await usageOf(booted)).calls.map(call => call.tenant)).toEqual(['acme']);
    expect((await usageOf(booted, [RIVAL.tenant])).calls.map(call => call.tenant)).toEqual(['rival']);
    expect((await usageOf(booted, both)).calls).toHaveLength(2);
    expect(await booted.engine.tenants()).toEqual(both);
  });

  it('has the failed calls of a turn too, each at what it is charged, under the key that asked', async () => {
    const world = new World();
    world.provider.inTurn(
      () => thenFail([], failure('upstream_rate_limited', { retryable: true, status: 429 })),
      () => thenFail([], failure('upstream_error', { retryable: true })),
      () => batches(message('Hi')),
    );
    const booted = world.boot();
    const { done, placement } = await ask(booted.engine, { max_output_tokens: 100 });
    await done;
    const { calls } = await usageOf(booted);
    expect(calls.map(call => [call.outcome, call.metered, call.usage.output, call.key])).toEqual([
      ['completed', 'exact', 5, 'key_acme'],
      ['failed', 'bound', 100, 'key_acme'],
      ['failed', 'exact', 0, 'key_acme'],
    ]);
    expect(calls.map(call => call.id)).toEqual([3, 2, 1].map(part => placement?.replace(/01$/, `0${part}`)));
  });

  it.each([true, false])(
    'charges nothing for what was never sent, whoever is asked after it, stored: %s',
    async stored => {
      const world = new World();
      const unsent = { unsent: true } as const;
      world.provider.inTurn(
        () => thenFail([], failure('upstream_error', { retryable: true, ...unsent })),
        () => thenFail([], failure('upstream_rejected', unsent)),
      );
      const booted = world.boot();
      const made = stored ? ask(booted.engine).then(({ done }) => done) : stateless(booted);
      await made.catch(() => undefined);
      await settled(booted);
      const { calls, open } = await usageOf(booted);
      expect(open).toEqual([]);
      expect(calls.map(call => [call.outcome, call.metered, call.usage.input, call.usage.output])).toEqual([
        ['failed', 'exact', 0, 0],
        ['failed', 'exact', 0, 0],
      ]);
    },
  );

  it.each([true, false])('tells what was written to a cache, of all calls of the answer, stored: %s', async stored => {
    const world = new World();
    const usage = { input: 10, cached: 2, output: 5, reasoning: 0, written: 7 };
    world.provider.follow(() => batches(message('Hi'), { ...END, usage }));
    const booted = world.boot();
    const details = { cached_tokens: 2, cache_write_tokens: 7 };
    if (stored) {
      const { done } = await ask(booted.engine);
      expect((await done).usage?.input_tokens_details).toEqual(details);
    } else {
      const signal = new AbortController().signal;
      const call = await booted.engine.stateless({ caller: ACME, request: request(), extra: {}, labels: [], signal });
      expect((await call.answer()).at(-1)).toMatchObject({ usage });
    }
    await settled(booted);
    expect((await usageOf(booted)).calls.map(call => call.usage)).toEqual([usage]);
    expect(sumUsage(usage, { ...usage, written: 1 }).written).toBe(8);
    expect(sumUsage(usage, END.usage ?? usage).written).toBe(7);
  });

  it('leaves refusals out, and says which calls are open', async () => {
    const world = new World();
    const booted = world.boot();
    expect(await codeOf(ask(booted.engine, {}, { caller: { ...ACME, product: 'unsold' } }))).toBe('placement_refused');
    world.provider.follow(call => thenHang([], call));
    const { done } = await ask(booted.engine, { max_output_tokens: 77 });
    done.catch(() => undefined);
    const { calls, open } = await usageOf(booted);
    expect(calls).toEqual([]);
    expect(open).toMatchObject([{ call: 1, tenant: 'acme', key: 'key_acme', reserved: { output: 77 } }]);
  });

  it('charges what a dead process left, in the next one', async () => {
    const world = new World();
    world.provider.follow(call => thenHang([], call));
    const booted = world.boot();
    const { done } = await ask(booted.engine, { max_output_tokens: 50 });
    done.catch(() => undefined);
    for (const store of booted.stores) await store.close();
    world.pass(60_000);
    world.provider.follow(() => batches(functionCall('c1')));
    const next = world.boot();
    await next.engine.recover();
    await settled(next);
    const { calls } = await usageOf(next);
    expect(calls.map(call => [call.outcome, call.metered, call.usage.output, call.meteredAt - call.at])).toEqual([
      ['completed', 'exact', 5, 0],
      ['failed', 'bound', 50, 60_000],
    ]);
  });

  it('has a window, in the time of the calls', async () => {
    const world = new World();
    const booted = world.boot();
    for (let i = 0; i < 3; i++) {
      await (await ask(booted.engine)).done;
      world.pass(10_000);
    }
    const at = async (from: number, to: number): Promise<number[]> =>
      (await usageOf(booted, both, { from, to })).calls.map(call => call.at - NOON);
    expect(await at(NOON, NOON + 20_000)).toEqual([10_000, 0]);
    expect(await at(NOON + 1, NOON + 20_001)).toEqual([20_000, 10_000]);
    expect(await at(NOON + 30_000, NOON + 40_000)).toEqual([]);
  });

  it('goes on after any page', async () => {
    const world = new World({ homes: ['one', 'two'] });
    const booted = world.boot();
    for (let i = 0; i < USAGE_PAGE / 2 + 1; i++) {
      await Promise.all([stateless(booted), (await ask(booted.engine, {}, { caller: RIVAL })).done]);
    }
    await settled(booted);
    const all = await usageOf(booted, both);
    expect(all.calls).toHaveLength(USAGE_PAGE + 2);
    expect(all.pages).toBeGreaterThan(2);
    const seen: string[] = [];
    for (let after: UsageCursor | null = null, more = true; more; ) {
      more = false;
      for await (const page of booted.engine.usage({ tenants: both, ...ALWAYS }, after)) {
        seen.push(...page.calls.map(call => call.id));
        after = page.cursor;
        more = true;
        break;
      }
    }
    expect(seen).toEqual(all.calls.map(call => call.id));
  }, 60_000);
});
