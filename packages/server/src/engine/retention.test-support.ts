/** Lifetimes and holds that a test sets, and what a world still holds of its content. */
import type { SessionId, TenantId } from '../kernel/ids.ts';
import type { Retention } from './retention.ts';
import type { World } from './world.test-support.ts';

export class TestRetention implements Retention {
  readonly sweepMs = 60_000;
  responses: number | null = null;
  conversations: number | null = null;
  readonly tenants: Set<TenantId> = new Set();
  readonly sessions: Set<SessionId> = new Set();

  responsesMs(): number | null {
    return this.responses;
  }
  conversationsMs(): number | null {
    return this.conversations;
  }
  held(tenant: TenantId, session: SessionId): boolean {
    return this.tenants.has(tenant) || this.sessions.has(session);
  }
}

/** Everything that the home `local` holds of anybody's content, as text. */
export function content(world: World): string {
  const texts: string[] = [];
  for (const { events, journal } of world.data.get('local')?.sessions.values() ?? []) {
    for (const { payload } of events) if (payload !== null) texts.push(payload);
    texts.push(...journal.map(({ steps }) => steps));
  }
  return texts.join('\n');
}
