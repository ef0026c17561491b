/** Deadlines: no wait of the engine is without one. */
import type { PerdureError } from '@perdure/protocol';

/**
 * Waits for `work` no longer than `ms`; then fails with what `late` makes. The work itself is not stopped: give it a signal if it can be.
 * No timer is left behind.
 */
export async function within<T>(ms: number, work: Promise<T>, late: () => PerdureError): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const expired = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(late()), ms);
  });
  try {
    return await Promise.race([work, expired]);
  } finally {
    clearTimeout(timer);
  }
}
