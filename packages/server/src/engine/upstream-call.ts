/** One upstream call under deadlines: whatever the provider does, the engine gets steps or a failure in time. */
import { perdureError, type PerdureError } from '@perdure/protocol';
import type { Step } from '../log/steps.ts';
import { Watchdog } from './deadline.ts';
import { flowed, NotTaken, type StepSource, taken, type TakeSteps } from './flow.ts';
import type { Placing, ReachableTarget } from './placing.ts';
import {
  type CallSettings,
  type Clock,
  type ContextRun,
  isProviderError,
  type Provider,
  type ProviderCall,
  type ProviderError,
} from './ports.ts';

export interface CallLimits {
  /** From the request to the first step, ms. The provider has its own, shorter ones; this one holds if it forgets them. */
  readonly firstByteMs: number;
  /** Between two batches of steps, ms. */
  readonly idleMs: number;
  /** Characters of deltas that one call may produce. */
  readonly outputChars: number;
}

export interface UpstreamRequest {
  readonly target: ReachableTarget;
  readonly context: readonly ContextRun[];
  readonly settings: CallSettings;
  readonly signal: AbortSignal;
  /** The target failed at this call before: that it does so again says nothing new of its health, for it may be the call that is at fault. */
  readonly again?: boolean;
  /** Called once the request is on its way. */
  readonly onAsked?: () => void;
}

export interface UpstreamDeps {
  readonly placing: Placing;
  readonly clock: Clock;
  readonly limits: CallLimits;
}

/**
 * The steps of a call, batch by batch. Health is accounted; the upstream is let go on every way out.
 * @throws ProviderError
 */
export function upstreamSteps(request: UpstreamRequest, deps: UpstreamDeps): AsyncIterable<readonly Step[]> {
  return { [Symbol.asyncIterator]: () => new UpstreamSteps(request, deps) };
}

type Result = IteratorResult<readonly Step[], undefined>;
const DONE: Result = { done: true, value: undefined };

/** By hand and not as a generator, which costs each piece of a stream four promises. One pull at a time; nothing is asked before the first. */
class UpstreamSteps implements StepSource {
  readonly #request: UpstreamRequest;
  readonly #deps: UpstreamDeps;
  #call: UpstreamCall | null = null;
  #steps: StepSource | null = null;
  #over = false;

  constructor(request: UpstreamRequest, deps: UpstreamDeps) {
    this.#request = request;
    this.#deps = deps;
  }

