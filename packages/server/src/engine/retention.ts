/**
 * How long what is stored lives, and what may not be erased. A lifetime is counted on every read, so that what is over is absent at once;
 * `retention-sweep.ts` erases it afterwards. A hold outranks erasure and nothing else: what is deleted or over is hidden all the same, so
 * that the tenant cannot tell.
 */
import type { SessionId, TenantId } from '../kernel/ids.ts';
import type { ResponseRow } from '../log/rows.ts';
import type { SessionState } from '../session/state.ts';
import type { EngineContext } from './engine-context.ts';

export interface Retention {
  /** From the moment a response was begun, ms; null: for ever. */
  responsesMs(tenant: TenantId): number | null;
  /** From the last change of a conversation, ms; null: for ever. */
  conversationsMs(tenant: TenantId): number | null;
  /** Whether a legal hold keeps the session's content. Answers at once: it is asked right before an erasure. */
  held(tenant: TenantId, session: SessionId): boolean;
  /** Between two sweeps, ms. */
  readonly sweepMs: number;
}

/** Nothing ends by itself and nothing is held. */
export const KEEP_ALL: Retention = {
  responsesMs: () => null,
  conversationsMs: () => null,
  held: () => false,
  sweepMs: 10_000,
};

type Policy = Pick<EngineContext, 'retention' | 'clock'>;

/** Whether the lifetime of a response is over. One that runs is not ended by its age. */
export function responseExpired({ retention, clock }: Policy, tenant: TenantId, row: ResponseRow): boolean {
  const ms = retention.responsesMs(tenant);
  return ms !== null && row.toSeq > 0 && row.createdAt + ms <= clock.now();
}

/** Whether a conversation has lain unchanged for its whole lifetime. */
export function conversationExpired(
  { retention, clock }: Policy,
  { tenant, turn, updatedAt }: Pick<SessionState, 'tenant' | 'turn' | 'updatedAt'>,
): boolean {
  const ms = retention.conversationsMs(tenant);
  return ms !== null && turn === null && updatedAt + ms <= clock.now();
}
