/** One upstream call under deadlines: whatever the provider does, the engine gets steps or a failure in time. */
import { perdureError, type PerdureError } from '@perdure/protocol';
import type { Step } from '../log/steps.ts';
import { Watchdog } from './deadline.ts';
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
export async function* upstreamSteps(request: UpstreamRequest, deps: UpstreamDeps): AsyncGenerator<readonly Step[]> {
  const { limits } = deps;
  const call = new UpstreamCall(request, deps);
  let iterator: AsyncIterator<readonly Step[]> | null = null;
  try {
    const asked = call.ask((provider, one) => provider.call(one));
    iterator = (await call.wait(limits.firstByteMs, asked))[Symbol.asyncIterator]();
    for (;;) {
      // A provider that does not listen to its signal still says no more than it is asked for.
      call.mustGoOn();
      const { done, value } = await call.wait(call.begun ? limits.idleMs : limits.firstByteMs, iterator.next());
      if (done) break;
      call.came(value);
      yield value;
    }
    call.completed();
  } catch (error) {
    throw call.failed(error);
  } finally {
    // When the consumer stopped early the socket must not outlive the interest in it.
    if (!call.close()) iterator?.return?.().catch(() => undefined);
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
    const asked = how(target.provider, { upstream: target.upstream, context, settings, signal: this.#abort.signal });
    onAsked?.();
    return asked;
  }

  wait<T>(ms: number, work: Promise<T>): Promise<T> {
    return this.#watchdog.guard(ms, work);
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
    const problem = asProviderError(error, this.begun);
    this.#end(verdict(problem));
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

function asProviderError(error: unknown, begun: boolean): ProviderError {
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
    case 'context_length_exceeded':
      return 'ok';
    case 'upstream_error':
    case 'upstream_timeout':
    case 'upstream_interrupted':
    case 'upstream_credentials':
      return 'failed';
  }
}
