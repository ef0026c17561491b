/** Takes a call's steps; makes them durable in groups and only then shows them (L2). */
import { perdureError } from '@perdure/protocol';
import type { Step, StepEnd } from '../log/steps.ts';
import type { OutputBuilder, WireEvent } from '../session/output.ts';
import type { EngineContext } from './engine-context.ts';
import { deliver } from './flow.ts';
import { KeptTexts } from './kept-texts.ts';
import { killPoint } from './kill-point.ts';
import type { RunningTurn } from './turn.ts';

/** Steps that may wait for a commit before no more is taken from the upstream. */
const MAX_WAITING_STEPS = 512;

/** Steps that became durable, group by group as the store has them: they are looked at only if the call is cut. */
export class KeptSteps {
  readonly #groups = new KeptTexts();

  /** @param group the JSON of a list of steps */
  add(group: string): void {
    this.#groups.add(group);
  }

  all(): readonly Step[] {
    return Array.from({ length: this.#groups.length }, (_, i) => JSON.parse(this.#groups.text(i)) as Step[]).flat();
  }
}

export interface ReleaseInput {
  readonly steps: AsyncIterable<readonly Step[]>;
  readonly builder: OutputBuilder;
  /** Filled with every step that became durable: what the rule of cut calls looks at. */
  readonly released: KeptSteps;
}

export interface Released {
  readonly end: StepEnd;
  /** Events that only the final commit makes durable. */
  readonly unshown: readonly WireEvent[];
}

/**
 * Runs the call to its end. Without a streaming reader nothing is journalled: there is nothing that could be retracted.
 * @throws whatever the steps throw, once what was on its way to the disk is there and shown
 */
export async function streamReleased(
  engine: EngineContext,
  turn: RunningTurn,
  call: number,
  input: ReleaseInput,
): Promise<Released> {
  const { steps, builder } = input;
  const streamed = turn.live.state?.turn?.streamed ?? false;
  const groups = new Groups(engine, turn, call, input.released);
  let end: StepEnd | null = null;
  let first = true;
  try {
    await deliver(steps, batch => {
      for (const step of batch) {
        if (step.type === 'end') end = step;
        else groups.take(step, builder, streamed);
      }
      if (!streamed) return undefined;
      if (first) killPoint('call.first-step');
      first = false;
      // The last group rides on the commit that ends the call.
      const full = end === null ? groups.release() : undefined;
      const read = (): Promise<void> | undefined => turn.broadcast.settled(engine.limits.patienceMs, turn.abort.signal);
      return full === undefined ? read() : full.then(read);
    });
  } finally {
    await groups.settled();
  }
  groups.check();
  if (end === null)
    throw perdureError('internal_error', undefined, { cause: new Error('a provider ended without an end') });
  return { end, unshown: streamed ? groups.unshown : [] };
}

/** Groups of steps on their way to the disk: the next commit begins when the last returns, and takes what came meanwhile. */
class Groups {
  readonly #engine: EngineContext;
  readonly #turn: RunningTurn;
  readonly #call: number;
  readonly #released: KeptSteps;
  #events: WireEvent[] = [];
  #waiting: Step[] = [];
  #commit: Promise<void> | null = null;
  #failure: { readonly error: unknown } | null = null;

  constructor(engine: EngineContext, turn: RunningTurn, call: number, released: KeptSteps) {
    this.#engine = engine;
    this.#turn = turn;
    this.#call = call;
    this.#released = released;
  }

  get unshown(): readonly WireEvent[] {
    return this.#events;
  }

  take(step: Step, builder: OutputBuilder, streamed: boolean): void {
    builder.push(step, streamed ? this.#events : null);
    if (streamed) this.#waiting.push(step);
  }

  /** Sets a commit going if none is. @returns it, to be waited for, only when too much has piled up */
  release(): Promise<void> | undefined {
    this.check();
    if (this.#waiting.length === 0) return undefined;
    this.#commit ??= this.#run();
    return this.#waiting.length > MAX_WAITING_STEPS ? this.#commit : undefined;
  }

  async #run(): Promise<void> {
    try {
      while (this.#waiting.length > 0) await this.#group();
    } catch (error) {
      this.#failure = { error };
    }
    // In the same turn as the last look: what comes after it begins another.
    this.#commit = null;
  }

  async #group(): Promise<void> {
    const group = this.#waiting;
    const shown = this.#events;
    this.#waiting = [];
    this.#events = [];
    killPoint('call.before-release');
    const { tenant, session, store, state } = this.#turn.live;
    const steps = JSON.stringify(group);
    const release = { tenant, session, epoch: state?.epoch ?? 0, call: this.#call, steps };
    const kept = await this.#engine.sessions.wait(store.release(release));
    if (!kept) throw perdureError('store_unavailable', 'The session is held by another process now.');
    killPoint('call.after-release');
    this.#released.add(steps);
    this.#turn.broadcast.publish(shown);
  }

  /** Resolves when nothing is on its way any more. */
  async settled(): Promise<void> {
    if (this.#commit !== null) await this.#commit;
  }

  /** @throws what a commit failed with */
  check(): void {
    if (this.#failure !== null) throw this.#failure.error;
  }
}
