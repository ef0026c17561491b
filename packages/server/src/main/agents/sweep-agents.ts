/** What is left of deleted agents goes now and then, once no session names them. */
import { sweepDeletedAgents } from '../../engine/agents/sweep.ts';
import type { ListedAs } from '../../engine/agent-sessions/create.ts';
import type { ResourceRow, Resources } from '../../engine/resources.ts';
import type { TenantId } from '../../kernel/ids.ts';

const EVERY_MS = 3_600_000;
const PAGE = 1_000;

export interface AgentSweep {
  start(): void;
  close(): Promise<void>;
}

export interface AgentSweepOptions {
  readonly store: Resources;
  readonly now: () => number;
  readonly report: (what: string, error: unknown) => void;
  /** ms. */
  readonly everyMs?: number;
}

/** One sweep at a time, the first at once. */
export function agentSweep({ store, now, report, everyMs = EVERY_MS }: AgentSweepOptions): AgentSweep {
  let timer: NodeJS.Timeout | null = null;
  let under: Promise<unknown> | null = null;
  const sweep = (): void => {
    under ??= sweepDeletedAgents(store, now(), (tenant, agent) => isNamed(store, tenant, agent))
      .catch((error: unknown) => report('agent.sweep', error))
      .finally(() => (under = null));
  };
  return {
    start() {
      sweep();
      timer = setInterval(sweep, everyMs).unref();
    },
    async close() {
      if (timer !== null) clearInterval(timer);
      await under;
    },
  };
}

/** Whether a session of the tenant runs the agent: all that are there are looked at, page by page. */
export async function isNamed(store: Resources, tenant: TenantId, agent: string): Promise<boolean> {
  for (let after: string | null = null; ; ) {
    const rows: readonly ResourceRow[] = await store.resources({
      kind: 'agent_session',
      tenant,
      order: 'asc',
      limit: PAGE,
      after,
    });
    if (rows.some(row => (JSON.parse(row.body) as ListedAs).agent === agent)) return true;
    const last = rows.at(-1);
    if (last === undefined || rows.length < PAGE) return false;
    after = last.id;
  }
}
