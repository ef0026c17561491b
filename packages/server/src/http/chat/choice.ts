/** One choice of a chat completion as it is made: its call, what came of it, how it ended. */
import type { ChatAnswer, ChatHead } from '@perdure/protocol';
import type { StatelessCall } from '../../engine/stateless.ts';
import { resourceOf } from '../../engine/turn.ts';
import { NO_USAGE, sumUsage } from '../../log/events.ts';
import type { Step, StepEnd } from '../../log/steps.ts';
import { OutputBuilder } from '../../session/output.ts';
import { type OutputView, viewOf } from '../../session/shown.ts';

export class Choice {
  readonly view: OutputView;
  readonly #call: StatelessCall;
  readonly #builder: OutputBuilder;
  #end: StepEnd | null = null;

  constructor(call: StatelessCall) {
    this.#call = call;
    this.view = viewOf(call.base.settings);
    this.#builder = new OutputBuilder({ body: call.body, call: 1, seq: 0, index: 0, view: this.view });
  }

  push(step: Step): void {
    if (step.type === 'end') this.#end = step;
    else this.#builder.push(step, null);
  }

  /** The service tier that was used, once that is known. */
  get tier(): Pick<ChatHead, 'service_tier'> {
    const tier = this.#end?.serviceTier;
    return tier === undefined ? {} : { service_tier: tier };
  }

  /** Once it has ended. */
  answer(): ChatAnswer {
    const end = this.#end;
    if (end === null) throw new Error('a choice was answered before its end');
    const resource = resourceOf(this.#call.base, {
      status: end.outcome,
      output: this.#builder.items,
      usage: sumUsage(null, end.usage ?? NO_USAGE),
      completedAt: null,
      reason: end.reason,
      error: null,
    });
    return { ...resource, usage: resource.usage ?? NOTHING_USED };
  }
}

const NOTHING_USED: ChatAnswer['usage'] = {
  input_tokens: 0,
  input_tokens_details: { cached_tokens: 0 },
  output_tokens: 0,
  output_tokens_details: { reasoning_tokens: 0 },
  total_tokens: 0,
};

/**
 * Does `work` for all of them at once. The first failure ends the others by `stop`, and is thrown once they have ended: whoever sends a request
 * again finds nothing of this one under way.
 */
export async function together<T>(
  calls: readonly StatelessCall[],
  stop: AbortController,
  work: (call: StatelessCall, index: number) => Promise<T>,
): Promise<readonly T[]> {
  const failures: unknown[] = [];
  const done: T[] = [];
  const works = calls.map(async (call, index) => {
    try {
      done[index] = await work(call, index);
    } catch (thrown) {
      failures.push(thrown);
      stop.abort('left');
    }
  });
  await Promise.all(works);
  if (failures.length > 0) throw failures[0];
  return done;
}
