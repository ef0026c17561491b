/**
 * Follows the events of the homes into rows of the control home: what is listed across sessions, and what others are told.
 *
 * N1  What follows from an event, and how far was followed, are one commit: whatever process dies when, each event has its effect once.
 * N2  The events of a home take effect in the order of its commits.
 * N3  What is made so is derived (L1): nothing is decided by it that the log could contradict.
 * N4  Events that nothing follows from move the place only now and then: each note is a commit, and whoever begins a turn waits for it. A process
 *     that dies has its last ones looked at again.
 */
import type { SessionId, TenantId } from '../../kernel/ids.ts';
import { decodeEnvelope, EVENT_CODES } from '../../log/codec.ts';
import type { Envelope, EventType } from '../../log/events.ts';
import type { SessionRow } from '../../log/rows.ts';
import type { SessionLog } from '../ports.ts';
import { MAX_RESOURCE_CHANGES, type ResourceChange, type ResourceRow, type Resources } from '../resources.ts';

/** An envelope as a store has it. */
interface Head {
  readonly position: number;
  readonly tenant: TenantId;
  readonly session: SessionId;
  readonly kind: SessionRow['kind'];
  readonly seq: number;
  readonly at: number;
  readonly actor: string;
  readonly code: number;
  readonly version: number;
  readonly head: string;
}

/** A home that can be followed. */
export interface FedHome extends SessionLog {
  heads(query: {
    readonly codes: readonly number[];
    readonly after: number;
    readonly limit: number;
  }): Promise<{ readonly rows: readonly Head[]; readonly to: number }>;
}

export interface FedEvent {
  readonly home: FedHome;
  /** In the order of the home's commits. */
  readonly position: number;
  /** Of the session. */
  readonly kind: SessionRow['kind'];
  readonly event: Envelope;
}

export interface FeedConsumer {
  readonly types: readonly EventType[];
  /** Those of which the effects depend on rows that earlier events of the same session made. */
  readonly reads: readonly EventType[];
  /** The changes of rows that follow. Asked again, with the rows as they then are, if somebody else changed one of them meanwhile. */
  effects(fed: FedEvent): Promise<readonly ResourceChange[]>;
  /** Some were committed. */
  committed?(): void;
}

export interface FeedParts {
  readonly homes: readonly FedHome[];
  readonly control: Resources;
  readonly consumers: readonly FeedConsumer[];
  /** Between two looks, ms. */
  readonly everyMs: number;
  readonly now: () => number;
  readonly report: (what: string, error: unknown) => void;
  /** A line for the operator. */
  readonly log: (line: string) => void;
}

export interface Feed {
  /** Settles once all that was committed before the call has taken effect. Fails if that cannot be. */
  caughtUp(): Promise<void>;
  close(): Promise<void>;
}

/** Events of one read. */
const PAGE = 200;
/** Positions without an effect after which the place is noted all the same, and the time, ms. */
export const NOTE_EVERY = 5_000;
export const NOTE_MS = 5_000;
/** Of nobody: rows of the follower itself. */
const NOBODY = '*' as TenantId;
/** As operators are told of it. */
const FOLLOWING = 'following the log';
/** Times that a commit is tried again because somebody else changed a row. */
const TRIES = 8;

interface Place {
  readonly row: ResourceRow | null;
  readonly position: number;
}

