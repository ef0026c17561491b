/** The metadata of a session, as its client last gave it. */
import type { Metadata } from '@perdure/protocol';
import type { EngineContext } from './engine-context.ts';
import { eventAt } from './event-at.ts';
import type { LiveSession } from './live-session.ts';

/** {} if there is none, or it was erased. */
export async function readMetadata(engine: EngineContext, live: LiveSession): Promise<Metadata> {
  const seq = live.state?.metadataSeq ?? 0;
  if (seq === 0) return {};
  const event = await eventAt(engine, live, seq, 'session.created', 'session.updated');
  return (event?.payload?.metadata ?? {}) as Metadata;
}
