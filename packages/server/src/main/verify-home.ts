/** Recomputes the chain of every session log of a home (L13): what `perdure doctor` says beyond the store's own check. */
import { GENESIS, verifyChain } from '../engine/chain.ts';
import type { Sha256 } from '../engine/ports.ts';
import type { SessionId, TenantId } from '../kernel/ids.ts';
import type { HomeStore } from '../store/home-store.ts';

export interface HomeVerified {
  readonly sessions: number;
  readonly events: number;
  /** One line each; at most `MAX_FAULTS`. */
  readonly faults: readonly string[];
}

/** Further ones would say nothing new. */
export const MAX_FAULTS = 100;
/** Events read at once. */
const BATCH = 200;

type Verifiable = Pick<HomeStore, 'outbox' | 'events' | 'session'>;
interface Place {
  readonly tenant: TenantId;
  readonly session: SessionId;
}

export async function verifyHome(store: Verifiable, sha256: Sha256): Promise<HomeVerified> {
  const faults: string[] = [];
  let events = 0;
  let sessions = 0;
  for await (const place of sessionsOf(store)) {
    sessions += 1;
    const found = await verifySession(store, place, sha256);
    events += found.events;
    if (found.fault !== null && faults.length < MAX_FAULTS) faults.push(`${place.session}: ${found.fault}`);
  }
  return { sessions, events, faults };
}

/** Every session that ever got an event, by the outbox. */
async function* sessionsOf(store: Verifiable): AsyncGenerator<Place> {
  const seen = new Set<string>();
  for (let after = 0; ; ) {
    const rows = await store.outbox(after, BATCH);
    for (const { tenant, session, position } of rows) {
      after = position;
      const key = `${tenant}\n${session}`;
      if (seen.has(key)) continue;
      seen.add(key);
      yield { tenant, session };
    }
    if (rows.length === 0) return;
  }
}

async function verifySession(
  store: Verifiable,
  place: Place,
  sha256: Sha256,
): Promise<{ events: number; fault: string | null }> {
  const row = await store.session(place.tenant, place.session);
  let digest = GENESIS;
  let last = 0;
  for (;;) {
    const events = await store.events({ ...place, from: last + 1, limit: BATCH });
    const end = events.at(-1);
    if (end === undefined) break;
    const verified = verifyChain(place, events, digest, sha256);
    if (!verified.ok) return { events: last, fault: `event ${verified.seq}: ${verified.why}` };
    digest = verified.digest;
    last = end.seq;
  }
  if (row === null) return { events: last, fault: 'it has no row' };
  if (row.seq !== last) return { events: last, fault: `its row stands at event ${row.seq}, its log ends at ${last}` };
  return {
    events: last,
    fault: Buffer.compare(row.digest, digest) === 0 ? null : 'its row has not the digest of its last event',
  };
}
