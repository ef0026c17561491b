/** One upstream call under deadlines: whatever the provider does, the engine gets steps or a failure in time. */
import { perdureError, type PerdureError } from '@perdure/protocol';
import type { Step } from '../log/steps.ts';
import { Watchdog } from './deadline.ts';
import type { Placing, ReachableTarget } from './placing.ts';
import { type CallSettings, type Clock, type ContextRun, isProviderError, type ProviderError } from './ports.ts';

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
  const { target, context, settings, signal, onAsked } = request;
  const { clock, limits } = deps;
  const end = deps.placing.begin(target.id);
  const abort = new AbortController();
  const stop = () => abort.abort();
  signal.addEventListener('abort', stop, { once: true });
  const started = clock.monotonic();
  let firstByteMs: number | undefined;
  let chars = 0;
  let complete = false;
  let iterator: AsyncIterator<readonly Step[]> | null = null;
  const watchdog = new Watchdog(() => late(firstByteMs === undefined));
  try {
    if (signal.aborted) throw failure('aborted', 'The call was cancelled.');
    const call = target.provider.call({
      upstream: target.upstream,
      context,
      settings,
      signal: abort.signal,
    });
    onAsked?.();
    iterator = (await watchdog.guard(limits.firstByteMs, call))[Symbol.asyncIterator]();
    for (;;) {
      // A provider that does not listen to its signal still says no more than it is asked for.
      if (signal.aborted) throw failure('aborted', 'The call was cancelled.');
      const wait = firstByteMs === undefined ? limits.firstByteMs : limits.idleMs;
      const { done, value } = await watchdog.guard(wait, iterator.next());
      if (done) break;
      firstByteMs ??= clock.monotonic() - started;
      chars += charsOf(value);
      if (chars > limits.outputChars) throw tooMuch();
      yield value;
    }
    complete = true;
    end('ok', firstByteMs);
  } catch (error) {
    const problem = asProviderError(error, firstByteMs !== undefined);
    end(verdict(problem));
    throw problem;
  } finally {
    watchdog.stop();
    signal.removeEventListener('abort', stop);
    // When the consumer stopped early the socket must not outlive the interest in it. After a complete answer there is nothing to abort.
    if (!complete) abort.abort();
    end('aborted');
    if (!complete) iterator?.return?.().catch(() => undefined);
  }
}

/**
 * The steps of a call whose answer comes in one piece.
 * @throws ProviderError
 */
export async function upstreamAnswer(request: UpstreamRequest, deps: UpstreamDeps): Promise<readonly Step[]> {
  const { target, context, settings, signal, onAsked } = request;
  const { clock, limits } = deps;
  const end = deps.placing.begin(target.id);
  const abort = new AbortController();
  const stop = () => abort.abort();
  signal.addEventListener('abort', stop, { once: true });
  const started = clock.monotonic();
  const watchdog = new Watchdog(() => late(true));
  let complete = false;
  try {
    if (signal.aborted) throw failure('aborted', 'The call was cancelled.');
    const answer = target.provider.answer({ upstream: target.upstream, context, settings, signal: abort.signal });
    onAsked?.();
    const steps = await watchdog.guard(limits.firstByteMs + limits.idleMs, answer);
    if (signal.aborted) throw failure('aborted', 'The call was cancelled.');
    if (charsOf(steps) > limits.outputChars) throw tooMuch();
    complete = true;
    end('ok', clock.monotonic() - started);
    return steps;
  } catch (error) {
    const problem = asProviderError(error, false);
    end(verdict(problem));
    throw problem;
  } finally {
    watchdog.stop();
    signal.removeEventListener('abort', stop);
    if (!complete) abort.abort();
  }
}

function charsOf(steps: readonly Step[]): number {
  let chars = 0;
  for (const step of steps) if (step.type === 'delta') chars += step.text.length;
  return chars;
}

function tooMuch(): ProviderError {
  return failure('upstream_interrupted', 'The target sent more output than this server takes.');
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