  next(): Promise<Result> {
    if (this.#over) return Promise.resolve(DONE);
    if (this.#call !== null && this.#steps !== null) return this.#pull(this.#call, this.#steps);
    const call = new UpstreamCall(this.#request, this.#deps);
    this.#call = call;
    return this.#first(call);
  }

  async flow(take: TakeSteps): Promise<void> {
    if (this.#call === null) {
      const first = await this.next();
      if (first.done !== true) await taken(this, first.value, take);
    }
    const [call, steps] = [this.#call, this.#steps];
    if (call !== null && steps !== null && !this.#over) await this.#flow(call, steps, take);
  }

  async #flow(call: UpstreamCall, steps: StepSource, take: TakeSteps): Promise<void> {
    const came: TakeSteps = batch => {
      call.mustGoOn();
      call.came(batch);
      const full = take(batch);
      if (full === undefined) return call.waitsAgain();
      call.waitsForReader();
      return full.then(() => call.waitsAgain());
    };
    // Not before it is waited for: what lies ready comes at once, and may find no room.
    const flowing = Promise.resolve().then(() => flowed(steps, came));
    try {
      await call.wait(this.#deps.limits.idleMs, flowing);
      call.completed();
    } catch (error) {
      if (!(error instanceof NotTaken)) throw this.#failed(error);
      this.#close();
      throw error;
    }
    this.#close();
  }

  return(): Promise<Result> {
    this.#close();
    return Promise.resolve(DONE);
  }

  async #first(call: UpstreamCall): Promise<Result> {
    let steps: StepSource;
    try {
      const asked = call.ask((provider, one) => provider.call(one));
      steps = (await call.wait(this.#deps.limits.firstByteMs, asked))[Symbol.asyncIterator]();
    } catch (error) {
      throw this.#failed(error);
    }
    this.#steps = steps;
    return this.#pull(call, steps);
  }

  #pull(call: UpstreamCall, steps: StepSource): Promise<Result> {
    const { firstByteMs, idleMs } = this.#deps.limits;
    try {
      // A provider that does not listen to its signal still says no more than it is asked for.
      call.mustGoOn();
      return call.wait(call.begun ? idleMs : firstByteMs, steps.next()).then(this.#came, this.#broke);
    } catch (error) {
      return Promise.reject(this.#failed(error));
    }
  }

  readonly #came = (result: IteratorResult<readonly Step[]>): Result => {
    try {
      if (result.done !== true) {
        this.#call?.came(result.value);
        return result;
      }
      this.#call?.completed();
    } catch (error) {
      throw this.#failed(error);
    }
    this.#close();
    return DONE;
  };

  readonly #broke = (error: unknown): never => {
    throw this.#failed(error);
  };

  #failed(error: unknown): unknown {
    const problem = this.#call?.failed(error) ?? error;
    this.#close();
    return problem;
  }

  /** When the consumer stopped early the socket must not outlive the interest in it. */
  #close(): void {
    if (!this.#over && this.#call?.close() === false) this.#steps?.return?.().catch(() => undefined);
    this.#over = true;
  }
}

/**
 * The steps of a call whose answer comes in one piece. Health is accounted; the upstream is let go on every way out.
 * @throws ProviderError
 */
export async function upstreamAnswer(request: UpstreamRequest, deps: UpstreamDeps): Promise<readonly Step[]> {
  const { limits } = deps;
  const call = new UpstreamCall(request, deps);
  try {
    const asked = call.ask((provider, one) => provider.answer(one));
    const steps = await call.wait(limits.firstByteMs + limits.idleMs, asked);
    call.mustGoOn();
    call.came(steps);
    call.completed();
    return steps;
  } catch (error) {
    throw call.failed(error);
  } finally {
    call.close();
  }
}

/** What both forms of a call share: its abort, its deadlines, the bound of its output, the account of its target's health. */
class UpstreamCall {
  readonly #request: UpstreamRequest;
  readonly #deps: UpstreamDeps;
  readonly #end: ReturnType<Placing['begin']>;
  readonly #abort = new AbortController();
  /** What is waited for ends now, also if the provider does not listen. */
  readonly #stop = () => {
    this.#abort.abort();
    this.#watchdog.fail(cancelled());
  };
  readonly #started: number;
  readonly #watchdog = new Watchdog(() => late(!this.begun));
  #firstByteMs: number | undefined;
  #chars = 0;
  #asked = false;
  #complete = false;

  constructor(request: UpstreamRequest, deps: UpstreamDeps) {
    this.#request = request;
    this.#deps = deps;
    this.#end = deps.placing.begin(request.target.id);
    this.#started = deps.clock.monotonic();
    request.signal.addEventListener('abort', this.#stop, { once: true });
  }

  /** Whether anything has come. */
  get begun(): boolean {
    return this.#firstByteMs !== undefined;
  }

  /** @throws ProviderError if it is cancelled already */
  ask<T>(how: (provider: Provider, call: ProviderCall) => Promise<T>): Promise<T> {
    const { target, context, settings, onAsked } = this.#request;
    this.mustGoOn();
    this.#asked = true;
    const asked = how(target.provider, { upstream: target.upstream, context, settings, signal: this.#abort.signal });
    onAsked?.();
    return asked;
  }

  wait<T>(ms: number, work: Promise<T>): Promise<T> {
    return this.#watchdog.guard(ms, work);
  }

  /** Of the work that is waited for, more is due within its time from now on. */
  waitsAgain(): undefined {
    this.#watchdog.again();
  }

  /** It is the reader who is waited for, until `waitsAgain`. */
  waitsForReader(): void {
    this.#watchdog.rest();
  }

  /** @throws ProviderError once it is cancelled */
  mustGoOn(): void {
    if (this.#request.signal.aborted) throw cancelled();
  }

  /** @throws ProviderError if that is more than a call may bring */
  came(steps: readonly Step[]): void {
    this.#firstByteMs ??= this.#deps.clock.monotonic() - this.#started;
    for (const step of steps) if (step.type === 'delta') this.#chars += step.text.length;
    if (this.#chars > this.#deps.limits.outputChars)
      throw failure('upstream_interrupted', 'The target sent more output than this server takes.');
  }

  completed(): void {
    this.#complete = true;
    this.#end('ok', this.#firstByteMs);
  }

  failed(error: unknown): ProviderError {
    const problem = asProviderError(error, this.begun, !this.#asked || wasUnsent(error));
    const end = verdict(problem);
    this.#end(end === 'failed' && this.#request.again === true ? 'aborted' : end);
    return problem;
  }

  /** Lets go of everything, however it went. @returns whether the answer was complete: then there is nothing to abort */
  close(): boolean {
    this.#watchdog.stop();
    this.#request.signal.removeEventListener('abort', this.#stop);
    if (!this.#complete) this.#abort.abort();
    this.#end('aborted');
    return this.#complete;
  }
}

function cancelled(): ProviderError {
  return failure('aborted', 'The call was cancelled.');
}

function late(first: boolean): PerdureError {
  return perdureError(
    'upstream_timeout',
    first ? 'The target did not answer in time.' : 'The target stopped answering.',
  );
}

/** The brand of a failure before anything was written, whatever else it is. */
const wasUnsent = (error: unknown): boolean => error instanceof Error && 'unsent' in error && error.unsent === true;

function asProviderError(error: unknown, begun: boolean, unsent: boolean): ProviderError {
  const problem = branded(error, begun);
  return unsent ? Object.assign(problem, { unsent: true as const }) : problem;
}

function branded(error: unknown, begun: boolean): ProviderError {
  if (isProviderError(error)) return error;
  const timedOut = error instanceof Error && 'code' in error && error.code === 'upstream_timeout';
  if (timedOut) return failure(begun ? 'upstream_interrupted' : 'upstream_timeout', error.message, !begun);
  return failure('upstream_error', 'The call to the target failed.', false, error);
}

function failure(
  kind: ProviderError['providerError'],
  message: string,
  retryable = false,
  cause?: unknown,
): ProviderError {
  const error = new Error(message, cause === undefined ? undefined : { cause });
  return Object.assign(error, {
    providerError: kind,
    retryable,
    retryAfterMs: null,
    status: null,
    param: null,
    requestId: null,
  });
}

function verdict(error: ProviderError): 'aborted' | 'ok' | 'failed' | { fullForMs: number } {
  switch (error.providerError) {
    case 'aborted':
      return 'aborted';
    case 'upstream_rate_limited':
      return { fullForMs: error.retryAfterMs ?? 1000 };
    // The target answered as it should: the request was at fault.
    case 'upstream_rejected':
    case 'upstream_invalid_request':
    case 'context_length_exceeded':
      return 'ok';
    case 'upstream_error':
    case 'upstream_timeout':
    case 'upstream_interrupted':
    case 'upstream_credentials':
      return 'failed';
  }
}
