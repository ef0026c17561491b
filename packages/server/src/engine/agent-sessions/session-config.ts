/** What an agent's session runs: written once per change, and read back from the event that holds it (L1, L11). */
import { perdureError } from '@perdure/protocol';
import { decodeEvent } from '../../log/codec.ts';
import type { Json, JsonObject } from '../../log/events.ts';
import type { EngineContext } from '../engine-context.ts';
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

export async function readConfig(engine: EngineContext, live: LiveSession): Promise<SessionConfig> {
  const at = live.state?.agent;
  if (at === undefined)
    throw perdureError('internal_error', undefined, { cause: new Error(`${live.session} has no agent`) });
  const known = READ.get(live);
  if (known?.seq === at.seq) return known.config;
  const { tenant, session, store } = live;
  const [stored] = await engine.sessions.wait(store.events({ tenant, session, from: at.seq, to: at.seq, limit: 1 }));
  const event = stored === undefined ? null : decodeEvent({ tenant, session }, stored);
  if (event?.type !== 'agent.configured' || event.payload === null) throw perdureError('session_not_found');
  // Written by `configPayload`.
  const config: SessionConfig = {
    ...(event.payload.config as unknown as Omit<SessionConfig, 'version'>),
    version: event.head.version,
  };
  READ.set(live, { seq: at.seq, config });
  return config;
}

/** The metadata of a session. */
export async function readMetadata(
  engine: EngineContext,
  live: LiveSession,
): Promise<{ readonly [key: string]: string }> {
  const seq = live.state?.metadataSeq ?? 0;
  if (seq === 0) return {};
  const { tenant, session, store } = live;
  const [stored] = await engine.sessions.wait(store.events({ tenant, session, from: seq, to: seq, limit: 1 }));
  const payload: object | null = stored === undefined ? null : decodeEvent({ tenant, session }, stored).payload;
  const found: Json | undefined = payload !== null && 'metadata' in payload ? (payload.metadata as Json) : undefined;
  return (found ?? {}) as { readonly [key: string]: string };
}
