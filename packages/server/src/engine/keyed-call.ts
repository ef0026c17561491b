/**
 * Stateless calls under an idempotency key. The key is spent once the call was answered, and given back if it failed and its caller was told.
 *
 *  - One whose process died, or whose store failed, while it ran is neither: the model may have been called, and the call billed. It is not made
 *    again behind the back of somebody who sent a key so that it be made once: who sends it again is told so, and may take another key.
 */
import { type PerdureError, perdureError } from '@perdure/protocol';
import type { Caller } from './caller.ts';
import { accompaniedTogether } from './choices.ts';
import type { EngineContext } from './engine-context.ts';
import { type Idempotent, reserve, type Reserved } from './idempotency.ts';
import type { StatelessCall } from './stateless.ts';

/** What one key makes: several calls, if they are the choices of one answer. */
export type KeyedCalls = (
  caller: Caller,
  idempotency: Idempotent,
  begin: () => Promise<readonly StatelessCall[]>,
) => Promise<readonly StatelessCall[]>;

const RETRY_MS = 1000;

export function makeKeyedCalls(engine: EngineContext): KeyedCalls {
  // Of this process, which is the only one of its data folder: a key that was begun and is not here died with another.
  const underWay = new Set<string>();

  async function settled(reserved: Reserved, answered: boolean): Promise<void> {
    try {
      if (!answered) await reserved.release();
    } finally {
      underWay.delete(reserved.id);
    }
  }

  return async (caller, idempotency, begin) => {
    const home = engine.homes.all[0];
    if (home === undefined) throw perdureError('store_unavailable');
    const given = { ...idempotency, route: 'stateless', home: home.home };
    const reserved = await reserve(engine, caller, given, underWay);
    if (reserved.type !== 'fresh') throw whyNot(reserved, underWay);
    try {
      return accompaniedTogether(await begin(), {
        answered: () => reserved.done(),
        end: answered => settled(reserved, answered),
      });
    } catch (error) {
      await settled(reserved, false);
      throw error;
    }
  };
}

function whyNot({ type, id }: Reserved, underWay: ReadonlySet<string>): PerdureError {
  if (type === 'done') return perdureError('idempotency_completed');
  if (underWay.has(id)) return perdureError('idempotency_in_progress', undefined, { retryAfterMs: RETRY_MS });
  return perdureError('idempotency_outcome_unknown');
}
