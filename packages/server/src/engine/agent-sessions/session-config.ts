/** What an agent's session runs: written once per change, and read back from the event that holds it (L1, L11). */
import { perdureError } from '@perdure/protocol';
import type { JsonObject } from '../../log/events.ts';
import type { EngineContext } from '../engine-context.ts';
import { eventAt } from '../event-at.ts';
import type { LiveSession } from '../live-session.ts';

export interface SessionConfig {
  /** In wire form: id, name, and what an agent is made of. */
  readonly agent: JsonObject & { readonly id: string; readonly model: string };
  /** Of the saved agent; 1 for one that came inline. */
  readonly version: number;
  /** In wire form. */
  readonly environment: JsonObject & { readonly type: string };
  readonly vaultIds: readonly string[];
  readonly review: 'none' | 'auto_review';
  /** Cents of USD; null: no limit. */
  readonly spendLimit: number | null;
}

export function configPayload(config: SessionConfig): JsonObject {
  const { agent, environment, vaultIds, review, spendLimit } = config;
  return { agent, environment, vaultIds, review, spendLimit };
}

/** By the session in memory: it goes when that leaves the cache. */
const READ = new WeakMap<LiveSession, { readonly seq: number; readonly config: SessionConfig }>();

/** @param seq of the event that said it; by default what the session's next turn runs */
export async function readConfig(
  engine: EngineContext,
  live: LiveSession,
  seq: number | undefined = live.state?.agent?.seq,
): Promise<SessionConfig> {
  if (seq === undefined)
    throw perdureError('internal_error', undefined, { cause: new Error(`${live.session} has no agent`) });
  const known = READ.get(live);
  if (known?.seq === seq) return known.config;
  const event = await eventAt(engine, live, seq, 'agent.configured');
  if (event === null || event.payload === null) throw perdureError('session_not_found');
  // Written by `configPayload`.
  const config: SessionConfig = {
    ...(event.payload.config as unknown as Omit<SessionConfig, 'version'>),
    version: event.head.version,
  };
  READ.set(live, { seq, config });
  return config;
}