export function followFeed(parts: FeedParts): Feed {
  const { homes, control, consumers } = parts;
  const codes = [...new Set(consumers.flatMap(({ types }) => types.map(type => EVENT_CODES[type])))];
  const places = new Map<string, Place>();
  /** How far was looked, noted or not. */
  const seen = new Map<string, number>();
  /** When the place was last noted, ms since 1970. */
  const notedAt = new Map<string, number>();
  const began = parts.now();
  let closed = false;
  let passing: Promise<void> | null = null;

  async function placeOf(home: FedHome): Promise<Place> {
    const known = places.get(home.home);
    if (known !== undefined) return known;
    const row = await control.resource('cursor', NOBODY, cursorId(home));
    const position = row === null ? 0 : (JSON.parse(row.body) as { readonly position: number }).position;
    const place = { row, position };
    places.set(home.home, place);
    return place;
  }

  /** False if somebody else changed a row: then nothing was done. */
  async function commit(home: FedHome, changes: readonly ResourceChange[], position: number): Promise<boolean> {
    const { row } = await placeOf(home);
    const moved: ResourceRow = {
      kind: 'cursor',
      tenant: NOBODY,
      id: cursorId(home),
      parent: null,
      version: (row?.version ?? 0) + 1,
      createdAt: row?.createdAt ?? parts.now(),
      wakeAt: null,
      body: JSON.stringify({ position }),
    };
    try {
      const done = await control.changeResources([...changes, { op: 'put', row: moved }], null);
      if (done) places.set(home.home, { row: moved, position });
      else places.delete(home.home);
      if (done) notedAt.set(home.home, parts.now());
      if (done && changes.length > 0) for (const one of consumers) one.committed?.();
      return done;
    } catch (error) {
      // Whether it was made is not known: the store says.
      places.delete(home.home);
      throw error;
    }
  }

  /** All up to there has taken effect. */
  async function passed(home: FedHome, position: number): Promise<void> {
    seen.set(home.home, position);
    const ahead = position - (await placeOf(home)).position;
    const since = parts.now() - (notedAt.get(home.home) ?? began);
    if (ahead >= NOTE_EVERY || (ahead > 0 && since >= NOTE_MS)) await commit(home, [], position);
  }

  async function noteEnd(home: FedHome): Promise<void> {
    const position = seen.get(home.home) ?? 0;
    if (position > (await placeOf(home)).position) await commit(home, [], position);
  }

  async function effectsOf(fed: FedEvent): Promise<readonly ResourceChange[]> {
    const all: ResourceChange[] = [];
    for (const one of consumers) if (one.types.includes(fed.event.type)) all.push(...(await one.effects(fed)));
    return all;
  }

  /** One event by itself: as many commits as its changes need, the place noted with the last. */
  async function alone(fed: FedEvent, before: number): Promise<void> {
    for (let tries = 0; tries < TRIES; tries++) {
      const changes = await effectsOf(fed);
      const fits = changes.length < MAX_RESOURCE_CHANGES;
      const part = changes.slice(0, MAX_RESOURCE_CHANGES - 1);
      const done = await commit(fed.home, part, fits ? fed.position : before);
      if (done && fits) return;
      // What was made of a long list is not asked for again.
      if (done) tries = -1;
    }
    throw new Error('rows that follow an event are changed by somebody else all the time');
  }

  /** @param begun ms since 1970: when the pass did */
  async function followHome(home: FedHome, begun: number): Promise<void> {
    for (;;) {
      if (closed) return;
      const { position: after } = await placeOf(home);
      const from = Math.max(after, seen.get(home.home) ?? 0);
      const { rows, to } = await home.heads({ codes, after: from, limit: PAGE });
      if (rows.length > 0)
        await followRows(
          home,
          rows.map(row => fedOf(home, row)),
          after,
        );
      // Ended in the middle of them: what was not looked at is not passed.
      if (closed) return;
      await passed(home, to);
      if (to === from) return;
      // An event from after the pass began comes after all that was there then: the next pass takes it up, or none would end under load.
      if ((rows.at(-1)?.at ?? 0) > begun) return;
    }
  }

  /** Neighbours that touch no row in common are one commit. */
  async function followRows(home: FedHome, events: readonly FedEvent[], from: number): Promise<void> {
    let pending: ResourceChange[] = [];
    let batch: FedEvent[] = [];
    let before = from;
    const flush = async (): Promise<void> => {
      const last = batch.at(-1);
      if (last === undefined) return;
      if (pending.length > 0 && !(await commit(home, pending, last.position)))
        for (const fed of batch) {
          await alone(fed, before);
          before = fed.position;
        }
      before = last.position;
      pending = [];
      batch = [];
    };
    for (const fed of events) {
      if (closed) return;
      const { session, type } = fed.event;
      const follows = batch.some(one => one.event.session === session);
      if (follows && consumers.some(({ reads }) => reads.includes(type))) await flush();
      let changes = await effectsOf(fed);
      const touched = new Set(pending.map(rowOf));
      if (pending.length + changes.length >= MAX_RESOURCE_CHANGES || changes.some(one => touched.has(rowOf(one)))) {
        await flush();
        changes = await effectsOf(fed);
      }
      if (changes.length >= MAX_RESOURCE_CHANGES) {
        await alone(fed, before);
        before = fed.position;
        continue;
      }
      pending.push(...changes);
      batch.push(fed);
    }
    await flush();
  }

  async function pass(): Promise<void> {
    const begun = parts.now();
    for (const home of homes) await followHome(home, begun);
  }

  function run(): Promise<void> {
    passing ??= pass().finally(() => {
      passing = null;
    });
    return passing;
  }

  /** What the last look failed with; null if it did not. It is said once, and once more when it is over: looks are many. */
  let failing: string | null = null;

  async function look(): Promise<void> {
    try {
      await run();
      if (failing !== null) parts.log(`${FOLLOWING}: it goes on`);
      failing = null;
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      if (why !== failing) parts.report(FOLLOWING, error);
      failing = why;
    }
  }

  const timer = setInterval(() => {
    if (!closed) void look();
  }, parts.everyMs);
  timer.unref();

  return {
    async caughtUp() {
      // One that is under way may have looked before the call.
      await passing?.catch(() => undefined);
      await run();
    },
    async close() {
      closed = true;
      clearInterval(timer);
      await passing?.catch(() => undefined);
      // Where that fails the last ones are looked at again.
      for (const home of homes) await noteEnd(home).catch(() => undefined);
    },
  };
}

function cursorId({ home }: FedHome): string {
  return `cur_feed_${home}`;
}

function rowOf(change: ResourceChange): string {
  return change.op === 'put' ? change.row.id : change.id;
}

const NOTHING = { epoch: 0, payload: null, salt: null, payloadDigest: null, digest: new Uint8Array(0) } as const;

function fedOf(home: FedHome, { position, tenant, session, kind, ...stored }: Head): FedEvent {
  return { home, position, kind, event: decodeEnvelope({ tenant, session }, { ...NOTHING, ...stored }) };
}
