/**
 * Sessions in memory: a cache over the log, and the one door through which a session is changed.
 *
 * V1  Every change goes through `commit`, one at a time per session, and shows only after the store said it is durable (L2).
 * V2  When a commit fails or its outcome is not known, the session is forgotten here and read again from the store: the cache is never
 *     ahead of the log (L1), and never guesses.
 * V3  The cache is bounded by bytes; a session whose turn runs, or that someone is at, is not evicted.
 * V4  Of sessions that wait for people only the latest are kept, however many wait (L4).
 */
import { perdureError } from '@perdure/protocol';
import type { SessionId, TenantId } from '../kernel/ids.ts';
import { Slots } from '../kernel/slots.ts';
import type { Envelope, EventBody } from '../log/events.ts';
import { decodeEnvelope } from '../log/codec.ts';
import { stateIn } from '../session/project.ts';
import { reduceAll } from '../session/reduce.ts';
import type { SessionState } from '../session/state.ts';
import { GENESIS, prepare, type ChainTools, type Prepared } from './chain.ts';
import { SessionContext } from './context.ts';
import { within } from './deadline.ts';
import { type Clock, isStoreError, MAX_EVENTS_READ, type SessionLog } from './ports.ts';

/** Roughly what a session takes in memory besides its context: state, queues, its place in the maps. */
const SESSION_BYTES = 2048;
/** Sessions that wait for people and stay in memory: enough for all that are being answered at one time. */
export const WAITING_KEPT = 512;

export interface LiveSession {
  /** Whether it began here, and was not read from its store. */
  readonly begun: boolean;
  readonly tenant: TenantId;
  readonly session: SessionId;
  readonly store: SessionLog;
  state: SessionState | null;
  digest: Uint8Array;
  readonly context: SessionContext;
  /** The tails of the two queues: of commits (V1), and of those who decide on the state before they commit. */
  commits: Promise<unknown>;
  gate: Promise<unknown>;
  /** How many are at it or queue for it: while there are any it is not evicted (V3). */
  users: number;
  /** Its number among those that are begun alone; null: it is none of them. */
  alone: number | null;
  /** Set once the session was forgotten: whoever still holds it must not use it (V2). */
  stale: boolean;
}

export interface CommitOptions {
  readonly actor: string;
  /** Released steps are folded into these events and go. */
  readonly prune?: boolean;
}

export interface SessionsOptions extends ChainTools {
  readonly clock: Clock;
  /** Deadline of one store operation, ms. */
  readonly storeMs: number;
  /** Bytes of context kept in memory over all sessions. */
  readonly cacheBytes: number;
  /** Whether the session's turn runs in this process. */
  readonly atWork?: (live: LiveSession) => boolean;
  /** Sees what has become durable, in the order of the commits and before whoever waits for them. */
  readonly committed?: (events: readonly Envelope[], more: Committed) => void;
}

/** What was committed, and to what. */
export interface Committed {
  readonly live: LiveSession;
  readonly bodies: readonly EventBody[];
  /** The state before; null if the session began. */
  readonly before: SessionState | null;
}

/** Events, or how they are made when their time has come: after all commits before them. */
export type Bodies = readonly EventBody[] | (() => readonly EventBody[]);

export class Sessions {
  readonly #options: SessionsOptions;
  /** In order of use: the first is the one used least recently. */
  readonly #live = new Map<SessionId, LiveSession>();
  /** By tenant too: who asks for what is foreign must not answer for its owner (L10). */
  readonly #loading = new Map<string, Promise<LiveSession | null>>();
  /** Those that are begun alone: they come and go by the thousand, and hardly anybody looks for one. */
  readonly #alone = new Slots<LiveSession>();
  /** Those that wait for people, in order of use. */
  readonly #waiting = new Set<LiveSession>();
  #bytes = 0;

  constructor(options: SessionsOptions) {
    this.#options = options;
  }

  /** A session that does not exist yet; its first commit begins its log. */
  begin(tenant: TenantId, session: SessionId, store: SessionLog): LiveSession {
    const live = this.#entry(tenant, session, store, true);
    this.#keep(live);
    return live;
  }

