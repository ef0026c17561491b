/** What is metered never comes to more than what upstreams were asked for, and callers are told the same. */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Step } from '../log/steps.ts';
import { deliver } from './flow.ts';
import { batches, END, failure, message, thenFail } from './scripted-provider.test-support.ts';
import { ACME, ask, request, until, World } from './world.test-support.ts';

const BOUND = 50;
const END_OF_9 = { ...END, usage: { input: 1, cached: 0, output: 9, reasoning: 0 } };

/** What becomes of one call, whether it may be tried elsewhere, and the most output that may be metered for it. */
const fate = fc.record({
  what: fc.constantFrom('answered', 'unsent', 'refused', 'broken', 'cut'),
  retryable: fc.boolean(),
});
const MOST = { answered: 9, unsent: 0, refused: 0, broken: BOUND, cut: BOUND } as const;

function script({ what, retryable }: { readonly what: keyof typeof MOST; readonly retryable: boolean }) {
  switch (what) {
    case 'answered':
      return () => batches(message('Hi'), END_OF_9);
    case 'unsent':
      return () => thenFail([], failure('upstream_error', { retryable, unsent: true }));
    case 'refused':
      return () => thenFail([], failure('upstream_rate_limited', { retryable, status: 429 }));
    case 'broken':
      return () => thenFail([], failure('upstream_error', { retryable }));
    case 'cut':
      return () => thenFail(message('Hi').slice(0, 3), failure('upstream_interrupted', { retryable }));
  }
}

test('the sum of what is metered is that of the calls which reached an upstream', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(fate, fc.boolean()), { minLength: 1, maxLength: 8 }), async asked => {
      const world = new World();
      const fates = asked.flatMap(([one]) => [one, one, one]);
      world.provider.inTurn(...fates.map(script));
      const { engine } = world.boot();
      for (const [, stored] of asked) {
        const fields = { max_output_tokens: BOUND };
        const signal = new AbortController().signal;
        const made = stored
          ? ask(engine, fields).then(({ done }) => done)
          : engine
              .stateless({ caller: ACME, request: request(fields), extra: {}, labels: [], signal })
              .then(one => one.answer());
        await made.then(
          () => undefined,
          () => undefined,
        );
      }
      await until(() => engine.busy === 0, 'the meters of all calls');
      let metered = 0;
      for await (const { calls, open } of engine.usage({
        tenants: [ACME.tenant],
        from: 0,
        to: Number.MAX_SAFE_INTEGER,
      })) {
        expect(open).toEqual([]);
        for (const { usage } of calls) metered += usage.output;
      }
      const made = fates.slice(0, world.provider.calls.length);
      expect(world.provider.calls.length).toBeLessThanOrEqual(fates.length);
      expect(metered).toBe(made.reduce((sum, { what }) => sum + MOST[what], 0));
    }),
    { numRuns: Number(process.env['PERDURE_PROPERTY_RUNS'] ?? 60) },
  );
});

const said = fc.record({ input: fc.nat(40), cached: fc.constant(0), output: fc.nat(BOUND), reasoning: fc.constant(0) });
const told = fc.record({
  usage: fc.oneof(said, fc.constant(null)),
  estimated: fc.boolean(),
  how: fc.constantFrom('streamed', 'whole', 'gathered', 'stored'),
});

test('the caller is told what the meter says, also where the upstream does not say, and the meter says how it was found', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(told, { minLength: 1, maxLength: 6 }), async asked => {
      const world = new World();
      world.provider.inTurn(
        ...asked.map(({ usage, estimated }) => {
          const marked = estimated && usage !== null && { metered: 'estimate' as const };
          return () => batches(message('Hi', ' there'), { ...END, usage, ...marked });
        }),
      );
      const { engine } = world.boot();
      const heard: unknown[] = [];
      for (const { how } of asked) {
        const signal = new AbortController().signal;
        // Asked for in one piece below 2048 tokens only.
        const fields = { max_output_tokens: how === 'gathered' ? 5000 : BOUND, stream: how === 'streamed' };
        if (how === 'stored') {
          const { usage } = await (await ask(engine, fields)).done;
          heard.push(usage && [usage.input_tokens, usage.output_tokens]);
          continue;
        }
        const call = await engine.stateless({ caller: ACME, request: request(fields), extra: {}, labels: [], signal });
        const steps: Step[] = [];
        if (how === 'streamed') await deliver(call.steps, batch => void steps.push(...batch));
        else steps.push(...(await call.answer()));
        const end = steps.at(-1);
        heard.push(end?.type === 'end' && end.usage !== null && [end.usage.input, end.usage.output]);
      }
      await until(() => engine.busy === 0, 'the meters of all calls');
      const metered: unknown[] = [];
      const window = { tenants: [ACME.tenant], from: 0, to: Number.MAX_SAFE_INTEGER };
      for await (const { calls } of engine.usage(window))
        for (const { usage, metered: found } of calls) metered.push([[usage.input, usage.output], found]);
      const found = asked.map(({ usage, estimated, how }) =>
        usage !== null ? (estimated ? 'estimate' : 'exact') : how === 'stored' ? 'estimate' : 'bound',
      );
      // Newest first.
      expect(metered.toReversed()).toEqual(heard.map((usage, i) => [usage, found[i]]));
    }),
    { numRuns: Number(process.env['PERDURE_PROPERTY_RUNS'] ?? 60) },
  );
});
