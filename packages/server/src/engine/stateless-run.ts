/**
 * One stateless call at work: asks the target, and other targets in its place as long as nothing was released.
 *
 * The placement is committed while the upstream is already at work, and no byte of the answer is released before that commit (L5).
 */
import { perdureError, type PerdureError, toPerdureError } from '@perdure/protocol';
import { type EventBody, NO_IDS, NO_USAGE, sumUsage, type Usage } from '../log/events.ts';
import type { SessionId } from '../kernel/ids.ts';
import type { Step, StepEnd } from '../log/steps.ts';
import { type Boundary, untilBoundary } from './boundary.ts';
import { actorOf, type Caller } from './caller.ts';
import { usedNothing } from './cut-call.ts';
import type { EngineContext } from './engine-context.ts';
import { flowed, NotTaken, type StepSource, taken, type TakeSteps } from './flow.ts';
import { killPoint } from './kill-point.ts';
import type { LiveSession } from './live-session.ts';
import type { InferRequest, PlacedCall } from './placing.ts';
import { type CallSettings, type ContextRun, isProviderError, type SessionLog } from './ports.ts';
import { type MeterBody, meterLater } from './stateless-meter.ts';
import { pause, statelessPause } from './try-again.ts';
import { upstreamFailure } from './turn.ts';
import { upstreamAnswer, upstreamSteps } from './upstream-call.ts';
import { spendCall } from './spend-call.ts';

export interface StatelessInput {
  readonly caller: Caller;
  readonly store: SessionLog;
  readonly facts: InferRequest;
  readonly placed: PlacedCall;
  readonly context: readonly ContextRun[];
  readonly call: CallSettings;
  /** Aborts the call: the client left. */
  readonly signal: AbortSignal;
  /** Whether an answer that nobody streams may be asked for in one piece. */
  readonly whole: boolean;
  /** The session for whose sake it is made. Absent: its own. */
  readonly subject?: SessionId;
  /** Whether the placement is durable before the request goes out. Absent: before the answer is released. */
  readonly recordFirst?: true;
}

const DONE = { done: true, value: undefined } as const;

/** To be made once: by `steps` or by `answer`. */
export class StatelessRun {
  /** Asks the call to end before its next item. */
  readonly boundary: Boundary = { asked: false };
  readonly #engine: EngineContext;
  readonly #input: StatelessInput;
  #placed: PlacedCall;
  #attempt = 1;
  #live: LiveSession | null = null;
  /** The commit of the placement in force. */
  #commit: Promise<void> | null = null;
  readonly #avoid: string[] = [];
  /** Whether it was made once more on a target that had failed. */
  #waited = false;
  #usage: Usage = NO_USAGE;
  /** The attempt that is under way ends with it. */
  #stop = new AbortController();
  /** What the target in force says; null while none is asked. */
  #source: StepSource | null = null;
  /** Whether any of the answer was given out: then no other target may be asked. */
  #begun = false;
  #end: StepEnd | null = null;
  #unwatch: (() => void) | null = null;
  #over = false;

  constructor(engine: EngineContext, input: StatelessInput) {
    this.#engine = engine;
    this.#input = input;
    this.#placed = input.placed;
  }

