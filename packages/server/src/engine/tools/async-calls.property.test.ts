/** Y1 to Y4: whatever the order of calls, results, turns that fail and processes that die, a result reaches the model once. */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { batches, message } from '../scripted-provider.test-support.ts';
import { gate, until, World } from '../world.test-support.ts';
import { becomes, desk, session, TestTools } from './agent-world.test-support.ts';
import { AGENT, answer, asks, type Driven, rejects, say, says, sent, times } from './async-world.test-support.ts';

type Step =
  /** A turn that makes a call, and then ends well or not. */
  | { readonly do: 'ask'; readonly well: boolean }
  | { readonly do: 'say'; readonly well: boolean }
  /** A result; the turn that it begins ends well or not. */
  | { readonly do: 'answer'; readonly which: number; readonly well: boolean }
  /** The same while a turn runs. */
  | { readonly do: 'steer'; readonly which: number; readonly well: boolean }
  | { readonly do: 'restart' };

const well = fc.boolean();
const which = fc.nat(7);
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant('ask' as const), well: fc.constantFrom(true, true, false) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('say' as const), well }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('answer' as const), which, well }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('steer' as const), which, well }) },
  { weight: 1, arbitrary: fc.constant({ do: 'restart' as const }) },
);

interface Asked {
  /** Which turn made it. */
  readonly turn: number;
  readonly output: string;
  /** Whether its turn ended well, and nobody has answered. */
  open: boolean;
  answered: boolean;
}

class Play {
  readonly world: World = new World();
  here: Driven | null = null;
  turns = 0;
  readonly asked: Asked[] = [];

  boot(): Promise<unknown> {
    this.world.pass(60_000);
    const { engine } = this.world.boot({ tools: desk(new TestTools()) });
    this.here = { engine, id: this.here?.id ?? '' };
    return engine.recover();
  }

  get driven(): Driven {
    if (this.here === null) throw new Error('nothing runs');
    return this.here;
  }

  async rests(): Promise<void> {
    await becomes(this.driven.engine, this.driven.id, 'idle');
  }

  async take(one: Step): Promise<void> {
    const { provider } = this.world;
    switch (one.do) {
      case 'restart':
        await this.boot();
        return;
      case 'ask':
        provider.inTurn(asks(['slow', '{}']), one.well ? says('Meanwhile.') : rejects);
        await say(this.driven, 'Ask.');
        this.asked.push({
          turn: this.turns++,
          output: `[result ${this.asked.length}]`,
          open: one.well,
          answered: false,
        });
        return this.rests();
      case 'say':
        provider.inTurn(one.well ? says('Yes.') : rejects);
        await say(this.driven, 'Hello.');
        this.turns += 1;
        return this.rests();
      case 'answer':
        provider.inTurn(one.well ? says('I see.') : rejects);
        if (await this.answers(one.which)) this.turns += 1;
        return this.rests();
      case 'steer': {
        const talks = gate();
        provider.inTurn(
          async function* () {
            yield [];
            await talks.opened;
            yield* batches(message('Hm.'));
          },
          one.well ? says('I see.') : rejects,
        );
        const before = provider.calls.length;
        await say(this.driven, 'Talk.');
        this.turns += 1;
        await until(() => provider.calls.length > before, 'the model is asked');
        await this.answers(one.which);
        talks.open();
        return this.rests();
      }
    }
  }

  /** @returns whether the result was taken */
  async answers(nth: number): Promise<boolean> {
    const call = this.asked[nth % Math.max(1, this.asked.length)];
    if (call === undefined) return false;
    const { turn, output } = call;
    const taken = await answer(this.driven, { turn, output }).then(
      () => true,
      () => false,
    );
    // What waits may be sent again, and is the same then.
    if (call.open) expect(taken).toBe(true);
    if (!call.open && !call.answered) expect(taken).toBe(false);
    const first = taken && call.open;
    if (first) Object.assign(call, { open: false, answered: true });
    return first;
  }
}

test('each result that was taken is in the context of the model once, and no other is', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 3, maxLength: 14 }), async steps => {
      const play = new Play();
      await play.boot();
      play.world.provider.inTurn(says('Hello.'));
      play.here = { ...play.driven, id: await session(play.driven.engine, AGENT) };
      play.turns = 1;
      await play.rests();
      for (const one of steps) await play.take(one);
      play.world.provider.inTurn(says('Bye.'));
      const before = play.world.provider.calls.length;
      await say(play.driven, 'The end.');
      await until(() => play.world.provider.calls.length > before, 'the model is asked');
      await play.rests();
      const context = sent(play.world, -1);
      for (const { output, answered } of play.asked)
        expect([output, times(context, output)]).toEqual([output, answered ? 1 : 0]);
    }),
    { numRuns: 25 },
  );
}, 120_000);