  /** The same for a log that is written by who begins it and by nobody else: it is here until it is forgotten, and not among those that are kept. */
  beginAlone(tenant: TenantId, session: SessionId, store: SessionLog): LiveSession {
    const live = this.#entry(tenant, session, store, true);
    live.alone = this.#alone.add(live);
    return live;
  }

  #keep(live: LiveSession): void {
    this.#live.set(live.session, live);
    this.grew(SESSION_BYTES, live);
  }

  #entry(tenant: TenantId, session: SessionId, store: SessionLog, begun: boolean): LiveSession {
    return {
      begun,
      tenant,
      session,
      store,
      state: null,
      digest: GENESIS,
      context: new SessionContext(),
      commits: Promise.resolve(),
      gate: Promise.resolve(),
      users: 0,
      alone: null,
      stale: false,
    };
  }

  /** The session, from memory or from its store; null if the tenant has none of that id (L10). */
  async load(tenant: TenantId, session: SessionId, store: SessionLog): Promise<LiveSession | null> {
    const cached = this.#live.get(session);
    if (cached !== undefined) {
      this.#live.delete(session);
      this.#live.set(session, cached);
      this.rest(cached);
      return ownedBy(tenant, cached);
    }
    const alone = this.#findAlone(session);
    if (alone !== null) return ownedBy(tenant, alone);
    // One load serves all who ask meanwhile: two copies of a session in one process would fight over its fence.
    const key = `${tenant} ${session}`;
    let loading = this.#loading.get(key);
    if (loading === undefined) {
      loading = this.#read(tenant, session, store).finally(() => this.#loading.delete(key));
      this.#loading.set(key, loading);
    }
    return loading;
  }

  #findAlone(session: SessionId): LiveSession | null {
    for (const live of this.#alone) if (live.session === session) return live;
    return null;
  }

  async #read(tenant: TenantId, session: SessionId, store: SessionLog): Promise<LiveSession | null> {
    const row = await this.wait(store.session(tenant, session));
    if (row === null) return null;
    const live = this.#entry(tenant, session, store, false);
    live.digest = row.digest;
    live.state = stateIn(row) ?? (await this.#fold(tenant, session, store));
    // It may have begun here while it was read: one copy is enough, and that one may be ahead.
    const begun = this.#live.get(session) ?? this.#findAlone(session);
    if (begun !== null) return ownedBy(tenant, begun);
    this.#keep(live);
    this.rest(live);
    return live;
  }

  async #fold(tenant: TenantId, session: SessionId, store: SessionLog): Promise<SessionState> {
    let state: SessionState | null = null;
    for (let from = 1; ; from += MAX_EVENTS_READ) {
      const stored = await this.wait(store.events({ tenant, session, from, limit: MAX_EVENTS_READ }));
      if (stored.length === 0 && state !== null) return state;
      const reduced = reduceAll(
        state,
        stored.map(event => decodeEnvelope({ tenant, session }, event)),
      );
      if (!reduced.ok)
        throw perdureError('internal_error', undefined, { cause: new Error(`${session}: ${reduced.message}`) });
      state = reduced.state;
      if (stored.length < MAX_EVENTS_READ) return state;
    }
  }

  /**
   * Runs `change` alone among those that look at the session before they change it. A running turn does not queue here: what it
   * commits meanwhile (V1) concerns nobody else, and what others commit does not concern it.
   */
  exclusive<T>(live: LiveSession, change: () => Promise<T>): Promise<T> {
    live.users += 1;
    const result = live.gate.then(change).finally(() => {
      live.users -= 1;
    });
    live.gate = settled(result);
    return result;
  }

  /** Lays events on the session's log, durably, after all commits before it. */
  commit(live: LiveSession, bodies: Bodies, options: CommitOptions): Promise<Prepared> {
    const result = live.commits.then(() => this.#commit(live, bodies, options));
    live.commits = settled(result);
    return result;
  }

  async #commit(live: LiveSession, given: Bodies, options: CommitOptions): Promise<Prepared> {
    if (live.stale)
      throw perdureError('store_unavailable', 'The session is being read again after a failed write; try again.', {
        retryAfterMs: 1000,
      });
    const { tenant, session, store } = live;
    const before = live.state;
    const bodies = typeof given === 'function' ? given() : given;
    const prepared = prepare(
      live,
      { tenant, session, actor: options.actor, at: this.#options.clock.now() },
      bodies,
      this.#options,
    );
    try {
      const { events, changes, row } = prepared;
      const append = {
        tenant,
        session,
        expectedSeq: before?.seq ?? 0,
        expectedEpoch: before?.epoch ?? 0,
        events,
        changes,
        row,
        prune: options.prune ?? false,
      };
      const result = await this.wait(store.append(append));
      if (!result.ok) {
        throw result.reason === 'response_exists'
          ? perdureError('idempotency_in_progress')
          : perdureError('conversation_locked', 'The session is being continued by someone else.', {
              cause: new Error(result.reason),
            });
      }
    } catch (error) {
      this.forget(live);
      throw error;
    }
    live.state = prepared.state;
    live.digest = prepared.row.digest;
    this.#options.committed?.(prepared.envelopes, { live, bodies, before });
    return prepared;
  }

  /** Waits for the store no longer than its deadline, and turns its errors into the catalogue's. */
  async wait<T>(work: Promise<T>): Promise<T> {
    try {
      return await within(this.#options.storeMs, work, () =>
        perdureError('store_unavailable', 'The store did not answer in time.', { retryAfterMs: 1000 }),
      );
    } catch (error) {
      if (!isStoreError(error)) throw error;
      if (error.storeError === 'store_full') throw perdureError('store_full', undefined, { cause: error });
      throw perdureError('store_unavailable', undefined, { cause: error, retryAfterMs: 1000 });
    }
  }

  forget(live: LiveSession): void {
    if (live.stale) return;
    live.stale = true;
    if (live.alone !== null) return void this.#alone.take(live.alone);
    if (this.#live.get(live.session) === live) this.#live.delete(live.session);
    this.#waiting.delete(live);
    this.#bytes -= live.context.bytes + SESSION_BYTES;
  }

  /**
   * Says that the context of a session grew by `bytes`; evicts what was used least recently and is not at work.
   * @param kept not evicted in its own favour
   */
  grew(bytes: number, kept: LiveSession | null = null): void {
    this.#bytes += bytes;
    if (this.#bytes <= this.#options.cacheBytes) return;
    for (const live of this.#live.values()) {
      if (this.#bytes <= this.#options.cacheBytes) return;
      if (live !== kept && this.#mayGo(live)) this.forget(live);
    }
  }

  /** Says that the session was used: if it waits for people, it takes the place of the one that was used least recently (V4). */
  rest(live: LiveSession): void {
    this.#waiting.delete(live);
    if (live.stale || live.state?.phase !== 'waiting') return;
    this.#waiting.add(live);
    for (const one of this.#waiting) {
      if (this.#waiting.size <= WAITING_KEPT || one === live) return;
      if (one.state?.phase !== 'waiting') this.#waiting.delete(one);
      else if (this.#mayGo(one)) this.forget(one);
    }
  }

  #mayGo(live: LiveSession): boolean {
    if (live.state === null || live.users > 0) return false;
    return live.state.turn === null || (live.state.phase === 'waiting' && this.#options.atWork?.(live) !== true);
  }

  get size(): number {
    return this.#live.size;
  }
}

/** Null if it is another tenant's (L10), or has not begun. */
function ownedBy(tenant: TenantId, live: LiveSession): LiveSession | null {
  return live.tenant === tenant && live.state !== null ? live : null;
}

/** Once it is over, whatever came of it. What came of it is not held: a session in the cache would keep its last turn and all its events. */
function settled(work: Promise<unknown>): Promise<void> {
  return work.then(
    () => undefined,
    () => undefined,
  );
}