  /** The attempt in force, and what all of them used so far. */
  get made(): { readonly attempt: number; readonly target: string; readonly usage: Usage } {
    return { attempt: this.#attempt, target: this.#placed.target.id, usage: this.#usage };
  }

  /** The answer as it comes. */
  steps(): AsyncIterable<readonly Step[]> {
    // By hand and not as a generator, which costs each piece of a stream four promises. One pull at a time.
    const steps: StepSource = {
      next: () => this.#next(),
      return: () => this.#leave(),
      flow: take => this.#flow(take),
    };
    return { [Symbol.asyncIterator]: () => steps };
  }

  async #next(): Promise<IteratorResult<readonly Step[], undefined>> {
    if (this.#over) return DONE;
    this.#unwatch ??= this.#watch();
    for (;;) {
      try {
        const one = await (this.#source ??= await this.#ask()).next();
        if (one.done !== true) {
          if (!this.#begun) await this.#released();
          return { done: false, value: this.#came(one.value) };
        }
      } catch (error) {
        await this.#failed(error);
        continue;
      }
      return this.#settled();
    }
  }

  async #flow(take: TakeSteps): Promise<void> {
    // The first is pulled: until it is there, another target may be asked.
    const first = await this.#next();
    if (first.done === true) return;
    const steps = this.#source;
    if (steps === null) return;
    try {
      await taken(steps, first.value, take);
      await flowed(steps, batch => take(this.#came(batch)));
    } catch (error) {
      if (!(error instanceof NotTaken)) return await this.#failed(error);
      this.#settled();
      throw error;
    }
    this.#settled();
  }

  async #leave(): Promise<typeof DONE> {
    if (this.#over || this.#unwatch === null) {
      this.#over = true;
      return DONE;
    }
    try {
      await this.#source?.return?.();
    } finally {
      this.#settled();
    }
    return DONE;
  }

  async #ask(): Promise<StepSource> {
    if (this.#input.recordFirst) await this.#released();
    return untilBoundary(upstreamSteps(this.#request(), this.#engine), this.boundary)[Symbol.asyncIterator]();
  }

  #came(batch: readonly Step[]): readonly Step[] {
    this.#begun = true;
    const known = counted(batch, this.#placed);
    const last = known.at(-1);
    if (last?.type === 'end') this.#end = last;
    return known;
  }

  /** Places the call elsewhere. @throws PerdureError if that cannot be: then all is over */
  async #failed(error: unknown): Promise<void> {
    const source = this.#source;
    this.#source = null;
    try {
      await source?.return?.();
      await this.#another(error, this.#begun);
    } catch (problem) {
      this.#finish();
      throw problem;
    }
  }

  /** The end was read, or the reader left in the middle. */
  #settled(): typeof DONE {
    const end = this.#end;
    this.#finish();
    this.#meter(
      end === null ? failedEvent(this.#attempt, 'aborted', this.#placed) : completed(this.#attempt, end, this.#placed),
    );
    return DONE;
  }

  #finish(): void {
    this.#over = true;
    this.#unwatch?.();
  }

  /** The answer once it is complete. */
  async answer(): Promise<readonly Step[]> {
    if (!this.#input.whole) return this.#gathered();
    const settle = this.#watch();
    try {
      for (;;) {
        const steps = await this.#whole();
        if (steps !== null) return steps;
      }
    } finally {
      settle();
    }
  }

  async #gathered(): Promise<readonly Step[]> {
    const steps: Step[] = [];
    for await (const batch of this.steps()) steps.push(...batch);
    return steps;
  }

  /** One attempt; null if another is to be made. */
  async #whole(): Promise<readonly Step[] | null> {
    try {
      const steps = counted(await upstreamAnswer(this.#request(), this.#engine), this.#placed);
      await this.#released();
      const last = steps.at(-1);
      this.#meter(completed(this.#attempt, last?.type === 'end' ? last : null, this.#placed));
      return steps;
    } catch (error) {
      await this.#another(error, false);
      return null;
    }
  }

  #request() {
    const { context, call } = this.#input;
    return {
      target: this.#placed.target,
      context,
      settings: call,
      signal: this.#stop.signal,
      again: this.#waited,
      // After the request has gone out: what is written then runs beside the upstream's work.
      onAsked: () => void setImmediate(() => void this.#record()),
    };
  }

  /** The client leaving, its request's time being over, or the deadline of all attempts together, ends the one under way. */
  #watch(): () => void {
    const { signal } = this.#input;
    const onLeft = (): void => this.#stop.abort(signal.reason === 'deadline' ? 'deadline' : 'left');
    const timer = setTimeout(() => this.#stop.abort('deadline'), this.#engine.limits.turnMs);
    if (signal.aborted) onLeft();
    else signal.addEventListener('abort', onLeft, { once: true });
    return () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', onLeft);
    };
  }

  /** Sets the commit of the first placement going, if it is not. */
  #record(): Promise<void> {
    if (this.#commit !== null) return this.#commit;
    const { caller, store, facts } = this.#input;
    killPoint('stateless.before-placement');
    this.#live = this.#engine.sessions.beginAlone(facts.tenant, facts.session, store);
    const admitted: EventBody = {
      type: 'call.admitted',
      head: { home: store.home, origin: facts.origin, subject: this.#input.subject ?? null },
      payload: null,
    };
    return this.#lay([admitted, placedEvent(1, this.#placed, facts.purpose)], actorOf(caller));
  }

  #lay(bodies: readonly EventBody[], actor: string): Promise<void> {
    // What was laid is not held.
    const commit = this.#engine.sessions.commit(this.#mustLive(), bodies, { actor }).then(() => undefined);
    // Waited for before the first byte is released; until then its failure must not count as unhandled.
    commit.catch(() => undefined);
    this.#commit = commit;
    return commit;
  }

  #mustLive(): LiveSession {
    if (this.#live === null) throw new Error('a stateless call is not recorded yet');
    return this.#live;
  }

  async #released(): Promise<void> {
    await this.#record();
    killPoint('stateless.after-placement');
  }

  #failure(error: unknown, begun: boolean): MeterBody {
    // What was never sent, or was refused, cost nothing; what broke is charged at its bound, since nobody knows.
    const nothing = isProviderError(error) && usedNothing(error) && !begun;
    const code = isProviderError(error) ? error.providerError : this.#problem(error).code;
    return failedEvent(this.#attempt, code, nothing ? null : this.#placed);
  }

  /** After a failed attempt: places the call elsewhere, or settles it. @throws PerdureError if it may not be made again, or cannot */
  async #another(error: unknown, begun: boolean): Promise<void> {
    const failed = this.#failure(error, begun);
    try {
      const next = await this.#elsewhere(error, begun, failed);
      await this.#record();
      this.#count(failed);
      this.#attempt += 1;
      this.#placed = next;
      void this.#lay([failed, placedEvent(this.#attempt, next, this.#input.facts.purpose)], 'engine');
    } catch (problem) {
      this.#meter(failed);
      throw problem;
    }
  }

  async #elsewhere(error: unknown, begun: boolean, failed: MeterBody): Promise<PlacedCall> {
    const { placing, limits } = this.#engine;
    const problem = this.#problem(error);
    if (!isProviderError(error) || !error.retryable || begun || this.#attempt >= limits.turnAttempts) throw problem;
    this.#avoid.push(this.#placed.target.id);
    let next = placing.infer({ ...this.#input.facts, avoid: this.#avoid });
    const wait = next.ok || this.#waited ? null : statelessPause(this.#engine, error);
    if (wait !== null) {
      this.#waited = true;
      this.#avoid.pop();
      await pause(wait, this.#stop.signal);
      if (this.#stop.signal.aborted) throw this.#problem(error);
      next = placing.infer({ ...this.#input.facts, avoid: this.#avoid });
    }
    if (!next.ok) throw problem;
    const { facts, caller } = this.#input;
    const capped = this.#engine.spend.hold(spendCall(facts, caller.principal, this.#attempt + 1, next), [failed]);
    if (capped !== null) throw capped;
    return next;
  }

  #problem(error: unknown): PerdureError {
    const { signal } = this.#stop;
    if (signal.aborted && signal.reason === 'deadline') {
      return perdureError('deadline_exceeded', 'The call took longer than this server allows.');
    }
    return isProviderError(error) ? upstreamFailure(error.providerError, error.message, error) : toPerdureError(error);
  }

  #count({ head }: MeterBody): void {
    this.#usage = sumUsage(this.#usage, head.usage);
  }

  #meter(event: MeterBody): void {
    this.#count(event);
    const recorded = this.#record();
    meterLater(this.#engine, { live: this.#mustLive(), event, attempts: this.#attempt, recorded });
  }
}

function placedEvent(call: number, placed: PlacedCall, purpose: string): EventBody {
  const { target, record, reserved } = placed;
  return {
    type: 'call.placed',
    head: { call, purpose, chosen: target.id, placement: record, reserved },
    payload: null,
  };
}

/** Where nobody knows what was used it is the call's bound: the caller is told what the meter says. */
function counted(batch: readonly Step[], { reserved }: PlacedCall): readonly Step[] {
  const last = batch.at(-1);
  if (last?.type !== 'end' || last.usage !== null) return batch;
  return [...batch.slice(0, -1), { ...last, usage: { ...NO_USAGE, ...reserved }, metered: 'bound' }];
}

function completed(call: number, end: StepEnd | null, placed: PlacedCall): MeterBody {
  const metered = end === null ? 'bound' : end.metered;
  const usage = end?.usage ?? { ...NO_USAGE, ...placed.reserved };
  const head = {
    call,
    outcome: end?.outcome ?? 'completed',
    reason: end?.reason ?? null,
    usage,
    upstream: end?.upstream ?? NO_IDS,
    count: 0,
    calls: [],
    ...(metered !== undefined && { metered }),
  };
  return { type: 'call.completed', head, payload: null };
}

/** @param placed null if the call cost nothing: it was not sent, or the upstream refused it */
export function failedEvent(
  call: number,
  code: string,
  placed: { readonly reserved: { readonly input: number; readonly output: number } } | null,
): MeterBody {
  const usage: Usage = {
    input: placed?.reserved.input ?? 0,
    cached: 0,
    output: placed?.reserved.output ?? 0,
    reasoning: 0,
  };
  const metered = placed === null ? 'exact' : 'bound';
  return { type: 'call.failed', head: { call, code, usage, metered, count: 0, upstream: NO_IDS }, payload: null };
}
