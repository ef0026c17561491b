/** The meter of a stateless call: committed after its client was answered. */
import { toPerdureError } from '@perdure/protocol';
import type { EventBody } from '../log/events.ts';
import type { EngineContext } from './engine-context.ts';
import { killPoint } from './kill-point.ts';
import type { LiveSession } from './live-session.ts';

export type MeterBody = Extract<EventBody, { type: 'call.completed' | 'call.failed' }>;

export interface Metered {
  readonly live: LiveSession;
  readonly event: MeterBody;
  /** Targets that were asked. */
  readonly attempts: number;
  /** The commit of the placement in force; it does not count as unhandled if it fails. */
  readonly recorded: Promise<void>;
}

/**
 * Commits the meter without keeping the client waiting. If that fails, recovery closes the reservation at its bound, here or in the next process.
 * Some dozens of calls wait for it at any time, so it is given what it needs and nothing that leads to the rest of its call: what waits is what a young
 * collection copies.
 */
export function meterLater(engine: EngineContext, { live, event, attempts, recorded }: Metered): void {
  killPoint('stateless.before-meter');
  const { sessions, finishing } = engine;
  finishing.count += 1;
  void engine.tail
    .turn()
    .then(() => recorded)
    .then(() => sessions.commit(live, [event], { actor: 'engine' }))
    .catch(error => {
      engine.report('stateless.meter', toPerdureError(error));
      for (let call = 1; call <= attempts + 1; call++) engine.spend.doubt(live.session, call);
      engine.recoverLater(live);
    })
    .finally(() => {
      sessions.forget(live);
      finishing.count -= 1;
    });
}
