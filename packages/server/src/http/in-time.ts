/** The time that a request has whose answer is not streamed (`limits.request_ms`), from its first byte on. */
import { perdureError, type PerdureError } from '@perdure/protocol';
import { within } from '../engine/deadline.ts';
import type { Exchange, HttpDeps } from './types.ts';

/**
 * Does `work` within what is left of that time. Its signal aborts when the client leaves, and with the reason `deadline` when the time is over:
 * what is kept nowhere ends then, what is stored goes on.
 * @throws deadline_exceeded, or what `late` makes
 */
export async function inTime<T>(
  { limits }: Pick<HttpDeps, 'limits'>,
  { began, signal }: Pick<Exchange, 'began' | 'signal'>,
  work: (signal: AbortSignal) => Promise<T>,
  late: () => PerdureError = () => perdureError('deadline_exceeded'),
): Promise<T> {
  const stop = new AbortController();
  const onLeft = (): void => stop.abort(signal.reason);
  if (signal.aborted) onLeft();
  else signal.addEventListener('abort', onLeft, { once: true });
  try {
    return await within(Math.max(0, began + limits.requestMs - performance.now()), work(stop.signal), () => {
      stop.abort('deadline');
      return late();
    });
  } finally {
    signal.removeEventListener('abort', onLeft);
  }
}
