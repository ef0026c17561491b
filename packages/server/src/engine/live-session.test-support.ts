import type { HomeId, SessionId, TenantId } from '../kernel/ids.ts';
import type { Clock } from '../kernel/clock.ts';
import type { EventBody } from '../log/events.ts';
import type { HomeStore } from '../store/home-store.ts';
import { emptyMemoryData } from '../store/memory/memory-data.ts';
import { openMemoryHome } from '../store/memory/open-memory-home.ts';
import { type LiveSession, Sessions } from './live-session.ts';
import { gate, NOON, sha256 } from './world.test-support.ts';

export const ACME = 'acme' as TenantId;
export const RIVAL = 'rival' as TenantId;
export const ID = 'sess_1' as SessionId;
export const clock: Clock = { now: () => NOON, monotonic: () => 0 };
export const actor = 'key:test';

const origin = { product: 'api', channel: 'direct', segment: 'commercial', stateHeld: true, readings: {} };
export const created: EventBody = {
  type: 'session.created',
  head: {
    kind: 'conversation',
    home: 'local' as HomeId,
    owner: 'proc_1',
    origin,
    lineage: [],
    labels: [],
    openCalls: [],
    continues: null,
  },
  payload: { metadata: {} },
};
export const labelled = (label: string): EventBody => ({
  type: 'session.labelled',
  head: { labels: [label] },
  payload: null,
});
export const claimed: EventBody = { type: 'session.claimed', head: { owner: 'proc_2' }, payload: null };

export function sessions(cacheBytes = 1_000_000, storeMs = 200): Sessions {
  return new Sessions({ clock, storeMs, cacheBytes, sha256, salt: () => new Uint8Array(16) });
}

export function stores(wrap: (store: HomeStore) => HomeStore = (store: HomeStore): HomeStore => store): {
  readonly store: HomeStore;
  readonly plain: HomeStore;
} {
  const data = emptyMemoryData();
  const open = (): HomeStore => openMemoryHome({ home: 'local' as HomeId, clock, data });
  return { store: wrap(open()), plain: open() };
}

/** A store whose rows of sessions are read once `held` is opened. */
export function readHeld(): { readonly store: HomeStore; readonly held: ReturnType<typeof gate> } {
  const held = gate();
  const { store } = stores(inner => ({
    ...inner,
    session: async (...asked) => {
      await held.opened;
      return inner.session(...asked);
    },
  }));
  return { store, held };
}

export async function begun(cache: Sessions, store: HomeStore, id: SessionId = ID): Promise<LiveSession> {
  const live = cache.begin(ACME, id, store);
  await cache.commit(live, [created], { actor });
  return live;
}
