import type { Retention } from '../../engine/retention.ts';
import type { RetentionConfig } from '../config/config.ts';
import type { HoldBook } from './hold-book.ts';

/** Lifetimes as configured, and the holds that stand. */
export function retentionWith({ lifetime, tenants, sweepMs }: RetentionConfig, holds: HoldBook): Retention {
  return {
    responsesMs: tenant => (tenants.get(tenant) ?? lifetime).responsesMs,
    conversationsMs: tenant => (tenants.get(tenant) ?? lifetime).conversationsMs,
    held: (tenant, session) => holds.held(tenant, session),
    sweepMs,
  };
}
