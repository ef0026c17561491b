/** Sessions that contracts no longer let be held where they are, or sold as they were. They are listed, never moved. */
import type { StrandedList, StrandedSession } from '@perdure/protocol';
import type { SessionLog } from '../../engine/ports.ts';
import type { SessionId } from '../../kernel/ids.ts';
import type { SessionRow } from '../../log/rows.ts';
import { decide } from '../../placement/decide.ts';
import { exclusionText } from '../../placement/explain.ts';
import type { Segment } from '../../placement/facts.ts';
import type { Snapshot } from '../../placement/snapshot.ts';
import { type Config, saleOf } from '../config/config.ts';
import { stateIn } from '../../session/project.ts';

/** Sessions that one answer looks at, and that it lists. */
export const LOOKED_AT_MOST = 10_000;
export const LISTED_MOST = 100;
const BATCH = 200;

export interface StrandedQuery {
  readonly stores: readonly Pick<SessionLog, 'home' | 'living'>[];
  readonly config: Pick<Config, 'channels' | 'products' | 'asOf'>;
  readonly snapshot: Snapshot;
  /** The time that contracts see, ms since 1970. */
  readonly at: number;
  /** Null: of every tenant. */
  readonly tenant: string | null;
  /** `home/session` as an earlier answer's `last_id`. */
  readonly after: string | null;
}

export async function strandedSessions(query: StrandedQuery): Promise<StrandedList> {
  const data: StrandedSession[] = [];
  let lookedAt = 0;
  let [home, after] = placeOf(query.after);
  for (const store of query.stores) {
    if (home !== null && store.home !== home) continue;
    home = null;
    for (;;) {
      const rows = await store.living(after, BATCH);
      for (const row of rows) {
        after = row.session;
        lookedAt += 1;
        const found = query.tenant === null || row.tenant === query.tenant ? stranded(row, store.home, query) : null;
        if (found !== null) data.push(found);
        if (data.length >= LISTED_MOST || lookedAt >= LOOKED_AT_MOST)
          return { object: 'list', data, looked_at: lookedAt, has_more: true, last_id: `${store.home}/${after}` };
      }
      if (rows.length < BATCH) break;
    }
    after = null;
  }
  return { object: 'list', data, looked_at: lookedAt, has_more: false, last_id: null };
}

function placeOf(after: string | null): [home: string | null, session: SessionId | null] {
  const cut = after?.indexOf('/') ?? -1;
  return after === null || cut < 0 ? [null, null] : [after.slice(0, cut), after.slice(cut + 1) as SessionId];
}

function stranded(row: SessionRow, home: string, { config, snapshot, at }: StrandedQuery): StrandedSession | null {
  // A session without a cached state is in the middle of something: its next turn asks by itself.
  const state = stateIn(row);
  if (state === null) return null;
  const { origin, labels, use, createdAt } = state;
  const { product, channel } = origin;
  const found = { session: row.session, tenant: row.tenant, home, product, channel };
  const sale = saleOf(config, product, channel);
  if (sale === null) return { ...found, reasons: ['its product or channel is not configured any more'] };
  const session = {
    tenant: row.tenant,
    ...sale,
    segment: origin.segment as Segment,
    stateHeld: origin.stateHeld,
    startedAt: config.asOf?.ms ?? createdAt,
    reading: origin.readings,
    use,
  };
  const call = { vendor: sale.product.vendor, model: '', purpose: 'turn', requestLabels: [] } as const;
  const facts = { session, sessionId: row.session, ...call, sessionLabels: labels, at, inputTokens: 0, outputBound: 0 };
  const decision = decide(snapshot, 'place_state', facts, {}, { only: [home] });
  if (decision.outcome !== 'refused') return null;
  return { ...found, reasons: [...new Set(decision.rows.flatMap(({ exclusions }) => exclusions.map(exclusionText)))] };
}
